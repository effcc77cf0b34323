package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

func hrandfield(c *engine.Call) {
	if len(c.Args) > 2 {
		hrandfields(c)
		return
	}
	h, ok := readHash(c)
	if !ok {
		return
	}
	if h.Len() == 0 {
		c.Out.Null()
		return
	}
	s, _ := c.Shard(c.Args[1])
	var buf [2 * packed.IntBytes]byte
	field, _ := h.Random(s.Random(), buf[:])
	c.Out.Bulk(field)
}

// hrandfields is HRANDFIELD with a count: of different fields, or of any number of draws if it is negative.
func hrandfields(c *engine.Call) {
	count, ok := randomCount(c, c.Args[2])
	switch {
	case !ok:
		return
	case len(c.Args) > 4 || len(c.Args) == 4 && !is(c.Args[3], "withvalues"):
		c.Fail(engine.ErrSyntax)
		return
	}
	values := len(c.Args) == 4
	if values && (count < -math.MaxInt64/2 || count > math.MaxInt64/2) {
		c.Fail(engine.ErrRange)
		return
	}
	h, ok := readHash(c)
	switch {
	case !ok:
	case h.Len() == 0 || count == 0:
		c.Out.Array(0)
	case count < 0:
		drawFields(c, &h, -count, values)
	default:
		pickFields(c, &h, int(min(count, int64(h.Len()))), values)
	}
}

// beginFields begins the reply of n fields: version 2 has fields and values in one array, version 3 an array of pairs.
func beginFields(c *engine.Call, n int, values bool) {
	if values && !c.Out.RESP3() {
		n *= 2
	}
	c.Out.Array(n)
}

func replyPair(c *engine.Call, field, v []byte, values bool) {
	if values && c.Out.RESP3() {
		c.Out.Array(2)
	}
	c.Out.Bulk(field)
	if values {
		c.Out.Bulk(v)
	}
}

// drawFields answers n draws, each from all fields.
func drawFields(c *engine.Call, h *value.Hash, n int64, values bool) {
	at := c.Out.Len()
	beginFields(c, int(n), values)
	s, _ := c.Shard(c.Args[1])
	var buf [2 * packed.IntBytes]byte
	for ; n > 0 && !replyTooLong(c, at); n-- {
		field, v := h.Random(s.Random(), buf[:])
		replyPair(c, field, v, values)
	}
}

// pickFields answers n different fields, n <= Len: a random choice of a walk over all, or random ones until there are n different,
// if that is a small part of a large hash.
func pickFields(c *engine.Call, h *value.Hash, n int, values bool) {
	beginFields(c, n, values)
	s, _ := c.Shard(c.Args[1])
	if left := h.Len(); h.IsPacked() || 3*n > left {
		for field, v := range h.All() {
			if s.Random().IntN(left) < n {
				replyPair(c, field, v, values)
				n--
			}
			left--
		}
		return
	}
	var buf [2 * packed.IntBytes]byte
	for seen := make(map[string]bool, n); len(seen) < n; {
		if field, v := h.Random(s.Random(), buf[:]); !seen[string(field)] {
			seen[string(field)] = true
			replyPair(c, field, v, values)
		}
	}
}
