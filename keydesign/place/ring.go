package place

import (
	"cmp"
	"slices"
)

// A point is where a range of a ring ends, and whose it is.
type point struct {
	token int64
	node  int
}

// sortRing puts points in their order. Of two at one place the later node has it, as where points are written to a map.
func sortRing(points []point) []point {
	slices.SortStableFunc(points, func(a, b point) int { return cmp.Compare(a.token, b.token) })
	kept := points[:0]
	for i, p := range points {
		if i+1 < len(points) && points[i+1].token == p.token {
			continue
		}
		kept = append(kept, p)
	}
	return kept
}

// locate returns the index of the first point at token or behind it, round the ring.
func locate(ring []point, token int64) int {
	i, _ := slices.BinarySearchFunc(ring, token, func(p point, t int64) int { return cmp.Compare(p.token, t) })
	if i == len(ring) {
		return 0
	}
	return i
}
