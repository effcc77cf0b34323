package place

import (
	"bytes"
	"slices"
)

// Ordered returns the ranges of a store that keeps keys in their order: so many, of about equally many of the keys of sample,
// which it sorts, given out to the nodes in turn. The last range is where new keys go that are larger than all before.
func Ordered(sample [][]byte, ranges, nodes int) *Layout {
	slices.SortFunc(sample, bytes.Compare)
	var bounds [][]byte
	for i := 1; i < ranges && len(sample) > 0; i++ {
		b := sample[i*len(sample)/ranges]
		if len(bounds) == 0 || !bytes.Equal(b, bounds[len(bounds)-1]) {
			bounds = append(bounds, bytes.Clone(b))
		}
	}
	l := &Layout{Model: sorted(bounds), Part: "range", Node: "node", Nodes: nodes, Note: "ranges are split at equal numbers of keys and given out to the nodes in turn"}
	for i := range len(bounds) + 1 {
		l.Owner = append(l.Owner, i%nodes)
	}
	return l
}

// sorted holds the first key of each range but the first.
type sorted [][]byte

func (s sorted) Parts() int { return len(s) + 1 }

func (s sorted) Place(key []byte) int {
	i, found := slices.BinarySearchFunc(s, key, bytes.Compare)
	if found {
		return i + 1
	}
	return i
}
