package memory

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// TestExpiries holds the buckets to their laws: all times are there, each before its end and not before that of the bucket in
// front, no vector is too long, and a table is for one step.
func TestExpiries(t *testing.T) {
	m := New(Profile{Version: Valkey91})
	rapid.Check(t, func(t *rapid.T) {
		var e Expiries
		spread := rapid.SampledFrom([]int64{0, 20, 500, 20_000, 10_000_000}).Draw(t, "spread")
		start := rapid.Int64Range(0, 1<<41).Draw(t, "start")
		n := rapid.IntRange(0, 3000).Draw(t, "n")
		for range n {
			e.Add(start + rapid.Int64Range(0, spread).Draw(t, "after"))
		}
		if e.Len() != int64(n) || e.windows == nil && len(e.first) != n || e.windows == nil && n > vectorMost {
			t.Fatalf("%d of %d", e.Len(), n)
		}
		total := int64(len(e.first))
		for w, buckets := range e.windows {
			begin := w << windowShift
			for _, b := range buckets {
				checkBucket(t, b, begin)
				begin = b.end
				total += b.n
			}
			if begin > windowEnd(w) {
				t.Fatalf("a bucket ends at %d, and its window at %d", begin, windowEnd(w))
			}
		}
		if total != int64(n) {
			t.Fatalf("%d times of %d", total, n)
		}
		if size := e.size(m); size < pointer*int64(n-1) || size > 200*int64(n)+2000 {
			t.Fatalf("%d fields take %d bytes", n, size)
		}
	})
}

func checkBucket(t *rapid.T, b expirer, begin int64) {
	if b.times == nil {
		if b.n <= vectorMost || b.end-begin < stepMask+1 {
			t.Fatalf("a table of %d from %d to %d", b.n, begin, b.end)
		}
		return
	}
	if b.n > vectorMost || b.n != int64(len(b.times)) {
		t.Fatalf("a vector of %d, %d", len(b.times), b.n)
	}
	for _, ms := range b.times {
		if ms < begin || ms >= b.end {
			t.Fatalf("%d is not from %d to %d", ms, begin, b.end)
		}
	}
}

// TestHostileExpiries: whatever a dump says ends, in bounded memory.
func TestHostileExpiries(t *testing.T) {
	m := New(Profile{Version: Valkey91})
	var e Expiries
	for i := range 300_000 {
		switch i % 4 {
		case 0:
			e.Add(math.MaxInt64 - int64(i))
		case 1:
			e.Add(math.MinInt64 + int64(i))
		case 2:
			e.Add(int64(i) * 1_000_000)
		default:
			e.Add(int64(i % 3))
		}
	}
	if e.Len() != 300_000 || e.size(m) <= 0 || len(e.windows) > mostTracked {
		t.Errorf("%d fields, %d bytes, %d windows", e.Len(), e.size(m), len(e.windows))
	}
}
