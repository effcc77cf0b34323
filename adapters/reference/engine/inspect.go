package engine

// EachCommand calls fn with the name of each command there is, without subcommands, in the order of New.
func (e *Engine) EachCommand(fn func(name string)) {
	for _, c := range e.table.list {
		fn(c.name)
	}
}

// Lookup returns the full name of a command in any case, "client|list" of a subcommand, or "".
func (e *Engine) Lookup(name string) string {
	if c := e.table.byName(name); c != nil {
		return c.name
	}
	return ""
}

// Subcommands returns the full names of the subcommands of a command.
func (e *Engine) Subcommands(name string) (names []string) {
	if c := e.table.byName(name); c != nil {
		for _, s := range c.sub {
			names = append(names, s.name)
		}
	}
	return names
}

// A KeyArg is the place of a key among arguments, with what the command does to it: "RW+access+update".
type KeyArg struct {
	At     int
	Access string
}

// What KeysOf finds wrong.
const (
	errNoSuchCommand = "ERR Invalid command specified"
	errNoKeyArgs     = "ERR The command has no key arguments"
	errArityOfKeys   = "ERR Invalid number of arguments specified for command"
	errKeyArgs       = "ERR Invalid arguments specified for command"
)

// KeysOf returns where the keys of a request are, or the text of an error (server.c: getKeysSubcommandImpl).
func (e *Engine) KeysOf(args [][]byte) (keys []KeyArg, text string) {
	cmd, _ := e.table.resolve(args)
	switch {
	case cmd == nil || cmd.run == nil:
		return nil, errNoSuchCommand
	case !cmd.hasKeys():
		return nil, errNoKeyArgs
	case cmd.arity > 0 && cmd.arity != len(args) || len(args) < -cmd.arity:
		return nil, errArityOfKeys
	}
	switch cmd.name {
	case "sort", "sort_ro":
		return sortKeys(cmd.name, args), ""
	case "set":
		return []KeyArg{{1, setAccess(args)}}, ""
	case "bitfield":
		return []KeyArg{{1, bitfieldAccess(args)}}, ""
	}
	valid := cmd.eachKey(args, func(i int, access string) {
		if access != "not_key" {
			keys = append(keys, KeyArg{i, access})
		}
	})
	if !valid || len(keys) == 0 {
		return nil, errKeyArgs
	}
	return keys, ""
}

func (c *command) hasKeys() bool {
	for _, k := range c.keys {
		if k.access != "not_key" {
			return true
		}
	}
	return false
}

// sortKeys returns the key that is sorted, and the last one after STORE (db.c: sortGetKeys).
func sortKeys(name string, args [][]byte) []KeyArg {
	keys := []KeyArg{{1, "RO+access"}}
	if name == "sort_ro" {
		return keys
	}
	store := 0
	for i := 2; i < len(args); i++ {
		switch {
		case sameName(args[i], "limit"):
			i += 2
		case sameName(args[i], "get"), sameName(args[i], "by"):
			i++
		case sameName(args[i], "store") && i+1 < len(args):
			store = i + 1
		}
	}
	if store > 0 {
		keys = append(keys, KeyArg{store, "OW+update"})
	}
	return keys
}

// setAccess tells SET with GET from one without (db.c: setGetKeys).
func setAccess(args [][]byte) string {
	for _, a := range args[3:] {
		if sameName(a, "get") {
			return "RW+access+update"
		}
	}
	return "OW+update"
}

// bitfieldAccess tells a BITFIELD that only reads (db.c: bitfieldGetKeys).
func bitfieldAccess(args [][]byte) string {
	for i := 2; i < len(args); i++ {
		left := len(args) - i - 1
		switch {
		case sameName(args[i], "get") && left >= 2:
			i += 2
		case sameName(args[i], "overflow") && left >= 1:
			i++
		default:
			return "RW+access+update"
		}
	}
	return "RO+access"
}
