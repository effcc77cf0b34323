package command

import "github.com/kvtool/kvtool/adapters/reference/engine"

func genericCommands() []engine.Command {
	return []engine.Command{
		{Name: "del", Run: del},
		{Name: "unlink", Run: del},
	}
}

func del(c *engine.Call) {
	n := int64(0)
	for _, key := range c.Args[1:] {
		if c.Delete(c.Peek(key)) {
			n++
			c.Changed(key, 'g', "del")
		}
	}
	c.Out.Int(n)
}
