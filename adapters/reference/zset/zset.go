// Package zset holds the large sorted sets of the reference engine.
//
// A set is a map from member to score and a counted B+tree of (score, member). Every node knows how many items stand below
// it, so that a rank is a sum along one path, and the item of a rank is found on one path:
//
//	        [ min=a n=5 | min=f n=4 ]
//	         /                    \
//	[a b c d e]                [f g h i]        rank of g = 5 + 1
//
// Finding, adding, removing and ranking cost O(log n); a range costs its length more. Nothing is sorted on read.
package zset

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// An Item is a member with its score. Items are ordered by score, then by the bytes of the member.
type Item struct {
	Score  float64
	Member string
}

// Compare orders items as Redis does.
func (a Item) Compare(b Item) int {
	if c := cmp.Compare(a.Score, b.Score); c != 0 {
		return c
	}
	return strings.Compare(a.Member, b.Member)
}

// A Set is a sorted set. It is not safe for concurrent use. Scores must not be NaN.
type Set struct {
	scores map[string]float64
	root   *node
}

// New returns an empty Set.
func New() *Set { return &Set{scores: map[string]float64{}, root: &node{}} }

// Len returns the number of members.
func (s *Set) Len() int { return s.root.n }

// Score returns the score of member.
func (s *Set) Score(member string) (score float64, ok bool) {
	score, ok = s.scores[member]
	return score, ok
}

// Add gives member a score and reports whether it was no member before.
func (s *Set) Add(member string, score float64) (added bool) {
	old, had := s.scores[member]
	if had && old == score {
		return false
	}
	if had {
		s.cut(Item{old, member})
	}
	s.scores[member] = score
	if sibling := s.root.insert(Item{score, member}); sibling != nil {
		s.root = &node{kids: []*node{s.root, sibling}, min: s.root.min, n: s.root.n + sibling.n}
	}
	return !had
}

// Remove reports whether member was one.
func (s *Set) Remove(member string) bool {
	score, had := s.scores[member]
	if had {
		s.cut(Item{score, member})
		delete(s.scores, member)
	}
	return had
}

func (s *Set) cut(it Item) {
	s.root.remove(it)
	for len(s.root.kids) == 1 {
		s.root = s.root.kids[0]
	}
}

// Rank returns how many items stand before member.
func (s *Set) Rank(member string) (rank int, ok bool) {
	score, ok := s.scores[member]
	if !ok {
		return 0, false
	}
	return s.Before(Item{score, member}), true
}

// Before returns how many items stand before it, whether or not it is in the set. Before(Item{Score: x}) is the rank of the
// first item with a score of at least x.
func (s *Set) Before(it Item) int {
	rank, nd := 0, s.root
	for nd.kids != nil {
		i := nd.child(it)
		for _, kid := range nd.kids[:i] {
			rank += kid.n
		}
		nd = nd.kids[i]
	}
	i, _ := nd.search(it)
	return rank + i
}

// From yields the items from the given rank on, in order.
func (s *Set) From(rank int) iter.Seq[Item] {
	return func(yield func(Item) bool) { s.root.walk(max(rank, 0), yield) }
}

// fanout is the most items of a leaf and the most children of a node.
const fanout = 64

// A node is a leaf, with items, or an inner node, with kids. min is its first item, n the number of items below it.
type node struct {
	items []Item
	kids  []*node
	min   Item
	n     int
}

// child returns the index of the kid that holds it, or would.
func (nd *node) child(it Item) int {
	lo, hi := 1, len(nd.kids)
	for lo < hi {
		if mid := (lo + hi) / 2; nd.kids[mid].min.Compare(it) <= 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo - 1
}

func (nd *node) search(it Item) (int, bool) {
	return slices.BinarySearchFunc(nd.items, it, Item.Compare)
}

// insert adds it, which is not there, and returns a new right sibling if the node had to be split.
func (nd *node) insert(it Item) *node {
	if nd.n == 0 || it.Compare(nd.min) < 0 {
		nd.min = it
	}
	nd.n++
	if nd.kids == nil {
		i, _ := nd.search(it)
		nd.items = slices.Insert(nd.items, i, it)
	} else {
		i := nd.child(it)
		if sibling := nd.kids[i].insert(it); sibling != nil {
			nd.kids = slices.Insert(nd.kids, i+1, sibling)
		}
	}
	if nd.width() <= fanout {
		return nil
	}
	return nd.split(nd.width() / 2)
}

// remove deletes it, which is there.
func (nd *node) remove(it Item) {
	if nd.kids == nil {
		i, _ := nd.search(it)
		nd.items = slices.Delete(nd.items, i, i+1)
	} else {
		i := nd.child(it)
		nd.kids[i].remove(it)
		if nd.kids[i].width() < fanout/2 && len(nd.kids) > 1 {
			nd.mend(max(i-1, 0))
		}
	}
	nd.update()
}

// mend joins kids i and i+1, or shares their contents between them if one node cannot hold all.
func (nd *node) mend(i int) {
	a, b := nd.kids[i], nd.kids[i+1]
	a.items, a.kids = append(a.items, b.items...), append(a.kids, b.kids...)
	a.update()
	if a.width() <= fanout {
		nd.kids = slices.Delete(nd.kids, i+1, i+2)
		return
	}
	nd.kids[i+1] = a.split(a.width() / 2)
}

// split moves what stands at i and behind it to a new node.
func (nd *node) split(i int) *node {
	right := &node{}
	if nd.kids == nil {
		right.items = append(make([]Item, 0, fanout+1), nd.items[i:]...)
		clear(nd.items[i:])
		nd.items = nd.items[:i]
	} else {
		right.kids = append(make([]*node, 0, fanout+1), nd.kids[i:]...)
		clear(nd.kids[i:])
		nd.kids = nd.kids[:i]
	}
	nd.update()
	right.update()
	return right
}

func (nd *node) width() int { return len(nd.items) + len(nd.kids) }

// update sets min and n from what the node holds.
func (nd *node) update() {
	nd.n = len(nd.items)
	if nd.n > 0 {
		nd.min = nd.items[0]
	}
	for _, kid := range nd.kids {
		nd.n += kid.n
	}
	if len(nd.kids) > 0 {
		nd.min = nd.kids[0].min
	}
}

// walk yields the items below nd but for the first skip.
func (nd *node) walk(skip int, yield func(Item) bool) bool {
	for _, it := range nd.items[min(skip, len(nd.items)):] {
		if !yield(it) {
			return false
		}
	}
	for _, kid := range nd.kids {
		if skip >= kid.n {
			skip -= kid.n
			continue
		}
		if !kid.walk(skip, yield) {
			return false
		}
		skip = 0
	}
	return true
}
