package evict

import "math/rand/v2"

// A Table is what a hash table with chains shows of itself to be sampled as Redis samples its own. While it grows or shrinks it
// has two tables, and moves the buckets of the first to the second one by one.
type Table interface {
	Len() int
	// Size returns the number of buckets of table 0 or 1, a power of two; 0 if there is no such table.
	Size(table int) uint64
	// Moved returns how many buckets of table 0 are empty because they have been moved.
	Moved() uint64
	// Bucket appends the records of a bucket to dst and returns it.
	Bucket(dst []Ref, table int, i uint64) []Ref
}

// Run appends at most n records of t to dst: those of adjacent buckets from a random one on. It jumps elsewhere after a run of
// empty buckets, and gives up after ten buckets for each record wanted (dict.c: dictGetSomeKeys). Records that are neighbours
// come together, which is what makes Redis's LRU coarser than independent draws would be.
func Run(dst []Ref, t Table, n int, random *rand.Rand) []Ref {
	n = min(n, t.Len())
	want := len(dst) + n
	mask := max(t.Size(0), t.Size(1)) - 1
	i, empty := random.Uint64()&mask, 0
	for steps := 10 * n; steps > 0 && len(dst) < want; steps-- {
		for table := range 2 {
			if table == 0 && t.Size(1) > 0 && i < t.Moved() {
				if i >= t.Size(1) { // nothing in either table until there
					i = t.Moved()
				} else {
					continue
				}
			}
			if i >= t.Size(table) {
				continue
			}
			had := len(dst)
			dst = t.Bucket(dst, table, i)
			switch {
			case len(dst) >= want:
				return dst[:want]
			case len(dst) > had:
				empty = 0
			default:
				if empty++; empty >= 5 && empty > n {
					i, empty = random.Uint64()&mask, 0
				}
			}
		}
		i = (i + 1) & mask
	}
	return dst
}

// Any returns one record of t, or 0 if it has none: a random bucket that is not empty, then a random record of it (dict.c:
// dictGetRandomKey). A record that shares its bucket is drawn less often. buf is room for a bucket.
func Any(buf []Ref, t Table, random *rand.Rand) Ref {
	if t.Len() == 0 {
		return 0
	}
	first, all := t.Moved(), t.Size(0)+t.Size(1)
	for {
		table, i := 0, first+random.Uint64N(all-first)
		if i >= t.Size(0) {
			table, i = 1, i-t.Size(0)
		}
		if buf = t.Bucket(buf[:0], table, i); len(buf) > 0 {
			return buf[random.IntN(len(buf))]
		}
	}
}
