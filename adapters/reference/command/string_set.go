package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

// A setOption is a flag of SET or GETEX (t_string.c: OBJ_SET_*).
type setOption uint16

const (
	optNX setOption = 1 << iota
	optXX
	optGet
	optKeepTTL
	optPersist
	optEX
	optPX
	optEXAT
	optPXAT

	optTimes = optEX | optPX | optEXAT | optPXAT
)

// setWords are the words of SET and GETEX: what they mean, and what must not stand before them.
var setWords = [...]struct {
	word     string
	option   setOption
	excludes setOption
	timed    bool // a time follows
	of       string
}{
	{"nx", optNX, optXX, false, "set"},
	{"xx", optXX, optNX, false, "set"},
	{"get", optGet, 0, false, "set"},
	{"keepttl", optKeepTTL, optPersist | optTimes, false, "set"},
	{"persist", optPersist, optTimes | optKeepTTL, false, "getex"},
	{"ex", optEX, optKeepTTL | optPersist | optTimes&^optEX, true, ""},
	{"px", optPX, optKeepTTL | optPersist | optTimes&^optPX, true, ""},
	{"exat", optEXAT, optKeepTTL | optPersist | optTimes&^optEXAT, true, ""},
	{"pxat", optPXAT, optKeepTTL | optPersist | optTimes&^optPXAT, true, ""},
}

// setOptions reads the words from args[from] on, and the time that stands behind the last of those that take one. It answers the
// error itself (t_string.c: parseExtendedStringArgumentsOrReply).
func setOptions(c *engine.Call, from int, command string) (o setOption, time []byte, ok bool) {
	for i := from; i < len(c.Args); i++ {
		known := false
		for w := range setWords {
			word := &setWords[w]
			if !is(c.Args[i], word.word) {
				continue
			}
			if o&word.excludes != 0 || word.of != "" && word.of != command || word.timed && i+1 == len(c.Args) {
				break
			}
			o |= word.option
			if known = true; word.timed {
				i++
				time = c.Args[i]
			}
			break
		}
		if !known {
			c.Fail(engine.ErrSyntax)
			return 0, nil, false
		}
	}
	return o, time, true
}

// expiryOf reads a time as o says to and returns it as Unix ms, 0 without one. It answers the error itself.
func expiryOf(c *engine.Call, o setOption, time []byte) (ms int64, ok bool) {
	if time == nil {
		return 0, true
	}
	ms, ok = c.Int(time)
	if !ok {
		return 0, false
	}
	seconds := o&(optPX|optPXAT) == 0
	if ms <= 0 || seconds && ms > math.MaxInt64/1000 {
		failExpiry(c)
		return 0, false
	}
	if seconds {
		ms *= 1000
	}
	if o&(optEX|optPX) != 0 {
		ms += c.Now()
	}
	if ms <= 0 { // it wrapped around
		failExpiry(c)
		return 0, false
	}
	return ms, true
}

func failExpiry(c *engine.Call) { c.Fail("ERR invalid expire time in '" + c.Name() + "' command") }

func set(c *engine.Call) {
	if len(c.Args) == 3 {
		key := c.Args[1]
		if !overwrite(c, key, c.Write(key), stringKind(c.Args[2]), c.Args[2]) {
			c.Fail(engine.ErrOOM)
			return
		}
		c.Changed(key, '$', "set")
		c.Out.OK()
		return
	}
	o, time, ok := setOptions(c, 3, "set")
	if !ok {
		return
	}
	if ms, ok := expiryOf(c, o, time); ok && setKey(c, o, c.Args[2], ms) && o&optGet == 0 {
		c.Out.OK()
	}
}

// setKey sets args[1]. It answers all but that it has been done (t_string.c: setGenericCommand).
func setKey(c *engine.Call, o setOption, value []byte, ms int64) bool {
	key := c.Args[1]
	if o&optGet != 0 && !answer(c, c.Read(key)) {
		return false
	}
	it := c.Write(key)
	if o&optNX != 0 && it.OK() || o&optXX != 0 && !it.OK() {
		if o&optGet == 0 {
			c.Out.Null()
		}
		return false
	}
	if !putExpiring(c, key, it, value, ms, o&optKeepTTL != 0) {
		c.Fail(engine.ErrOOM)
		return false
	}
	c.Changed(key, '$', "set")
	if ms != 0 {
		c.Notify('g', "expire", key)
	}
	return true
}

// putExpiring is put of a string that expires at ms, or with 0 does not, or with keep when the old one would.
func putExpiring(c *engine.Call, key []byte, old keyspace.Item, value []byte, ms int64, keep bool) bool {
	k := stringKind(value)
	s, hash := c.Shard(key)
	if ms == 0 && !keep {
		return overwrite(c, key, old, k, value)
	}
	it, ok := s.PutBytes(c.DB(), key, hash, old, k, value)
	if ok && ms != 0 {
		if _, ok = s.SetExpiry(it, ms); !ok {
			s.Delete(it)
		}
	}
	return ok
}

func setNX(c *engine.Call) {
	key := c.Args[1]
	if c.Write(key).OK() {
		c.Out.Int(0)
		return
	}
	if setKey(c, 0, c.Args[2], 0) {
		c.Out.Int(1)
	}
}

func setEX(c *engine.Call) { setWithTime(c, optEX) }

func pSetEX(c *engine.Call) { setWithTime(c, optPX) }

// setWithTime is SETEX and PSETEX.
func setWithTime(c *engine.Call, o setOption) {
	if ms, ok := expiryOf(c, o, c.Args[2]); ok && setKey(c, o, c.Args[3], ms) {
		c.Out.OK()
	}
}

// getEX is GETEX key [EX s] [PX ms] [EXAT s] [PXAT ms] [PERSIST].
func getEX(c *engine.Call) {
	o, time, ok := setOptions(c, 2, "getex")
	if !ok {
		return
	}
	key := c.Args[1]
	it := c.Read(key)
	if !it.OK() || !it.Kind().IsString() {
		answer(c, it)
		return
	}
	ms, ok := expiryOf(c, o, time)
	if !ok {
		return
	}
	s, _ := c.Shard(key)
	c.Out.Bulk(it.Bytes())
	switch {
	case o&(optEXAT|optPXAT) != 0 && ms <= c.Now():
		s.Delete(it)
		c.Changed(key, 'g', "del")
	case time != nil:
		if _, ok := s.SetExpiry(it, ms); !ok {
			c.Fail(engine.ErrOOM)
			return
		}
		c.Changed(key, 'g', "expire")
	case o&optPersist != 0 && it.Expiry() != 0:
		s.SetExpiry(it, 0)
		c.Changed(key, 'g', "persist")
	}
}
