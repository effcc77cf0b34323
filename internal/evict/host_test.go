package evict

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A store is a host as plain as can be: chained tables that grow bucket by bucket as Redis's do, and a ledger of what the
// records and tables would take.
type store struct {
	now     int64
	policy  Policy
	records []stored // by Ref
	free    []Ref
	spaces  []*space
	used    int64
	limit   int64 // that tables grow within
}

type stored struct {
	id     uint64
	state  uint32
	space  int
	expiry int64
	bytes  int64
}

type space struct{ all, volatile *chained }

func newStore(spaces int) *store {
	s := &store{records: make([]stored, 1), now: 1_700_000_000_000}
	for range spaces {
		s.spaces = append(s.spaces, &space{newChained(s), newChained(s)})
	}
	return s
}

func (s *store) clock() int64               { return s.now }
func (s *store) Spaces() int                { return len(s.spaces) }
func (s *store) ID(r Ref) uint64            { return s.records[r].id }
func (s *store) State(r Ref) uint32         { return s.records[r].state }
func (s *store) Expiry(r Ref) int64         { return s.records[r].expiry }
func (s *store) Used() int64                { return s.used }
func (s *store) record(r Ref) Record        { return Record{r, s.records[r].id, s.records[r].state} }
func (s *store) find(sp int, id uint64) Ref { return s.spaces[sp].all.Find(id) }

func (s *store) Keys(sp int, volatile bool) Keys {
	if volatile {
		return s.spaces[sp].volatile
	}
	return s.spaces[sp].all
}

// set makes a record; expiry 0 is none.
func (s *store) set(sp int, id uint64, bytes, expiry int64) Ref {
	ref := Ref(len(s.records))
	if n := len(s.free); n > 0 {
		ref, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.records = append(s.records, stored{})
	}
	s.records[ref] = stored{id: id, space: sp, bytes: bytes, expiry: expiry}
	s.records[ref].state = s.policy.Add(s.record(ref))
	s.used += bytes
	s.spaces[sp].all.add(id, ref)
	if expiry > 0 {
		s.spaces[sp].volatile.add(id, ref)
	}
	return ref
}

func (s *store) touch(ref Ref) { s.records[ref].state = s.policy.Touch(s.record(ref)) }

func (s *store) Drop(ref Ref) {
	s.policy.Remove(s.record(ref))
	r := &s.records[ref]
	s.used -= r.bytes
	s.spaces[r.space].all.remove(r.id, ref)
	if r.expiry > 0 {
		s.spaces[r.space].volatile.remove(r.id, ref)
	}
	*r = stored{}
	s.free = append(s.free, ref)
}

// chained is a table as Redis's dict is one.
type chained struct {
	s      *store
	refs   map[uint64]Ref
	tables [2][][]Ref
	moved  int
}

func newChained(s *store) *chained {
	s.used += 32
	return &chained{s: s, refs: map[uint64]Ref{}, tables: [2][][]Ref{make([][]Ref, 4), nil}}
}

func (c *chained) Len() int              { return len(c.refs) }
func (c *chained) Size(table int) uint64 { return uint64(len(c.tables[table])) }
func (c *chained) Moved() uint64         { return uint64(c.moved) }
func (c *chained) Find(id uint64) Ref    { return c.refs[id] }

func (c *chained) Bucket(dst []Ref, table int, i uint64) []Ref {
	return append(dst, c.tables[table][i]...)
}

func (c *chained) Sample(dst []Ref, n int, random *rand.Rand) []Ref {
	for range n {
		c.step()
	}
	return Run(dst, c, n, random)
}

func (c *chained) Random(random *rand.Rand) Ref { return Any(nil, c, random) }

// newest is the table that records are added to.
func (c *chained) newest() int {
	if c.tables[1] != nil {
		return 1
	}
	return 0
}

func (c *chained) bucket(table int, id uint64) *[]Ref {
	return &c.tables[table][mix(id)%uint64(len(c.tables[table]))]
}

func (c *chained) add(id uint64, ref Ref) {
	c.step()
	if c.tables[1] == nil && len(c.refs) >= len(c.tables[0]) {
		more := 16 * int64(len(c.tables[0]))
		if MayGrow(c.s.used, c.s.limit, more, uint64(len(c.refs)), c.Size(0)) {
			c.tables[1] = make([][]Ref, 2*len(c.tables[0]))
			c.s.used += more
		}
	}
	c.refs[id] = ref
	b := c.bucket(c.newest(), id)
	*b = append([]Ref{ref}, *b...)
}

func (c *chained) remove(id uint64, ref Ref) {
	delete(c.refs, id)
	for table := range c.tables {
		if c.tables[table] == nil {
			continue
		}
		if b := c.bucket(table, id); slices.Contains(*b, ref) {
			*b = slices.DeleteFunc(*b, func(r Ref) bool { return r == ref })
			return
		}
	}
}

// step moves one bucket while the table grows.
func (c *chained) step() {
	if c.tables[1] == nil {
		return
	}
	for _, ref := range c.tables[0][c.moved] {
		b := c.bucket(1, c.s.records[ref].id)
		*b = append([]Ref{ref}, *b...)
	}
	c.tables[0][c.moved] = nil
	if c.moved++; c.moved == len(c.tables[0]) {
		c.s.used -= int64(8 * len(c.tables[0]))
		c.tables[0], c.tables[1], c.moved = c.tables[1], nil, 0
	}
}

// settle moves the rest.
func (c *chained) settle() {
	for c.tables[1] != nil {
		c.step()
	}
}

// full returns a store of n records of space 0 under a policy, made at one moment.
func full(t testing.TB, k Kind, n int, expiry int64) *store {
	t.Helper()
	s := newStore(1)
	s.policy = New(k, s, Defaults(s.clock, 1))
	for i := range n {
		s.set(0, uint64(i), 100, expiry)
	}
	return s
}

// victims drops n records and returns their IDs.
func victims(t testing.TB, s *store, n int) []uint64 {
	t.Helper()
	var ids []uint64
	for range n {
		ref, ok := s.policy.Victim()
		if !ok {
			t.Fatalf("no victim after %d", len(ids))
		}
		ids = append(ids, s.records[ref].id)
		s.Drop(ref)
	}
	return ids
}
