package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

// A position is what LPOS asks for: the rank-th match and those behind it, up to count, or all if that is 0; -1 is one match, that
// is not answered as an array.
type position struct {
	rank, count, most int64
	reverse           bool
}

// parsePosition reads the options of LPOS; it answers the error itself.
func parsePosition(c *engine.Call) (p position, ok bool) {
	p = position{rank: 1, count: -1}
	for i := 3; i < len(c.Args); i += 2 {
		opt, more := c.Args[i], i+1 < len(c.Args)
		switch {
		case more && is(opt, "rank"):
			if p.rank, ok = c.Int(c.Args[i+1]); !ok {
				return p, false
			}
			if p.rank == 0 {
				c.Fail(engine.ErrRankZero)
				return p, false
			}
		case more && is(opt, "count"):
			p.count, ok = intWithin(c, c.Args[i+1], 0, math.MaxInt64, engine.ErrCountNegative)
		case more && is(opt, "maxlen"):
			p.most, ok = intWithin(c, c.Args[i+1], 0, math.MaxInt64, engine.ErrMaxLenNegative)
		default:
			c.Fail(engine.ErrSyntax)
			return p, false
		}
		if !ok {
			return p, false
		}
	}
	if p.rank < 0 {
		p.rank, p.reverse = -p.rank, true
	}
	return p, true
}

func lpos(c *engine.Call) {
	p, ok := parsePosition(c)
	if !ok {
		return
	}
	l, ok := readList(c)
	if !ok {
		return
	}
	at, found := c.Out.Begin(), p.find(c, &l)
	switch {
	case p.count >= 0:
		c.Out.EndArray(at, int(found))
	case found == 0:
		c.Out.Null()
	}
}

// find answers the matches and returns how many there are.
func (p position) find(c *engine.Call, l *value.List) (found int64) {
	n, matches := l.Len(), int64(0)
	limit := n
	if p.most > 0 {
		limit = int(min(p.most, int64(n)))
	}
	for i := range l.Matches(c.Args[2], limit, p.reverse) {
		if matches++; matches < p.rank {
			continue
		}
		if p.reverse {
			i = n - 1 - i
		}
		c.Out.Int(int64(i))
		found++
		if p.count < 0 || p.count > 0 && matches-p.rank+1 >= p.count {
			break
		}
	}
	return found
}
