package list

import (
	"iter"
	"math"

	"github.com/kvtool/kvtool/adapters/reference/packed"
)

// Limits of a chunk, as quicklist.c has them: a negative fill is one of five limits of bytes, another one of elements, for which a
// second limit of bytes holds. What one more element takes is reckoned as its length and a bit.
const (
	safetyBytes  = 8192
	elementSlack = 8
	mostFill     = 1<<15 - 1
	leastFill    = -5
)

// within reports whether count elements in size bytes of a server are within the limit.
func within(count, size, fill int) bool {
	if fill < 0 {
		return size <= 2048<<-max(fill, leastFill)
	}
	return size <= safetyBytes && count <= min(fill, mostFill)
}

// Fits reports whether a chunk of count elements, of size bytes in a server, takes one more of n bytes. fill is the setting
// list-max-listpack-size.
func Fits(count, size, fill, n int) bool { return within(count+1, size+n+elementSlack, fill) }

// mergedHead is what two listpacks that become one are reckoned to save (quicklist.c: _quicklistNodeAllowMerge).
const mergedHead = 11

// Elements returns elements lo to hi-1 of a chunk, the last one first if reverse is set. One is valid until the next.
func Elements(p packed.Listpack, lo, hi int, reverse bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var buf [packed.IntBytes]byte
		from := lo
		if reverse {
			from = hi
		}
		at := seek(p, from)
		for range hi - lo {
			if reverse {
				at = p.Prev(at)
			}
			elem, next := p.At(at, buf[:])
			if !yield(elem) {
				return
			}
			if !reverse {
				at = next
			}
		}
	}
}

// seek returns the offset of element i, or End for as many as there are, from the end that is nearer.
func seek(p packed.Listpack, i int) int {
	n := p.Len()
	if 2*i <= n {
		return p.Offset(i)
	}
	at := p.End()
	for ; i < n; i++ {
		at = p.Prev(at)
	}
	return at
}

// Matches returns the places of the elements that equal s, among the first limit ones from the end that reverse names. A place
// is counted from that end.
func Matches(p packed.Listpack, s []byte, limit int, reverse bool) iter.Seq[int] {
	return func(yield func(int) bool) {
		n, at := min(limit, p.Len()), p.First()
		if reverse {
			at = p.End()
		}
		for i := range n {
			if reverse {
				at = p.Prev(at)
			}
			if p.Is(at, s) && !yield(i) {
				return
			}
			if !reverse {
				at = p.Next(at)
			}
		}
	}
}

// Most returns what the count of LREM says: how many elements at most, and whether from the end.
func Most(n int) (most int, reverse bool) {
	switch {
	case n == 0 || n == math.MinInt:
		return math.MaxInt, n < 0
	case n < 0:
		return -n, true
	}
	return n, false
}

// Remove takes at most n elements that equal s out of a chunk, the last ones if reverse is set, and returns how many.
func Remove(p packed.Listpack, s []byte, n int, reverse bool) (packed.Listpack, int) {
	removed := 0
	if reverse {
		for at := p.End(); removed < n && at > p.First(); {
			if at = p.Prev(at); p.Is(at, s) {
				p = p.Delete(at, 1)
				removed++
			}
		}
		return p, removed
	}
	for at := p.Find(s, p.First(), 1); at >= 0 && removed < n; at = p.Find(s, at, 1) {
		p = p.Delete(at, 1)
		removed++
	}
	return p, removed
}
