package command

import (
	"math"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

func clientCommand() engine.Command {
	return engine.Command{Name: "client", Sub: []engine.Command{
		{Name: "id", Run: func(c *engine.Call) { c.Out.Int(c.Session().ID()) }},
		{Name: "info", Run: clientInfo},
		{Name: "list", Run: clientList},
		{Name: "kill", Run: clientKill},
		{Name: "setname", Run: clientSetName},
		{Name: "getname", Run: clientGetName},
		{Name: "pause", Run: clientPause, Whole: true},
		{Name: "unpause", Run: clientUnpause, Whole: true},
		{Name: "reply", Run: clientReply},
		{Name: "unblock", Run: clientUnblock, Whole: true},
		{Name: "no-evict", Run: clientNoEvict},
		{Name: "tracking", Run: clientTracking},
		{Name: "trackinginfo", Run: clientTrackingInfo},
		{Name: "getredir", Run: clientGetRedir},
		{Name: "caching", Run: clientCaching},
		{Name: "help", Run: helpText(clientHelp)},
	}}
}

func clientInfo(c *engine.Call) {
	c.Show()
	c.Out.Verbatim("txt", c.Session().Line()+"\n")
}

func clientList(c *engine.Call) {
	c.Show()
	class := engine.AnyClass
	switch {
	case len(c.Args) == 4 && is(c.Args[2], "type"):
		var ok bool
		if class, ok = engine.ParseClass(c.Args[3]); !ok {
			c.Fail("ERR Unknown client type '" + cString(c.Args[3]) + "'")
			return
		}
	case len(c.Args) > 3 && is(c.Args[2], "id"):
		clientListIDs(c)
		return
	case len(c.Args) != 2:
		c.Fail(engine.ErrSyntax)
		return
	}
	text := ""
	for _, s := range c.Engine().Sessions() {
		if class == engine.AnyClass || s.Class() == class {
			text += s.Line() + "\n"
		}
	}
	c.Out.Verbatim("txt", text)
}

func clientListIDs(c *engine.Call) {
	text := ""
	for _, arg := range c.Args[3:] {
		id, ok := wire.ParseInt(arg)
		if !ok {
			c.Fail("ERR Invalid client ID")
			return
		}
		for _, s := range c.Engine().Sessions() {
			if s.ID() == id {
				text += s.Line() + "\n"
			}
		}
	}
	c.Out.Verbatim("txt", text)
}

func clientKill(c *engine.Call) {
	k := engine.Kill{Class: engine.AnyClass, SkipSelf: true}
	if len(c.Args) == 3 { // the old form, which may be used against oneself
		k.Addr, k.SkipSelf = string(c.Args[2]), false
		if c.Kill(k) == 0 {
			c.Fail("ERR No such client")
			return
		}
		c.Out.OK()
		return
	}
	for rest := c.Args[2:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) < 2 {
			c.Fail(engine.ErrSyntax)
			return
		}
		if text := killOption(&k, rest[0], rest[1]); text != "" {
			c.Fail(text)
			return
		}
	}
	c.Out.Int(c.Kill(k))
}

// killOption reads one condition of CLIENT KILL, and returns the error, if any.
func killOption(k *engine.Kill, option, value []byte) string {
	switch {
	case is(option, "id"):
		id, ok := wire.ParseInt(value)
		if !ok || id < 1 {
			return "ERR client-id should be greater than 0"
		}
		k.ID = id
	case is(option, "type"):
		class, ok := engine.ParseClass(value)
		if !ok {
			return "ERR Unknown client type '" + cString(value) + "'"
		}
		k.Class = class
	case is(option, "addr"):
		k.Addr = string(value)
	case is(option, "laddr"):
		k.Local = string(value)
	case is(option, "user"):
		if string(value) != "default" {
			return "ERR No such user '" + cString(value) + "'"
		}
	case is(option, "skipme") && is(value, "yes"):
		k.SkipSelf = true
	case is(option, "skipme") && is(value, "no"):
		k.SkipSelf = false
	default:
		return engine.ErrSyntax
	}
	return ""
}

func clientSetName(c *engine.Call) {
	if !c.SetName(c.Args[2]) {
		c.Fail(engine.ErrClientName)
		return
	}
	c.Out.OK()
}

func clientGetName(c *engine.Call) {
	if name := c.ClientName(); name != "" {
		c.Out.Text(name)
		return
	}
	c.Out.Null()
}

func clientPause(c *engine.Call) {
	all := true
	switch {
	case len(c.Args) > 4:
		subcommandSyntax(c)
		return
	case len(c.Args) == 4 && is(c.Args[3], "write"):
		all = false
	case len(c.Args) == 4 && !is(c.Args[3], "all"):
		c.Fail("ERR CLIENT PAUSE mode must be WRITE or ALL")
		return
	}
	ms, ok := wire.ParseInt(c.Args[2])
	switch {
	case !ok:
		c.Fail("ERR timeout is not an integer or out of range")
		return
	case ms < 0:
		c.Fail(engine.ErrTimeoutNegative)
		return
	}
	c.Pause(min(ms, math.MaxInt64/10000), all)
	c.Out.OK()
}

func clientUnpause(c *engine.Call) {
	c.Unpause()
	c.Out.OK()
}

func clientReply(c *engine.Call) {
	switch arg := c.Args[2]; {
	case is(arg, "on"):
		c.SetReplies(engine.RepliesOn)
		c.Out.OK()
	case is(arg, "off"):
		c.SetReplies(engine.RepliesOff)
	case is(arg, "skip"):
		c.SetReplies(engine.RepliesSkip)
	default:
		c.Fail(engine.ErrSyntax)
	}
}

func clientUnblock(c *engine.Call) {
	withError := false
	switch {
	case len(c.Args) > 4:
		subcommandSyntax(c)
		return
	case len(c.Args) == 4 && is(c.Args[3], "error"):
		withError = true
	case len(c.Args) == 4 && !is(c.Args[3], "timeout"):
		c.Fail("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
		return
	}
	id, ok := c.Int(c.Args[2])
	if !ok {
		return
	}
	n := int64(0)
	if c.Unblock(id, withError) {
		n = 1
	}
	c.Out.Int(n)
}

func clientNoEvict(c *engine.Call) {
	switch arg := c.Args[2]; {
	case is(arg, "on"):
		c.SetNoEvict(true)
	case is(arg, "off"):
		c.SetNoEvict(false)
	default:
		c.Fail(engine.ErrSyntax)
		return
	}
	c.Out.OK()
}

const clientHelp = `CACHING (YES|NO)
    Enable/disable tracking of the keys for next command in OPTIN/OPTOUT modes.
GETREDIR
    Return the client ID we are redirecting to when tracking is enabled.
GETNAME
    Return the name of the current connection.
ID
    Return the ID of the current connection.
INFO
    Return information about the current client connection.
KILL <ip:port>
    Kill connection made from <ip:port>.
KILL <option> <value> [<option> <value> [...]]
    Kill connections. Options are:
    * ADDR (<ip:port>|<unixsocket>:0)
      Kill connections made from the specified address
    * LADDR (<ip:port>|<unixsocket>:0)
      Kill connections made to specified local address
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
      Kill connections by type.
    * USER <username>
      Kill connections authenticated by <username>.
    * SKIPME (YES|NO)
      Skip killing current connection (default: yes).
LIST [options ...]
    Return information about client connections. Options:
    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)
      Return clients of specified type.
UNPAUSE
    Stop the current client pause, resuming traffic.
PAUSE <timeout> [WRITE|ALL]
    Suspend all, or just write, clients for <timeout> milliseconds.
REPLY (ON|OFF|SKIP)
    Control the replies sent to the current connection.
SETNAME <name>
    Assign the name <name> to the current connection.
UNBLOCK <clientid> [TIMEOUT|ERROR]
    Unblock the specified blocked client.
TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]
         [OPTIN] [OPTOUT] [NOLOOP]
    Control server assisted client side caching.
TRACKINGINFO
    Report tracking status for the current connection.
NO-EVICT (ON|OFF)
    Protect current client connection from eviction.`
