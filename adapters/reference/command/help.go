package command

import (
	"strings"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// helpText returns the handler of HELP, which answers what a container says of its subcommands (networking.c: addReplyHelp).
func helpText(text string) func(*engine.Call) {
	return func(c *engine.Call) {
		lines := strings.Split(text, "\n")
		c.Out.Array(len(lines) + 3)
		c.Out.Simple(strings.ToUpper(string(c.Args[0])) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:")
		for _, l := range lines {
			c.Out.Simple(l)
		}
		c.Out.Simple("HELP")
		c.Out.Simple("    Prints this help.")
	}
}

// subcommandSyntax answers that a subcommand has a wrong number of arguments (networking.c: addReplySubcommandSyntaxError).
func subcommandSyntax(c *engine.Call) {
	name, _, _ := strings.Cut(c.Name(), "|")
	c.Fail("ERR unknown subcommand or wrong number of arguments for '" + cString(c.Args[1]) + "'. Try " +
		strings.ToUpper(name) + " HELP.")
}

// parseInt32 reads an integer that fits into an int of C.
func parseInt32(arg []byte) (int32, bool) {
	n, ok := wire.ParseInt(arg)
	return int32(n), ok && n == int64(int32(n))
}
