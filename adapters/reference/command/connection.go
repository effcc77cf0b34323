package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

func connectionCommands() []engine.Command {
	return []engine.Command{
		{Name: "auth", Run: auth},
		{Name: "echo", Run: echo},
		{Name: "hello", Run: hello},
		{Name: "ping", Run: ping},
		{Name: "quit", Run: quit},
		{Name: "reset", Run: reset},
		{Name: "select", Run: selectDB},
		clientCommand(),
	}
}

func ping(c *engine.Call) {
	switch {
	case len(c.Args) > 2:
		c.FailArity()
	case c.Subscribed() && !c.Out.RESP3():
		c.Out.Array(2)
		c.Out.Text("pong")
		if len(c.Args) == 2 {
			c.Out.Bulk(c.Args[1])
		} else {
			c.Out.Text("")
		}
	case len(c.Args) == 2:
		c.Out.Bulk(c.Args[1])
	default:
		c.Out.Simple("PONG")
	}
}

func echo(c *engine.Call) { c.Out.Bulk(c.Args[1]) }

func quit(c *engine.Call) {
	c.Out.OK()
	c.Session().Quit()
}

func reset(c *engine.Call) {
	c.Reset()
	c.Out.Simple("RESET")
}

func selectDB(c *engine.Call) {
	n, ok := c.Int32(c.Args[1])
	switch {
	case !ok:
	case !c.Select(int64(n)):
		c.Fail(engine.ErrDBIndex)
	default:
		c.Out.OK()
	}
}

func auth(c *engine.Call) {
	user, password := []byte("default"), c.Args[len(c.Args)-1]
	switch {
	case len(c.Args) > 3:
		c.Fail(engine.ErrSyntax)
		return
	case len(c.Args) == 3:
		user = c.Args[1]
	case !c.HasPassword():
		c.Fail("ERR AUTH <password> called without any password configured for the default user. " +
			"Are you sure your configuration is correct?")
		return
	}
	if !c.Authenticate(user, password) {
		c.Fail(engine.ErrWrongPass)
		return
	}
	c.Out.OK()
}

func hello(c *engine.Call) {
	version := 0
	if len(c.Args) > 1 {
		n, ok := wire.ParseInt(c.Args[1])
		switch {
		case !ok:
			c.Fail("ERR Protocol version is not an integer or out of range")
			return
		case n < 2 || n > 3:
			c.Fail(engine.ErrNoProto)
			return
		}
		version = int(n)
	}
	if len(c.Args) > 2 && !helloOptions(c) {
		return
	}
	if !c.Authenticated() {
		c.Fail("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> " +
			"option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	if version != 0 {
		c.SetProtocol(version)
	}
	c.Out.Map(7)
	for _, pair := range [...][2]string{{"server", "redis"}, {"version", engine.RedisVersion}} {
		c.Out.Text(pair[0])
		c.Out.Text(pair[1])
	}
	c.Out.Text("proto")
	c.Out.Int(int64(c.Out.Protocol()))
	c.Out.Text("id")
	c.Out.Int(c.Session().ID())
	for _, pair := range [...][2]string{{"mode", "standalone"}, {"role", "master"}} {
		c.Out.Text(pair[0])
		c.Out.Text(pair[1])
	}
	c.Out.Text("modules")
	c.Out.Array(0)
}

// helloOptions does what HELLO asks for besides the version; it answers errors itself.
func helloOptions(c *engine.Call) bool {
	for rest := c.Args[2:]; len(rest) > 0; {
		switch {
		case is(rest[0], "auth") && len(rest) >= 3:
			if !c.Authenticate(rest[1], rest[2]) {
				c.Fail(engine.ErrWrongPass)
				return false
			}
			rest = rest[3:]
		case is(rest[0], "setname") && len(rest) >= 2:
			if !c.SetName(rest[1]) {
				c.Fail(engine.ErrClientName)
				return false
			}
			rest = rest[2:]
		default:
			c.Fail("ERR Syntax error in HELLO option '" + cString(rest[0]) + "'")
			return false
		}
	}
	return true
}
