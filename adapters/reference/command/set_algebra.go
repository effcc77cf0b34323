package command

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

// readSets opens sets to read them. It answers WRONGTYPE itself.
func readSets(c *engine.Call, keys [][]byte) (sets []value.Set, ok bool) {
	sets = make([]value.Set, len(keys))
	for i, key := range keys {
		if sets[i], ok = readSet(c, key); !ok {
			return nil, false
		}
	}
	return sets, true
}

// storeSet puts a result at a key, which is deleted if there are no members, and answers their number.
func storeSet(c *engine.Call, v *value.Set, key []byte, event string) {
	n := v.Len()
	if n == 0 {
		deleteResult(c, key)
		return
	}
	_, hash := c.Shard(key)
	if _, ok := v.Replace(c.DB(), key, hash, c.Write(key)); !ok {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, 's', event)
	c.Out.Int(int64(n))
}

// deleteResult is for a result without elements: there is none afterwards.
func deleteResult(c *engine.Call, key []byte) {
	if c.Delete(c.Peek(key)) {
		c.Changed(key, 'g', "del")
	}
	c.Out.Int(0)
}

// A setSink takes the members of a result: it answers them, counts them, or makes a set of them.
type setSink struct {
	c     *engine.Call
	store *value.Set // nil: answer
	count bool       // neither
	n     int
	limit int // 0: none
	full  bool
}

// take reports whether more are wanted.
func (s *setSink) take(member []byte) bool {
	s.n++
	switch {
	case s.count:
		return s.n != s.limit
	case s.store == nil:
		s.c.Out.Bulk(member)
		return true
	}
	_, ok := s.store.Add(member)
	s.full = !ok
	return ok
}

// finish answers, or stores, what was taken since at.
func (s *setSink) finish(at int, key []byte, event string) {
	switch {
	case s.full:
		s.store.Release()
		s.c.Fail(engine.ErrOOM)
	case s.count:
		s.c.Out.Int(int64(s.n))
	case s.store == nil:
		s.c.Out.EndSet(at, s.n)
	default:
		storeSet(s.c, s.store, key, event)
	}
}

// newSink returns one that answers, or with a key one that makes a set for it.
func newSink(c *engine.Call, key []byte) *setSink {
	s := &setSink{c: c}
	if key != nil {
		shard, _ := c.Shard(key)
		store := value.NewSet(shard)
		s.store = &store
	}
	return s
}

func sinter(c *engine.Call, keys [][]byte, store []byte) {
	if sets, ok := readSets(c, keys); ok {
		sink := newSink(c, store)
		at := c.Out.Begin()
		intersect(sets, sink)
		sink.finish(at, store, "sinterstore")
	}
}

// intersect takes what is in all sets, in the order of the smallest.
func intersect(sets []value.Set, sink *setSink) {
	slices.SortStableFunc(sets, func(a, b value.Set) int { return a.Len() - b.Len() })
	for member := range sets[0].All() {
		if !slices.ContainsFunc(sets[1:], func(v value.Set) bool { return !v.Has(member) }) && !sink.take(member) {
			return
		}
	}
}

func sintercard(c *engine.Call) {
	n, ok := intWithin(c, c.Args[1], 1, math.MaxInt64, engine.ErrNumKeys)
	if !ok {
		return
	}
	if n > int64(len(c.Args)-2) {
		c.Fail("ERR Number of keys can't be greater than number of args")
		return
	}
	limit := int64(0)
	for i := 2 + int(n); i < len(c.Args); i += 2 {
		if !is(c.Args[i], "limit") || i+1 == len(c.Args) {
			c.Fail(engine.ErrSyntax)
			return
		}
		if limit, ok = intWithin(c, c.Args[i+1], 0, math.MaxInt64, engine.ErrLimitNegative); !ok {
			return
		}
	}
	if sets, ok := readSets(c, c.Args[2:2+n]); ok {
		sink := &setSink{c: c, count: true, limit: int(limit)}
		intersect(sets, sink)
		sink.finish(0, nil, "")
	}
}

func sunion(c *engine.Call, keys [][]byte, store []byte) {
	sets, ok := readSets(c, keys)
	if !ok {
		return
	}
	sink := newSink(c, store)
	at := c.Out.Begin()
	if store == nil && len(sets) > 1 {
		sink.distinct(sets)
	} else {
		sink.union(sets)
	}
	sink.finish(at, store, "sunionstore")
}

// union takes the members of all sets, some more than once.
func (s *setSink) union(sets []value.Set) {
	for i := range sets {
		for member := range sets[i].All() {
			if !s.take(member) {
				return
			}
		}
	}
}

// distinct takes the members of all sets once: one that is in an earlier set, too, was taken with that.
func (s *setSink) distinct(sets []value.Set) {
	for i := range sets {
		for member := range sets[i].All() {
			if !slices.ContainsFunc(sets[:i], func(v value.Set) bool { return v.Has(member) }) {
				s.take(member)
			}
		}
	}
}

func sdiff(c *engine.Call, keys [][]byte, store []byte) {
	sets, ok := readSets(c, keys)
	if !ok {
		return
	}
	sink := newSink(c, store)
	at := c.Out.Begin()
	for member := range sets[0].All() {
		if !slices.ContainsFunc(sets[1:], func(v value.Set) bool { return v.Has(member) }) && !sink.take(member) {
			break
		}
	}
	sink.finish(at, store, "sdiffstore")
}
