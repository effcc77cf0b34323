package conformance

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// scanned are the commands of the SCAN family, with how to add and remove what they return.
var scanned = []struct {
	name        string
	scan        func(cursor string) []string
	add, remove func(e string) []string
	width       int // items of an element
}{
	{
		"SCAN", func(c string) []string { return []string{"SCAN", c, "COUNT", "7"} },
		func(e string) []string { return []string{"SET", e, "v"} }, func(e string) []string { return []string{"DEL", e} }, 1,
	},
	{
		"HSCAN", func(c string) []string { return []string{"HSCAN", "h", c} },
		func(e string) []string { return []string{"HSET", "h", e, "v"} },
		func(e string) []string { return []string{"HDEL", "h", e} }, 2,
	},
	{
		"SSCAN", func(c string) []string { return []string{"SSCAN", "s", c} },
		func(e string) []string { return []string{"SADD", "s", e} }, func(e string) []string { return []string{"SREM", "s", e} }, 1,
	},
	{
		"ZSCAN", func(c string) []string { return []string{"ZSCAN", "z", c} },
		func(e string) []string { return []string{"ZADD", "z", "1", e} },
		func(e string) []string { return []string{"ZREM", "z", e} }, 2,
	},
}

// TestScanUnderChange adds and removes elements between the calls of a scan, so that tables grow and shrink: each element that
// was there throughout is returned, and none that never was.
func TestScanUnderChange(t *testing.T) {
	seed := seedOf(t)
	for _, shards := range []int{1, 4} {
		addr := engineAddr(t, engine.Options{Shards: shards, Seed: seed})
		c, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		for _, s := range scanned {
			t.Run(fmt.Sprint(s.name, shards), func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, uint64(shards)))
				must := func(args []string) reply {
					t.Helper()
					x, err := c.do(args...)
					if err != nil || x.isError() {
						t.Fatalf("%s: %v %v", line(args), x, err)
					}
					return x
				}
				must([]string{"FLUSHALL"})
				const stable, moving = 300, 3000
				for i := range stable {
					must(s.add(fmt.Sprint("stable:", i)))
				}
				for round := range 4 {
					grow, seen, cursor := round%2 == 0, map[string]bool{}, "0"
					for first := true; first || cursor != "0"; first = false {
						x := must(s.scan(cursor))
						cursor = x.items[0].text
						for i := 0; i < len(x.items[1].items); i += s.width {
							seen[x.items[1].items[i].text] = true
						}
						var batch []byte
						n := 20 + r.IntN(200)
						for range n {
							e := "moving:" + strconv.Itoa(r.IntN(moving))
							if grow == (r.IntN(10) > 1) {
								batch = appendCommand(batch, s.add(e))
							} else {
								batch = appendCommand(batch, s.remove(e))
							}
						}
						pipelined(t, c, batch, n)
					}
					for i := range stable {
						if !seen[fmt.Sprint("stable:", i)] {
							t.Fatalf("round %d: stable:%d was there throughout and not returned", round, i)
						}
					}
					for e := range seen {
						var n int
						if _, err := fmt.Sscanf(e, "moving:%d", &n); (err != nil || n >= moving) && !strings.HasPrefix(e, "stable:") {
							t.Fatalf("%q never was", e)
						}
					}
				}
			})
		}
	}
}

// pipelined sends n commands in one piece, none of which may fail, and returns the replies.
func pipelined(t *testing.T, c *conn, batch []byte, n int) []reply {
	t.Helper()
	if _, err := c.Write(batch); err != nil {
		t.Fatal(err)
	}
	replies := make([]reply, n)
	for i := range replies {
		var err error
		if replies[i], err = c.read(); err != nil || replies[i].isError() {
			t.Fatal(replies[i], err)
		}
	}
	return replies
}

// TestRandomDraws holds the distribution of random replies against the uniform one by χ². Redis itself draws some of them
// unevenly, from chains of a table; the engine does not.
func TestRandomDraws(t *testing.T) {
	addr := engineAddr(t, engine.Options{Shards: 4, Seed: 11})
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const elements, draws = 40, 8000
	for _, d := range []struct {
		name string
		add  []string // before each element
		draw []string
	}{
		{"small set", []string{"SADD", "s"}, []string{"SRANDMEMBER", "s"}},
		{"set, with repeats", []string{"SADD", "s"}, []string{"SRANDMEMBER", "s", "-1"}},
		{"set, one of several", []string{"SADD", "s"}, []string{"SRANDMEMBER", "s", "1"}},
		{"hash", []string{"HSET", "h", "f"}, []string{"HRANDFIELD", "h"}},
		{"sorted set", []string{"ZADD", "z", "1"}, []string{"ZRANDMEMBER", "z"}},
		{"keys", []string{"SET", "k"}, []string{"RANDOMKEY"}},
	} {
		for _, long := range []bool{false, true} {
			t.Run(fmt.Sprint(d.name, " long ", long), func(t *testing.T) {
				if _, err := c.do("FLUSHALL"); err != nil {
					t.Fatal(err)
				}
				count := map[string]int{}
				for i := range elements {
					e := strconv.Itoa(i)
					if long {
						e = text65 + e // over the thresholds of the small encodings
					}
					count[e] = 0
					args := append(append([]string{}, d.add...), e)
					switch args[0] {
					case "HSET":
						args = []string{"HSET", "h", e, "v"}
					case "SET":
						args = []string{"SET", e, "v"}
					}
					if x, err := c.do(args...); err != nil || x.isError() {
						t.Fatal(x, err)
					}
				}
				const atOnce = 100
				batch := bytes.Repeat(appendCommand(nil, d.draw), atOnce)
				for range draws / atOnce {
					for _, x := range pipelined(t, c, batch, atOnce) {
						if len(x.items) > 0 {
							x = x.items[0]
						}
						count[x.text]++
					}
				}
				if len(count) != elements {
					t.Fatalf("%d different replies", len(count))
				}
				chi, want := 0.0, float64(draws)/elements
				for _, n := range count {
					chi += (float64(n) - want) * (float64(n) - want) / want
				}
				// 39 degrees of freedom: 5 standard deviations of χ² above its mean. The seed is fixed, so that this does not
				// flicker.
				if limit := elements - 1 + 5*math.Sqrt(2*(elements-1)); chi > limit {
					t.Errorf("χ² is %.1f, more than %.1f: %v", chi, limit, count)
				}
			})
		}
	}
}
