package command_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
)

func TestKeys(t *testing.T) {
	words := func(r *rand.Rand, all ...string) (args []string) {
		for range r.IntN(3) {
			args = append(args, anyCase(r, draw(r, all...)))
		}
		return args
	}
	play(t, 13, twinKeys,
		func(r *rand.Rand) []string { return []string{"SET", key(r), text(r)} },
		func(r *rand.Rand) []string { return []string{"SET", key(r), text(r), "PXAT", far(r, 1000)} },
		func(r *rand.Rand) []string {
			return []string{"SELECT", draw(r, "0", "0", "1", "16", "x", "99999999999")}
		},
		func(r *rand.Rand) []string {
			return []string{draw(r, "DEL", "UNLINK", "EXISTS", "TOUCH"), key(r), key(r)}
		},
		func(r *rand.Rand) []string { return []string{"TYPE", key(r)} },
		func(r *rand.Rand) []string { return []string{draw(r, "RENAME", "RENAMENX"), key(r), key(r)} },
		func(r *rand.Rand) []string {
			args := []string{"COPY", key(r), key(r)}
			for range r.IntN(3) {
				args = append(args, draw(r, []string{"replace"}, []string{"DB", draw(r, "0", "1", "2", "16", "-1", "x", "99999999999")})...)
			}
			return args
		},
		func(r *rand.Rand) []string {
			return []string{"MOVE", key(r), draw(r, "0", "1", "16", "-1", "x", "99999999999")}
		},
		func(r *rand.Rand) []string {
			return []string{"OBJECT", draw(r, "ENCODING", "refcount", "FREQ", "idletime"), key(r)}
		},
		func(r *rand.Rand) []string { return []string{"OBJECT", draw(r, "help", "ENCODING", "nothing")} },
		func(r *rand.Rand) []string {
			return append([]string{draw(r, "EXPIRE", "PEXPIRE"), key(r), draw(r, "0", "-1", "9223372036854775807",
				"-9223372036854775808", "x", "-9223372036854775")}, words(r, "nx", "xx", "gt", "lt", "zz")...)
		},
		func(r *rand.Rand) []string {
			return append([]string{"EXPIREAT", key(r), far(r, 1)}, words(r, "nx", "xx", "gt", "lt")...)
		},
		func(r *rand.Rand) []string {
			return append([]string{"PEXPIREAT", key(r), far(r, 1000)}, words(r, "nx", "xx", "gt", "lt")...)
		},
		func(r *rand.Rand) []string { return []string{draw(r, "EXPIRETIME", "PEXPIRETIME"), key(r)} },
		func(r *rand.Rand) []string { return []string{"PERSIST", key(r)} },
		func(r *rand.Rand) []string {
			return []string{"SCAN", draw(r, "x", "-", "1x", " 1", "18446744073709551616", "99999999999999999999999")}
		},
		func(r *rand.Rand) []string {
			return []string{"SCAN", "0", draw(r, "COUNT", "match", "type", "x"), draw(r, "0", "-1", "x")}
		},
		func(r *rand.Rand) []string { return []string{"DBSIZE"} },
	)
}

// TestTTL compares what depends on the time, as far as a few milliseconds do not show.
func TestTTL(t *testing.T) {
	w := newTwin(t, 1)
	for _, args := range [][]string{
		{"SET", "k", "v", "EX", "1000"},
		{"TTL", "k"},
		{"PERSIST", "k"},
		{"TTL", "k"},
		{"PTTL", "k"},
		{"PTTL", "none"},
		{"EXPIRE", "k", "100"},
		{"TTL", "k"},
		{"EXPIRE", "k", "50", "GT"},
		{"TTL", "k"},
		{"EXPIRE", "k", "50", "LT"},
		{"TTL", "k"},
		{"GETEX", "k", "EX", "200"},
		{"TTL", "k"},
		{"SETEX", "k", "300", "v"},
		{"TTL", "k"},
		{"PSETEX", "k", "400000", "v"},
		{"TTL", "k"},
		{"SET", "k", "w", "KEEPTTL"},
		{"TTL", "k"},
		{"INCRBYFLOAT", "n", "1"},
		{"EXPIRE", "n", "100"},
		{"INCRBYFLOAT", "n", "1"},
		{"TTL", "n"},
		{"APPEND", "k", "x"},
		{"TTL", "k"},
		{"RENAME", "k", "l"},
		{"TTL", "l"},
		{"COPY", "l", "m"},
		{"TTL", "m"},
		{"SET", "m", "x"},
		{"TTL", "m"},
		{"GETEX", "l", "PXAT", "1"},
		{"EXISTS", "l"},
		{"SET", "l", "v", "PXAT", "1"},
		{"GET", "l"},
	} {
		w.same(args...)
	}
}

// scanAll returns what a scan yields, in pages, while between two of them meanwhile is called.
func scanAll(t *testing.T, s *engine.Session, command []string, options []string, meanwhile func()) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for cursor, pages := "0", 0; ; pages++ {
		lines := strings.Split(tell(s, slices.Concat(command, []string{cursor}, options)...), "\r\n")
		if lines[0] != "*2" {
			t.Fatal(lines)
		}
		cursor = lines[2]
		for i := 5; i < len(lines)-1; i += 2 {
			seen[lines[i]]++
		}
		if cursor == "0" {
			return seen
		}
		if pages > 1<<20 {
			t.Fatal("the scan does not end")
		}
		meanwhile()
	}
}

// TestScanSeesWhatStays holds SCAN to its promise while the tables grow and shrink under it, over one shard and over several.
func TestScanSeesWhatStays(t *testing.T) {
	for _, shards := range []int{1, 4, 64} {
		e, err := engine.New(engine.Options{Shards: shards}, command.Table())
		if err != nil {
			t.Fatal(err)
		}
		s := e.Connect(engine.Origin{})
		run := func(args ...string) { tell(s, args...) }
		for i := range 1000 {
			run("SET", fmt.Sprint("stable:", i), "v")
		}
		r := rand.New(rand.NewPCG(uint64(shards), 2))
		passing := 0
		for range 10 {
			grow, changes := r.IntN(2) == 0, 3000
			seen := scanAll(t, s, []string{"SCAN"}, []string{"COUNT", strconv.Itoa(1 + r.IntN(50)), "MATCH", "stable:*"}, func() {
				for range min(changes, r.IntN(200)) {
					changes--
					if grow {
						passing++
						run("SET", fmt.Sprint("passing:", passing), "v")
					} else if passing > 0 {
						run("DEL", fmt.Sprint("passing:", passing))
						passing--
					}
				}
			})
			if len(seen) != 1000 {
				t.Fatalf("%d shards: %d of 1000 keys that stayed were seen", shards, len(seen))
			}
		}
		if typed := scanAll(t, s, []string{"SCAN"}, []string{"TYPE", "String", "COUNT", "100000"},
			func() {}); len(typed) != 1000+passing {
			t.Fatalf("%d strings, want %d", len(typed), 1000+passing)
		}
		if typed := scanAll(t, s, []string{"SCAN"}, []string{"TYPE", "hash"}, func() {}); len(typed) != 0 {
			t.Fatalf("%d hashes, want none", len(typed))
		}
	}
}
