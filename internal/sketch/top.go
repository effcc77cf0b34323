package sketch

import "slices"

// Top keeps the first n values of an order. It is exact: with a total order, what is kept does not depend on the order in
// which values come.
type Top[T any] struct {
	n       int
	compare func(a, b T) int // negative if a comes first
	kept    []T              // a heap, the last of the kept on top
}

// NewTop returns an empty list of at most n values in the order of compare, which must be total.
func NewTop[T any](n int, compare func(a, b T) int) *Top[T] {
	return &Top[T]{n: n, compare: compare}
}

// Last returns the last value that is kept, and whether the list is full, so that nothing behind it can enter any more.
func (t *Top[T]) Last() (v T, full bool) {
	if len(t.kept) == 0 {
		return v, t.n == 0
	}
	return t.kept[0], len(t.kept) == t.n
}

// Add offers v.
func (t *Top[T]) Add(v T) {
	switch {
	case len(t.kept) < t.n:
		t.kept = append(t.kept, v)
		t.up(len(t.kept) - 1)
	case t.n > 0 && t.compare(v, t.kept[0]) < 0:
		t.kept[0] = v
		t.down(0)
	}
}

// Merge offers all that o keeps.
func (t *Top[T]) Merge(o *Top[T]) {
	for _, v := range o.kept {
		t.Add(v)
	}
}

// Len returns how many values are kept.
func (t *Top[T]) Len() int { return len(t.kept) }

// Sorted returns what is kept, in order.
func (t *Top[T]) Sorted() []T {
	out := slices.Clone(t.kept)
	slices.SortFunc(out, t.compare)
	return out
}

func (t *Top[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if t.compare(t.kept[i], t.kept[parent]) <= 0 {
			return
		}
		t.kept[i], t.kept[parent] = t.kept[parent], t.kept[i]
		i = parent
	}
}

func (t *Top[T]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(t.kept) {
			return
		}
		if r := child + 1; r < len(t.kept) && t.compare(t.kept[r], t.kept[child]) > 0 {
			child = r
		}
		if t.compare(t.kept[i], t.kept[child]) >= 0 {
			return
		}
		t.kept[i], t.kept[child] = t.kept[child], t.kept[i]
		i = child
	}
}
