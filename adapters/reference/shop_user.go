package reference

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// The parts of the shop that belong to users: accounts, sessions, carts, rate limits.

const day = 24 * time.Hour

// name returns the first and the last name of user u.
func name(u int64) (first, last string) {
	f := [...]string{"anna", "ben", "carla", "david", "elif", "felix", "greta", "henry", "ines", "jonas", "kira", "leon", "mara", "noah", "olga", "paul"}
	l := [...]string{"arnold", "becker", "costa", "dietrich", "evans", "fischer", "garcia", "hoffmann", "ivanov", "jensen", "keller", "lopez", "meyer"}
	return f[u%int64(len(f))], l[u/16%int64(len(l))]
}

// email returns the address of user u.
func email(u int64) string {
	first, last := name(u)
	return first + "." + last + strconv.FormatInt(u, 10) + "@" + [...]string{"example.com", "example.org", "example.net"}[u%3]
}

// profiles writes the accounts, the parents that indexes, orders and sessions refer to.
func (s *shop) profiles(keys int) {
	for k := range keys {
		u := uid(k)
		first, last := name(u)
		s.hash(s.text("user:#:profile", u), 0,
			"name", first+" "+last, "email", email(u), "country", s.pick("DE", "FR", "GB", "IT", "NL", "PL", "US"),
			"created", s.text("#", s.now/1000-s.below(900*86400)), "tier", s.pick("basic", "basic", "plus"), "newsletter", s.text("#", s.below(2)))
	}
}

// prefs writes KD002: a slash where every other template of a user has a colon.
func (s *shop) prefs(keys int) {
	for _, k := range s.perm(s.users)[:keys] {
		s.hash(s.text("user:#/prefs", uid(int(k))), 0,
			"theme", s.pick("light", "dark"), "lang", s.pick("de", "en", "fr"), "currency", s.pick("EUR", "GBP", "USD"))
	}
}

// emailIndex writes for each account hash of the address -> user. KD083: some accounts have another address by now, and the
// entry of the old one was left. KD081: some accounts are gone, and their entry was left.
func (s *shop) emailIndex(keys int) {
	dangling, stale := s.scale(danglingEmails), s.scale(staleEmails)
	entry := func(address string, u int64) {
		sum := sha256.Sum256([]byte(address))
		s.str("idx:user:email:"+hex.EncodeToString(sum[:16]), s.text("#", u), 0)
	}
	for j := range dangling {
		entry(email(gone(j)), gone(j))
	}
	for k := range stale {
		entry(s.text("old#@example.com", uid(k)), uid(k))
	}
	for k := range keys - dangling - stale {
		entry(email(uid(k)), uid(k))
	}
}

// clearEmails writes KD009: the index from before addresses were hashed, never removed.
func (s *shop) clearEmails(keys int) {
	for _, k := range s.perm(s.users)[:keys] {
		s.str("user:email:"+email(uid(int(k))), s.text("#", uid(int(k))), 0)
	}
}

// sessions slide: 30 minutes from the last access. KD049: some were written as strings, by a service that was rolled back.
func (s *shop) sessions(keys int) {
	agents := []string{"Firefox/134.0", "Chrome/131.0", "Safari/18.2", "shop-ios/5.12", "shop-android/5.12"}
	wrong := s.scale(stringSessions)
	for i := range keys {
		key, at := "session:"+s.uuid(), s.sliding(30*time.Minute)
		u := uid(int(s.below(int64(s.users))))
		if i%(keys/wrong) == 0 && i/(keys/wrong) < wrong {
			s.str(key, s.text(`{"uid":#,"csrf":"`, u)+s.hex(32)+`"}`, at)
			continue
		}
		seen := at/1000 - 1800
		s.hash(key, at, "uid", s.text("#", u), "csrf", s.hex(32), "created", s.text("#", seen-s.below(7200)), "seen", s.text("#", seen),
			"agent", s.pick(agents...))
	}
}

// carts slide too: 14 days. KD061: a deploy lost the expiry of some.
func (s *shop) carts(keys int) {
	persistent := s.scale(persistentCarts)
	for i, k := range s.perm(s.users)[:keys] {
		at := s.sliding(14 * day)
		if i < persistent {
			at = 0
		}
		s.fields = s.fields[:0]
		product := s.below(1000)
		for range 1 + s.below(6) {
			s.fields = append(s.fields, s.text("P#", sku(int(product))), s.text("#", 1+s.below(4)))
			product += 1 + s.below(900)
		}
		s.hash(s.text("cart:#", uid(int(k))), at, s.fields...)
	}
}

// wishes are sets of products.
func (s *shop) wishes(keys int) {
	var members []string
	for _, k := range s.perm(s.users)[:keys] {
		members = members[:0]
		product := s.below(1000)
		for range 1 + s.below(6) {
			members = append(members, s.text("P#", sku(int(product))))
			product += 1 + s.below(900)
		}
		s.set(s.text("wish:#", uid(int(k))), members)
	}
}

// rateLimits count the calls of a user in a minute. The first call sets two minutes, which nothing renews.
func (s *shop) rateLimits(keys int) {
	for _, k := range s.perm(s.users)[:keys] {
		at := s.fixed(2 * time.Minute)
		first := at/1000 - 120
		s.str(s.text("rl:api:#:#", uid(int(k)), first-first%60), s.text("#", 1+s.below(60)), at)
	}
}
