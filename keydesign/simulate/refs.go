package simulate

import (
	"math/rand/v2"
	"strings"

	"github.com/kvtool/kvtool/internal/evict"
)

// refs is a set of records that can be sampled: in no order, so that neighbours have nothing in common.
type refs struct {
	list []evict.Ref
	at   []int32 // place in list by ref, from 1; 0 is not in it
}

func newRefs(n int) refs { return refs{at: make([]int32, n+1)} }

func (s *refs) has(r evict.Ref) bool { return s.at[r] != 0 }

func (s *refs) add(r evict.Ref) {
	if s.at[r] == 0 {
		s.list = append(s.list, r)
		s.at[r] = int32(len(s.list))
	}
}

func (s *refs) remove(r evict.Ref) {
	i := s.at[r]
	if i == 0 {
		return
	}
	last := s.list[len(s.list)-1]
	s.list[i-1], s.at[last] = last, i
	s.list, s.at[r] = s.list[:len(s.list)-1], 0
}

// Len returns the number of records.
func (s *refs) Len() int { return len(s.list) }

// Sample appends at most n neighbours.
func (s *refs) Sample(dst []evict.Ref, n int, random *rand.Rand) []evict.Ref {
	if len(s.list) == 0 {
		return dst
	}
	from := random.IntN(len(s.list))
	for i := range min(n, len(s.list)) {
		dst = append(dst, s.list[(from+i)%len(s.list)])
	}
	return dst
}

// Random returns one record, or 0.
func (s *refs) Random(random *rand.Rand) evict.Ref {
	if len(s.list) == 0 {
		return 0
	}
	return s.list[random.IntN(len(s.list))]
}

// Find returns the record of an ID, or 0.
func (s *refs) Find(id uint64) evict.Ref {
	if id < uint64(len(s.at)) && s.has(evict.Ref(id)) {
		return evict.Ref(id)
	}
	return 0
}

// due says when a record expires.
type due struct {
	at  float64
	ref evict.Ref
}

// A dueHeap has the soonest first.
type dueHeap []due

func (h *dueHeap) push(d due) {
	s := append(*h, d)
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up].at <= s[i].at {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
	*h = s
}

func (h *dueHeap) pop() due {
	s := *h
	top, n := s[0], len(s)-1
	s[0] = s[n]
	s = s[:n]
	for i := 0; ; {
		next := 2*i + 1
		if next+1 < n && s[next+1].at < s[next].at {
			next++
		}
		if next >= n || s[i].at <= s[next].at {
			break
		}
		s[i], s[next] = s[next], s[i]
		i = next
	}
	*h = s
	return top
}

// list writes names as a sentence does: a, b and c.
func list(names []string) string {
	switch n := len(names); n {
	case 0:
		return "none"
	case 1:
		return names[0]
	default:
		return strings.Join(names[:n-1], ", ") + " and " + names[n-1]
	}
}
