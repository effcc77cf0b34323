package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

func zsetCommands() []engine.Command {
	return []engine.Command{
		{Name: "zadd", Run: func(c *engine.Call) { zadd(c, value.AddOptions{}) }, Warm: warmZSet, Element: 3},
		{Name: "zincrby", Run: func(c *engine.Call) { zadd(c, value.AddOptions{Increment: true}) }, Warm: warmZSet, Element: 3},
		{Name: "zrem", Run: zrem, Warm: warmZSet, Element: 2},
		{Name: "zcard", Run: zcard},
		{Name: "zscore", Run: zscore, Warm: warmZSet, Element: 2},
		{Name: "zmscore", Run: zmscore},
		{Name: "zrank", Run: func(c *engine.Call) { zrank(c, false) }, Warm: warmZSet, Element: 2},
		{Name: "zrevrank", Run: func(c *engine.Call) { zrank(c, true) }, Warm: warmZSet, Element: 2},
		{Name: "zscan", Run: zscan},
		{Name: "zrandmember", Run: zrandmember},
		{Name: "zpopmin", Run: func(c *engine.Call) { zpop(c, popMin) }},
		{Name: "zpopmax", Run: func(c *engine.Call) { zpop(c, popMax) }},
		{Name: "zmpop", Run: zmpop},
		{Name: "bzpopmin", Run: func(c *engine.Call) { bzpop(c, popMin) }},
		{Name: "bzpopmax", Run: func(c *engine.Call) { bzpop(c, popMax) }},
		{Name: "bzmpop", Run: bzmpop},
	}
}

// readZSet opens a sorted set to read it. It answers WRONGTYPE itself.
func readZSet(c *engine.Call, key []byte) (v value.ZSet, ok bool) {
	it := c.Read(key)
	if !typed(c, it, kv.TypeZSet) {
		return v, false
	}
	s, _ := c.Shard(key)
	return value.OpenZSet(s, it), true
}

func warmZSet(c *engine.Call, key []byte, members [][]byte) {
	s, hash := c.Shard(key)
	if it := s.Look(c.DB(), key, hash); it.OK() && it.Type() == kv.TypeZSet { // Look, as nothing has been asked yet
		v := value.OpenZSet(s, it)
		v.Warm(members)
	}
}

// writeZSet opens a sorted set to change it. It answers WRONGTYPE itself.
func writeZSet(c *engine.Call, key []byte) (v value.ZSet, ok bool) {
	it := c.Write(key)
	if !typed(c, it, kv.TypeZSet) {
		return v, false
	}
	s, _ := c.Shard(key)
	return value.OpenZSet(s, it), true
}

// putZSet writes a sorted set back. It answers the error itself.
func putZSet(c *engine.Call, v *value.ZSet, key []byte) bool {
	_, hash := c.Shard(key)
	_, ok := v.Put(c.DB(), key, hash)
	if !ok {
		c.Fail(engine.ErrOOM)
	}
	return ok
}

// A zaddRequest is what ZADD, ZINCRBY and GEOADD are asked to do.
type zaddRequest struct {
	value.AddOptions
	changed bool // CH: count the members that have another score, too
	first   int  // argument behind the options
}

// zaddOptions reads the options of ZADD, which ZINCRBY has, too, though nothing can follow them.
func zaddOptions(c *engine.Call, o value.AddOptions) zaddRequest {
	r := zaddRequest{AddOptions: o, first: 2}
	for ; r.first < len(c.Args); r.first++ {
		switch arg := c.Args[r.first]; {
		case is(arg, "nx"):
			r.NX = true
		case is(arg, "xx"):
			r.XX = true
		case is(arg, "ch"):
			r.changed = true
		case is(arg, "incr"):
			r.Increment = true
		case is(arg, "gt"):
			r.GT = true
		case is(arg, "lt"):
			r.LT = true
		default:
			return r
		}
	}
	return r
}

// valid answers the error if the options and so many arguments behind them do not go together.
func (r *zaddRequest) valid(c *engine.Call, args int) bool {
	switch {
	case args == 0 || args%2 != 0:
		c.Fail(engine.ErrSyntax)
	case r.NX && r.XX:
		c.Fail("ERR XX and NX options at the same time are not compatible")
	case r.GT && r.NX || r.LT && r.NX || r.GT && r.LT:
		c.Fail("ERR GT, LT, and/or NX options at the same time are not compatible")
	case r.Increment && args > 2:
		c.Fail("ERR INCR option supports a single increment-element pair")
	default:
		return true
	}
	return false
}

func zadd(c *engine.Call, o value.AddOptions) {
	r := zaddOptions(c, o)
	pairs := c.Args[r.first:]
	if !r.valid(c, len(pairs)) {
		return
	}
	var room [8]float64
	scores := room[:0]
	for i := 0; i < len(pairs); i += 2 {
		score, ok := c.Float(pairs[i])
		if !ok {
			return
		}
		scores = append(scores, score)
	}
	zaddAll(c, &r, scores, pairs[1:], 2)
}

// zaddAll adds every step-th of members with its score.
func zaddAll(c *engine.Call, r *zaddRequest, scores []float64, members [][]byte, step int) {
	key := c.Args[1]
	v, ok := writeZSet(c, key)
	if !ok {
		return
	}
	before := v.Len()
	added, updated := 0, 0
	var done value.Outcome
	var score float64
	for i, x := range scores {
		done, score = v.Add(members[i*step], x, r.AddOptions)
		if done == value.NotANumber || done == value.Full {
			break
		}
		added += int(oneIf(done == value.Added))
		updated += int(oneIf(done == value.Updated))
	}
	if added+updated > 0 || done == value.Full {
		if !putZSet(c, &v, key) {
			return
		}
	}
	if added+updated > 0 {
		c.Changed(key, 'z', map[bool]string{true: "zincr", false: "zadd"}[r.Increment])
	}
	if before == 0 && added > 0 {
		c.Ready(key)
	}
	switch {
	case done == value.NotANumber:
		c.Fail("ERR resulting score is not a number (NaN)")
	case done == value.Full:
		c.Fail(engine.ErrOOM)
	case r.Increment && done == value.Nothing:
		c.Out.Null()
	case r.Increment:
		c.Out.Double(score)
	case r.changed:
		c.Out.Int(int64(added + updated))
	default:
		c.Out.Int(int64(added))
	}
}

func zrem(c *engine.Call) {
	key := c.Args[1]
	v, ok := writeZSet(c, key)
	if !ok {
		return
	}
	n := 0
	for _, member := range c.Args[2:] {
		if v.Remove(member) {
			n++
		}
	}
	if n > 0 {
		left := v.Len()
		if !putZSet(c, &v, key) {
			return
		}
		changedOrGone(c, key, 'z', "zrem", left)
	}
	c.Out.Int(int64(n))
}

func zcard(c *engine.Call) {
	if v, ok := readZSet(c, c.Args[1]); ok {
		c.Out.Int(int64(v.Len()))
	}
}

func zscore(c *engine.Call) {
	if v, ok := readZSet(c, c.Args[1]); ok {
		answerScore(c, &v, c.Args[2])
	}
}

func answerScore(c *engine.Call, v *value.ZSet, member []byte) {
	if score, ok := v.Score(member); ok {
		c.Out.Double(score)
	} else {
		c.Out.Null()
	}
}

func zmscore(c *engine.Call) {
	v, ok := readZSet(c, c.Args[1])
	if !ok {
		return
	}
	c.Out.Array(len(c.Args) - 2)
	for _, member := range c.Args[2:] {
		answerScore(c, &v, member)
	}
}

func zrank(c *engine.Call, reverse bool) {
	v, ok := readZSet(c, c.Args[1])
	if !ok {
		return
	}
	rank, ok := v.Rank(c.Args[2])
	switch {
	case !ok:
		c.Out.Null()
	case reverse:
		c.Out.Int(int64(v.Len() - 1 - rank))
	default:
		c.Out.Int(int64(rank))
	}
}

// pair answers a member with its score: in version 3 of the protocol an array of its own.
func pair(c *engine.Call, member []byte, score float64) {
	if c.Out.RESP3() {
		c.Out.Array(2)
	}
	c.Out.Bulk(member)
	c.Out.Double(score)
}

// beginPairs begins n pairs.
func beginPairs(c *engine.Call, n int) {
	if !c.Out.RESP3() {
		n *= 2
	}
	c.Out.Array(n)
}

func zscan(c *engine.Call) {
	cursor, ok := scanCursor(c, c.Args[2])
	if !ok {
		return
	}
	v, ok := readZSet(c, c.Args[1])
	switch {
	case !ok:
		return
	case v.Len() == 0:
		scanReply(c, 0, 0)
		return
	}
	r, ok := scanOptions(c, 3, false)
	if !ok {
		return
	}
	write := number.AppendDouble
	if v.Packed() {
		write = value.AppendScore
	}
	at, seen, matched := c.Out.Begin(), int64(0), 0
	for steps := r.scanSteps(); ; steps-- {
		cursor = v.Scan(cursor, func(member []byte, score float64) {
			seen++
			if r.match(member) {
				c.Out.Bulk(member)
				c.Out.Bulk(write(nil, score))
				matched += 2
			}
		})
		if cursor == 0 || steps == 0 || seen >= r.count {
			break
		}
	}
	endScan(c, at, cursor, matched)
}

// parseFloat reads a number, as engine.Call.Float does, but answers with a text of the caller's.
func parseFloat(c *engine.Call, arg []byte, text string) (float64, bool) {
	x, ok := number.ParseDouble(arg)
	if !ok {
		c.Fail(text)
	}
	return x, ok
}
