package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

func connectionCommands() []engine.Command {
	return []engine.Command{
		{Name: "ping", Run: ping},
		{Name: "echo", Run: echo},
		{Name: "select", Run: selectDB},
		{Name: "hello", Run: hello},
		{Name: "quit", Run: quit},
	}
}

func ping(c *engine.Call) {
	switch len(c.Args) {
	case 1:
		c.Out.Simple("PONG")
	case 2:
		c.Out.Bulk(c.Args[1])
	default:
		c.Fail("ERR wrong number of arguments for 'ping' command")
	}
}

func echo(c *engine.Call) { c.Out.Bulk(c.Args[1]) }

func selectDB(c *engine.Call) {
	n, ok := c.Int(c.Args[1])
	if !ok {
		return
	}
	if !c.Select(n) {
		c.Fail(engine.ErrDBIndex)
		return
	}
	c.Out.OK()
}

func quit(c *engine.Call) {
	c.Out.OK()
	c.Session().Quit()
}

func hello(c *engine.Call) {
	version := int64(c.Out.Protocol())
	if len(c.Args) > 1 {
		var ok bool
		if version, ok = c.Int(c.Args[1]); !ok {
			return
		}
		if version < 2 || version > 3 {
			c.Fail(engine.ErrNoProto)
			return
		}
	}
	c.Out.SetProtocol(int(version))
	c.Out.Map(7)
	c.Out.Text("server")
	c.Out.Text("redis")
	c.Out.Text("version")
	c.Out.Text(engine.RedisVersion)
	c.Out.Text("proto")
	c.Out.Int(version)
	c.Out.Text("id")
	c.Out.Int(c.Session().ID())
	c.Out.Text("mode")
	c.Out.Text("standalone")
	c.Out.Text("role")
	c.Out.Text("master")
	c.Out.Text("modules")
	c.Out.Array(0)
}
