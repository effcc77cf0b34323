package replay

import (
	"bytes"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/trace"
)

// A translator makes of a command of a trace one that may be sent.
type translator struct {
	opt    Options
	ttl    []byte // milliseconds
	values []byte // random bytes that values are cut from
	seed   maphash.Seed
	armed  map[uint64]time.Duration // keys that have a TTL of ours: when they got it
}

// poolSize is how many random bytes there are: a longer value repeats them.
const poolSize = 1 << 20

func newTranslator(opt Options) *translator {
	t := &translator{opt: opt, ttl: strconv.AppendInt(nil, opt.TTL.Milliseconds(), 10), values: make([]byte, poolSize), seed: maphash.MakeSeed()}
	rng := rand.New(rand.NewPCG(opt.Seed, 2))
	for i := range t.values {
		t.values[i] = byte(rng.Uint32())
	}
	t.armed = map[uint64]time.Duration{}
	return t
}

// Why commands are left out.
const (
	whyKeyless  = "names no key"
	whyOutside  = "may touch keys that it does not name first"
	whyBlocking = "waits for others"
	whyForever  = "takes a TTL away"
)

// refused are commands that name keys and are not replayed all the same.
func refused(name string, words []string) string {
	has := func(options ...string) bool {
		return slices.ContainsFunc(words[1:], func(w string) bool {
			return slices.ContainsFunc(options, func(o string) bool { return strings.EqualFold(w, o) })
		})
	}
	switch name {
	case "blmove", "brpoplpush", "blpop", "brpop", "bzpopmax", "bzpopmin", "blmpop", "bzmpop":
		return whyBlocking
	case "xread", "xreadgroup":
		if has("block") {
			return whyBlocking
		}
	case "persist":
		return whyForever
	case "getex":
		if has("persist") {
			return whyForever
		}
	case "migrate", "move":
		return whyOutside
	case "sort", "sort_ro":
		if has("by", "get", "store") {
			return whyOutside
		}
	case "georadius", "georadiusbymember":
		if has("store", "storedist") {
			return whyOutside
		}
	case "copy":
		if has("db") {
			return whyOutside
		}
	}
	return ""
}

// item returns what to send for copy n of a command, or why it is left out.
func (t *translator) item(c *trace.Command, n int, due time.Duration) (item, string) {
	name := strings.ToLower(c.Words[0])
	var places []int
	var written []int
	monitor.Places(c.Words, func(i int, kind kv.OpKind) {
		places = append(places, i)
		if kind == kv.OpWrite {
			written = append(written, i)
		}
	})
	if len(places) == 0 {
		return item{}, whyKeyless
	}
	if why := refused(name, c.Words); why != "" {
		return item{}, why
	}
	it := item{due: due, name: strings.ToUpper(name)}
	for _, w := range c.Words {
		it.args = append(it.args, []byte(w))
	}
	for _, i := range places {
		it.args[i] = t.key(c, n, c.Words[i])
		if t.opt.Watch != nil {
			kind := kv.OpRead
			if slices.Contains(written, i) {
				kind = kv.OpWrite
			}
			t.opt.Watch(string(it.args[i][len(t.opt.Prefix):]), kind)
		}
	}
	keys := make([][]byte, len(written))
	for i, at := range written {
		keys[i] = it.args[at]
	}
	if c.Size >= 0 {
		it.args = append(it.args, t.value(keys, c.Size))
	}
	for _, w := range c.Tail {
		it.args = append(it.args, []byte(w))
	}
	if len(keys) > 0 {
		t.expire(&it, name, keys, c.Wall)
	}
	return it, ""
}

// key puts a key under the prefix: those of another database and those of a copy apart.
func (t *translator) key(c *trace.Command, n int, key string) []byte {
	b := make([]byte, 0, len(t.opt.Prefix)+len(key)+8)
	b = append(b, t.opt.Prefix...)
	if c.DB != 0 {
		b = append(append(strconv.AppendInt(append(b, "db"...), int64(c.DB), 10), ':'), key...)
	} else {
		b = append(b, key...)
	}
	if n > 0 {
		b = strconv.AppendInt(append(b, '#'), int64(n), 10)
	}
	return b
}

// value returns so many bytes that are the same each time for a key.
func (t *translator) value(keys [][]byte, size int) []byte {
	at := 0
	if len(keys) > 0 {
		at = int(maphash.Bytes(t.seed, keys[0]) % poolSize)
	}
	if at+size <= poolSize {
		return t.values[at : at+size]
	}
	if size <= poolSize {
		return t.values[:size]
	}
	return bytes.Repeat(t.values, size/poolSize+1)[:size]
}

// expire sees to it that each key that the command writes has a TTL: its own, or ours.
func (t *translator) expire(it *item, name string, keys [][]byte, wall time.Time) {
	switch name {
	case "del", "unlink", "getdel":
		for _, k := range keys {
			delete(t.armed, maphash.Bytes(t.seed, k))
		}
		return
	case "expireat", "pexpireat":
		if len(it.args) > 2 {
			it.args[0], it.args[2] = []byte("PEXPIRE"), t.left(it.args[2], name == "expireat", wall)
		}
	case "expire", "pexpire", "setex", "psetex":
	case "set", "getex":
		if !t.options(it, wall) && name == "set" {
			it.args = append(it.args, []byte("PX"), t.ttl)
		}
	default:
		for _, k := range keys {
			if h := maphash.Bytes(t.seed, k); t.needs(h, it.due) {
				it.arm = append(it.arm, [][]byte{[]byte("PEXPIRE"), k, t.ttl})
			}
		}
		return
	}
	for _, k := range keys { // it has a TTL from the command itself, which is not to be changed
		t.remember(maphash.Bytes(t.seed, k), it.due)
	}
}

// options finds the expiry among the options of SET and GETEX and makes one that is a time of day a span. It returns false if there
// is none; KEEPTTL is one of a key that has had one.
func (t *translator) options(it *item, wall time.Time) bool {
	from := 3
	if bytes.EqualFold(it.args[0], []byte("getex")) {
		from = 2
	}
	for i := from; i < len(it.args); i++ {
		switch strings.ToLower(string(it.args[i])) {
		case "ex", "px":
			return i+1 < len(it.args)
		case "exat", "pxat":
			if i+1 < len(it.args) {
				seconds := bytes.EqualFold(it.args[i], []byte("exat"))
				it.args[i], it.args[i+1] = []byte("PX"), t.left(it.args[i+1], seconds, wall)
				return true
			}
		case "keepttl":
			it.args = slices.Delete(it.args, i, i+1) // it may have had none
			return false
		}
	}
	return false
}

// left returns how many milliseconds a time of day was away when the command was asked. Where nobody knows when that was, or it
// had passed, it is our own TTL.
func (t *translator) left(at []byte, seconds bool, wall time.Time) []byte {
	n, err := strconv.ParseInt(string(at), 10, 64)
	if seconds {
		n *= 1000
	}
	if n -= wall.UnixMilli(); err != nil || wall.IsZero() || n <= 0 {
		return t.ttl
	}
	return strconv.AppendInt(nil, min(n, t.opt.TTL.Milliseconds()), 10)
}

// mostArmed bounds the keys that are remembered; then all are armed anew.
const mostArmed = 1 << 20

// needs reports whether a key is to be given a TTL: at its first write, and again at half of it.
func (t *translator) needs(key uint64, now time.Duration) bool {
	if at, ok := t.armed[key]; ok && now-at < t.opt.TTL/2 {
		return false
	}
	t.remember(key, now)
	return true
}

func (t *translator) remember(key uint64, now time.Duration) {
	if len(t.armed) >= mostArmed {
		clear(t.armed)
	}
	t.armed[key] = now
}
