package sketch

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/saved"
)

// Form writes or reads b.
func (b *Bins) Form(f *saved.Form) {
	limit := uint16(b.most())
	saved.Uint(f, &limit)
	saved.Uint(f, &b.shift)
	f.Check(limit > 0, "a histogram of no bins")
	f.Check(b.shift <= 32, "bins of 2^%d", b.shift)
	n := f.Len(len(b.at))
	f.Check(n <= int(limit), "%d bins, at most %d", n, limit)
	if f.Reading() {
		*b = Bins{limit: limit, shift: b.shift}
	}
	b.formBins(f, n)
}

// formBins goes over n bins, each as its distance from the one before.
func (b *Bins) formBins(f *saved.Form, n int) {
	last := int64(-1)
	for i := range n {
		var gap, count uint64
		if !f.Reading() {
			gap, count = uint64(int64(b.at[i])-last-1), b.count[i]
		}
		saved.Uint(f, &gap, &count)
		if !f.Reading() {
			last = int64(b.at[i])
			continue
		}
		f.Check(gap <= math.MaxUint32>>b.shift && last+1+int64(gap) <= math.MaxUint32>>b.shift, "a bin beyond 32 bits")
		if !f.OK() {
			return
		}
		last += 1 + int64(gap)
		b.at, b.count = append(b.at, uint32(last)), append(b.count, count)
	}
}

// Form writes or reads q.
func (q *Quantiles) Form(f *saved.Form) {
	q.bins.Form(f)
	saved.Count(f, &q.max)
	if n := len(q.bins.at); f.Reading() && n > 0 {
		f.Check(q.bins.at[n-1]<<q.bins.shift <= binOf(math.MaxInt64), "a bin beyond 63 bits")
	}
}

// Form writes or reads g. What is kept beyond the limit, until there is enough of it to be thrown out, is not written.
func (g *Groups) Form(f *saved.Form) {
	kept, all := g.All()
	cut, limit := !all, g.limit
	f.Bool(&cut)
	saved.Slice(f, limit, &kept, func(x *Group) {
		saved.Uint(f, &x.hash)
		saved.String(f, &x.Name)
		saved.Count(f, &x.N, &x.Sum)
	})
	f.Check(!cut || len(kept) == limit, "%d names of %d", len(kept), limit)
	if !f.Reading() || !f.OK() {
		return
	}
	*g = *NewGroups(limit)
	for i := range kept {
		f.Check(i == 0 || kept[i-1].hash < kept[i].hash, "names out of order")
		g.groups[kept[i].hash] = kept[i]
	}
	if g.cut = cut; cut {
		g.most = kept[len(kept)-1].hash
	}
}

// Form writes or reads what t keeps; walk goes over one value.
func (t *Top[T]) Form(f *saved.Form, walk func(*T)) {
	kept := t.Sorted()
	saved.Slice(f, t.n, &kept, walk)
	if !f.Reading() || !f.OK() {
		return
	}
	f.Check(slices.IsSortedFunc(kept, t.compare), "a list out of order")
	t.kept = nil
	for _, v := range kept {
		t.Add(v)
	}
}

// Form writes or reads h. A table that was read goes on as the one that was written, but for which of several keys of the same
// count is thrown out first.
func (h *Heavy) Form(f *saved.Form) {
	saved.Count(f, &h.places)
	saved.Count(f, &h.total, &h.missed)
	f.Check(h.places > 0 && h.places <= 1<<24, "%d places", h.places)
	entries := slices.Clone(h.entries)
	slices.SortFunc(entries, heavier)
	saved.Slice(f, 1<<24, &entries, func(e *HeavyKey) {
		saved.String(f, &e.Key)
		saved.Count(f, &e.Count, &e.Error)
		for i := range e.Sums {
			saved.Count(f, &e.Sums[i])
		}
	})
	if !f.Reading() {
		return
	}
	f.Check(len(entries) <= h.places, "%d keys in %d places", len(entries), h.places)
	*h = Heavy{places: max(1, h.places), total: h.total, missed: h.missed, index: map[string]int32{}}
	slices.SortFunc(entries, func(a, b HeavyKey) int { return heavier(b, a) }) // in ascending order, which is a heap
	for i, e := range entries {
		h.entries, h.heap, h.at = append(h.entries, e), append(h.heap, int32(i)), append(h.at, int32(i))
		_, twice := h.index[e.Key]
		f.Check(!twice, "the key %.40q twice", e.Key)
		h.index[e.Key] = int32(i)
	}
}
