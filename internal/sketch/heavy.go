package sketch

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// Heavy counts the heaviest keys of a stream in bounded memory: Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, Efficient
// computation of frequent and top-k elements in data streams, ICDT 2005). A key that finds no free place takes that of the
// lightest, with its count as an error:
//
//	table of 3   a 9 ±0   b 5 ±0   c 2 ±0      d comes with 1
//	             a 9 ±0   b 5 ±0   d 3 ±2
//
// For a stream of the total weight W and a table of n places: true ≤ count ≤ true + error, error ≤ W/n, and every key of more
// than W/n is in the table. A merged table keeps these bounds for the stream that both have seen (P. Agarwal et al., Mergeable
// summaries, PODS 2012). It depends on the order of the stream, within its errors.
type Heavy struct {
	places  int
	total   int64
	entries []HeavyKey
	heap    []int32 // indexes of entries, the lightest on top
	at      []int32 // of each entry, where in heap it is
	index   map[string]int32
	missed  int64 // what a key that is not in the table may have at most, merged tables counted in
}

// A HeavyKey is one of the keys that are kept.
type HeavyKey struct {
	Key          string
	Count, Error int64
	Sums         HeavySums // of what came with the key since it has its place: at least Count - Error of its weight
}

// HeavySums are sums that go with a key's count. What they are is their user's.
type HeavySums [4]int64

// NewHeavy returns an empty table of so many places, at least one.
func NewHeavy(places int) *Heavy {
	return &Heavy{places: max(1, places), index: map[string]int32{}}
}

// Total returns the weight of the whole stream.
func (h *Heavy) Total() int64 { return h.total }

// Len returns how many keys are in the table.
func (h *Heavy) Len() int { return len(h.entries) }

// Bound returns what a key that is not in the table may weigh at most.
func (h *Heavy) Bound() int64 {
	if len(h.entries) < h.places {
		return h.missed
	}
	return max(h.missed, h.entries[h.heap[0]].Count)
}

// Add counts a key with a weight, which is positive, and with what goes with it.
func (h *Heavy) Add(key string, weight int64, sums HeavySums) {
	h.total += weight
	i, ok := h.index[key]
	switch {
	case ok:
	case len(h.entries) < h.places:
		i = int32(len(h.entries))
		h.entries = append(h.entries, HeavyKey{Key: strings.Clone(key), Count: h.missed, Error: h.missed})
		h.heap, h.at = append(h.heap, i), append(h.at, int32(len(h.heap)))
		h.index[h.entries[i].Key] = i
		h.up(len(h.heap) - 1)
	default:
		i = h.heap[0]
		e := &h.entries[i]
		delete(h.index, e.Key)
		// A merged table may have thrown out heavier keys than the lightest it kept.
		least := max(e.Count, h.missed)
		*e = HeavyKey{Key: strings.Clone(key), Count: least, Error: least}
		h.index[e.Key] = i
	}
	e := &h.entries[i]
	e.Count += weight
	for j, x := range sums {
		e.Sums[j] += x
	}
	h.down(int(h.at[i]))
}

// Merge adds what o has counted. o is not used again.
func (h *Heavy) Merge(o *Heavy) {
	mine, theirs := h.Bound(), o.Bound()
	all := make(map[string]HeavyKey, len(h.entries)+len(o.entries))
	for _, e := range h.entries {
		e.Count, e.Error = e.Count+theirs, e.Error+theirs
		all[e.Key] = e
	}
	for _, e := range o.entries {
		a, both := all[e.Key]
		if !both {
			a = HeavyKey{Key: e.Key, Count: mine + theirs, Error: mine + theirs}
		}
		a.Count, a.Error = a.Count-theirs+e.Count, a.Error-theirs+e.Error
		for j, x := range e.Sums {
			a.Sums[j] += x
		}
		all[e.Key] = a
	}
	sorted := make([]HeavyKey, 0, len(all))
	for _, e := range all {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, heavier)
	bound, places := mine+theirs, max(h.places, o.places)
	if len(sorted) > places {
		bound = max(bound, sorted[places].Count)
		sorted = sorted[:places]
	}
	*h = Heavy{places: places, total: h.total + o.total, missed: bound, index: make(map[string]int32, len(sorted))}
	slices.Reverse(sorted) // in ascending order, which is a heap
	for i, e := range sorted {
		h.entries, h.heap, h.at = append(h.entries, e), append(h.heap, int32(i)), append(h.at, int32(i))
		h.index[e.Key] = int32(i)
	}
}

func heavier(a, b HeavyKey) int {
	return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Error, b.Error), cmp.Compare(a.Key, b.Key))
}

// Top returns the n heaviest keys, the heaviest first, and what the key after the last of them may weigh at most: one of
// which Count - Error is no less is among the n heaviest for certain.
func (h *Heavy) Top(n int) (top []HeavyKey, next int64) {
	top = slices.Clone(h.entries)
	slices.SortFunc(top, heavier)
	next = h.Bound()
	if len(top) < h.places {
		next = h.missed
	}
	if len(top) > n {
		next = max(next, top[n].Count)
		top = top[:n]
	}
	return top, next
}

// Zipf fits the exponent of a Zipf distribution, in which the key of rank r has a weight of r^-exponent, to the weights of the
// heaviest keys, the heaviest first. It is the maximum likelihood given that a draw is one of these keys: the exponent whose
// mean of ln(rank) is that of the draws. (A straight line through the logarithms of ranks and weights, which is often used, is
// off by .14 at .6, and by -.25 at 1.2.) Distance is that of Kolmogorov and Smirnov between the weights and the fit. Without
// two ranks or without draws ok is false.
func Zipf(weights []float64) (exponent, distance float64, ok bool) {
	logs := make([]float64, len(weights))
	total, mean := 0.0, 0.0
	for i, w := range weights {
		logs[i] = math.Log(float64(i + 1))
		total += w
		mean += w * logs[i]
	}
	if len(weights) < 2 || total <= 0 {
		return 0, 0, false
	}
	mean /= total
	low, high := -5.0, 20.0 // mean of ln(rank) falls as the exponent grows
	for range 60 {
		exponent = (low + high) / 2
		if m, _ := zipfMean(logs, exponent); m > mean {
			low = exponent
		} else {
			high = exponent
		}
	}
	_, norm := zipfMean(logs, exponent)
	seen, fitted := 0.0, 0.0
	for i, w := range weights {
		seen += w / total
		fitted += math.Exp(-exponent*logs[i]) / norm
		distance = max(distance, math.Abs(seen-fitted))
	}
	return exponent, distance, true
}

// zipfMean returns the mean of ln(rank) with an exponent, and the sum of the weights.
func zipfMean(logs []float64, exponent float64) (mean, norm float64) {
	for _, l := range logs {
		w := math.Exp(-exponent * l)
		norm += w
		mean += w * l
	}
	return mean / norm, norm
}

func (h *Heavy) less(i, j int) bool { return h.entries[h.heap[i]].Count < h.entries[h.heap[j]].Count }

func (h *Heavy) swap(i, j int) {
	h.heap[i], h.heap[j] = h.heap[j], h.heap[i]
	h.at[h.heap[i]], h.at[h.heap[j]] = int32(i), int32(j)
}

func (h *Heavy) up(i int) {
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h *Heavy) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.heap) {
			return
		}
		if child+1 < len(h.heap) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return
		}
		h.swap(i, child)
		i = child
	}
}
