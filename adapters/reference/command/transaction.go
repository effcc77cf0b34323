package command

import "github.com/kvtool/kvtool/adapters/reference/engine"

func transactionCommands() []engine.Command {
	return []engine.Command{
		{Name: "multi", Run: multi},
		{Name: "exec", Run: exec},
		{Name: "discard", Run: discard},
		{Name: "watch", Run: watch},
		{Name: "unwatch", Run: unwatch},
	}
}

func multi(c *engine.Call) {
	if !c.Multi() {
		c.Fail(engine.ErrNestedMulti)
		return
	}
	c.Out.OK()
}

func exec(c *engine.Call) { c.Exec() }

func discard(c *engine.Call) {
	if !c.Discard() {
		c.Fail(engine.ErrDiscard)
		return
	}
	c.Out.OK()
}

func watch(c *engine.Call) {
	if c.InMulti() {
		c.Fail(engine.ErrWatchInside)
		return
	}
	c.Watch(c.Args[1:])
	c.Out.OK()
}

func unwatch(c *engine.Call) {
	c.Unwatch()
	c.Out.OK()
}
