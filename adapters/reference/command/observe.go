package command

import (
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

func slowlogCommand() engine.Command {
	return engine.Command{Name: "slowlog", Sub: []engine.Command{
		{Name: "get", Run: slowlogGet},
		{Name: "len", Run: func(c *engine.Call) { c.Out.Int(int64(len(c.Engine().SlowLog(-1)))) }},
		{Name: "reset", Run: func(c *engine.Call) { c.Engine().ResetSlowLog(); c.Out.OK() }},
		{Name: "help", Run: helpText(slowlogHelp)},
	}}
}

const slowlogHelp = `GET [<count>]
    Return top <count> entries from the slowlog (default: 10, -1 mean all).
    Entries are made of:
    id, timestamp, time in microseconds, arguments array, client IP and port,
    client name
LEN
    Return the length of the slowlog.
RESET
    Reset the slowlog.`

func slowlogGet(c *engine.Call) {
	n := int64(10)
	switch {
	case len(c.Args) > 3:
		subcommandSyntax(c)
		return
	case len(c.Args) == 3:
		var ok bool
		if n, ok = wire.ParseInt(c.Args[2]); !ok || n < -1 {
			c.Fail("ERR count should be greater than or equal to -1")
			return
		}
	}
	entries := c.Engine().SlowLog(int(n))
	c.Out.Array(len(entries))
	for _, e := range entries {
		c.Out.Array(6)
		c.Out.Int(e.ID)
		c.Out.Int(e.Time)
		c.Out.Int(e.Microseconds)
		c.Out.Array(len(e.Args))
		for _, a := range e.Args {
			c.Out.Bulk(a)
		}
		c.Out.Text(e.Addr)
		c.Out.Text(e.Name)
	}
}

func latencyCommand() engine.Command {
	return engine.Command{Name: "latency", Sub: []engine.Command{
		{Name: "latest", Run: latencyLatest},
		{Name: "history", Run: latencyHistory},
		{Name: "reset", Run: latencyReset},
		{Name: "histogram", Run: latencyHistogram},
		{Name: "help", Run: helpText(latencyHelp)},
	}}
}

const latencyHelp = `DOCTOR
    Return a human readable latency analysis report.
GRAPH <event>
    Return an ASCII latency graph for the <event> class.
HISTORY <event>
    Return time-latency samples for the <event> class.
LATEST
    Return the latest latency samples for all events.
RESET [<event> ...]
    Reset latency data of one or more <event> classes.
    (default: reset all data for all event classes)
HISTOGRAM [COMMAND ...]
    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.
    If no commands are specified then all histograms are replied.`

func latencyLatest(c *engine.Call) {
	events := c.Engine().LatencyEvents()
	c.Out.Array(len(events))
	for name, ev := range events {
		last := ev.Samples[len(ev.Samples)-1]
		c.Out.Array(4)
		c.Out.Text(name)
		c.Out.Int(last[0])
		c.Out.Int(last[1])
		c.Out.Int(ev.Max)
	}
}

func latencyHistory(c *engine.Call) {
	samples := c.Engine().LatencyEvents()[string(c.Args[2])].Samples
	c.Out.Array(len(samples))
	for _, s := range samples {
		c.Out.Array(2)
		c.Out.Int(s[0])
		c.Out.Int(s[1])
	}
}

func latencyReset(c *engine.Call) {
	var events []string
	for _, a := range c.Args[2:] {
		events = append(events, string(a))
	}
	if len(events) == 0 {
		for name := range c.Engine().LatencyEvents() {
			events = append(events, name)
		}
	}
	n := int64(0)
	for _, name := range events {
		if c.Engine().ResetLatency(name) {
			n++
		}
	}
	c.Out.Int(n)
}

// latencyHistogram answers for the commands that are named, and their subcommands, or for all.
func latencyHistogram(c *engine.Call) {
	e := c.Engine()
	wanted := map[string]bool{}
	for _, a := range c.Args[2:] {
		if name := e.Lookup(string(a)); name != "" {
			wanted[name] = true
			for _, s := range e.Subcommands(name) {
				wanted[s] = true
			}
		}
	}
	at, n := c.Out.Begin(), 0
	for _, r := range e.CommandReports() {
		if r.Calls == 0 || len(c.Args) > 2 && !wanted[r.Name] {
			continue
		}
		n++
		c.Out.Text(r.Name)
		c.Out.Map(2)
		c.Out.Text("calls")
		c.Out.Int(r.Calls)
		c.Out.Text("histogram_usec")
		inner, buckets, seen := c.Out.Begin(), 0, int64(0)
		for i, count := range r.Latency {
			if count > 0 {
				seen += count
				buckets++
				c.Out.Int(engine.LatencyBound(i))
				c.Out.Int(seen)
			}
		}
		c.Out.EndMap(inner, buckets)
	}
	c.Out.EndMap(at, n)
}

func functionCommand() engine.Command {
	return engine.Command{Name: "function", Sub: []engine.Command{
		{Name: "flush", Run: functionFlush},
		{Name: "list", Run: functionList},
	}}
}

// functionFlush does nothing: there are no functions.
func functionFlush(c *engine.Call) {
	switch {
	case len(c.Args) > 3:
		subcommandSyntax(c)
	case len(c.Args) == 3 && !is(c.Args[2], "sync") && !is(c.Args[2], "async"):
		c.Fail("ERR FUNCTION FLUSH only supports SYNC|ASYNC option")
	default:
		c.Out.OK()
	}
}

func functionList(c *engine.Call) {
	code, library := false, false
	for rest := c.Args[2:]; len(rest) > 0; rest = rest[1:] {
		switch {
		case !code && is(rest[0], "withcode"):
			code = true
		case !library && is(rest[0], "libraryname"):
			if len(rest) == 1 {
				c.Fail("ERR library name argument was not given")
				return
			}
			library, rest = true, rest[1:]
		default:
			c.Fail("ERR Unknown argument " + cString(rest[0]))
			return
		}
	}
	c.Out.Array(0)
}

// shutdown ends the server. There is nothing to save.
func shutdown(c *engine.Call) {
	var save, nosave, now, force, abort bool
	for _, a := range c.Args[1:] {
		switch {
		case is(a, "nosave"):
			nosave = true
		case is(a, "save"):
			save = true
		case is(a, "now"):
			now = true
		case is(a, "force"):
			force = true
		case is(a, "abort"):
			abort = true
		default:
			c.Fail(engine.ErrSyntax)
			return
		}
	}
	switch {
	case abort && (save || nosave || now || force) || save && nosave:
		c.Fail(engine.ErrSyntax)
	case abort:
		c.Fail("ERR No shutdown in progress.")
	case !now && !c.MayBlock():
		c.Fail("ERR SHUTDOWN without NOW or ABORT isn't allowed for DENY BLOCKING client")
	case !c.Engine().Shutdown():
		c.Fail("ERR Errors trying to SHUTDOWN. Check logs.")
	default:
		c.Session().Quit()
	}
}
