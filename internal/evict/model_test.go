package evict

import (
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestPoolIsASortedList compares the pool with a list that is sorted, whose worst leaves when it has more than 16.
func TestPoolIsASortedList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p pool
		var naive []candidate
		for i := range rapid.IntRange(1, 200).Draw(t, "steps") {
			if rapid.IntRange(0, 3).Draw(t, "what") == 0 {
				c, ok := p.take()
				if ok != (len(naive) > 0) || ok && c != naive[len(naive)-1] {
					t.Fatalf("took %v, %v of %v", c, ok, naive)
				}
				naive = naive[:max(0, len(naive)-1)]
				continue
			}
			c := candidate{id: uint64(i), score: rapid.Uint64Range(0, 12).Draw(t, "score")}
			p.offer(c)
			at := slices.IndexFunc(naive, func(o candidate) bool { return o.score >= c.score })
			if at < 0 {
				at = len(naive)
			}
			naive = slices.Insert(naive, at, c)
			naive = naive[max(0, len(naive)-16):]
			if !slices.Equal(p.at[:p.n], naive) {
				t.Fatalf("%v, want %v", p.at[:p.n], naive)
			}
		}
	})
}

// TestRunIsAdjacent: a sample is the records of a window of the table, in the order of the buckets, that ends where there are
// enough of them.
func TestRunIsAdjacent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newStore(1)
		s.policy = New(NoEviction, s, Defaults(s.clock, 1))
		n := rapid.IntRange(40, 600).Draw(t, "records")
		for i := range uint64(n) {
			s.set(0, i, 1, 0)
		}
		c := s.spaces[0].all
		c.settle()
		var order []Ref
		var bucket []uint64 // of each
		for i := range c.Size(0) {
			order = c.Bucket(order, 0, i)
			for len(bucket) < len(order) {
				bucket = append(bucket, i)
			}
		}
		got := Run(nil, c, 5, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
		if len(got) != 5 {
			t.Fatalf("%d records, want 5", len(got))
		}
		for i := 1; i < len(got); i++ {
			at := slices.Index(order, got[i-1])
			next := (at + 1) % n
			empty := (bucket[next] - bucket[at] - 1) % c.Size(0)
			if order[next] != got[i] && (bucket[next] == bucket[at] || empty < 6) {
				t.Fatalf("after %d came %d, and %d is %d buckets further", got[i-1], got[i], order[next], empty+1)
			}
		}
	})
}

// TestEveryRecordIsSampled, also while the table grows.
func TestEveryRecordIsSampled(t *testing.T) {
	for _, n := range []uint64{3, 100, 128, 150, 200} {
		s := newStore(1)
		s.policy = New(NoEviction, s, Defaults(s.clock, 1))
		for i := range n {
			s.set(0, i, 1, 0)
		}
		c, random := s.spaces[0].all, rand.New(rand.NewPCG(1, n))
		run, any := map[Ref]int{}, map[Ref]int{}
		for range 200 * n {
			for _, ref := range Run(nil, c, 5, random) {
				run[ref]++
			}
			any[Any(nil, c, random)]++
		}
		rare, growing := 0, c.tables[1] != nil
		for ref := Ref(1); ref <= Ref(n); ref++ {
			if run[ref] < 100 || any[ref] < 20 {
				rare++
			}
		}
		if growing && rare <= int(n)/25 {
			continue // what stands behind five others in the bucket of one number has to wait until they are moved
		}
		if rare > 0 {
			t.Errorf("%d records, growing %v: %d of them are hardly sampled: %v in runs, %v alone", n, growing, rare, run, any)
		}
		if any[0] > 0 {
			t.Errorf("%d times no record of %d", any[0], n)
		}
	}
}

// A naive policy keeps IDs in slices, the newest first.
type naive interface {
	add(id uint64)
	touch(id uint64)
	remove(id uint64)
	victim() uint64
}

// TestWhatIfPolicies compares each with a naive model of it.
func TestWhatIfPolicies(t *testing.T) {
	for kind, model := range map[Kind]func() naive{
		ExactLRU: func() naive { return &naiveLRU{} },
		S3FIFO:   func() naive { return &naiveS3{reads: map[uint64]int{}} },
		WTinyLFU: func() naive { return &naiveTiny{sketch: newSketch(minSketch)} },
	} {
		t.Run(kind.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) { compare(t, kind, model()) })
		})
	}
}

func compare(t *rapid.T, kind Kind, m naive) {
	s := newStore(1)
	s.policy = New(kind, s, Defaults(s.clock, 1))
	limit := rapid.IntRange(1, 150).Draw(t, "limit")
	seed := rapid.Uint64().Draw(t, "seed")
	r := rand.New(rand.NewPCG(seed, 1))
	for range rapid.IntRange(1, 2000).Draw(t, "steps") {
		id := uint64(r.ExpFloat64() * float64(limit))
		ref := s.find(0, id)
		switch {
		case ref == 0:
			s.set(0, id, 1, 0)
			m.add(id)
		case r.IntN(20) == 0:
			s.Drop(ref)
			m.remove(id)
		case r.IntN(20) == 0:
			move(s, ref)
		default:
			s.touch(ref)
			m.touch(id)
		}
		for s.spaces[0].all.Len() > limit {
			got, ok := s.policy.Victim()
			want := m.victim()
			if !ok || s.records[got].id != want {
				t.Fatalf("seed %d: dropped %d, want %d", seed, s.records[got].id, want)
			}
			s.Drop(got)
			m.remove(want)
		}
	}
}

// move gives a record another ref, as a host does that compacts its memory.
func move(s *store, from Ref) {
	to := Ref(len(s.records))
	s.policy.Move(s.record(from), to)
	r := s.records[from]
	s.records = append(s.records, r)
	s.records[from] = stored{}
	c := s.spaces[0].all
	c.remove(r.id, from)
	c.add(r.id, to)
}

func without(ids []uint64, id uint64) []uint64 {
	return slices.DeleteFunc(ids, func(x uint64) bool { return x == id })
}

func front(ids []uint64, id uint64) []uint64 { return slices.Insert(without(ids, id), 0, id) }

type naiveLRU struct{ ids []uint64 }

func (l *naiveLRU) add(id uint64)    { l.ids = front(l.ids, id) }
func (l *naiveLRU) touch(id uint64)  { l.ids = front(l.ids, id) }
func (l *naiveLRU) remove(id uint64) { l.ids = without(l.ids, id) }
func (l *naiveLRU) victim() uint64   { return l.ids[len(l.ids)-1] }

type naiveS3 struct {
	small, main, ghosts []uint64
	reads               map[uint64]int
}

func (s *naiveS3) add(id uint64) {
	s.reads[id] = 0
	if slices.Contains(s.ghosts, id) {
		s.ghosts = without(s.ghosts, id)
		s.main = front(s.main, id)
		return
	}
	s.small = front(s.small, id)
}

func (s *naiveS3) touch(id uint64) { s.reads[id] = min(3, s.reads[id]+1) }

func (s *naiveS3) remove(id uint64) {
	s.small, s.main = without(s.small, id), without(s.main, id)
}

func (s *naiveS3) victim() uint64 {
	for {
		if 10*len(s.small) < len(s.small)+len(s.main) {
			id := s.main[len(s.main)-1]
			if s.reads[id] == 0 {
				return id
			}
			s.reads[id]--
			s.main = front(s.main, id)
			continue
		}
		id := s.small[len(s.small)-1]
		if s.reads[id] <= 1 {
			s.ghosts = front(s.ghosts, id)
			s.ghosts = s.ghosts[:min(len(s.ghosts), len(s.main))]
			return id
		}
		s.reads[id] = 0
		s.small, s.main = without(s.small, id), front(s.main, id)
	}
}

// naiveTiny shares the sketch with what it is compared to; TestSketch is about that.
type naiveTiny struct {
	window, probation, protected []uint64
	sketch                       sketch
}

func (n *naiveTiny) len() int { return len(n.window) + len(n.probation) + len(n.protected) }

func (n *naiveTiny) add(id uint64) {
	n.sketch.fit(n.len() + 1)
	n.sketch.count(id)
	n.window = front(n.window, id)
	for len(n.window) > max(1, n.len()/100)+1 {
		last := n.window[len(n.window)-1]
		n.window, n.probation = without(n.window, last), front(n.probation, last)
	}
}

func (n *naiveTiny) touch(id uint64) {
	n.sketch.count(id)
	if slices.Contains(n.window, id) {
		n.window = front(n.window, id)
		return
	}
	n.probation, n.protected = without(n.probation, id), front(n.protected, id)
	if 10*len(n.protected) > 8*(len(n.probation)+len(n.protected)) {
		last := n.protected[len(n.protected)-1]
		n.protected, n.probation = without(n.protected, last), front(n.probation, last)
	}
}

func (n *naiveTiny) remove(id uint64) {
	n.window, n.probation, n.protected = without(n.window, id), without(n.probation, id), without(n.protected, id)
}

func (n *naiveTiny) victim() uint64 {
	all := slices.Concat(n.window, n.protected, n.probation) // least worth last
	victim := all[len(all)-1]
	if len(n.window) <= max(1, n.len()/100) {
		return victim
	}
	fresh := n.window[len(n.window)-1]
	if fresh == victim || n.sketch.estimate(fresh) <= n.sketch.estimate(victim) {
		return fresh
	}
	n.window, n.probation = without(n.window, fresh), front(n.probation, fresh)
	return victim
}

// TestSketch: no estimate is too small, few are too great, and all fall by half in time.
func TestSketch(t *testing.T) {
	const ids = 1000
	s := newSketch(1024)
	counted := make([]uint64, ids)
	r := rand.New(rand.NewPCG(1, 3))
	for range 5000 {
		id := min(ids-1, uint64(r.ExpFloat64()*100))
		s.count(id)
		counted[id]++
	}
	over := 0
	for id, n := range counted {
		got := s.estimate(uint64(id))
		if got < min(15, n) {
			t.Errorf("%d counted %d times, estimated %d", id, n, got)
		}
		if got > min(15, n) {
			over++
		}
	}
	if over > ids/50 {
		t.Errorf("%d of %d estimated too high", over, ids)
	}
	before := s.estimate(3)
	s.halve()
	if got := s.estimate(3); got != before/2 {
		t.Errorf("%d after %d", got, before)
	}
}
