package reference

import "github.com/kvtool/kvtool/kv"

// A family is the keys of one template of the shop.
type family struct {
	template string
	keys     int  // of DemoKeys
	settled  bool // does not grow with the shop: at most this many keys however many there are in all
	fill     func(s *shop, keys int)
}

// families lists the shop's templates. docs/demo.md says what they are for, and why the planted ones hurt. The first takes
// whatever the others leave over.
func families() []family {
	return []family{
		{"cache:product:{sku}", 30_000, false, (*shop).productCache},
		{"session:{sid}", 26_000, false, (*shop).sessions},
		{"idx:user:email:{hash}", 12_250, false, (*shop).emailIndex},
		{"user:{uid}:profile", 12_000, false, (*shop).profiles},
		{"cart:{uid}", 9_000, false, (*shop).carts},
		{"order:{uid}:{n}", 6_000, false, (*shop).userOrders},
		{"rl:api:{uid}:{minute}", 5_094, false, (*shop).rateLimits},
		{"order:{oid}", 4_900, false, (*shop).orders},
		{"{{shop}}:stock:{sku}", 3_000, false, (*shop).stock},
		{"promo:{code}", 2_520, false, (*shop).promos},
		{"wish:{uid}", 2_500, false, (*shop).wishes},
		{"user:{uid}/prefs", 2_000, false, (*shop).prefs},
		{"user:email:{address}", 1_500, false, (*shop).clearEmails},
		{"tmp:…", 1_300, false, (*shop).temporary},
		{"recent:{sku}", 1_200, false, (*shop).recent},
		{"{number}", 310, false, (*shop).numbers},
		{"lock:order:{oid}", 240, false, (*shop).locks},
		{"lb:{board}:{week}", 104, true, (*shop).leaderboards},
		{"flag:{name}", 48, true, (*shop).flags},
		{"cat:{name}", 24, true, (*shop).categories},
		{"q:{name}", 6, true, (*shop).queues},
		{"report:daily:{date}", 3, true, (*shop).reports},
		{"feed:global", 1, true, (*shop).feed},
	}
}

// A Fault is something planted in the shop that a rule must find.
type Fault struct {
	Rule     string // KD061
	Template string // as families writes it; for a rule on two templates, the one at fault
	Keys     int    // keys at fault, of DemoKeys
	Error    bool   // the finding is an error, not a warning
	Later    bool   // needs a schema, a cluster, references or values: a plain audit does not find it
}

// Faults lists what is planted in the shop. A plain audit of demo: finds an error or a warning of each rule that is not
// Later, and none of any other rule.
func Faults() []Fault {
	return []Fault{
		{Rule: "KD001", Template: "{number}", Keys: 310},
		{Rule: "KD002", Template: "user:{uid}/prefs", Keys: 2_000},
		{Rule: "KD009", Template: "user:email:{address}", Keys: 1_500},
		{Rule: "KD010", Template: "order:{oid}", Keys: uuidOrders},
		{Rule: "KD013", Template: "tmp:…", Keys: 1_300, Later: true},
		{Rule: "KD025", Template: "{{shop}}:stock:{sku}", Keys: 3_000, Later: true},
		{Rule: "KD027", Template: "{{shop}}:stock:{sku}", Keys: 3_000, Error: true, Later: true},
		{Rule: "KD040", Template: "report:daily:{date}", Keys: 3, Error: true},
		{Rule: "KD041", Template: "feed:global", Keys: 1},
		{Rule: "KD041", Template: "recent:{sku}", Keys: longRecent},
		{Rule: "KD042", Template: "feed:global", Keys: 1, Error: true, Later: true},
		{Rule: "KD049", Template: "session:{sid}", Keys: stringSessions, Error: true},
		{Rule: "KD061", Template: "cart:{uid}", Keys: persistentCarts, Error: true},
		{Rule: "KD062", Template: "lock:order:{oid}", Keys: persistentLocks, Error: true},
		{Rule: "KD063", Template: "promo:{code}", Keys: promoMillis, Error: true},
		{Rule: "KD065", Template: "cache:product:{sku}", Keys: burstProducts},
		{Rule: "KD081", Template: "idx:user:email:{hash}", Keys: danglingEmails, Error: true, Later: true},
		{Rule: "KD082", Template: "order:{uid}:{n}", Keys: orphanOrders, Later: true},
		{Rule: "KD083", Template: "idx:user:email:{hash}", Keys: staleEmails, Later: true},
	}
}

// How many keys of a template are at fault, of DemoKeys.
const (
	uuidOrders      = 900
	longRecent      = 4
	stringSessions  = 35
	persistentCarts = 640
	persistentLocks = 7
	promoMillis     = 120
	burstProducts   = 6_000
	danglingEmails  = 210
	orphanOrders    = 500
	staleEmails     = 40
)

// A shop is a generator that knows how large its shop is.
type shop struct {
	*generator
	keys  int // in all
	users int // with a profile
}

// fillShop fills g with a shop of the given number of keys. Families and faults grow with it, each at least to one key.
func fillShop(g *generator, keys int) error {
	s := &shop{generator: g, keys: keys}
	all := families()
	counts := make([]int, len(all))
	rest := keys
	for i, f := range all {
		counts[i] = s.scale(f.keys)
		if f.settled {
			counts[i] = min(counts[i], f.keys)
		}
		if f.template == "user:{uid}:profile" {
			s.users = counts[i]
		}
		if i > 0 {
			rest -= counts[i]
		}
	}
	counts[0] = rest
	if rest < 1 {
		return kv.WithHint(kv.Usagef("a shop cannot have as few as %d keys", keys), "its faults show from about 12,000 keys on")
	}
	for i, f := range all {
		s.stream(f.template)
		f.fill(s, counts[i])
	}
	return nil
}

// scale returns how many keys n of DemoKeys are in this shop.
func (s *shop) scale(n int) int { return max(1, int(int64(n)*int64(s.keys)/DemoKeys)) }

// uid returns the number of the k-th user. Every 21st number belonged to an account that is gone.
func uid(k int) int64 { return 10_001 + int64(k) + int64(k)/20 }

// gone returns the number of the j-th account that was deleted.
func gone(j int) int64 { return 10_021 + 21*int64(j) }

// sku returns the number on the i-th product.
func sku(i int) int64 { return 1_000_003 + 7*int64(i) }

// orderID returns the number of the i-th order.
func orderID(i int) int64 { return 700_001 + 3*int64(i) }

// pick returns one of words.
func (s *shop) pick(words ...string) string { return words[s.below(int64(len(words)))] }
