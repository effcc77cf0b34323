package conformance

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/internal/servertest"
)

// debugging lets histories use DEBUG on a redis-server, and keeps out of its slow log, as out of the engine's, what depends on how busy
// the machine is.
var debugging = []string{"--enable-debug-command", "yes", "--slowlog-log-slower-than", "-1"}

// redisAddr starts the reference and returns its address.
func redisAddr(t testing.TB) string {
	return servertest.Redis(t, servertest.Options{Args: debugging}).Addr
}

// commandsOf returns the commands of a server, with subcommands as "config|get".
func commandsOf(t testing.TB, addr string) map[string]bool {
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := c.do("COMMAND", "LIST")
	if err != nil || r.isError() {
		t.Fatal(r, err)
	}
	have := map[string]bool{}
	for _, name := range r.texts() {
		have[strings.ToLower(name)] = true
	}
	if only := os.Getenv("KVTOOL_ONLY"); only != "" { // a pattern of names, to look at some commands more closely
		pattern := regexp.MustCompile(only)
		maps.DeleteFunc(have, func(name string, _ bool) bool { return !pattern.MatchString(name) })
	}
	return have
}

// TestRandomHistories plays random histories on a redis-server and on the engine for a while.
func TestRandomHistories(t *testing.T) {
	want, seed := redisAddr(t), seedOf(t)
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			got := engineAddr(t, engine.Options{Shards: shards, Seed: seed})
			have := commandsOf(t, got)
			d := &duel{addr: [2]string{want, got}, has: func(name string) bool { return have[name] }}
			c := &campaign{t: t, duel: d, seen: map[string]bool{}}
			c.run(budget(3*time.Second), seed)
		})
	}
}

// A campaign plays histories until its time is over, and reports each kind of difference once.
type campaign struct {
	t *testing.T
	*duel
	seen map[string]bool
}

func (c *campaign) run(budget time.Duration, seed uint64) {
	began, histories, once := time.Now(), 0, 0
	for ; time.Since(began) < budget; seed++ {
		histories++
		r := rand.New(rand.NewPCG(seed, 7015))
		g := newGenerator(r, c.has)
		h := g.history(20 + g.IntN(200))
		diff, err := c.duel.run(h)
		if err != nil {
			c.t.Fatal(err)
		}
		if diff == nil || c.seen[diff.signature()] {
			continue
		}
		if !c.confirmed(h, diff.signature()) {
			c.t.Logf("seed %d: %s differed once and not again: %.200s", seed, line(diff.args), fmt.Sprint(diff.want, diff.got))
			if once++; once > 3 {
				c.t.Errorf("%d differences were not seen again", once)
			}
			continue
		}
		c.seen[diff.signature()] = true
		c.t.Errorf("seed %d: %s", seed, c.shrink(diff))
		if len(c.seen) >= 40 {
			break
		}
	}
	c.t.Logf("%d commands in %d histories compared, %d differences", c.calls, histories, len(c.seen))
}

// confirmed reports whether one of two more plays shows the difference. RANDOMKEY removes what has expired if it draws it, and a millisecond
// may end on one side only: such a difference shows once.
func (c *campaign) confirmed(h history, signature string) bool {
	for range 2 {
		if c.again(h, signature) != nil {
			return true
		}
	}
	return false
}

// again plays a shorter history and reports the difference if it is the same one.
func (c *campaign) again(h history, signature string) *difference {
	diff, err := c.duel.run(h)
	if err != nil || diff == nil || diff.signature() != signature {
		return nil
	}
	return diff
}

// shrink cuts a history down to units and arguments that are all needed: first chunks, then single ones.
func (c *campaign) shrink(diff *difference) *difference {
	if diff.unit >= 0 {
		h := diff.history
		h.units = h.units[:diff.unit+1]
		if shorter := c.again(h, diff.signature()); shorter != nil {
			diff = shorter
		}
	}
	end := time.Now().Add(20 * time.Second)
	for size := (len(diff.units) + 1) / 2; size > 0; size /= 2 {
		for at := 0; at < len(diff.units) && time.Now().Before(end); {
			h := diff.history
			h.units = slices.Delete(slices.Clone(h.units), at, min(at+size, len(h.units)))
			if shorter := c.again(h, diff.signature()); shorter != nil {
				diff = shorter
				continue
			}
			at += size
		}
	}
	return c.shrinkArgs(diff, end)
}

// shrinkArgs leaves out steps of units, and arguments of steps.
func (c *campaign) shrinkArgs(diff *difference, end time.Time) *difference {
	for u := range diff.units {
		for s := len(diff.units[u]) - 1; s >= 0 && len(diff.units[u]) > 1; s-- {
			h := diff.history
			h.units = slices.Clone(h.units)
			h.units[u] = slices.Delete(slices.Clone(h.units[u]), s, s+1)
			if shorter := c.again(h, diff.signature()); shorter != nil && time.Now().Before(end) {
				diff = shorter
			}
		}
		for s := range diff.units[u] {
			for a := len(diff.units[u][s].args) - 1; a > 0 && time.Now().Before(end); a-- {
				h := diff.history
				h.units = slices.Clone(h.units)
				h.units[u] = slices.Clone(h.units[u])
				if a >= len(h.units[u][s].args) || h.units[u][s].act != send {
					continue
				}
				h.units[u][s].args = slices.Delete(slices.Clone(h.units[u][s].args), a, a+1)
				if shorter := c.again(h, diff.signature()); shorter != nil {
					diff = shorter
				}
			}
		}
	}
	return diff
}

// budget returns how long to go on: what KVTOOL_SOAK says ("10m", or anything for ten times as long), else the usual time, less
// if tests are to be short.
func budget(usual time.Duration) time.Duration {
	soak := os.Getenv("KVTOOL_SOAK")
	switch {
	case soak == "" && testing.Short():
		return usual / 4
	case soak == "":
		return usual
	}
	if d, err := time.ParseDuration(soak); err == nil {
		return d
	}
	return 10 * usual
}

// seedOf returns KVTOOL_SEED, else one of the clock.
func seedOf(t testing.TB) uint64 {
	seed := uint64(time.Now().UnixNano()) >> 20 << 20
	if s := os.Getenv("KVTOOL_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatalf("KVTOOL_SEED: %v", err)
		}
	}
	t.Logf("KVTOOL_SEED=%d", seed)
	return seed
}
