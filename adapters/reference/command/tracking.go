package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// clientTracking reads CLIENT TRACKING (ON|OFF) and its options (networking.c: clientCommand).
func clientTracking(c *engine.Call) {
	t, text := trackingOptions(c)
	switch {
	case text != "":
	case is(c.Args[2], "off"):
		c.StopTracking()
	case is(c.Args[2], "on"):
		text = c.StartTracking(t)
	default:
		text = engine.ErrSyntax
	}
	if text != "" {
		c.Fail(text)
		return
	}
	c.Out.OK()
}

func trackingOptions(c *engine.Call) (t engine.Tracking, text string) {
	for rest := c.Args[3:]; len(rest) > 0; rest = rest[1:] {
		switch more := len(rest) > 1; {
		case is(rest[0], "redirect") && more:
			if t.Redirect != 0 {
				return t, "ERR A client can only redirect to a single other client"
			}
			id, ok := wire.ParseInt(rest[1])
			if !ok {
				return t, engine.ErrNotInteger
			}
			if !c.Engine().HasSession(id) {
				return t, "ERR The client ID you want redirect to does not exist"
			}
			t.Redirect, rest = id, rest[1:]
		case is(rest[0], "bcast"):
			t.Broadcast = true
		case is(rest[0], "optin"):
			t.OptIn = true
		case is(rest[0], "optout"):
			t.OptOut = true
		case is(rest[0], "noloop"):
			t.NoLoop = true
		case is(rest[0], "prefix") && more:
			t.Prefixes, rest = append(t.Prefixes, string(rest[1])), rest[1:]
		default:
			return t, engine.ErrSyntax
		}
	}
	return t, ""
}

func clientCaching(c *engine.Call) {
	t := c.Tracking()
	yes := is(c.Args[2], "yes")
	switch {
	case t == nil:
		c.Fail("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	case !yes && !is(c.Args[2], "no"):
		c.Fail(engine.ErrSyntax)
	case yes && !t.OptIn:
		c.Fail("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	case !yes && !t.OptOut:
		c.Fail("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
	default:
		c.CachingNext()
		c.Out.OK()
	}
}

func clientGetRedir(c *engine.Call) {
	if t := c.Tracking(); t != nil {
		c.Out.Int(t.Redirect)
		return
	}
	c.Out.Int(-1)
}

func clientTrackingInfo(c *engine.Call) {
	t, redirect := c.Tracking(), int64(-1)
	flags := []string{"off"}
	var prefixes []string
	if t != nil {
		flags, redirect, prefixes = t.Flags(), t.Redirect, t.Prefixes
	}
	c.Out.Map(3)
	c.Out.Text("flags")
	c.Out.Set(len(flags))
	for _, f := range flags {
		c.Out.Text(f)
	}
	c.Out.Text("redirect")
	c.Out.Int(redirect)
	c.Out.Text("prefixes")
	c.Out.Array(len(prefixes))
	for _, p := range prefixes {
		c.Out.Text(p)
	}
}
