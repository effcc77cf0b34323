package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/kv"
)

func stringCommands() []engine.Command {
	return []engine.Command{
		{Name: "get", Run: get},
		{Name: "set", Run: set},
	}
}

func get(c *engine.Call) {
	it := c.Read(c.Args[1])
	switch {
	case !it.OK():
		c.Out.Null()
	case it.Type() != kv.TypeString:
		c.Fail(engine.ErrWrongType)
	default:
		c.Out.Bulk(it.Bytes())
	}
}

func set(c *engine.Call) {
	key := c.Args[1]
	s, hash := c.Shard(key)
	it := s.Find(c.DB(), key, hash)
	if _, ok := s.PutBytes(c.DB(), key, hash, it, keyspace.KindRaw, c.Args[2]); !ok {
		c.Fail(engine.ErrOOM)
		return
	}
	c.Changed(key, '$', "set")
	c.Out.OK()
}
