package zset

import (
	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

// warmAtOnce is how many members are warmed together: more than a processor has misses in flight is of no use.
const warmAtOnce = 16

// Warm reads what Find, RankAt and Rescore are about to read for members, so that it is in the processor's caches: in steps, each
// for all members, so that what one waits for is read while another waits. It changes nothing.
func (s *Set) Warm(members [][]byte) {
	for len(members) > 0 {
		n := min(len(members), warmAtOnce)
		s.warm(members[:n])
		members = members[n:]
	}
}

func (s *Set) warm(members [][]byte) {
	var items [warmAtOnce]item
	n := 0
	for _, m := range members {
		p := s.index.Probe(xxh3.Hash(m))
		if ref := p.Next(); ref != 0 {
			items[n].ref = ref
			n++
		}
	}
	for i := range items[:n] {
		b := s.heap.Bytes(arena.Ref(items[i].ref))
		items[i].score = s.score(items[i].ref)
		s.warmed += b[8]
	}
	s.tree.warm(items[:n])
}

// warm goes down to the leaves of items, level by level. Members of equal score may lead it beside the leaf: no matter.
func (t *tree) warm(items []item) {
	var ids [warmAtOnce]uint32
	for i := range items {
		ids[i] = t.root
	}
	for range t.depth {
		for i := range items {
			in := t.inners.at(ids[i])
			k := 1
			for k < int(in.n) && in.score[k] <= items[i].score {
				k++
			}
			ids[i] = in.kid[k-1]
		}
	}
	for i := range items {
		l := t.leaves.at(ids[i])
		t.set.warmed += byte(l.n) + byte(l.ref[0])
	}
}
