package conformance

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A step is one command, or what is done in its place.
type step struct {
	args []string
	same same
	act  act
	wait time.Duration // afterwards
}

// An act is what to do with a step.
type act uint8

const (
	send  act = iota
	list      // send, and keep the reply for the draw that follows
	draw      // send, and compare with what was listed
	adopt     // give both servers the reference's contents of the key args[0]
	scan      // send until the cursor is 0
	clone     // RESTORE what the reference dumps of args[0] as args[1], on both
)

// A unit is steps that belong together.
type unit []step

// A history is what one client does. Everything begins on empty servers.
type history struct {
	resp3 bool
	tiny  bool // small thresholds of encodings, so that they are crossed
	units []unit
}

// String writes the history as lines for redis-cli.
func (h history) String() string {
	var b strings.Builder
	for _, args := range h.prologue() {
		if args[0] != "FLUSHALL" {
			b.WriteString(line(args) + "\n")
		}
	}
	for _, u := range h.units {
		for _, s := range u {
			b.WriteString([]string{"", "", "", "# adopt ", "# scan with ", "# dump and restore "}[s.act] + line(s.args) + "\n")
			if s.wait > 0 {
				fmt.Fprintf(&b, "# wait %s\n", s.wait)
			}
		}
	}
	return b.String()
}

func line(args []string) string {
	words := make([]string, len(args))
	for i, a := range args {
		words[i] = a
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\'' || r == '\\' }) {
			words[i] = strconv.Quote(a)
		}
	}
	return strings.Join(words, " ")
}

// thresholds are the settings of encodings: Redis's defaults, or such that a few elements cross.
var thresholds = [2][]string{
	{
		"hash-max-listpack-entries", "512", "hash-max-listpack-value", "64", "set-max-intset-entries", "512",
		"zset-max-listpack-entries", "128", "zset-max-listpack-value", "64", "list-max-listpack-size", "-2",
		"hll-sparse-max-bytes", "3000",
	},
	{
		"hash-max-listpack-entries", "4", "hash-max-listpack-value", "8", "set-max-intset-entries", "4",
		"zset-max-listpack-entries", "4", "zset-max-listpack-value", "8", "list-max-listpack-size", "3", "hll-sparse-max-bytes",
		"120",
	},
}

// prologue returns the commands that go before the history.
func (h history) prologue() [][]string {
	proto, limits := "2", thresholds[0]
	if h.resp3 {
		proto = "3"
	}
	if h.tiny {
		limits = thresholds[1]
	}
	return [][]string{
		{"RESET"},
		append([]string{"CONFIG", "SET"}, limits...),
		{"DEBUG", "SET-ACTIVE-EXPIRE", "0"},
		{"CONFIG", "SET", "proto-max-bulk-len", "1mb"},
		{"FLUSHALL"},
		{"HELLO", proto},
	}
}

// A generator makes histories. has says which commands the server under test has.
type generator struct {
	*maker
	all, makers []entry // commands by weight; those that make keys
	sum, made   int
	has         func(name string) bool
	dumps       bool
}

type entry struct {
	spec
	node node
}

func newGenerator(r *rand.Rand, has func(name string) bool) *generator {
	g := &generator{maker: &maker{Rand: r}, has: has, dumps: has("dump") && has("restore")}
	for _, s := range specs() {
		if !has(s.name) || s.kind&pops != 0 && !g.dumps {
			continue
		}
		e := entry{s, parse(s.grammar)}
		e.weight = max(e.weight, 1)
		g.all, g.sum = append(g.all, e), g.sum+e.weight
		if s.weight > 2 {
			g.makers, g.made = append(g.makers, e), g.made+e.weight
		}
	}
	return g
}

func (g *generator) pick(from []entry, sum int) entry {
	n := g.IntN(sum)
	for _, e := range from {
		if n -= e.weight; n < 0 {
			return e
		}
	}
	panic("weights do not add up")
}

// history makes one of about n commands.
func (g *generator) history(n int) history {
	h := history{resp3: g.chance(40), tiny: g.chance(60)}
	g.tidy = true
	for range n / 12 {
		h.units = append(h.units, unit{g.plain(g.pick(g.makers, g.made))})
	}
	g.tidy = false
	for len(h.units) < n {
		h.units = append(h.units, g.unit())
	}
	return h
}

func (g *generator) unit() unit {
	switch k := g.IntN(100); {
	case k < 30:
		return unit{g.plain(g.pick(g.makers, g.made))}
	case k < 33 && g.has("multi"):
		return g.transaction()
	case k < 35 && g.has("pexpire"):
		return unit{g.expiring()}
	case k < 36 && g.chance(40):
		return unit{{args: g.bulk()}}
	case k < 37 && g.dumps:
		return unit{{args: []string{g.key(""), g.key("")}, act: clone}}
	}
	return g.command(g.pick(g.all, g.sum))
}

// command makes a unit of one command, and of what belongs to it.
func (g *generator) command(e entry) unit {
	switch {
	case e.name == "multi":
		return g.transaction()
	case e.kind&blocking != 0 && g.has("multi") && g.chance(85):
		return g.transaction()
	case e.kind&scans != 0 && !g.chance(20):
		return unit{{args: g.args(e), act: scan, same: distinct(e.name)}}
	case e.kind&random != 0:
		args := g.args(e)
		u := unit{{args: listing(args), act: list, same: multiset(listed(e.name))}, {args: args, act: draw, same: drawn}}
		if e.name == "randomkey" {
			u = append(unit{sweep}, u...)
		}
		if e.kind&pops != 0 {
			u = append(u, step{args: args[1:2], act: adopt})
		}
		return u
	}
	switch {
	case sorts(e.name):
		return unit{calm, g.plain(e)}
	case e.name == "scan":
		return unit{g.plain(e), sweep} // one call drops the expired keys that it comes by
	}
	return unit{g.plain(e)}
}

// calm is a step before each SORT. Redis 7.0.15 forgets to clear errno in sort.c: a number out of range in any command before
// makes it refuse sound ones. Reading a cursor clears it.
var calm = step{args: []string{"sscan", "absent", "0"}}

func sorts(name string) bool { return name == "sort" || name == "sort_ro" }

// plain makes a step of a command, which is right or not.
func (g *generator) plain(e entry) step {
	s := step{args: g.args(e), same: e.same}
	if !g.tidy && e.kind&(blocking|random|kept) == 0 && len(s.args) > 0 && g.chance(12) {
		s.args = g.spoil(s.args, e.kind&timely == 0)
	}
	if e.kind&scans != 0 {
		s.same = func(call) string { return "" } // a cursor says nothing; an error must still be one
	}
	return s
}

// args makes the words of a command, its name in any case.
func (g *generator) args(e entry) []string {
	name := e.name
	if e.kind&random == 0 && g.chance(20) {
		name = strings.ToUpper(name)
	}
	return g.make(e.node, strings.Split(name, "|"))
}

func (g *generator) transaction() unit {
	var u unit
	if g.chance(20) {
		u = append(u, step{args: []string{"watch", g.key(""), g.key("")}})
	}
	u = append(u, step{args: []string{"multi"}})
	for range 1 + g.IntN(5) {
		e := g.pick(g.all, g.sum)
		if e.kind&(random|scans) != 0 || e.name == "exec" || e.name == "discard" {
			continue
		}
		if sorts(e.name) {
			u = append(u, calm)
		}
		u = append(u, g.plain(e))
	}
	return append(u, step{args: []string{pick(g.maker, "exec", "exec", "EXEC", "discard")}})
}

// expiring makes a key expire at once, so that those that follow find it there and yet not there.
func (g *generator) expiring() step {
	k := g.key("")
	args := pick(g.maker, []string{"pexpire", k, "1"}, []string{"set", k, "v", "PX", "1"}, []string{"psetex", k, "1", "v"},
		[]string{"pexpire", k, "1", "NX"}, []string{"getex", k, "PX", "1"})
	return step{args: args, wait: 3 * time.Millisecond}
}

// bulk makes a command with so many elements that the default thresholds are crossed.
func (g *generator) bulk() []string {
	n := pick(g.maker, 100, 129, 200, 513, 600)
	kind := pick(g.maker, "h", "z", "t", "l", "p", "g")
	names := map[string]string{"h": "hset", "z": "zadd", "t": "sadd", "l": "rpush", "p": "pfadd", "g": "geoadd"}
	args := []string{names[kind], g.key(kind)}
	from, text := g.IntN(1000), g.chance(30)
	for i := range n {
		member := strconv.Itoa(from + i)
		if text {
			member = "m:" + member
		}
		switch kind {
		case "h":
			args = append(args, member, strconv.Itoa(i))
		case "z":
			args = append(args, strconv.Itoa(i*7%31), member)
		case "g":
			args = append(args, strconv.Itoa(i%170), strconv.Itoa(i%80), member)
		default:
			args = append(args, member)
		}
	}
	return args
}

// listing returns the command that lists what a random one draws from.
func listing(args []string) []string {
	switch args[0] {
	case "randomkey":
		return []string{"keys", "*"}
	case "hrandfield":
		return []string{"hgetall", args[1]}
	case "zrandmember":
		return []string{"zrange", args[1], "0", "-1", "WITHSCORES"}
	}
	return []string{"smembers", args[1]}
}

// listed returns how many items of a listing are one element.
func listed(name string) int {
	if name == "hrandfield" {
		return 2
	}
	return 1
}

// distinct compares the items that a command of the SCAN family returned in all; one may have come twice.
func distinct(name string) same {
	n := 1
	if name == "hscan" || name == "zscan" {
		n = 2
	}
	return func(c call) string {
		if !slices.Equal(slices.Compact(sorted(c.want.items, n)), slices.Compact(sorted(c.got.items, n))) {
			return "items differ"
		}
		return ""
	}
}
