package command

// partialSort is pqsort.c: Bentley and McIlroy's quicksort that leaves alone what has no element between first and last. Of
// elements that compare equal it makes the order that a server makes.
func partialSort(items []sortItem, compare func(a, b *sortItem) int, first, last int) {
	s := partial{items, compare}
	s.sort(0, len(items), first, last)
}

type partial struct {
	items   []sortItem
	compare func(a, b *sortItem) int
}

func (s *partial) cmp(i, j int) int { return s.compare(&s.items[i], &s.items[j]) }

func (s *partial) swap(i, j int) { s.items[i], s.items[j] = s.items[j], s.items[i] }

// exchange swaps n elements from i on with those from j on.
func (s *partial) exchange(i, j, n int) {
	for k := range n {
		s.swap(i+k, j+k)
	}
}

// sort sorts n elements from a on, as far as they matter.
func (s *partial) sort(a, n, first, last int) {
	for n >= 7 {
		s.swap(a, s.pivot(a, n))
		less, more := s.divide(a, n)
		if less > 1 && !(last < a || first > a+less-1) {
			s.sort(a, less, first, last)
		}
		a, n = a+n-more, more
		if more <= 1 || last < a || first > a+more-1 {
			return
		}
	}
	for i := a + 1; i < a+n; i++ {
		for j := i; j > a && s.cmp(j-1, j) > 0; j-- {
			s.swap(j, j-1)
		}
	}
}

// pivot returns the middle of three, or of nine.
func (s *partial) pivot(a, n int) int {
	low, middle, high := a, a+n/2, a+n-1
	if n == 7 {
		return middle
	}
	if n > 40 {
		d := n / 8
		low = s.median(low, low+d, low+2*d)
		middle = s.median(middle-d, middle, middle+d)
		high = s.median(high-2*d, high-d, high)
	}
	return s.median(low, middle, high)
}

func (s *partial) median(a, b, c int) int {
	if s.cmp(a, b) < 0 {
		switch {
		case s.cmp(b, c) < 0:
			return b
		case s.cmp(a, c) < 0:
			return c
		}
		return a
	}
	switch {
	case s.cmp(b, c) > 0:
		return b
	case s.cmp(a, c) < 0:
		return a
	}
	return c
}

// divide puts what is less than the element at a before what is equal, and that before what is more, and returns how many are
// less and how many are more.
func (s *partial) divide(a, n int) (less, more int) {
	pa, pb := a+1, a+1
	pc, pd := a+n-1, a+n-1
	for {
		for pb <= pc {
			r := s.cmp(pb, a)
			if r > 0 {
				break
			}
			if r == 0 {
				s.swap(pa, pb)
				pa++
			}
			pb++
		}
		for pb <= pc {
			r := s.cmp(pc, a)
			if r < 0 {
				break
			}
			if r == 0 {
				s.swap(pc, pd)
				pd--
			}
			pc--
		}
		if pb > pc {
			break
		}
		s.swap(pb, pc)
		pb++
		pc--
	}
	end := a + n
	r := min(pa-a, pb-pa)
	s.exchange(a, pb-r, r)
	r = min(pd-pc, end-pd-1)
	s.exchange(pb, end-r, r)
	return pb - pa, pd - pc
}
