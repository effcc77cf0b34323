package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/wire"
	"github.com/kvtool/kvtool/kv"
)

// typed reports whether a key has the type or is not there; it answers the error itself (object.c: checkType).
func typed(c *engine.Call, it keyspace.Item, t kv.Type) bool {
	if it.OK() && it.Type() != t {
		c.Fail(engine.ErrWrongType)
		return false
	}
	return true
}

// intWithin reads an integer from lo to hi; it answers text itself if arg is no such (object.c: getRangeLongFromObjectOrReply).
func intWithin(c *engine.Call, arg []byte, lo, hi int64, text string) (int64, bool) {
	n, ok := wire.ParseInt(arg)
	if !ok || n < lo || n > hi {
		c.Fail(text)
		return 0, false
	}
	return n, true
}

// timeoutMS reads a timeout in seconds and returns it in ms, rounded up; it answers the error itself (timeout.c).
func timeoutMS(c *engine.Call, arg []byte) (int64, bool) {
	if _, ok := number.ParseLongDouble(arg); !ok {
		c.Fail(engine.ErrTimeout)
		return 0, false
	}
	seconds, _ := number.ParseDouble(arg)
	ms := math.Ceil(seconds * 1000)
	if ms < 0 || ms >= math.MaxInt64 { // C makes a negative number of one that is too large
		c.Fail(engine.ErrTimeoutNegative)
		return 0, false
	}
	return int64(ms), true
}
