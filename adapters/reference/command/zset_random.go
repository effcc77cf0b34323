package command

import (
	"math"
	"math/rand/v2"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

func zrandmember(c *engine.Call) {
	if len(c.Args) == 2 {
		v, ok := readZSet(c, c.Args[1])
		switch {
		case !ok:
		case v.Len() == 0:
			c.Out.Null()
		default:
			s, _ := c.Shard(c.Args[1])
			var buf [packed.IntBytes]byte
			member, _ := v.Random(s.Random(), buf[:])
			c.Out.Bulk(member)
		}
		return
	}
	n, ok := randomCount(c, c.Args[2])
	if !ok {
		return
	}
	scores := len(c.Args) == 4 && is(c.Args[3], "withscores")
	switch {
	case len(c.Args) > 3 && !scores:
		c.Fail(engine.ErrSyntax)
		return
	case scores && (n < -math.MaxInt64/2 || n > math.MaxInt64/2):
		c.Fail(engine.ErrRange)
		return
	}
	if v, ok := readZSet(c, c.Args[1]); ok {
		zrandmembers(c, &v, n, scores)
	}
}

// zrandmembers answers n random members, with repetitions if n is negative.
func zrandmembers(c *engine.Call, v *value.ZSet, n int64, scores bool) {
	s, _ := c.Shard(c.Args[1])
	begin, answer := c.Out.Array, func(member []byte, _ float64) { c.Out.Bulk(member) }
	if scores {
		begin = func(n int) { beginPairs(c, n) }
		answer = func(member []byte, score float64) { pair(c, member, score) }
	}
	var buf [packed.IntBytes]byte
	switch size := int64(v.Len()); {
	case n == 0 || size == 0:
		c.Out.Array(0)
	case n < 0:
		at := c.Out.Len()
		begin(int(-n))
		for ; n < 0 && !replyTooLong(c, at); n++ {
			answer(v.Random(s.Random(), buf[:]))
		}
	case n >= size:
		begin(int(size))
		eachOfRange(v, int(size)-1, int(size), true, answer)
	default:
		begin(int(n))
		sampleZSet(v, s.Random(), int(n), answer)
	}
}

// sampleZSet visits n different members, every such choice with the same chance.
func sampleZSet(v *value.ZSet, r *rand.Rand, n int, visit func(member []byte, score float64)) {
	if n*often > v.Len() {
		left := v.Len()
		for member, score := range v.From(0) {
			if r.IntN(left) < n {
				visit(member, score)
				n--
			}
			left--
		}
		return
	}
	drawn := make(map[string]struct{}, n)
	var buf [packed.IntBytes]byte
	for len(drawn) < n {
		member, score := v.Random(r, buf[:])
		if _, had := drawn[string(member)]; !had {
			drawn[string(member)] = struct{}{}
			visit(member, score)
		}
	}
}
