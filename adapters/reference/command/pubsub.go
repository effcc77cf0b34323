package command

import "github.com/kvtool/kvtool/adapters/reference/engine"

func pubsubCommands() []engine.Command {
	return []engine.Command{
		{Name: "subscribe", Run: subscribe(engine.Named)},
		{Name: "unsubscribe", Run: unsubscribe(engine.Named)},
		{Name: "psubscribe", Run: subscribe(engine.Patterns)},
		{Name: "punsubscribe", Run: unsubscribe(engine.Patterns)},
		{Name: "ssubscribe", Run: subscribe(engine.Sharded)},
		{Name: "sunsubscribe", Run: unsubscribe(engine.Sharded)},
		{Name: "publish", Run: publish(engine.Named)},
		{Name: "spublish", Run: publish(engine.Sharded)},
		{Name: "pubsub", Sub: []engine.Command{
			{Name: "channels", Run: channels(engine.Named)},
			{Name: "shardchannels", Run: channels(engine.Sharded)},
			{Name: "numsub", Run: subscribers(engine.Named)},
			{Name: "shardnumsub", Run: subscribers(engine.Sharded)},
			{Name: "numpat", Run: func(c *engine.Call) { c.Out.Int(c.Engine().Subscriptions(engine.Patterns)) }},
			{Name: "help", Run: helpText(pubsubHelp)},
		}},
	}
}

func subscribe(kind engine.Channels) func(*engine.Call) {
	return func(c *engine.Call) {
		if kind == engine.Sharded && !c.MayBlock() {
			c.Fail("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client")
			return
		}
		for _, name := range c.Args[1:] {
			c.Subscribe(kind, name)
		}
	}
}

func unsubscribe(kind engine.Channels) func(*engine.Call) {
	return func(c *engine.Call) { c.Unsubscribe(kind, c.Args[1:]) }
}

func publish(kind engine.Channels) func(*engine.Call) {
	return func(c *engine.Call) { c.Out.Int(c.Publish(kind, c.Args[1], c.Args[2])) }
}

func channels(kind engine.Channels) func(*engine.Call) {
	return func(c *engine.Call) {
		if len(c.Args) > 3 {
			subcommandSyntax(c)
			return
		}
		pattern := ""
		if len(c.Args) == 3 {
			pattern = string(c.Args[2])
		}
		at, n := c.Out.Begin(), 0
		c.Engine().EachChannel(kind, pattern, func(name string) {
			c.Out.Text(name)
			n++
		})
		c.Out.EndArray(at, n)
	}
}

func subscribers(kind engine.Channels) func(*engine.Call) {
	return func(c *engine.Call) {
		c.Out.Array(2 * (len(c.Args) - 2))
		for _, name := range c.Args[2:] {
			c.Out.Bulk(name)
			c.Out.Int(c.Engine().Subscribers(kind, name))
		}
	}
}

const pubsubHelp = `CHANNELS [<pattern>]
    Return the currently active channels matching a <pattern> (default: '*').
NUMPAT
    Return number of subscriptions to patterns.
NUMSUB [<channel> ...]
    Return the number of subscribers for the specified channels, excluding
    pattern subscriptions(default: no channels).
SHARDCHANNELS [<pattern>]
    Return the currently active shard level channels matching a <pattern> (default: '*').
SHARDNUMSUB [<shardchannel> ...]
    Return the number of subscribers for the specified shard level channel(s)`
