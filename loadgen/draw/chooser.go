package draw

import (
	"sync/atomic"

	"github.com/kvtool/kvtool/internal/random"
)

// A Chooser draws numbers of a population, below its size. Choosers may be shared by goroutines.
type Chooser interface {
	Choose(r *Source) int64
}

// A Scattered chooser gives the popular ranks to numbers that lie anywhere: the same for the same seed. Its popularity can shift
// while it is in use.
type Scattered struct {
	n       int64
	numbers random.Permutation
	now     atomic.Pointer[popularity]
}

// A popularity is what can change of a chooser.
type popularity struct {
	ranking Ranking
	moved   int64 // by how many ranks the numbers have moved on
	crowd   crowd
}

// A crowd is a share of all draws that goes to one number.
type crowd struct {
	share  float64
	number int64
}

// NewScattered returns a chooser of numbers below n.
func NewScattered(ranking Ranking, n int64, seed uint64) *Scattered {
	c := &Scattered{n: max(n, 1), numbers: random.NewPermutation(n, seed)}
	c.now.Store(&popularity{ranking: fixed(ranking, c.n)})
	return c
}

// Choose implements Chooser.
func (c *Scattered) Choose(r *Source) int64 {
	p := c.now.Load()
	if p.crowd.share > 0 && unit(r) < p.crowd.share {
		return p.crowd.number
	}
	return c.numbers.At((p.ranking.Rank(r, c.n) + p.moved) % c.n)
}

// Shift gives the ranks another law, or, with moved, other numbers: each number gets the rank that is so many places on. A nil
// ranking stays what it is.
func (c *Scattered) Shift(ranking Ranking, moved int64) {
	c.change(func(p *popularity) {
		if ranking != nil {
			p.ranking = fixed(ranking, c.n)
		}
		p.moved = (p.moved + moved%c.n + c.n) % c.n
	})
}

// Crowd sends a share of all draws to one number, one that was not among the popular; 0 ends it.
func (c *Scattered) Crowd(share float64) {
	c.change(func(p *popularity) { p.crowd = crowd{share, c.numbers.At((c.n - 1 + p.moved) % c.n)} })
}

func (c *Scattered) change(by func(*popularity)) {
	for {
		old := c.now.Load()
		p := *old
		by(&p)
		if c.now.CompareAndSwap(old, &p) {
			return
		}
	}
}

// A Sequence chooses one number after the other, and begins again at the end: all users of it together see each once a round.
type Sequence struct {
	n    int64
	next atomic.Int64
}

// NewSequence returns a chooser of 0 to n-1 in order.
func NewSequence(n int64) *Sequence { return &Sequence{n: max(n, 1)} }

// Choose implements Chooser.
func (s *Sequence) Choose(*Source) int64 { return (s.next.Add(1) - 1) % s.n }

// A Growing chooser is for a population that grows: the newest number is the most popular.
type Growing struct {
	ranking Ranking
	n       atomic.Int64
}

// NewGrowing returns a chooser for a population of n to begin with.
func NewGrowing(ranking Ranking, n int64) *Growing {
	g := &Growing{ranking: fixed(ranking, max(n, 1))}
	g.n.Store(max(n, 1))
	return g
}

// Choose implements Chooser.
func (g *Growing) Choose(r *Source) int64 {
	n := g.n.Load()
	return n - 1 - g.ranking.Rank(r, n)
}

// Grow adds a number to the population and returns it.
func (g *Growing) Grow() int64 { return g.n.Add(1) - 1 }
