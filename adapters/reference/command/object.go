package command

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/internal/evict"
)

func objectCommands() []engine.Command {
	return []engine.Command{
		{Name: "help", Run: helpText(objectHelp)},
		{Name: "encoding", Run: ofObject(func(c *engine.Call, it keyspace.Item) { c.Out.Text(string(it.Encoding())) })},
		{Name: "refcount", Run: ofObject(objectRefCount)},
		{Name: "idletime", Run: ofObject(objectIdleTime)},
		{Name: "freq", Run: ofObject(objectFreq)},
	}
}

const objectHelp = `ENCODING <key>
    Return the kind of internal representation used in order to store the value
    associated with a <key>.
FREQ <key>
    Return the access frequency index of the <key>. The returned integer is
    proportional to the logarithm of the recent access frequency of the key.
IDLETIME <key>
    Return the idle time of the <key>, that is the approximated number of
    seconds elapsed since the last access to the key.
REFCOUNT <key>
    Return the number of references of the value associated with the specified
    <key>.`

// ofObject answers with what f says of the key, or null.
func ofObject(f func(*engine.Call, keyspace.Item)) func(*engine.Call) {
	return func(c *engine.Call) {
		if it := c.Inspect(c.Args[2]); it.OK() {
			f(c, it)
		} else {
			c.Out.Null()
		}
	}
}

func objectRefCount(c *engine.Call, it keyspace.Item) {
	if it.Shared() {
		c.Out.Int(math.MaxInt32) // server.h: OBJ_SHARED_REFCOUNT
		return
	}
	c.Out.Int(1)
}

// adjusting is what follows the two errors about the policy.
const adjusting = " Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."

func objectIdleTime(c *engine.Call, it keyspace.Item) {
	s, _ := c.Shard(c.Args[2])
	if s.Settings().Policy.LFU() {
		c.Fail("ERR An LFU maxmemory policy is selected, idle time not tracked." + adjusting)
		return
	}
	c.Out.Int(int64(evict.IdleTime(it.State(), c.Now()) / time.Second))
}

func objectFreq(c *engine.Call, it keyspace.Item) {
	s, _ := c.Shard(c.Args[2])
	if !s.Settings().Policy.LFU() {
		c.Fail("ERR An LFU maxmemory policy is not selected, access frequency not tracked." + adjusting)
		return
	}
	c.Out.Int(int64(s.Settings().LFU.Count(it.State(), c.Now())))
}
