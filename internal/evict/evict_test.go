package evict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

var redisKinds = []Kind{AllKeysLRU, AllKeysLFU, AllKeysRandom, VolatileLRU, VolatileLFU, VolatileRandom, VolatileTTL}

var whatIf = []Kind{ExactLRU, WTinyLFU, S3FIFO}

func TestParseKind(t *testing.T) {
	for i := range kindNames {
		if k, err := ParseKind(Kind(i).String()); err != nil || k != Kind(i) {
			t.Errorf("%s: %v, %v", Kind(i), k, err)
		}
	}
	if k, err := ParseKind("AllKeys-LRU"); err != nil || k != AllKeysLRU {
		t.Errorf("%v, %v", k, err)
	}
	if _, err := ParseKind("lru"); err == nil {
		t.Error("lru is a policy")
	}
}

// A script is a host whose samples are written down: it is out of them when every record was sampled.
type script struct {
	samples [][]Ref
	states  map[Ref]uint32
	gone    map[Ref]bool
	asked   int
}

func (s *script) Spaces() int           { return 1 }
func (s *script) Keys(int, bool) Keys   { return s }
func (s *script) ID(r Ref) uint64       { return uint64(r) }
func (s *script) State(r Ref) uint32    { return s.states[r] }
func (s *script) Expiry(Ref) int64      { return 0 }
func (s *script) Len() int              { return len(s.samples) }
func (s *script) Random(*rand.Rand) Ref { return 0 }
func (s *script) Find(id uint64) Ref {
	if s.gone[Ref(id)] {
		return 0
	}
	return Ref(id)
}

func (s *script) Sample(dst []Ref, n int, _ *rand.Rand) []Ref {
	dst = append(dst, s.samples[0]...)
	s.samples = s.samples[1:]
	s.asked = n
	return dst
}

// TestPoolSurvives: what was sampled for one eviction is a candidate of the next ones; what is gone by then is passed over, and
// what was accessed meanwhile is dropped all the same, since nobody looks again.
func TestPoolSurvives(t *testing.T) {
	const now = 1_700_000_000_000
	idle := func(seconds uint32) uint32 { return LRUClock(now) - seconds }
	h := &script{
		samples: [][]Ref{{1, 2, 3}, {4}, {5}, {6}},
		states:  map[Ref]uint32{1: idle(10), 2: idle(30), 3: idle(20), 4: idle(5), 5: idle(4), 6: idle(3)},
		gone:    map[Ref]bool{},
	}
	p := New(AllKeysLRU, h, Defaults(func() int64 { return now }, 1))
	for _, want := range []Ref{2, 3, 4} {
		if got, ok := p.Victim(); !ok || got != want {
			t.Fatalf("victim %d, want %d", got, want)
		}
		h.gone[want], h.gone[1] = true, true // 1 is deleted by somebody else
		if want == 3 {
			h.states[4] = idle(0) // too late
		}
	}
	if h.asked != 5 {
		t.Errorf("%d samples asked for, and maxmemory-samples is 5", h.asked)
	}
}

// TestPoolNamesKeys: a key that is deleted and made again is dropped for how long its forerunner was idle.
func TestPoolNamesKeys(t *testing.T) {
	s := full(t, AllKeysLRU, 1, 0)
	s.now += 100_000
	for id := uint64(1); id < 5; id++ {
		s.set(0, id, 100, 0)
	}
	if got := victims(t, s, 1); got[0] != 0 {
		t.Fatalf("dropped %d, and 0 is the oldest", got)
	}
	s.now += 100_000
	pool := &s.policy.(*sampled).pool
	if pool.n != 4 {
		t.Fatalf("%d candidates are left, want 4", pool.n)
	}
	next := pool.at[3].id
	s.Drop(s.find(0, next))
	s.set(0, next, 100, 0)
	pool.at[3].score = math.MaxUint64 // whatever else is sampled
	if got := victims(t, s, 1); got[0] != next {
		t.Errorf("dropped %d, want the new record of key %d", got, next)
	}
}

// TestTies: records of the same second are dropped in no order that has to do with when they were made.
func TestTies(t *testing.T) {
	const n = 20_000
	s := full(t, AllKeysLRU, n, 0)
	mean := 0.0
	for _, id := range victims(t, s, n/10) {
		mean += float64(id) / (n / 10)
	}
	// The mean of so many uniform draws has a standard deviation of n/√12/√2000 = 129.
	if off := math.Abs(mean - n/2); off > 5*129 {
		t.Errorf("the mean victim is number %.0f of %d", mean, n)
	}
}

// TestOldestGo: with time between accesses, the victims are among the oldest, and nearer to them with more samples.
func TestOldestGo(t *testing.T) {
	share := func(samples int) float64 {
		const n = 5000
		s := newStore(1)
		o := Defaults(s.clock, 1)
		o.Samples = samples
		s.policy = New(AllKeysLRU, s, o)
		for i := range uint64(n) {
			s.now += 1000
			s.set(0, i, 100, 0)
		}
		old := 0.0
		for _, id := range victims(t, s, n/5) {
			if id < n/5 {
				old++
			}
		}
		return old / (n / 5)
	}
	three, ten := share(3), share(10)
	if three < 0.35 || ten < three || ten < 0.7 {
		t.Errorf("of the oldest fifth %.2f were dropped with 3 samples, %.2f with 10", three, ten)
	}
}

func TestVolatile(t *testing.T) {
	for _, k := range redisKinds {
		s := newStore(1)
		s.policy = New(k, s, Defaults(s.clock, 1))
		for i := range uint64(1000) {
			expiry := int64(0)
			if i%10 == 0 {
				expiry = s.now + int64(i)
			}
			s.set(0, i, 100, expiry)
		}
		want := 1000
		if k.Volatile() {
			want = 100
		}
		for _, id := range victims(t, s, want) {
			if k.Volatile() && id%10 != 0 {
				t.Errorf("%s dropped %d, which has no TTL", k, id)
			}
		}
		if _, ok := s.policy.Victim(); ok {
			t.Errorf("%s has a victim after all %d", k, want)
		}
	}
}

// TestSoonestGo: volatile-ttl drops what expires first, as far as samples of it tell.
func TestSoonestGo(t *testing.T) {
	const n = 2000
	s := newStore(1)
	s.policy = New(VolatileTTL, s, Defaults(s.clock, 1))
	for i := range int64(n) {
		s.set(0, uint64(i), 100, s.now+1+i)
	}
	soon := 0
	for _, id := range victims(t, s, n/10) {
		if id < n/10 {
			soon++
		}
	}
	if soon < n/10/4 { // of random ones it would be a tenth
		t.Errorf("%d of the %d that expire first were dropped", soon, n/10)
	}
}

// TestRarelyUsedGo: allkeys-lfu keeps what was used often, however long ago within a minute.
func TestRarelyUsedGo(t *testing.T) {
	s := full(t, AllKeysLFU, 1000, 0)
	for id := range uint64(100) {
		for range 200 {
			s.touch(s.find(0, id))
		}
	}
	for _, id := range victims(t, s, 500) {
		if id < 100 {
			t.Errorf("dropped %d, which was used 200 times", id)
		}
	}
}

// TestSpaces: random policies take the spaces in turn; the others look into all before they choose.
func TestSpaces(t *testing.T) {
	s := newStore(4)
	s.policy = New(AllKeysRandom, s, Defaults(s.clock, 1))
	for i := range uint64(40) {
		s.set(int(i%2)*2, i, 100, 0) // spaces 0 and 2
	}
	for i, id := range victims(t, s, 10) {
		if want := uint64(1 - i%2); id%2 != want {
			t.Errorf("victim %d is of space %d", i, id%2*2)
		}
	}
	s = newStore(3)
	s.policy = New(AllKeysLRU, s, Defaults(s.clock, 1))
	s.set(2, 7, 100, 0)
	s.now += 5000
	for i := range uint64(50) {
		s.set(0, 100+i, 100, 0)
	}
	if got := victims(t, s, 1); got[0] != 7 {
		t.Errorf("dropped %d, and the oldest is 7 of another space", got)
	}
}

func TestSameSeedSameVictims(t *testing.T) {
	for _, k := range append(slices.Clone(redisKinds), whatIf...) {
		run := func(seed uint64) []uint64 {
			s := newStore(2)
			s.policy = New(k, s, Defaults(s.clock, seed))
			r := rand.New(rand.NewPCG(5, 5))
			for i := range uint64(500) {
				s.now += 700
				s.set(int(i%2), i, 100, s.now+r.Int64N(1e6))
				if ref := s.find(int(i/2%2), r.Uint64N(i+1)); ref != 0 {
					s.touch(ref)
				}
			}
			return victims(t, s, 300)
		}
		if !slices.Equal(run(1), run(1)) {
			t.Errorf("%s: two runs with a seed differ", k)
		}
		if slices.Equal(run(1), run(2)) != k.WhatIf() {
			t.Errorf("%s: the seed matters: %v", k, k.WhatIf())
		}
	}
}

func TestReclaim(t *testing.T) {
	s := full(t, AllKeysLRU, 1000, 0)
	s.spaces[0].all.settle()
	if got := Reclaim(s.policy, s, 0, nil); got != Within || len(s.spaces[0].all.refs) != 1000 {
		t.Errorf("without a limit: %v", got)
	}
	limit := s.Used() - 2950
	if got := Reclaim(s.policy, s, limit, nil); got != Within || len(s.spaces[0].all.refs) != 970 {
		t.Errorf("2,950 bytes too much: %v, %d records are left", got, len(s.spaces[0].all.refs))
	}
	late := 0
	got := Reclaim(s.policy, s, limit-10_000, func() bool { late++; return late == 3 })
	if left := len(s.spaces[0].all.refs); got != Running || left != 970-48 {
		t.Errorf("with time for three rounds of 16: %v, %d records are left", got, left)
	}
	if got := Reclaim(s.policy, s, 1, nil); got != Failed || len(s.spaces[0].all.refs) != 0 {
		t.Errorf("a limit below the tables: %v", got)
	}
	s = full(t, NoEviction, 10, 0)
	if got := Reclaim(s.policy, s, s.Used()-1, nil); got != Failed {
		t.Errorf("noeviction: %v", got)
	}
}

// TestGrowthEvicts: the new table of a resize is charged at once, and evicts a burst.
func TestGrowthEvicts(t *testing.T) {
	s := full(t, AllKeysLRU, 1024, 0)
	s.spaces[0].all.settle()
	limit := s.Used() + 50
	s.set(0, 5000, 100, 0)
	if got := Reclaim(s.policy, s, limit, nil); got != Within {
		t.Fatal(got)
	}
	// A table of 2048 buckets, and the record: 16,434 bytes above the limit.
	if left := len(s.spaces[0].all.refs); left != 1025-165 {
		t.Errorf("%d records are left, want %d", left, 1025-165)
	}
}

func TestMayGrow(t *testing.T) {
	for _, c := range []struct {
		used, limit, more int64
		records           uint64
		want              bool
	}{
		{1000, 0, 1 << 40, 64, true},
		{1000, 2000, 1000, 64, true},
		{1000, 2000, 1001, 64, false},
		{1000, 2000, 1001, 103, false},
		{1000, 2000, 1001, 104, true}, // 1.625 a bucket
	} {
		if got := MayGrow(c.used, c.limit, c.more, c.records, 64); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	for _, c := range []struct {
		tenacity int
		want     time.Duration
	}{
		{0, 0},
		{1, 50 * time.Microsecond},
		{10, 500 * time.Microsecond},
		{11, 575 * time.Microsecond},
		{99, 127_000 * time.Millisecond}, // "about 2 minutes" in the source
		{100, math.MaxInt64},
	} {
		if got := TimeLimit(c.tenacity); got != c.want && (c.tenacity != 99 || got < 90*time.Second || got > 130*time.Second) {
			t.Errorf("tenacity %d: %s, want %s", c.tenacity, got, c.want)
		}
	}
}
