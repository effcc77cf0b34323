package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// An expireOption is a condition of EXPIRE.
type expireOption uint8

const (
	expireNX expireOption = 1 << iota
	expireXX
	expireGT
	expireLT
)

func expireOptions(c *engine.Call) (o expireOption, ok bool) {
	for _, arg := range c.Args[3:] {
		switch {
		case is(arg, "nx"):
			o |= expireNX
		case is(arg, "xx"):
			o |= expireXX
		case is(arg, "gt"):
			o |= expireGT
		case is(arg, "lt"):
			o |= expireLT
		default:
			c.Fail("ERR Unsupported option " + cString(arg))
			return 0, false
		}
	}
	switch {
	case o&expireNX != 0 && o != expireNX:
		c.Fail("ERR NX and XX, GT or LT options at the same time are not compatible")
		return 0, false
	case o&expireGT != 0 && o&expireLT != 0:
		c.Fail("ERR GT and LT options at the same time are not compatible")
		return 0, false
	}
	return o, true
}

// expire is EXPIRE and its relatives: the time is in units of so many milliseconds after base, Unix ms.
func expire(c *engine.Call, base, unit int64) {
	o, ok := expireOptions(c)
	if !ok {
		return
	}
	at, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	if at > math.MaxInt64/unit || at < math.MinInt64/unit || at*unit > math.MaxInt64-base {
		failExpiry(c)
		return
	}
	at = at*unit + base
	key := c.Args[1]
	it := c.Write(key)
	if !it.OK() || !o.allow(it.Expiry(), at) {
		c.Out.Int(0)
		return
	}
	s, _ := c.Shard(key)
	if at <= c.Now() {
		s.Delete(it)
		c.Changed(key, 'g', "del")
		c.Out.Int(1)
		return
	}
	if _, ok := s.SetExpiry(it, at); !ok {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, 'g', "expire")
	c.Out.Int(1)
}

// allow reports whether an expiry, 0 for none, may become another.
func (o expireOption) allow(old, at int64) bool {
	switch {
	case o&expireNX != 0 && old != 0:
		return false
	case o&expireXX != 0 && old == 0:
		return false
	case o&expireGT != 0 && (old == 0 || at <= old):
		return false
	case o&expireLT != 0 && old != 0 && at >= old:
		return false
	}
	return true
}

// ttl is TTL and its relatives: what is left after base, Unix ms, in units of so many milliseconds.
func ttl(c *engine.Call, base, unit int64) {
	it := c.ReadUntouched(c.Args[1])
	switch at := it.Expiry(); {
	case !it.OK():
		c.Out.Int(-2)
	case at == 0:
		c.Out.Int(-1)
	case unit == 1:
		c.Out.Int(max(0, at-base))
	default:
		c.Out.Int((max(0, at-base) + unit/2) / unit)
	}
}

func persist(c *engine.Call) {
	key := c.Args[1]
	it := c.Write(key)
	if it.Expiry() == 0 {
		c.Out.Int(0)
		return
	}
	s, _ := c.Shard(key)
	s.SetExpiry(it, 0)
	c.Changed(key, 'g', "persist")
	c.Out.Int(1)
}
