package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/kv"
)

// lcsOptions are what LCS is asked for.
type lcsOptions struct {
	length, ranges, withLength bool
	least                      int64 // MINMATCHLEN; 0 is none
}

// lcs is LCS key key [LEN] [IDX] [MINMATCHLEN n] [WITHMATCHLEN].
func lcs(c *engine.Call) {
	a, b := c.Read(c.Args[1]), c.Read(c.Args[2])
	if a.OK() && a.Type() != kv.TypeString || b.OK() && b.Type() != kv.TypeString {
		c.Fail("ERR The specified keys must contain string values")
		return
	}
	o, ok := lcsArguments(c)
	if !ok {
		return
	}
	t, failure := newLCSTable(a.Bytes(), b.Bytes(), int64(c.Engine().MaxBulk()))
	switch {
	case failure != "":
		c.Fail(failure)
	case o.ranges:
		t.replyRanges(c, o)
	case o.length:
		c.Out.Int(int64(t.length()))
	default:
		c.Out.Bulk(t.common())
	}
}

func lcsArguments(c *engine.Call) (o lcsOptions, ok bool) {
	for i := 3; i < len(c.Args); i++ {
		switch arg := c.Args[i]; {
		case is(arg, "idx"):
			o.ranges = true
		case is(arg, "len"):
			o.length = true
		case is(arg, "withmatchlen"):
			o.withLength = true
		case is(arg, "minmatchlen") && i+1 < len(c.Args):
			i++
			if o.least, ok = c.Int(c.Args[i]); !ok {
				return o, false
			}
			o.least = max(o.least, 0)
		default:
			c.Fail(engine.ErrSyntax)
			return o, false
		}
	}
	if o.length && o.ranges {
		c.Fail("ERR If you want both the length and indexes, please just use IDX.")
		return o, false
	}
	return o, true
}

// An lcsTable holds the lengths of the longest common subsequences of all beginnings of two strings: row i is of the first i
// bytes of a, column j of the first j bytes of b.
type lcsTable struct {
	a, b  []byte
	cells []uint32
	width int
}

// newLCSTable fills a table, unless it would be larger than a string may be: then it returns the error (t_string.c: lcsCommand).
func newLCSTable(a, b []byte, limit int64) (t *lcsTable, failure string) {
	if len(a) >= math.MaxUint32-1 || len(b) >= math.MaxUint32-1 {
		return nil, "ERR String too long for LCS"
	}
	width := len(b) + 1
	if 4*int64(width)*int64(len(a)+1) > limit {
		return nil, "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
	}
	t = &lcsTable{a, b, make([]uint32, width*(len(a)+1)), width}
	for i := range a {
		t.fill(t.cells[i*width:][:width], t.cells[(i+1)*width:][:width], a[i])
	}
	return t, ""
}

// fill makes the row of the beginning that ends with c from the row before it.
func (t *lcsTable) fill(above, row []uint32, c byte) {
	left := uint32(0)
	for j, d := range t.b {
		switch {
		case c == d:
			left = above[j] + 1
		case above[j+1] > left:
			left = above[j+1]
		}
		row[j+1] = left
	}
}

func (t *lcsTable) at(i, j int) uint32 { return t.cells[i*t.width+j] }

// length returns the length of the longest common subsequence.
func (t *lcsTable) length() uint32 { return t.cells[len(t.cells)-1] }

// back walks from the ends of both strings to the beginning of one of them, and calls at for each step: with match for a byte of
// the subsequence, which is before i in a and before j in b.
func (t *lcsTable) back(at func(i, j int, match bool)) {
	for i, j := len(t.a), len(t.b); i > 0 && j > 0; {
		if t.a[i-1] == t.b[j-1] {
			at(i, j, true)
			i, j = i-1, j-1
			continue
		}
		at(i, j, false)
		if t.at(i-1, j) > t.at(i, j-1) {
			i--
		} else {
			j--
		}
	}
}

// common returns the subsequence itself.
func (t *lcsTable) common() []byte {
	out := make([]byte, t.length())
	left := len(out)
	t.back(func(i, _ int, match bool) {
		if match {
			left--
			out[left] = t.a[i-1]
		}
	})
	return out
}

// An lcsRange is a run of equal bytes, both ends included.
type lcsRange struct{ a, b, n int }

// ranges calls emit for each run, the last first. As in Redis a run ends where one of the strings begins, and a byte that does
// not continue the run before it is told of with that run and begins none.
func (t *lcsTable) ranges(emit func(lcsRange)) {
	open := false
	var r lcsRange
	t.back(func(i, j int, match bool) {
		done := open
		if match {
			switch {
			case !open:
				r, open, done = lcsRange{i - 1, j - 1, 1}, true, false
			case r.a == i && r.b == j:
				r, done = lcsRange{i - 1, j - 1, r.n + 1}, false
			}
			done = done || r.a == 0 || r.b == 0
		}
		if done {
			emit(r)
			open = false
		}
	})
}

func (t *lcsTable) replyRanges(c *engine.Call, o lcsOptions) {
	c.Out.Map(2)
	c.Out.Text("matches")
	at, n := c.Out.Begin(), 0
	t.ranges(func(r lcsRange) {
		if int64(r.n) < o.least {
			return
		}
		n++
		c.Out.Array(2 + int(oneIf(o.withLength)))
		for _, from := range []int{r.a, r.b} {
			c.Out.Array(2)
			c.Out.Int(int64(from))
			c.Out.Int(int64(from + r.n - 1))
		}
		if o.withLength {
			c.Out.Int(int64(r.n))
		}
	})
	c.Out.EndArray(at, n)
	c.Out.Text("len")
	c.Out.Int(int64(t.length()))
}
