package command

import (
	"fmt"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

func serverCommands() []engine.Command {
	return []engine.Command{
		commandCommand(),
		configCommand(),
		{Name: "dbsize", Run: func(c *engine.Call) { c.Out.Int(c.Keys(c.DB())) }, Whole: true},
		{Name: "debug", Run: debug, Whole: true},
		{Name: "flushall", Run: flush(true), Whole: true},
		{Name: "flushdb", Run: flush(false), Whole: true},
		functionCommand(),
		{Name: "info", Run: info, Whole: true},
		{Name: "lastsave", Run: func(c *engine.Call) { c.Out.Int(c.Engine().Started() / 1e6) }},
		latencyCommand(),
		memoryCommand(),
		{Name: "monitor", Run: monitor},
		{Name: "role", Run: role},
		{Name: "shutdown", Run: shutdown},
		slowlogCommand(),
		{Name: "swapdb", Run: swapDB, Whole: true},
		{Name: "time", Run: timeOfDay},
	}
}

func configCommand() engine.Command {
	return engine.Command{Name: "config", Sub: []engine.Command{
		{Name: "get", Run: configGet},
		{Name: "set", Run: configSet, Whole: true},
		{Name: "resetstat", Run: func(c *engine.Call) { c.Engine().ResetStats(); c.Out.OK() }, Whole: true},
		{Name: "rewrite", Run: func(c *engine.Call) { c.Fail("ERR The server is running without a config file") }},
		{Name: "help", Run: helpText(configHelp)},
	}}
}

const configHelp = `GET <pattern>
    Return parameters matching the glob-like <pattern> and their values.
SET <directive> <value>
    Set the configuration <directive> to <value>.
RESETSTAT
    Reset statistics reported by the INFO command.
REWRITE
    Rewrite the configuration file.`

func configGet(c *engine.Call) {
	pairs := c.Engine().Settings(c.Args[2:])
	c.Out.Map(len(pairs))
	for _, p := range pairs {
		c.Out.Text(p[0])
		c.Out.Text(p[1])
	}
}

func configSet(c *engine.Call) {
	if len(c.Args)%2 != 0 {
		c.Fail(engine.ErrSyntax)
		return
	}
	if text := c.Engine().Set(c.Args[2:]); text != "" {
		c.Fail(text)
		return
	}
	c.Out.OK()
}

// flush returns the handler of FLUSHALL or FLUSHDB, which take ASYNC and SYNC and mean the same by it here.
func flush(all bool) func(*engine.Call) {
	return func(c *engine.Call) {
		if len(c.Args) > 2 || len(c.Args) == 2 && !is(c.Args[1], "async") && !is(c.Args[1], "sync") {
			c.Fail(engine.ErrSyntax)
			return
		}
		db := c.DB()
		if all {
			db = -1
		}
		c.Flush(db)
		c.Out.OK()
	}
}

func swapDB(c *engine.Call) {
	var db [2]int32
	for i, which := range [...]string{"first", "second"} {
		n, ok := parseInt32(c.Args[i+1])
		if !ok {
			c.Fail(fmt.Sprintf("ERR invalid %s DB index", which))
			return
		}
		db[i] = n
	}
	for _, n := range db {
		if n < 0 || n >= engine.Databases {
			c.Fail(engine.ErrDBIndex)
			return
		}
	}
	c.Swap(int(db[0]), int(db[1]))
	c.Out.OK()
}

func monitor(c *engine.Call) {
	if !c.MayBlock() {
		c.Fail("ERR MONITOR isn't allowed for DENY BLOCKING client")
		return
	}
	c.Monitor()
	c.Out.OK()
}

func role(c *engine.Call) {
	c.Out.Array(3)
	c.Out.Text("master")
	c.Out.Int(0)
	c.Out.Array(0)
}

func timeOfDay(c *engine.Call) {
	us := c.Micros()
	c.Out.Array(2)
	c.Out.BulkInt(us / 1e6)
	c.Out.BulkInt(us % 1e6)
}
