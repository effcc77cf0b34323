package command

import "github.com/kvtool/kvtool/adapters/reference/engine"

func serverCommands() []engine.Command {
	return []engine.Command{
		{Name: "command", Run: commandList, Sub: []engine.Command{
			{Name: "count", Run: func(c *engine.Call) { c.Out.Int(0) }},
			{Name: "docs", Run: func(c *engine.Call) { c.Out.Map(0) }},
		}},
		{Name: "config", Sub: []engine.Command{
			{Name: "get", Run: func(c *engine.Call) { c.Out.Map(0) }},
		}},
		{Name: "dbsize", Run: dbSize, Whole: true},
	}
}

func commandList(c *engine.Call) { c.Out.Array(0) }

func dbSize(c *engine.Call) { c.Out.Int(c.Keys()) }
