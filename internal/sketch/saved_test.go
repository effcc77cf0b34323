package sketch

import (
	"bytes"
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/saved"
)

func bytesOf(t interface{ Fatal(...any) }, walk func(*saved.Form)) []byte {
	b, err := saved.Append(nil, 1, walk)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// What is saved and read behaves as what was saved: it has the same bins, and adds and merges alike.
func TestSavedBins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := NewBins(rapid.IntRange(1, 40).Draw(t, "limit"))
		for _, x := range draw(t) {
			b.Add(x)
		}
		var got Bins
		form := bytesOf(t, b.Form)
		if err := saved.Read(form, 1, got.Form); err != nil {
			t.Fatal(err)
		}
		more := NewBins(40)
		for _, x := range draw(t) {
			b.Add(x)
			got.Add(x)
			more.Add(x / 3)
		}
		b.Merge(&more)
		got.Merge(&more)
		if !slices.Equal(b.at, got.at) || !slices.Equal(b.count, got.count) || b.shift != got.shift || b.most() != got.most() {
			t.Fatalf("%v came back as %v", b, got)
		}
	})
}

// Equal summaries are equal bytes, in whatever order the numbers came.
func TestSavedQuantilesAreCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.Int64(), 0, 900).Draw(t, "numbers")
		var a, b, read Quantiles
		for _, x := range numbers {
			a.Add(x)
		}
		for _, x := range rapid.Permutation(numbers).Draw(t, "order") {
			b.Add(x)
		}
		form := bytesOf(t, a.Form)
		if !bytes.Equal(form, bytesOf(t, b.Form)) {
			t.Fatal("another order, other bytes")
		}
		if err := saved.Read(form, 1, read.Form); err != nil || !bytes.Equal(form, bytesOf(t, read.Form)) {
			t.Fatalf("read and saved again it is other bytes: %v", err)
		}
	})
}

func TestSavedTop(t *testing.T) {
	form := func(top *Top[int]) func(*saved.Form) {
		return func(f *saved.Form) { top.Form(f, func(n *int) { saved.Int(f, n) }) }
	}
	a, b := NewTop(3, cmp.Compare[int]), NewTop(3, cmp.Compare[int])
	for _, x := range []int{5, 1, 4, 2, 3} {
		a.Add(x)
	}
	if err := saved.Read(bytesOf(t, form(a)), 1, form(b)); err != nil {
		t.Fatal(err)
	}
	b.Add(0)
	if got := b.Sorted(); !slices.Equal(got, []int{0, 1, 2}) {
		t.Errorf("%v", got)
	}
	if err := saved.Read(bytesOf(t, form(a)), 1, form(NewTop(2, cmp.Compare[int]))); err == nil {
		t.Error("three values were read into a list of two")
	}
}

// FuzzSavedQuantiles holds that what is read can be used, whatever it says.
func FuzzSavedQuantiles(f *testing.F) {
	var q Quantiles
	for i := range int64(2000) {
		q.Add(i * i)
	}
	f.Add(bytesOf(f, q.Form))
	f.Fuzz(func(t *testing.T, b []byte) {
		var q, other Quantiles
		if saved.Read(b, 1, q.Form) != nil {
			return
		}
		other.Add(17)
		other.Merge(&q)
		for range other.All() { // it ends, without a panic
		}
		for _, p := range []float64{0, 0.5, 1} {
			if v, ok := other.At(p); ok && v < 0 {
				t.Errorf("%v is %d", p, v)
			}
		}
		if q.Bins() > q.bins.most() {
			t.Errorf("%d bins, at most %d", q.Bins(), q.bins.most())
		}
	})
}
