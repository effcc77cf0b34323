package command

import (
	"math"
	"math/rand/v2"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/value"
)

func spop(c *engine.Call) {
	key := c.Args[1]
	switch {
	case len(c.Args) == 3:
		spopCount(c)
		return
	case len(c.Args) > 3:
		c.Fail(engine.ErrSyntax)
		return
	}
	v, ok := writeSet(c, key)
	switch {
	case !ok:
		return
	case v.Len() == 0:
		c.Out.Null()
		return
	}
	at := c.Out.Len()
	spopMembers(c, &v, key, 1)
	left := v.Len()
	if !putSet(c, &v, key) {
		c.Out.Truncate(at)
		c.Fail(engine.ErrOOM)
		return
	}
	changedOrGone(c, key, 's', "spop", left)
}

// spopMembers answers n random members and takes them out.
func spopMembers(c *engine.Call, v *value.Set, key []byte, n int) {
	s, _ := c.Shard(key)
	var buf [packed.IntBytes]byte
	for range n {
		member := v.Random(s.Random(), buf[:])
		c.Out.Bulk(member)
		v.Remove(member)
	}
}

func spopCount(c *engine.Call) {
	key := c.Args[1]
	n, ok := intWithin(c, c.Args[2], 0, math.MaxInt64, engine.ErrNotPositive)
	if !ok {
		return
	}
	v, ok := writeSet(c, key)
	switch {
	case !ok:
		return
	case n == 0 || v.Len() == 0:
		c.Out.Set(0)
		return
	}
	at := c.Out.Len()
	if n >= int64(v.Len()) {
		c.Out.Set(v.Len())
		bulkMembers(c, &v)
		c.Delete(c.Peek(key))
		changedOrGone(c, key, 's', "spop", 0)
		return
	}
	c.Out.Set(int(n))
	spopMembers(c, &v, key, int(n))
	if !putSet(c, &v, key) {
		c.Out.Truncate(at)
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, 's', "spop")
}

// randomCount reads how many random elements are wanted; less than 0 means that some may come again. It answers the error itself.
func randomCount(c *engine.Call, arg []byte) (n int64, ok bool) {
	if n, ok = c.Int(arg); ok && n == math.MinInt64 {
		c.Fail(engine.ErrFieldRange)
		return 0, false
	}
	return n, ok
}

func srandmember(c *engine.Call) {
	n := int64(0)
	switch {
	case len(c.Args) > 3:
		c.Fail(engine.ErrSyntax)
		return
	case len(c.Args) == 3:
		var ok bool
		if n, ok = randomCount(c, c.Args[2]); !ok {
			return
		}
	}
	v, ok := readSet(c, c.Args[1])
	s, _ := c.Shard(c.Args[1])
	var buf [packed.IntBytes]byte
	switch {
	case !ok:
	case len(c.Args) == 2 && v.Len() == 0:
		c.Out.Null()
	case len(c.Args) == 2:
		c.Out.Bulk(v.Random(s.Random(), buf[:]))
	case n == 0 || v.Len() == 0:
		c.Out.Array(0)
	case n < 0:
		at := c.Out.Len()
		c.Out.Array(int(-n))
		for ; n < 0 && !replyTooLong(c, at); n++ {
			c.Out.Bulk(v.Random(s.Random(), buf[:]))
		}
	case n >= int64(v.Len()):
		c.Out.Array(v.Len())
		bulkMembers(c, &v)
	default:
		c.Out.Array(int(n))
		sampleSet(c, &v, s.Random(), int(n))
	}
}

// mostReply bounds the answer to a count that asks for more draws than memory has room for. A server goes on until it has none.
const mostReply = 256 << 20

// replyTooLong reports whether what has been answered since at is too long, and answers an error in its place then.
func replyTooLong(c *engine.Call, at int) bool {
	if c.Out.Len()-at <= mostReply {
		return false
	}
	c.Out.Truncate(at)
	c.Fail("ERR the reply would be longer than 256 MB")
	return true
}

// often says when a sample is a large part of a set: reading all of it is quicker then than drawing until n are different.
const often = 3

// sampleSet answers n different members, every such choice with the same chance.
func sampleSet(c *engine.Call, v *value.Set, r *rand.Rand, n int) {
	if n*often > v.Len() {
		left := v.Len()
		for member := range v.All() {
			if r.IntN(left) < n {
				c.Out.Bulk(member)
				n--
			}
			left--
		}
		return
	}
	drawn := make(map[string]struct{}, n)
	var buf [packed.IntBytes]byte
	for len(drawn) < n {
		member := v.Random(r, buf[:])
		if _, had := drawn[string(member)]; !had {
			drawn[string(member)] = struct{}{}
			c.Out.Bulk(member)
		}
	}
}
