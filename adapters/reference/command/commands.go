package command

import (
	"strings"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// commandCommand answers what the commands are: only those that are there, each as a 7.0.15 describes it.
func commandCommand() engine.Command {
	return engine.Command{Name: "command", Run: commandAll, Sub: []engine.Command{
		{Name: "count", Run: commandCount},
		{Name: "list", Run: commandList},
		{Name: "info", Run: commandInfo},
		{Name: "docs", Run: commandDocs},
		{Name: "getkeys", Run: commandGetKeys(false)},
		{Name: "getkeysandflags", Run: commandGetKeys(true)},
		{Name: "help", Run: helpText(commandHelp)},
	}}
}

const commandHelp = `(no subcommand)
    Return details about all Redis commands.
COUNT
    Return the total number of commands in this Redis server.
LIST
    Return a list of all commands in this Redis server.
INFO [<command-name> ...]
    Return details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
DOCS [<command-name> ...]
    Return documentation details about multiple Redis commands.
    If no command names are given, documentation details for all
    commands are returned.
GETKEYS <full-command>
    Return the keys from a full Redis command.
GETKEYSANDFLAGS <full-command>
    Return the keys and the access flags from a full Redis command.`

func commandNames(c *engine.Call) (names []string) {
	c.Engine().EachCommand(func(name string) { names = append(names, name) })
	return names
}

func commandCount(c *engine.Call) { c.Out.Int(int64(len(commandNames(c)))) }

func commandAll(c *engine.Call) { writeInfos(c, commandNames(c)) }

func commandInfo(c *engine.Call) {
	if len(c.Args) == 2 {
		commandAll(c)
		return
	}
	var names []string
	for _, arg := range c.Args[2:] {
		names = append(names, c.Engine().Lookup(string(arg)))
	}
	writeInfos(c, names)
}

func writeInfos(c *engine.Call, names []string) {
	all, err := catalog()
	if err != nil {
		panic(err)
	}
	c.Out.Array(len(names))
	for _, name := range names {
		writeInfo(c, all, name)
	}
}

func commandDocs(c *engine.Call) {
	all, err := catalog()
	if err != nil {
		panic(err)
	}
	names := commandNames(c)
	if len(c.Args) > 2 {
		names = names[:0]
		for _, arg := range c.Args[2:] {
			if name := c.Engine().Lookup(string(arg)); name != "" {
				names = append(names, name)
			}
		}
	}
	c.Out.Map(len(names))
	for _, name := range names {
		writeDocs(c, all, name)
	}
}

// commandList answers COMMAND LIST [FILTERBY (MODULE name|ACLCAT category|PATTERN pattern)]. With a filter subcommands are
// listed, too, as in Redis.
func commandList(c *engine.Call) {
	filtered := len(c.Args) > 2
	if filtered && (len(c.Args) != 5 || !is(c.Args[2], "filterby")) {
		c.Fail(engine.ErrSyntax)
		return
	}
	keep := func(string) bool { return true }
	if filtered {
		if keep = listFilter(c.Args[3], string(c.Args[4])); keep == nil {
			c.Fail(engine.ErrSyntax)
			return
		}
	}
	at, n := c.Out.Begin(), 0
	list := func(name string) {
		if keep(name) {
			c.Out.Text(name)
			n++
		}
	}
	for _, name := range commandNames(c) {
		list(name)
		for _, sub := range c.Engine().Subcommands(name) {
			list(sub)
		}
	}
	c.Out.EndArray(at, n)
}

func listFilter(kind []byte, arg string) func(name string) bool {
	switch {
	case is(kind, "module"):
		return func(string) bool { return false }
	case is(kind, "aclcat"):
		all, err := catalog()
		if err != nil {
			panic(err)
		}
		return func(name string) bool { return all[name].hasCategory(arg) }
	case is(kind, "pattern"):
		return func(name string) bool { return engine.Match(strings.ToLower(arg), []byte(name)) }
	}
	return nil
}

func commandGetKeys(withFlags bool) func(*engine.Call) {
	return func(c *engine.Call) {
		args := c.Args[2:]
		keys, text := c.Engine().KeysOf(args)
		if text != "" {
			c.Fail(text)
			return
		}
		c.Out.Array(len(keys))
		for _, k := range keys {
			if !withFlags {
				c.Out.Bulk(args[k.At])
				continue
			}
			c.Out.Array(2)
			c.Out.Bulk(args[k.At])
			flags := strings.Split(k.Access, "+")
			c.Out.Set(len(flags))
			for _, f := range flags {
				c.Out.Simple(f)
			}
		}
	}
}
