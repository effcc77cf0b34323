package keydesign

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A writer draws what a key has left, in seconds.
type writer func(rng *rand.Rand) float64

func fixed(ttl float64) writer { return func(rng *rand.Rand) float64 { return ttl * rng.Float64() } }

// jittered sets TTLs that differ by a share of their middle.
func jittered(ttl, by float64) writer {
	return func(rng *rand.Rand) float64 { return ttl * (1 - by + 2*by*rng.Float64()) * rng.Float64() }
}

// slides renews the TTL at each access, gap apart on average.
func slides(ttl, gap float64) writer {
	return func(rng *rand.Rand) float64 {
		for {
			if left := ttl - gap*rng.ExpFloat64(); left > 0 {
				return left
			}
		}
	}
}

// grows has traffic that doubles within the TTL.
func grows(ttl float64) writer {
	return func(rng *rand.Rand) float64 { return ttl * math.Log2(1+rng.Float64()) }
}

// seasonal has traffic that goes up and down each day.
func seasonal(ttl float64) writer {
	return func(rng *rand.Rand) float64 {
		for {
			if left := ttl * rng.Float64(); rng.Float64()*1.9 < 1+0.9*math.Sin(left/86400*2*math.Pi) {
				return left
			}
		}
	}
}

// mixed is another writer for a share of the keys.
func mixed(usual, other writer, share float64) writer {
	return func(rng *rand.Rand) float64 {
		if rng.Float64() < share {
			return other(rng)
		}
		return usual(rng)
	}
}

// burstAt writes at one moment: what is left is the same but for the time that the writing took.
func burstAt(left, took float64) writer {
	return func(rng *rand.Rand) float64 { return left + took*rng.Float64() }
}

// recent writes with a TTL since a while ago only.
func recent(ttl, since float64) writer {
	return func(rng *rand.Rand) float64 { return ttl - since*rng.Float64() }
}

var shapes = []struct {
	name  string
	write writer
	want  string // the rule that must fire, if any
}{
	{"fixed", fixed(3600), ""},
	{"fixed, a month", fixed(30 * 86400), ""},
	{"fixed, half a minute", fixed(30), ""},
	{"jittered", jittered(3600, 0.2), ""},
	{"jittered little", jittered(86400, 0.05), ""},
	{"sliding, rarely used", slides(1800, 900), ""},
	{"sliding, often used", slides(1800, 60), ""},
	{"sliding, polled", slides(86400, 30), ""},
	{"sliding, polled more often", slides(1800, 15), ""},
	{"sliding, a month", slides(30*86400, 3600), ""},
	{"growing", grows(7 * 86400), ""},
	{"seasonal", seasonal(7 * 86400), ""},
	{"seasonal, a day", seasonal(86400), ""},
	{"an hour and a day", mixed(fixed(3600), fixed(86400), 0.3), ""},
	{"any of many", mixed(jittered(600, 0.9), jittered(86400, 0.9), 0.5), ""},
	{"a minute and an hour, both often", mixed(fixed(60), fixed(3600), 0.5), ""},
	{"a fifth in two seconds", mixed(fixed(3600), burstAt(1800, 2), 0.2), "KD065"},
	{"a fifth in two seconds, jittered", mixed(jittered(3600, 0.2), burstAt(1740, 2), 0.2), "KD065"},
	{"a fifth in two seconds, a month", mixed(fixed(30*86400), burstAt(86400, 2), 0.2), "KD065"},
	{"all at midnight", burstAt(43200, 1), "KD065"},
	{"all of it just now", burstAt(3595, 3), "KD065"},
	{"milliseconds, since a deploy", mixed(fixed(3600), recent(3.6e6, 86400), 0.05), "KD063"},
	{"milliseconds, always", mixed(fixed(3600), fixed(3.6e6), 0.9), "KD063"},
	{"minutes for seconds", mixed(fixed(7*86400), fixed(7*86400/60.), 0.2), "KD063"},
	{"hours for seconds", mixed(fixed(86400), fixed(24), 0.2), "KD063"},
}

// Whatever the seed, the shapes of remaining times that ordinary writers make are not held against them, and the planted
// ones are, at every size from where the rules look.
func TestShapes(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for n, seeds := range map[int]uint64{1200: 20, 20_000: 5} { // many keys leave little to chance
				rs := family(n, format("k:%d"))
				for seed := range seeds {
					rng := rand.New(rand.NewPCG(seed, uint64(n)))
					expires := left(func(int) time.Duration { return time.Duration(s.write(rng) * float64(time.Second)) })
					for i := range rs {
						expires(&rs[i], i)
					}
					got := expiryRules(t, rs)
					if got != s.want {
						t.Fatalf("seed %d, %d keys: %q, want %q", seed, n, got, s.want)
					}
				}
			}
		})
	}
}

func expiryRules(t *testing.T, rs []kv.Record) string {
	got := ""
	_, fs := judged(t, nil, rs)
	for _, f := range fs {
		if f.Rule == "KD063" || f.Rule == "KD065" {
			got += f.Rule
		}
	}
	return got
}

// of2 makes the first n sets.
func of2(rs []kv.Record, n int) []kv.Record {
	for i := range n {
		rs[i].Type = kv.TypeSet
	}
	return rs
}

// Keys that expired second by second: a burst is one whose seconds hold far more than those beside them, and more than chance explains.
func TestFindBurst(t *testing.T) {
	even := func(n int64) []int64 {
		s := make([]int64, 60)
		for i := range s {
			s[i] = n + int64(i%3)
		}
		return s
	}
	with := func(s []int64, at int, n ...int64) []int64 {
		copy(s[at:], n)
		return s
	}
	for _, c := range []struct {
		name    string
		seconds []int64
		want    Burst
	}{
		{"even", even(500), Burst{}},
		{"none", make([]int64, 60), Burst{}},
		{"few keys", with(make([]int64, 60), 30, 900), Burst{}},
		{"at once", with(even(50), 30, 20000), Burst{From: 30, To: 31, Keys: 20000}},
		{"over two", with(even(50), 30, 9000, 8000), Burst{From: 30, To: 31, Keys: 9000}},
		{"at the beginning", with(even(50), 0, 20000), Burst{}},
		{"slowly", with(even(50), 30, 900, 1000, 1100, 1000, 900), Burst{}},
	} {
		got, ok := FindBurst(c.seconds)
		if ok != (c.want.Keys > 0) || ok && (got.From != c.want.From || got.To != c.want.To || got.Keys != c.want.Keys) {
			t.Errorf("%s: %+v, %v", c.name, got, ok)
		}
	}
}
