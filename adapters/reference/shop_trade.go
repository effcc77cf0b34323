package reference

import (
	"strconv"
	"strings"
	"time"
)

// The parts of the shop that belong to trade: products, orders, stock, promotions, queues.

// productCache expires after an hour, give or take a fifth. KD065: a warm-up after a deploy wrote a fifth of it with one
// TTL, and all of that will go in the same two seconds.
func (s *shop) productCache(keys int) {
	burst := min(s.scale(burstProducts), keys)
	for i, k := range s.perm(keys) {
		at := s.in(1 + s.below(48*60_000+s.below(24*60_000)))
		if i < burst {
			at = s.in(29*60_000 + s.below(2000))
		}
		s.str(s.text("cache:product:P#", sku(int(k))), s.product(sku(int(k))), at)
	}
}

// product returns what the cache holds of a product: some 300 to 900 bytes.
func (s *shop) product(n int64) string {
	const blurb = "Made of solid oak and finished by hand with plant oil. Delivered flat, assembled in ten minutes, no tools needed. " +
		"The surface can be cleaned with a damp cloth. Please keep it away from radiators and direct sunlight. " +
		"Spare parts are available for ten years, and every sale plants a tree. Packed without plastic, returned free of charge. " +
		"Designed in a small workshop by the sea; no two pieces have the same grain. Tested for up to one hundred kilograms. " +
		"Goes well with the bench, the shelf and the lamp of the same series, which may be ordered together at a lower price. "
	return s.text(`{"sku":"P#","price":#,"stock":#,"text":"`, n, 199+100*s.below(400), s.below(500)) + blurb[:220+s.below(int64(len(blurb))-220)] + `"}`
}

// stock writes KD027 and KD025: one hash tag in every key, so that a cluster keeps all of them in one slot.
func (s *shop) stock(keys int) {
	for i := range keys {
		s.str(s.text("{shop}:stock:P#", sku(i)), s.text("#", s.below(500)), 0)
	}
}

// recent holds who looked at a product, by time. KD041: nobody trims it, and some products are popular.
func (s *shop) recent(keys int) {
	long := min(s.scale(longRecent), keys)
	for i := range keys {
		n := 3 + int(s.below(18))
		if i < long {
			n = 5_200 + 1_700*(i%4)
		}
		at, visitor := s.now/1000-int64(n)*40, s.below(20_000)
		s.ascending(s.text("recent:P#", sku(i)), n, func(int) (int64, string) {
			at += s.below(40)
			visitor += 1 + s.below(7)
			return at, s.text("v#", 100_000+visitor)
		})
	}
}

// orders writes KD010: numbers until a migration to UUIDs began.
func (s *shop) orders(keys int) {
	newer := min(s.scale(uuidOrders), keys)
	for i := range keys {
		key := s.text("order:#", orderID(i))
		if i >= keys-newer {
			key = "order:" + s.uuid()
		}
		s.hash(key, 0, "uid", s.text("#", uid(int(s.below(int64(s.users))))), "status", s.pick("paid", "packed", "sent", "done", "done"),
			"total", s.text("#", 499+s.below(40_000)), "items", s.text("#", 1+s.below(6)), "created", s.text("#", s.now/1000-s.below(90*86400)))
	}
}

// userOrders number the orders of a user. KD082: some users are gone.
func (s *shop) userOrders(keys int) {
	orphans := min(s.scale(orphanOrders), keys)
	deleted := max(1, s.users/20)
	for i := range orphans {
		s.str(s.text("order:#:#", gone(i%deleted), int64(1+i/deleted)), s.text("#", orderID(i)), 0)
	}
	users := s.perm(s.users)
	for i := range keys - orphans {
		s.str(s.text("order:#:#", uid(int(users[i/2])), int64(1+i%2)), s.text("#", orderID(i)), 0)
	}
}

// locks are held for 30 seconds at most. KD062: some were taken by SETNX without an expiry, and their owner died.
func (s *shop) locks(keys int) {
	persistent := min(s.scale(persistentLocks), keys)
	for i := range keys {
		at := s.fixed(30 * time.Second)
		if i < persistent {
			at = 0
		}
		s.str(s.text("lock:order:#", orderID(11*i)), s.hex(16), at)
	}
}

// promos hold for an hour. KD063: some were written with the milliseconds of an hour given to EXPIRE, which takes seconds.
func (s *shop) promos(keys int) {
	wrong := min(s.scale(promoMillis), keys)
	for i := range keys {
		at := s.fixed(time.Hour)
		if i < wrong {
			at += (3_600_000*time.Second - time.Hour).Milliseconds()
		}
		s.str("promo:"+s.code(i), s.text(`{"off":#,"min":#,"used":#}`, 5+5*s.below(6), 1000*s.below(10), s.below(200)), at)
	}
}

// code returns the i-th promotion code. No letter of it is a hexadecimal digit, so that no code looks like a number.
func (s *shop) code(i int) string {
	const letters = "GHJKMNPQRSTVWXYZ"
	var b [8]byte
	n := uint64(i)*0x9e3779b1 + s.seed // 28 bits of it are used, which an odd factor permutes: no two codes are equal
	for j := 0; j < len(b); j += 2 {
		b[j], b[j+1] = letters[n&15], '2'+byte(n>>4&7)
		n >>= 7
	}
	return string(b[:])
}

// leaderboards rank reviewers week by week, and are trimmed.
func (s *shop) leaderboards(keys int) {
	boards := []string{"books", "garden", "kitchen", "music", "office", "sports", "toys", "travel"}
	for i := range keys {
		year, week := time.UnixMilli(s.now).UTC().AddDate(0, 0, -7*(i/len(boards))).ISOWeek()
		score := int64(0)
		key := "lb:" + boards[i%len(boards)] + s.text(":#-W", int64(year)) + twoDigits(week)
		n := 20 + int(s.below(60))
		if i%8 == 0 {
			n = 300
		}
		reviewer := int(s.below(int64(s.users)))
		s.ascending(key, min(n, s.users), func(i int) (int64, string) {
			score += 1 + s.below(40)
			return score, s.text("#", uid((reviewer+i)%s.users))
		})
	}
}

func twoDigits(n int) string { return strconv.Itoa(100 + n)[1:] }

// flags switch parts of the shop on and off.
func (s *shop) flags(keys int) {
	names := strings.Fields("address-lookup apple-pay audit-log basket-merge beta-banner bulk-order chat cookie-notice coupons dark-mode " +
		"eco-shipping express fast-search fraud-check free-returns gift-wrap guest-checkout heatmap image-zoom instalments invoice-pdf " +
		"klarna live-stock loyalty maintenance mini-cart newsletter-popup one-click outfit-builder paypal price-alert quick-view " +
		"recommendations referral reviews saved-cards size-advisor sms-updates social-login sticky-header store-pickup survey " +
		"tax-preview two-factor upsell vat-check video wishlist")
	for i := range keys {
		s.str("flag:"+names[i], s.pick("on", "off", "10", "50"), 0)
	}
}

// categories are the products of a category, by number; the larger ones outgrow an intset.
func (s *shop) categories(keys int) {
	names := []string{
		"audio", "baby", "bags", "bikes", "books", "cameras", "camping", "clothes", "coffee", "games", "garden", "gifts",
		"health", "jewels", "kitchen", "lamps", "music", "office", "pets", "shoes", "sports", "tools", "toys", "travel",
	}
	for i := range keys {
		n := 60 + 15*i
		if i%8 == 7 {
			n *= 5
		}
		var members []string
		product := s.below(50)
		for range n {
			members = append(members, s.text("#", sku(int(product))))
			product += 1 + s.below(20)
		}
		s.set("cat:"+names[i], members)
	}
}

// queues hold work for other services.
func (s *shop) queues(keys int) {
	names := []string{"mail", "ship", "index", "invoice", "refund", "webhook"}
	for i := range keys {
		s.list("q:"+names[i], 1+2400/(1+i*i), func(j int) []byte {
			return s.raw(`{"id":#,"order":#,"try":#}`, int64(90_000+j), orderID(int(s.below(4000))), s.below(3))
		})
	}
}

// feed writes KD041: every sale is pushed to one list, and nothing is taken away.
func (s *shop) feed(int) {
	s.list("feed:global", 60_000, func(i int) []byte {
		return s.raw(`{"at":#,"p":"P#","q":#}`, s.now/1000-int64(60_000-i)*7, sku(int(s.below(30_000))), 1+s.below(3))
	})
}

// reports writes KD040: a day's sales as one string of 1.2 MiB.
func (s *shop) reports(keys int) {
	const size = 12 << 20 / 10
	for i := range keys {
		date := time.UnixMilli(s.now).UTC().AddDate(0, 0, -1-i).Format(time.DateOnly)
		line := s.text("P#;#;#;"+date+"\n", sku(int(s.below(30_000))), 1+s.below(9), 199+s.below(9000))
		s.str("report:daily:"+date, strings.Repeat(line, size/len(line)+1)[:size], 0)
	}
}

// numbers writes KD001: keys without any namespace, from a script of long ago.
func (s *shop) numbers(keys int) {
	n := int64(180_000)
	for range keys {
		n += 1 + s.below(60)
		s.str(s.text("#", n), s.pick("1", "done", "ok", "0"), 0)
	}
}

// temporary writes KD013: what tests, imports and repairs left behind, in no template anybody could name.
func (s *shop) temporary(keys int) {
	who := []string{"jw", "ops", "import", "fix", "qa", "migrate", "bench", "old", "batch", "data"}
	what := []string{"carts", "skus", "users", "mail", "prices", "stock", "tax", "feed", "images", "stats", "vat"}
	for i := range keys {
		n := int64(i)
		key := "tmp:"
		switch a, b := who[i%len(who)], what[i/7%len(what)]; i % 6 {
		case 0:
			key += s.text(a+":"+b+":#", n)
		case 1:
			key += s.text(a+"-"+b+"-#", n)
		case 2:
			key += s.text(b+"_#_"+a, n)
		case 3:
			key += s.text(a+"#:"+b, n)
		case 4:
			key += s.text(b+":"+a+".#.bak", n)
		default:
			key += s.text("x#", n)
		}
		s.str(key, s.hex(8+int(s.below(24))), 0)
	}
}
