package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

func zsetRangeCommands() []engine.Command {
	return []engine.Command{
		{Name: "zrange", Run: func(c *engine.Call) { zrange(c, zrangeRequest{any: true, key: 1}) }},
		{Name: "zrangestore", Run: func(c *engine.Call) { zrange(c, zrangeRequest{any: true, key: 2, store: true}) }},
		{Name: "zrevrange", Run: func(c *engine.Call) { zrange(c, zrangeRequest{key: 1, reverse: true}) }},
		{Name: "zrangebyscore", Run: func(c *engine.Call) { zrange(c, zrangeRequest{key: 1, by: byScore}) }},
		{Name: "zrevrangebyscore", Run: func(c *engine.Call) { zrange(c, zrangeRequest{key: 1, by: byScore, reverse: true}) }},
		{Name: "zrangebylex", Run: func(c *engine.Call) { zrange(c, zrangeRequest{key: 1, by: byLex}) }},
		{Name: "zrevrangebylex", Run: func(c *engine.Call) { zrange(c, zrangeRequest{key: 1, by: byLex, reverse: true}) }},
		{Name: "zcount", Run: func(c *engine.Call) { zcount(c, byScore) }},
		{Name: "zlexcount", Run: func(c *engine.Call) { zcount(c, byLex) }},
		{Name: "zremrangebyrank", Run: func(c *engine.Call) { zremrange(c, byRank, "zremrangebyrank") }},
		{Name: "zremrangebyscore", Run: func(c *engine.Call) { zremrange(c, byScore, "zremrangebyscore") }},
		{Name: "zremrangebylex", Run: func(c *engine.Call) { zremrange(c, byLex, "zremrangebylex") }},
	}
}

const (
	errBadScoreRange = "ERR min or max is not a float"
	errBadLexRange   = "ERR min or max not valid string range item"
)

// rangeBy says what the ends of a range are.
type rangeBy uint8

const (
	byRank rangeBy = iota
	byScore
	byLex
)

// A zsetRange is a range of any kind.
type zsetRange struct {
	by          rangeBy
	start, stop int64 // ranks; negative ones count from the end
	scores      value.ScoreRange
	lex         value.LexRange
}

// parseRange reads the ends of a range. It answers the error itself.
func parseRange(c *engine.Call, by rangeBy, low, high []byte) (r zsetRange, ok bool) {
	r.by = by
	switch by {
	case byRank:
		if r.start, ok = c.Int(low); ok {
			r.stop, ok = c.Int(high)
		}
	case byScore:
		if r.scores, ok = value.ParseScoreRange(low, high); !ok {
			c.Fail(errBadScoreRange)
		}
	case byLex:
		if r.lex, ok = value.ParseLexRange(low, high); !ok {
			c.Fail(errBadLexRange)
		}
	}
	return r, ok
}

// in returns the ranks of v, from low to before high, that are in the range. Ranks of a reversed range count from the greatest; what
// is returned does not.
func (r *zsetRange) in(v *value.ZSet, reverse bool) (low, high int) {
	switch r.by {
	case byScore:
		return v.ScoreRange(r.scores)
	case byLex:
		return v.LexRange(r.lex, reverse)
	}
	n := v.Len()
	low, high = bounds(r.start, r.stop, n)
	if reverse && low < high {
		low, high = n-high, n-low
	}
	return low, high
}

// A zrangeRequest is what the commands of the ZRANGE family are asked for.
type zrangeRequest struct {
	any     bool // the command takes BYSCORE, BYLEX and REV
	store   bool
	key     int // argument
	by      rangeBy
	reverse bool

	scores        bool // WITHSCORES
	offset, limit int64
}

// options reads the arguments behind the range. It answers the error itself.
func (r *zrangeRequest) options(c *engine.Call) bool {
	r.limit = -1
	chosen := !r.any
	for i := r.key + 3; i < len(c.Args); i++ {
		switch arg := c.Args[i]; {
		case !r.store && is(arg, "withscores"):
			r.scores = true
		case is(arg, "limit") && len(c.Args)-i > 2:
			var ok bool
			if r.offset, ok = c.Int(c.Args[i+1]); !ok {
				return false
			}
			if r.limit, ok = c.Int(c.Args[i+2]); !ok {
				return false
			}
			i += 2
		case r.any && !r.reverse && is(arg, "rev"):
			r.reverse = true
		case !chosen && is(arg, "bylex"):
			r.by, chosen = byLex, true
		case !chosen && is(arg, "byscore"):
			r.by, chosen = byScore, true
		default:
			c.Fail(engine.ErrSyntax)
			return false
		}
	}
	switch {
	case r.limit != -1 && r.by == byRank:
		c.Fail("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	case r.scores && r.by == byLex:
		c.Fail("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
	default:
		return true
	}
	return false
}

func zrange(c *engine.Call, r zrangeRequest) {
	if !r.options(c) {
		return
	}
	low, high := c.Args[r.key+1], c.Args[r.key+2]
	if r.reverse && r.by != byRank {
		low, high = high, low
	}
	rg, ok := parseRange(c, r.by, low, high)
	if !ok {
		return
	}
	v, ok := readZSet(c, c.Args[r.key])
	if !ok {
		return
	}
	from, n := r.cut(rg.in(&v, r.reverse))
	switch {
	case r.store:
		storeRange(c, &v, r, from, n)
	case r.scores:
		beginPairs(c, n)
		eachOfRange(&v, from, n, r.reverse, func(member []byte, score float64) { pair(c, member, score) })
	default:
		c.Out.Array(n)
		bulkRange(c, &v, from, n, r.reverse)
	}
}

// bulkRange answers n members from a rank on, up or down, without their scores.
func bulkRange(c *engine.Call, v *value.ZSet, from, n int, down bool) {
	if v.Packed() {
		eachOfRange(v, from, n, down, func(member []byte, _ float64) { c.Out.Bulk(member) })
		return
	}
	var room [64][]byte
	for n > 0 {
		run := v.Members(room[:0], from, min(n, len(room)), down)
		c.Out.Bulks(run)
		n -= len(run)
		if from += len(run); down {
			from -= 2 * len(run)
		}
	}
}

// cut applies LIMIT to ranks from low to before high: it returns the rank to begin with, and how many to take. A negative limit is
// none, and a negative offset is beyond everything.
func (r *zrangeRequest) cut(low, high int) (from, n int) {
	left := int64(high - low)
	if r.offset < 0 || r.offset >= left {
		return 0, 0
	}
	left -= r.offset
	if r.limit >= 0 {
		left = min(left, r.limit)
	}
	if r.reverse {
		return high - 1 - int(r.offset), int(left)
	}
	return low + int(r.offset), int(left)
}

// eachOfRange visits n members from a rank on, up or down.
func eachOfRange(v *value.ZSet, from, n int, down bool, visit func(member []byte, score float64)) {
	if n == 0 {
		return
	}
	step := func(member []byte, score float64) bool {
		visit(member, score)
		n--
		return n > 0
	}
	if down {
		v.Back(from)(step)
	} else {
		v.From(from)(step)
	}
}

// storeRange makes a sorted set of a range.
func storeRange(c *engine.Call, v *value.ZSet, r zrangeRequest, from, n int) {
	key := c.Args[1]
	if n == 0 {
		deleteResult(c, key)
		return
	}
	s, _ := c.Shard(key)
	to := value.NewZSet(s)
	full := r.by == byRank && n > s.Limits().ZSetEntries && !to.Spread() // its length is known before
	eachOfRange(v, from, n, r.reverse, func(member []byte, score float64) {
		if done, _ := to.Add(member, score, value.AddOptions{}); done == value.Full {
			full = true
		}
	})
	replaceZSet(c, &to, key, "zrangestore", full)
}

// replaceZSet puts a result that is not empty at a key, and answers the number of its members.
func replaceZSet(c *engine.Call, v *value.ZSet, key []byte, event string, full bool) {
	if full {
		v.Release()
		c.Fail(engine.ErrOOM)
		return
	}
	n := v.Len()
	_, hash := c.Shard(key)
	old := c.Write(key)
	if _, ok := v.Replace(c.DB(), key, hash, old); !ok {
		c.Fail(engine.ErrOOM)
		return
	}
	if !old.OK() {
		c.Ready(key)
	}
	c.Changed(key, 'z', event)
	c.Out.Int(int64(n))
}

func zcount(c *engine.Call, by rangeBy) {
	rg, ok := parseRange(c, by, c.Args[2], c.Args[3])
	if !ok {
		return
	}
	if v, ok := readZSet(c, c.Args[1]); ok {
		low, high := rg.in(&v, false)
		c.Out.Int(int64(high - low))
	}
}

func zremrange(c *engine.Call, by rangeBy, event string) {
	key := c.Args[1]
	rg, ok := parseRange(c, by, c.Args[2], c.Args[3])
	if !ok {
		return
	}
	v, ok := writeZSet(c, key)
	if !ok {
		return
	}
	low, high := rg.in(&v, false)
	if low < high {
		v.RemoveRange(low, high-low)
		left := v.Len()
		if !putZSet(c, &v, key) {
			return
		}
		changedOrGone(c, key, 'z', event, left)
	}
	c.Out.Int(int64(high - low))
}
