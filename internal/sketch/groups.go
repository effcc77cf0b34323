package sketch

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Groups adds up what belongs to the same name, for a bounded number of names. With more names than fit it keeps those with
// the smallest hashes: a sample of the names in which every name has its whole sum, and which does not depend on the order
// in which they come. A name that is thrown out once can never be among the smallest again, so no sum is ever short.
//
//	hashes   0 ·····x··x·x···x|·····x··x·····  2⁶⁴
//	                 kept     τ   thrown out       names ≈ (kept - 1) / (τ / 2⁶⁴)
type Groups struct {
	limit  int
	most   uint64           // no name with a greater hash is kept
	cut    bool             // something was thrown out
	groups map[uint64]Group // by the hash: held in the map itself, two thirds of what pointers take
}

// A Group is what is known of a name.
type Group struct {
	Name string
	N    int64
	Sum  int64
	hash uint64
}

// NewGroups returns an empty summary of at most limit names, at least 2.
func NewGroups(limit int) *Groups {
	return &Groups{limit: max(2, limit), most: math.MaxUint64, groups: map[uint64]Group{}}
}

// Add counts n values that add up to sum under a name with the given hash. Two names with the same hash are one; it is called
// by the smaller of the two.
func (g *Groups) Add(hash uint64, name string, n, sum int64) {
	if hash > g.most {
		return
	}
	x, known := g.groups[hash]
	if !known || name < x.Name {
		x.Name, x.hash = strings.Clone(name), hash
	}
	x.N += n
	x.Sum += sum
	g.groups[hash] = x
	if len(g.groups) > g.limit+g.limit/4+8 { // seldom, so that sorting costs nothing
		g.prune()
	}
}

// prune throws out what is not among the smallest.
func (g *Groups) prune() {
	sorted := g.sorted()
	if len(sorted) <= g.limit {
		return
	}
	g.cut = true
	g.most = sorted[g.limit-1].hash
	for _, x := range sorted[g.limit:] {
		delete(g.groups, x.hash)
	}
}

func (g *Groups) sorted() []Group {
	out := make([]Group, 0, len(g.groups))
	for _, x := range g.groups {
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b Group) int { return cmp.Compare(a.hash, b.hash) })
	return out
}

// Merge adds what o has counted.
func (g *Groups) Merge(o *Groups) {
	g.limit = min(g.limit, o.limit)
	g.cut = g.cut || o.cut
	g.most = min(g.most, o.most)
	for hash := range g.groups {
		if hash > g.most {
			delete(g.groups, hash)
		}
	}
	for _, x := range o.groups {
		g.Add(x.hash, x.Name, x.N, x.Sum)
	}
}

// All returns the groups that are kept, in the order of their hashes, and whether these are all there are.
func (g *Groups) All() (groups []Group, all bool) {
	sorted := g.sorted()
	all = !g.cut && len(sorted) <= g.limit
	return sorted[:min(len(sorted), g.limit)], all
}

// Names returns how many names there are: exactly, or else within a relative standard error of 1/√(limit-2) (Z. Bar-Yossef
// et al., Counting distinct elements in a data stream, RANDOM 2002).
func (g *Groups) Names() (n float64, exact bool) {
	groups, all := g.All()
	if all {
		return float64(len(groups)), true
	}
	last := groups[len(groups)-1].hash
	return float64(len(groups)-1) / (float64(last) / (1 << 63) / 2), false
}
