package command

import (
	"fmt"
	"math"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/dump"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/number"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/kv"
)

const debugHelp = `CLOCK ADVANCE <milliseconds>
    Move the clock, if it is one that is moved by hand (kvtool serve --clock manual).
ERROR <string>
    Return a Redis protocol error with <string> as message.
LOG <message>
    Do nothing.
OBJECT <key>
    Show low level info about <key> and its value.
PROTOCOL <type>
    Reply with a test value of the specified type. <type> can be: string,
    integer, double, null, array, set, map, attrib, push, verbatim, true,
    false, bignum.
RELOAD [option ...]
    Do nothing: nothing is kept on disk.
SET-ACTIVE-EXPIRE <0|1>
    Setting it to 0 disables expiring keys (and hash-fields) in background.
SLEEP <seconds>
    Stop the server for <seconds>. Decimals allowed.`

// debug has those of DEBUG's subcommands that tests of clients use, and one of its own: CLOCK ADVANCE.
func debug(c *engine.Call) {
	sub, n := c.Args[1], len(c.Args)
	switch {
	case is(sub, "help") && n == 2:
		helpText(debugHelp)(c)
	case is(sub, "sleep") && n == 3:
		debugSleep(c)
	case is(sub, "clock") && n == 4 && is(c.Args[2], "advance"):
		debugClock(c)
	case is(sub, "set-active-expire") && n == 3:
		c.Engine().SetActiveExpiry(string(c.Args[2]) != "0")
		c.Out.OK()
	case is(sub, "error") && n == 3:
		c.Fail(string(c.Args[2]))
	case is(sub, "log"), is(sub, "reload"):
		c.Out.OK()
	case is(sub, "object") && n == 3:
		debugObject(c)
	case is(sub, "protocol") && n == 3:
		debugProtocol(c)
	default:
		subcommandSyntax(c)
	}
}

func debugSleep(c *engine.Call) {
	seconds, n, _ := number.Strtod(c.Args[2])
	if n == 0 || !(seconds > 0) {
		c.Out.OK()
		return
	}
	d := time.Duration(min(seconds, 3600) * float64(time.Second))
	if !c.Advance(d) {
		time.Sleep(d)
	}
	c.Out.OK()
}

func debugClock(c *engine.Call) {
	ms, ok := c.Int(c.Args[3])
	switch {
	case !ok:
	case ms < 0 || ms > math.MaxInt64/int64(time.Millisecond):
		c.Fail(engine.ErrNotInteger)
	case !c.Advance(time.Duration(ms) * time.Millisecond):
		c.Fail("ERR the clock of this server is the system's: kvtool serve --clock manual has one that is moved")
	default:
		c.Out.OK()
	}
}

// debugProtocol answers a value of the type that is asked for (debug.c: debugCommand).
func debugProtocol(c *engine.Call) {
	name, out := c.Args[2], c.Out
	switch {
	case is(name, "string"):
		out.Text("Hello World")
	case is(name, "integer"):
		out.Int(12345)
	case is(name, "double"):
		out.Double(3.141)
	case is(name, "null"):
		out.Null()
	case is(name, "array"):
		out.Array(3)
		for i := range 3 {
			out.Int(int64(i))
		}
	case is(name, "set"):
		out.Set(3)
		for i := range 3 {
			out.Int(int64(i))
		}
	case is(name, "map"):
		out.Map(3)
		for i := range 3 {
			out.Int(int64(i))
			out.Bool(i == 1)
		}
	case is(name, "push") && out.RESP3():
		out.Push(2)
		out.Text("server-cpu-usage")
		out.Int(42)
	case is(name, "push"):
		c.Fail("ERR RESP2 is not supported by this command")
	case is(name, "true"):
		out.Bool(true)
	case is(name, "false"):
		out.Bool(false)
	case is(name, "verbatim"):
		out.Verbatim("txt", "This is a verbatim\nstring")
	case is(name, "bignum"):
		out.BigNumber("1234567999999999999999999999999999999")
	default:
		c.Fail("ERR Wrong protocol type name. Please use one of the following: " +
			"string|integer|double|null|array|set|map|attrib|push|verbatim|true|false")
	}
}

// debugObject tells of a key's value what DEBUG OBJECT does. Where it is in memory is no address here.
func debugObject(c *engine.Call) {
	key := c.Args[2]
	s, hash := c.Shard(key)
	it := s.Look(c.DB(), key, hash) // of one that is past its expiry, too
	if !it.OK() {
		c.Fail(engine.ErrNoKey)
		return
	}
	references := 1
	if it.Shared() {
		references = math.MaxInt32
	}
	length := len(body(new(dump.Writer), s, it)) - 1 // without the byte of the type
	idle := evict.IdleTime(it.State(), c.Now()) / time.Second
	text := fmt.Sprintf("Value at:0x%016x refcount:%d encoding:%s serializedlength:%d lru:%d lru_seconds_idle:%d",
		hash, references, it.Encoding(), length, it.State(), idle)
	if it.Type() == kv.TypeList {
		text += quicklistText(value.OpenList(s, it), s.Limits().ListSize)
	}
	c.Out.Simple(text)
}

// quicklistText is what DEBUG OBJECT adds for a list.
func quicklistText(l value.List, fill int) string {
	nodes, size := 0, 0
	for p := range l.Nodes() {
		nodes++
		size += p.Size()
	}
	return fmt.Sprintf(" ql_nodes:%d ql_avg_node:%.2f ql_listpack_max:%d ql_compressed:0 ql_uncompressed_size:%d",
		nodes, float64(l.Len())/float64(nodes), fill, size)
}
