package latency

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func durations(t *rapid.T, label string) []time.Duration {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) time.Duration {
		scale := rapid.IntRange(0, 62).Draw(t, "scale")
		return time.Duration(rapid.Int64Range(0, 1<<scale).Draw(t, "ns"))
	}), 1, 60).Draw(t, label)
}

func of(ds ...time.Duration) *Histogram {
	var h Histogram
	for _, d := range ds {
		h.Record(d)
	}
	return &h
}

// TestBuckets: every duration is in the bounds of its bucket, buckets follow each other without a gap, and none is wider than
// a 64th of what is in it.
func TestBuckets(t *testing.T) {
	next := time.Duration(0)
	for b := range buckets {
		lo, hi := bounds(b)
		if lo != next || hi < lo || bucket(lo) != b || bucket(hi) != b {
			t.Fatalf("bucket %d: %d to %d, and the one before it ends below %d", b, lo, hi, next)
		}
		if float64(hi-lo) > float64(lo)/sub {
			t.Fatalf("bucket %d: %d to %d is too wide", b, lo, hi)
		}
		if next = hi + 1; hi == math.MaxInt64 {
			if b != buckets-1 {
				t.Fatalf("bucket %d is the last, of %d", b, buckets)
			}
			return
		}
	}
	t.Fatal("the last bucket does not end with the longest duration")
}

// TestQuantiles: within 0.8 % of what a sorted list says, and the extremes exactly.
func TestQuantiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := durations(t, "ds")
		h := of(ds...)
		slices.Sort(ds)
		if h.Count() != uint64(len(ds)) || h.Min() != ds[0] || h.Max() != ds[len(ds)-1] {
			t.Fatalf("%d from %s to %s, want %d from %s to %s", h.Count(), h.Min(), h.Max(), len(ds), ds[0], ds[len(ds)-1])
		}
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		want := ds[max(1, int(math.Ceil(q*float64(len(ds)))))-1]
		if got := h.Quantile(q); math.Abs(float64(got-want)) > 0.008*float64(want) {
			t.Fatalf("quantile %g of %v: %d, want %d", q, ds, got, want)
		}
		limit := rapid.SampledFrom(ds).Draw(t, "limit")
		_, hi := bounds(bucket(limit))
		above := uint64(0)
		for _, d := range ds {
			if d > hi {
				above++
			}
		}
		if got := h.CountAbove(limit); got != above {
			t.Fatalf("%d above %d, want %d", got, limit, above)
		}
	})
}

// TestMerge: however samples are divided, in whatever order they are added, and whether or not they were packed meanwhile, the
// buckets are those of all of them.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := durations(t, "ds")
		whole, parts := of(ds...), make([]Histogram, 4)
		for _, d := range ds {
			parts[rapid.IntRange(0, 3).Draw(t, "part")].Record(d)
		}
		var merged Histogram
		merged.Record(time.Hour)
		merged.Reset() // its memory is of use, its counts are gone
		for _, i := range rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "order") {
			if rapid.Bool().Draw(t, "packed") {
				if err := merged.AddPacked(parts[i].Pack()); err != nil {
					t.Fatal(err)
				}
				continue
			}
			merged.Merge(&parts[i])
		}
		if !merged.Equal(whole) || math.Abs(float64(merged.Mean()-whole.Mean())) > 1+1e-9*float64(whole.Mean()) {
			t.Fatalf("%v: merged %v, want %v", ds, merged, whole)
		}
		n := uint64(0)
		for b := range merged.All {
			n += b.Count
		}
		if n != uint64(len(ds)) {
			t.Fatalf("%d in all buckets, want %d", n, len(ds))
		}
	})
}

// TestAllocations: a histogram that has seen its range takes no more memory.
func TestAllocations(t *testing.T) {
	h := of(time.Microsecond, time.Second)
	d := time.Microsecond
	if n := testing.AllocsPerRun(1000, func() { h.Record(d); d += 700 * time.Nanosecond }); n != 0 {
		t.Errorf("%g allocations", n)
	}
}

func BenchmarkRecord(b *testing.B) {
	h := of(time.Microsecond, time.Second)
	d := time.Duration(1000)
	for b.Loop() {
		h.Record(d)
		d = (d*1664525 + 1013904223) & (1<<20 - 1)
	}
}

// FuzzPacked: what is no packed histogram is refused, and what is taken is packed again as the same bytes, unless a number was
// written longer than need be.
func FuzzPacked(f *testing.F) {
	f.Add([]byte(of(1, 1000, time.Second).Pack()))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		var h Histogram
		h.Record(time.Millisecond)
		err := h.AddPacked(b)
		if err != nil && h.Count() != 1 {
			t.Fatalf("%d counted after %v", h.Count(), err)
		}
		if err == nil && len(b) > 0 {
			o, _ := unpack(b)
			if p := o.Pack(); len(p) > len(b) {
				t.Fatalf("%x becomes %x", b, p)
			}
		}
	})
}
