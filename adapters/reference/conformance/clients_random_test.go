package conformance

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// crowd makes what four clients do at the same time: two that wait, watch and write, one that only writes, and one that hears
// of every change.
func (g *generator) crowd(n int) []cue {
	cues := []cue{
		{letter: 'w', args: []string{"CONFIG", "SET", "notify-keyspace-events", "KEA"}},
		{letter: 'n', args: []string{"PSUBSCRIBE", "__key*__:*"}},
		{letter: 'n', args: []string{"SUBSCRIBE", "news", "other"}},
	}
	if g.chance(50) {
		for _, letter := range []byte("ab") {
			cues = append(cues, cue{letter: letter, args: []string{"HELLO", "3"}, same: alike})
		}
	}
	for len(cues) < n {
		letter := "aabbw"[g.IntN(5)]
		switch k := g.IntN(100); {
		case k < 22:
			cues = append(cues, cue{letter: letter, args: g.waiting()})
		case k < 30 && letter != 'w':
			cues = append(cues, cue{letter: letter, args: []string{pick(g.maker, "MULTI", "EXEC", "EXEC", "DISCARD")}})
		case k < 36 && letter != 'w':
			cues = append(cues, cue{letter: letter, args: []string{"WATCH", g.key(""), g.key("")}})
		case k < 40:
			args := []string{"CLIENT", "UNBLOCK", pick(g.maker, "{a}", "{b}"), pick(g.maker, "TIMEOUT", "ERROR")}
			cues = append(cues, cue{letter: 'w', args: args})
		default:
			e := g.pick(g.makers, g.made)
			if k > 70 {
				e = g.pick(g.all, g.sum)
			}
			if e.kind&(random|scans|blocking) != 0 || e.same != nil || unsuited(e.name) {
				continue
			}
			if sorts(e.name) {
				cues = append(cues, cue{letter: letter, args: calm.args})
			}
			s := g.plain(e)
			cues = append(cues, cue{letter: letter, args: s.args})
		}
	}
	return cues
}

// unsuited reports whether a command does not belong among several clients: it tells of the server as a whole, or ends what the
// clients share. Nor do those whose replies are not bytes to compare: they may come out of a transaction.
func unsuited(name string) bool {
	group, _, _ := strings.Cut(name, "|")
	return slices.Contains([]string{"exec", "discard", "multi", "config", "client", "slowlog", "latency"}, group)
}

// waiting returns a command that waits until it is served.
func (g *generator) waiting() []string {
	l, z := func() string { return "l" + pick(g.maker, "1", "2") }, func() string { return "z" + pick(g.maker, "1", "2") }
	side := func() string { return pick(g.maker, "LEFT", "RIGHT") }
	return pick(g.maker,
		[]string{"BLPOP", l(), "0"}, []string{"BRPOP", l(), l(), "0"}, []string{"BLMOVE", l(), l(), side(), side(), "0"},
		[]string{"BRPOPLPUSH", l(), l(), "0"}, []string{"BLMPOP", "0", "2", l(), l(), side(), "COUNT", "2"},
		[]string{"BZPOPMIN", z(), "0"}, []string{"BZPOPMAX", z(), z(), "0"}, []string{"BZMPOP", "0", "1", z(), "MAX", "COUNT", "3"})
}

// TestCrowds lets several clients act at random, in an order that is the same on a redis-server and on the engine.
func TestCrowds(t *testing.T) {
	t.Parallel()
	addr, seed := [2]string{redisAddr(t), engineAddr(t, engine.Options{Shards: 4})}, seedOf(t)
	have := commandsOf(t, addr[1])
	began, n, acts := time.Now(), 0, 0
	for ; time.Since(began) < budget(4*time.Second) && n < 1e6; seed++ {
		n++
		g := newGenerator(rand.New(rand.NewPCG(seed, 4)), func(name string) bool { return have[name] })
		cues := g.crowd(60)
		acts += len(cues)
		if err := play(t, addr, cues); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, script(shorter(t, addr, cues, err)))
			if n > 20 || time.Since(began) > budget(15*time.Second) {
				break
			}
		}
	}
	t.Logf("%d acts in %d plays", acts, n)
}

// shorter leaves out cues as long as the servers still part in the same way.
func shorter(t *testing.T, addr [2]string, cues []cue, err error) []cue {
	why := sort(err)
	end := time.Now().Add(20 * time.Second)
	for size := len(cues) / 2; size > 0; size /= 2 {
		for at := 0; at < len(cues) && time.Now().Before(end); {
			less := slices.Delete(slices.Clone(cues), at, min(at+size, len(cues)))
			if err := play(t, addr, less); err != nil && sort(err) == why {
				cues = less
				continue
			}
			at += size
		}
	}
	return cues
}

// sort tells in which way two servers part.
func sort(err error) string {
	words := strings.Fields(strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, err.Error()))
	return strings.Join(words[:min(len(words), 3)], " ")
}

func script(cues []cue) string {
	var b strings.Builder
	for _, c := range cues {
		b.WriteString(c.String() + "\n")
	}
	return b.String()
}
