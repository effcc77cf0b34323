package conformance

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// mostForms is how many forms of one command are tried at most, and how many are recorded: ways through its grammar, in order.
const (
	mostForms     = 250
	recordedForms = 24
)

// breadth returns a history that has every form of a command, up to a number: each alternative with each option, with too few
// and too many arguments, and with keys of every type.
func breadth(s spec, h history, most int) history {
	g := &generator{maker: &maker{Rand: rand.New(rand.NewPCG(7, 15)), tidy: true}, dumps: true}
	node := parse(s.grammar)
	e := entry{s, node}
	way := &path{}
	for n := 0; ; n++ {
		if n%20 == 0 {
			h.units = append(h.units, furniture()...)
		}
		g.maker.path = way
		if s.kind&(random|scans) != 0 || sorts(s.name) {
			h.units = append(h.units, g.command(e))
		} else {
			h.units = append(h.units, unit{{args: g.args(e), same: e.same}})
		}
		g.maker.path = nil
		if n+1 == most || !way.next() {
			break
		}
	}
	return g.wrong(e, h, most == mostForms)
}

// wrong appends calls of a command that have too few or too many arguments, and such with keys of every type, where each key of
// the command finds everything in its place again if that is wanted.
func (g *generator) wrong(e entry, h history, again bool) history {
	words := strings.Split(e.name, "|")
	args := g.make(e.node, slices.Clone(words))
	same := e.same
	if e.kind&(random|scans|pops) != 0 {
		same = func(call) string { return "" }
	}
	if e.kind&(blocking|kept|pops) == 0 {
		for n := len(words); n < len(args); n++ {
			h.units = append(h.units, unit{{args: slices.Clone(args[:n]), same: same}})
		}
		h.units = append(h.units, unit{{args: append(slices.Clone(args), "surplus"), same: same}})
	}
	if e.kind&(kept|pops) != 0 {
		return h
	}
	for i := len(words); i < len(args); i++ {
		if len(args[i]) != 2 || !strings.Contains(keyTypes, args[i][:1]) || args[i][1] > '3' {
			continue
		}
		for _, letter := range keyTypes + "q" { // there is no key q1
			other := slices.Clone(args)
			other[i] = string(letter) + "1"
			h.units = append(h.units, unit{{args: other, same: same}})
		}
		if again {
			h.units = append(h.units, furniture()...)
		}
	}
	return h
}

// furniture returns commands that put something under every name that a grammar asks for.
func furniture() []unit {
	var units []unit
	for _, text := range []string{
		"flushall", "select 0", "mset s1 hello s2 12 s3 3.5 n1 10 n2 -7 n3 9223372036854775806",
		"setbit b1 7 1", "setbit b2 100 1", "set b3 foobar", "rpush l1 a b c a 1 2 3", "rpush l2 x 300 y", "rpush l3 1",
		"hset h1 a 1 b 2 c text 1 3.5", "hset h2 a " + text65 + " f 7", "hset h3 1 1 2 2 3 3 4 4 5 5 6 6",
		"sadd t1 a b c 1 2", "sadd t2 1 2 3 4 10", "sadd t3 1 2 3 300 b",
		"zadd z1 1 a 2 b 2 c 3.5 1 -1 2", "zadd z2 1 a 5 b 6 e", "zadd z3 inf a -inf b 0.1 c 1e20 d 3 e 2 f 1 1",
		"zadd y1 0 a 0 b 0 c 0 d", "zadd y2 0 1 0 2 0 a", "zadd y3 0 a",
		"geoadd g1 13.361389 38.115556 Palermo 15.087269 37.502669 Catania", "geoadd g2 2.35 48.85 Paris -0.1275 51.507 London",
		"geoadd g3 0 0 null", "pfadd p1 a b c", "pfadd p2 1 2 3 a", "pfadd p3 x", "expire s3 100000", "pexpire h2 100000000",
	} {
		units = append(units, unit{{args: strings.Fields(text)}})
	}
	return units
}

// inTurn plays the breadth of a command, and reports where the servers part.
func inTurn(t *testing.T, d *duel, s spec, h history, most int) {
	diff, err := d.run(breadth(s, h, most))
	if diff != nil && !d.brief { // between two equal times a millisecond may have ended, of one of the servers
		diff, err = d.run(breadth(s, h, most))
	}
	if err != nil {
		t.Fatal(err)
	}
	if diff != nil {
		diff.units = slices.Concat(furniture(), diff.units[max(diff.unit, 0):max(diff.unit, 0)+1])
		t.Errorf("%s: %.3000s", s.name, fmt.Sprint(diff))
	}
}

// TestBreadth plays every form of every command on a redis-server and on the engine.
func TestBreadth(t *testing.T) {
	want := redisAddr(t)
	got := engineAddr(t, engine.Options{Shards: 2})
	have := commandsOf(t, got)
	for i := range 4 {
		h := history{resp3: i&1 != 0, tiny: i&2 != 0}
		if h.resp3 != h.tiny && os.Getenv("KVTOOL_SOAK") == "" {
			continue
		}
		t.Run(fmt.Sprintf("resp3=%v tiny=%v", h.resp3, h.tiny), func(t *testing.T) {
			d := &duel{addr: [2]string{want, got}, has: func(name string) bool { return have[name] }}
			for _, s := range specs() {
				if have[s.name] {
					inTurn(t, d, s, h, mostForms)
				}
			}
			t.Logf("%d commands compared", d.calls)
		})
	}
}
