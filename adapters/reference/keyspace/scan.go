package keyspace

import (
	"iter"

	"github.com/kvtool/kvtool/internal/evict"
)

// Scan appends the keys of one bucket of a database to dst, and returns the next cursor: 0 is the first, and the end. A key that is
// there from the first call to the last is seen at least once, whatever happens in between. Keys that are due are absent.
func (s *Shard) Scan(dst []Item, db int, cursor uint64) (items []Item, next uint64) {
	from := len(dst)
	items, next = s.Bucket(dst, db, cursor)
	kept := items[:from]
	for _, it := range items[from:] {
		if it.Due() {
			s.expire(it)
		} else {
			kept = append(kept, it)
		}
	}
	return kept, next
}

// Bucket is Scan that leaves the keys that are due where they are, and returns them, too.
func (s *Shard) Bucket(dst []Item, db int, cursor uint64) (items []Item, next uint64) {
	var room [64]uint32
	refs, next := s.spaces[db].all.Scan(room[:0], cursor)
	for _, ref := range refs {
		dst = append(dst, Item{s, Hash(s.at(ref).key()), ref, int32(db)})
	}
	return dst, next
}

// All walks the keys of a database that are not due. The one that it is at may be written and deleted; others may not.
func (s *Shard) All(db int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		var items []Item
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			items, cursor = s.Scan(items[:0], db, cursor)
			for _, it := range items {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// RandomKey returns a key of a database, each with the same chance. Keys that are due are removed until one is not. It is not OK if
// there is none.
func (s *Shard) RandomKey(db int) Item {
	for all := s.spaces[db].all; all.Len() > 0; {
		ref := all.Dict.Random(s.random)
		r := s.at(ref)
		it := Item{s, Hash(r.key()), ref, int32(db)}
		if !s.due(r) {
			return it
		}
		if s.o.Settings.Frozen {
			return Item{}
		}
		s.expire(it)
	}
	return Item{}
}

// Flush removes all keys of a database, without a word to Expired or Evicted.
func (s *Shard) Flush(db int) {
	sp := s.spaces[db]
	for it := range s.each(db) {
		s.discharge(it)
		s.policy.Remove(evict.Record{Ref: evict.Ref(it.ref), ID: it.hash, State: it.State()})
		s.freeValue(it)
		s.freeRecord(it)
	}
	s.drop(&sp.all.table)
	s.drop(&sp.volatile.table)
	s.spaces[db] = s.newSpace()
}

// each walks the keys of a database once each, also those that are due. The tables must not change meanwhile.
func (s *Shard) each(db int) iter.Seq[Item] {
	return func(yield func(Item) bool) {
		for ref := range s.spaces[db].all.refs() {
			if !yield(Item{s, Hash(s.at(ref).key()), ref, int32(db)}) {
				return
			}
		}
	}
}

// refs walks what is in a table, once each.
func (k *keys) refs() iter.Seq[uint32] {
	for k.Step(1 << 10) { // with one table there is nothing that a cursor could see twice
	}
	return func(yield func(uint32) bool) {
		var refs []uint32
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			refs, cursor = k.Scan(refs[:0], cursor)
			for _, ref := range refs {
				if !yield(ref) {
					return
				}
			}
		}
	}
}

// SwapDatabases makes of each of two databases the other.
func (s *Shard) SwapDatabases(a, b int) { s.spaces[a], s.spaces[b] = s.spaces[b], s.spaces[a] }
