package engine

import (
	"fmt"
	"strings"
)

// A Command is one that the engine is to know. All else that there is to say of it, its arity, flags and keys, is in facts.txt
// under its name.
type Command struct {
	Name string      // in lower case; of a subcommand without its container
	Run  func(*Call) // nil if it only has subcommands
	Sub  []Command
	// Whole says that it reads or changes more than the keys among its arguments, so that it needs every shard.
	Whole bool
	// Warm reads what calls for one key are about to read, of all of them at once, so that the processor waits for memory once and
	// not once a call. It has argument number Element of each. Nil if that is not worth it.
	Warm    func(c *Call, key []byte, elements [][]byte)
	Element int
}

// command is a Command with its facts, and with what is counted of it.
type command struct {
	facts
	run    func(*Call)
	sub    []*command
	parent *command
	whole  bool
	lock   lockKind
	warm   func(c *Call, key []byte, elements [][]byte)
	warmed int // the argument that it is about
	stats  commandStats
}

// lockKind says which shards a command needs.
type lockKind uint8

const (
	lockNone lockKind = iota
	lockOne           // that of its only key, args[first]
	lockKeys          // those of its keys
	lockAll
)

// table finds commands by name: open addressing, never more than half full.
type table struct {
	slots []*command
	list  []*command // in the order of the Go table
}

func newTable(commands []Command) (*table, error) {
	all := allFacts()
	t := &table{slots: make([]*command, 1024)}
	for _, c := range commands {
		made, err := newCommand(c, nil, all)
		if err != nil {
			return nil, err
		}
		t.list = append(t.list, made)
		i := nameHash([]byte(c.Name))
		for t.slots[i%uint32(len(t.slots))] != nil {
			i++
		}
		t.slots[i%uint32(len(t.slots))] = made
	}
	return t, nil
}

func newCommand(c Command, parent *command, all map[string]facts) (*command, error) {
	name := c.Name
	if parent != nil {
		name = parent.name + "|" + name
	}
	f, ok := all[name]
	if !ok {
		return nil, fmt.Errorf("engine: no facts of command %q", name)
	}
	made := &command{facts: f, run: c.Run, parent: parent, whole: c.Whole, warm: c.Warm, warmed: c.Element}
	made.lock = lockOf(made)
	for _, s := range c.Sub {
		sub, err := newCommand(s, made, all)
		if err != nil {
			return nil, err
		}
		made.sub = append(made.sub, sub)
	}
	return made, nil
}

func lockOf(c *command) lockKind {
	switch {
	case c.whole || c.flags&Blocking != 0:
		return lockAll
	case len(c.keys) == 0:
		return lockNone
	}
	for _, k := range c.keys {
		if k.unknown {
			return lockAll
		}
	}
	if k := c.keys[0]; len(c.keys) == 1 && k.keyword == "" && !k.counted && k.last == 0 {
		return lockOne
	}
	return lockKeys
}

// find returns the command of a name in any case, or nil.
func (t *table) find(name []byte) *command {
	for i := nameHash(name); ; i++ {
		c := t.slots[i%uint32(len(t.slots))]
		if c == nil || sameName(name, c.name) {
			return c
		}
	}
}

// nameHash is the same for names that differ in case alone.
func nameHash(name []byte) uint32 {
	h := uint32(2166136261)
	for _, b := range name {
		h = (h ^ uint32(b|0x20)) * 16777619
	}
	return h ^ h>>15
}

// sameName reports whether name is lower, in any case. ASCII only, as Redis's strcasecmp in the C locale.
func sameName(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
	for i, b := range name {
		if b != lower[i] && (b < 'A' || b > 'Z' || b|0x20 != lower[i]) {
			return false
		}
	}
	return true
}

// resolve returns the command that args call, a subcommand if it is one; nil with the container if there is none of that name.
func (t *table) resolve(args [][]byte) (c, container *command) {
	c = t.find(args[0])
	if c == nil || len(c.sub) == 0 || len(args) == 1 {
		return c, nil
	}
	for _, s := range c.sub {
		if sameName(args[1], s.name[len(c.name)+1:]) {
			return s, c
		}
	}
	return nil, c
}

// byName is resolve for a name as COMMAND INFO takes it: get, client|list.
func (t *table) byName(name string) *command {
	first, second, isSub := strings.Cut(name, "|")
	args := [][]byte{[]byte(first)}
	if !isSub {
		return t.find(args[0])
	}
	c, container := t.resolve(append(args, []byte(second)))
	if container == nil {
		return nil
	}
	return c
}

// each calls fn with every command and subcommand that can run.
func (t *table) each(fn func(*command)) {
	for _, c := range t.list {
		if c.run != nil {
			fn(c)
		}
		for _, s := range c.sub {
			fn(s)
		}
	}
}
