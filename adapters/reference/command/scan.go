package command

import (
	"math"
	"math/bits"
	"strconv"
	"unsafe"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

// A scanRequest is what SCAN, HSCAN, SSCAN and ZSCAN are asked for.
type scanRequest struct {
	count    int64
	pattern  []byte
	matchAll bool
	typeName []byte // of SCAN; nil is any
}

// scanCursor reads a cursor as strtoul does. It answers the error itself. Redis reads it before it looks the key up.
func scanCursor(c *engine.Call, arg []byte) (cursor uint64, ok bool) {
	text := cString(arg)
	digits, negative := text, false
	if len(digits) > 0 && (digits[0] == '-' || digits[0] == '+') {
		negative, digits = digits[0] == '-', digits[1:]
	}
	ok = text == "" || digits != ""
	for i := 0; i < len(digits) && ok; i++ {
		high, low := bits.Mul64(cursor, 10)
		sum, carry := bits.Add64(low, uint64(digits[i]-'0'), 0)
		cursor = sum
		ok = digits[i] >= '0' && digits[i] <= '9' && high == 0 && carry == 0
	}
	if !ok {
		c.Fail("ERR invalid cursor")
		return 0, false
	}
	if negative {
		cursor = -cursor
	}
	return cursor, true
}

// scanOptions reads [MATCH pattern] [COUNT n] from args[from] on, and with typed [TYPE name]. It answers the error itself.
func scanOptions(c *engine.Call, from int, typed bool) (r scanRequest, ok bool) {
	r = scanRequest{count: 10, matchAll: true}
	for i := from; i < len(c.Args); i += 2 {
		left := len(c.Args) - i
		switch arg := c.Args[i]; {
		case is(arg, "count") && left >= 2:
			if r.count, ok = c.Int(c.Args[i+1]); !ok {
				return r, false
			}
			if r.count < 1 {
				c.Fail(engine.ErrSyntax)
				return r, false
			}
		case is(arg, "match") && left >= 2:
			r.pattern = c.Args[i+1]
			r.matchAll = string(r.pattern) == "*"
		case is(arg, "type") && typed && left >= 2:
			r.typeName = c.Args[i+1]
		default:
			c.Fail(engine.ErrSyntax)
			return r, false
		}
	}
	return r, true
}

// match reports whether the pattern takes a key, a field or a member.
func (r *scanRequest) match(b []byte) bool { return r.matchAll || glob(r.pattern, b) }

// glob is engine.Match of a pattern that is an argument.
func glob(pattern, b []byte) bool {
	return engine.Match(unsafe.String(unsafe.SliceData(pattern), len(pattern)), b)
}

// scanReply begins the answer of a scan: n strings follow.
func scanReply(c *engine.Call, next uint64, n int) {
	c.Out.Array(2)
	var digits [20]byte
	c.Out.Bulk(strconv.AppendUint(digits[:0], next, 10))
	c.Out.Array(n)
}

// scanSteps returns how many buckets a scan may visit at most.
func (r *scanRequest) scanSteps() int64 {
	if r.count > math.MaxInt64/10 {
		return math.MaxInt64
	}
	return r.count * 10
}

// scan is SCAN. The low bits of its cursor are the number of a shard, the others are that shard's cursor: shards are scanned one
// after the other, and within one a key that stays is seen (package dict), so that it is seen in all.
func scan(c *engine.Call) {
	cursor, ok := scanCursor(c, c.Args[1])
	if !ok {
		return
	}
	r, ok := scanOptions(c, 2, true)
	if !ok {
		return
	}
	shards := c.Shards()
	low := bits.Len(uint(len(shards) - 1))
	at, inner := int(cursor)&(len(shards)-1), cursor>>low
	var room [64]keyspace.Item
	items := room[:0]
	for steps := r.scanSteps(); ; steps-- {
		items, inner = shards[at].Bucket(items, c.DB(), inner)
		if inner == 0 {
			at++
		}
		if at == len(shards) || steps == 0 || int64(len(items)) >= r.count {
			break
		}
	}
	next := inner<<low | uint64(at)
	if at == len(shards) {
		next = 0
	}
	n := 0
	for _, it := range items {
		if r.match(it.Key()) && !c.Expire(it) && (r.typeName == nil || is(r.typeName, string(it.Type()))) {
			items[n] = it
			n++
		}
	}
	scanReply(c, next, n)
	for _, it := range items[:n] {
		c.Out.Bulk(it.Key())
	}
}

// keys is KEYS.
func keys(c *engine.Call) {
	pattern := c.Args[1]
	all := string(pattern) == "*"
	at, n := c.Out.Begin(), 0
	var items []keyspace.Item
	for _, s := range c.Shards() {
		for cursor, first := uint64(0), true; first || cursor != 0; first = false {
			items, cursor = s.Bucket(items[:0], c.DB(), cursor)
			for _, it := range items {
				if (all || glob(pattern, it.Key())) && !it.Due() {
					c.Out.Bulk(it.Key())
					n++
				}
			}
		}
	}
	c.Out.EndArray(at, n)
}
