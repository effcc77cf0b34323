package command_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// moves are commands that take something from one place to another, or put something in the place of what was there: K is a key, E a member.
var moves = []string{
	"RENAME K K", "COPY K K REPLACE", "MOVE K 1", "SMOVE K K E", "LMOVE K K LEFT RIGHT", "LMOVE K K RIGHT LEFT",
	"LMOVE K K LEFT LEFT", "RPOPLPUSH K K",
}

// TestFullArenaLosesNothing: where there is no room, the error says so, and both keys are what they were.
func TestFullArenaLosesNothing(t *testing.T) {
	refused := map[string]int{}
	for seed := range uint64(10) {
		e, err := engine.New(engine.Options{
			Shards: 2, Heap: 1 << 20, Clock: engine.NewManualClock(time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)), Log: func(text string) { t.Error(text) },
		}, command.Table())
		if err != nil {
			t.Fatal(err)
		}
		s, r := e.Connect(engine.Origin{FD: -1}), rand.New(rand.NewPCG(seed, 9))
		run := func(text string) string { return tell(s, strings.Fields(text)...) }
		key := func() string { return fmt.Sprint("key", r.IntN(40)) }
		full := false
		for i := range 6000 {
			if i%3 > 0 { // fill, for most of the time over the brim
				text := grow(r, key())
				full = full || strings.HasPrefix(run(text), "-OOM")
				continue
			}
			text := moves[r.IntN(len(moves))]
			from, to := key(), key()
			text = strings.Replace(strings.Replace(text, "K", from, 1), "K", to, 1)
			if strings.HasSuffix(text, " E") {
				text = strings.TrimSuffix(text, "E") + member(r)
			}
			before := run("DUMP "+from) + run("DUMP "+to) + run("PEXPIRETIME "+from) + run("PEXPIRETIME "+to)
			if !strings.HasPrefix(run(text), "-OOM") {
				continue
			}
			name, _, _ := strings.Cut(text, " ")
			refused[name]++
			after := run("DUMP "+from) + run("DUMP "+to) + run("PEXPIRETIME "+from) + run("PEXPIRETIME "+to)
			if before != after {
				t.Fatalf("seed %d, %s was refused, and the keys are others now", seed, text)
			}
		}
		if !full {
			t.Fatal("the arena was never full")
		}
	}
	t.Log(refused)
	for _, name := range []string{"RENAME", "COPY", "LMOVE"} {
		if refused[name] == 0 {
			t.Errorf("%s was never refused", name)
		}
	}
}

// A member that is moved needs room in the other set before its own is given back.
func TestFullArenaKeepsMember(t *testing.T) {
	e, err := engine.New(engine.Options{Heap: 1 << 20}, command.Table())
	if err != nil {
		t.Fatal(err)
	}
	s := e.Connect(engine.Origin{FD: -1})
	run := func(words ...string) string { return tell(s, words...) }
	long := strings.Repeat("m", 5000)
	run("SADD", "from", long, "other")
	run("SADD", "to", "some")
	for n := 5000; n > 0; n /= 2 {
		for i := 0; run("SADD", "filler", fmt.Sprintf("%d:%d:%s", n, i, strings.Repeat("f", n))) == ":1\r\n"; i++ {
		}
	}
	if got := run("SMOVE", "from", "to", long); !strings.HasPrefix(got, "-OOM") {
		t.Fatalf("SMOVE answers %q", got)
	}
	if in, out := run("SISMEMBER", "from", long), run("SISMEMBER", "to", long); in != ":1\r\n" || out != ":0\r\n" {
		t.Errorf("in the source %q, in the destination %q", in, out)
	}
}

// grow returns a command that adds to a key, or makes it.
func grow(r *rand.Rand, key string) string {
	big := bytes.Repeat([]byte{byte('a' + r.IntN(26))}, 1+r.IntN(6000))
	switch key[len(key)-1] % 4 {
	case 0:
		return fmt.Sprintf("SET %s %s PX 100000", key, big)
	case 1:
		return fmt.Sprintf("SADD %s e%d %s", key, r.IntN(9), big[:len(big)/8+1])
	case 2:
		return fmt.Sprintf("RPUSH %s %s %s", key, big, big)
	}
	return fmt.Sprintf("SADD %s %s %d %s", key, member(r), r.IntN(1e6), big[:len(big)/8+1])
}

// member returns one of 52 long members.
func member(r *rand.Rand) string { return strings.Repeat(string(rune('A'+r.IntN(26))), 4000+r.IntN(2)) }
