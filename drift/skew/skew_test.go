package skew

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func TestMeasure(t *testing.T) {
	m, ok := Measure([]float64{10, 0, 0, 0}, 0)
	if !ok || m.Top != 1 || m.Peak != 4 || m.Gini != 0.75 || m.Effective != 1 || !math.IsNaN(m.Chance) {
		t.Errorf("all in one: %+v", m)
	}
	m, _ = Measure([]float64{5, 5, 5, 5}, 20)
	if m.Top != 0.25 || m.Peak != 1 || m.Gini != 0 || m.Effective != 4 || m.Effect != 0 {
		t.Errorf("even: %+v", m)
	}
	if _, ok := Measure([]float64{0, 0}, 0); ok {
		t.Error("nothing was measured")
	}
}

// The measures against their definitions.
func TestMeasureIsWhatItSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.SliceOfN(rapid.Float64Range(0, 1000), 1, 40).Draw(t, "weights")
		m, ok := Measure(x, 0)
		total, diffs, greatest := 0.0, 0.0, 0.0
		for _, a := range x {
			total += a
			greatest = max(greatest, a)
			for _, b := range x {
				diffs += math.Abs(a - b)
			}
		}
		if !ok {
			if total > 0 {
				t.Fatalf("%v was not measured", x)
			}
			return
		}
		n := float64(len(x))
		gini := diffs / (2 * n * total)
		if math.Abs(m.Gini-gini) > 1e-9 || math.Abs(m.Peak-greatest*n/total) > 1e-9 {
			t.Fatalf("%+v, want gini %v", m, gini)
		}
	})
}

// place throws keys into slots: of names without a pattern, but every so many-th into one slot.
func place(n, every int, rng *rand.Rand) []float64 {
	slots := make([]float64, slot.Count)
	var name []byte
	for i := range n {
		if every > 0 && i%every == 0 {
			slots[7]++
			continue
		}
		name = strconv.AppendUint(append(name[:0], "k:"...), rng.Uint64(), 16)
		slots[slot.Of(name)]++
	}
	return slots
}

// What chance does to 16,384 slots, as it was measured when drift.md was written: 2.95, 1.52 and 1.16 times the mean.
func TestChance(t *testing.T) {
	for keys, want := range map[float64]float64{1e5: 2.95, 1e6: 1.52, 1e7: 1.16} {
		if got := chance(slot.Count, keys); math.Abs(got-want) > 0.15*want {
			t.Errorf("%v keys: %v, seen %v", keys, got, want)
		}
	}
}

// Names without a pattern are spread as chance does it, in a hundred of a hundred runs; a fifth of a percent of the keys on one
// slot is seen at any number of keys, with the same effect (drift.md, section 11).
func TestUniformAndPlanted(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 9))
	for run := range 100 {
		n := 5*slot.Count + rng.IntN(20_000) // of fewer KD025 says nothing
		m, _ := Measure(place(n, 0, rng), float64(n))
		if m.Peak > 1.25*m.Chance || m.Effect > math.Sqrt(4*math.Sqrt(2*slot.Count)/float64(n)) {
			t.Errorf("run %d, %d keys: %+v", run, n, m)
		}
	}
	for _, n := range []int{50_000, 200_000, 600_000} {
		m, _ := Measure(place(n, 500, rng), float64(n))
		if m.Peak < 1.25*m.Chance || math.Abs(m.Effect-0.256) > 0.03 {
			t.Errorf("%d keys, a fifth of a percent on one slot: %+v", n, m)
		}
	}
}

func records(n int, key func(i int) string) []kv.Record {
	rs := make([]kv.Record, n)
	for i := range rs {
		k := key(i)
		rs[i] = kv.Record{
			Key: k, DB: i % 3, Size: int64(50 + i%100), Slot: slot.Of(k), Place: fmt.Sprint("node-", slot.Of(k)%3),
			Known: kv.FieldName | kv.FieldSize | kv.FieldSlot | kv.FieldPlace,
		}
	}
	return rs
}

func TestLaws(t *testing.T) {
	d := hotkeys.DefaultDecoder()
	rs := records(400, func(i int) string {
		return [...]string{
			fmt.Sprint("user:", i), fmt.Sprintf("{shop%d}:cart:%d", i%7, i), fmt.Sprint("a/b#c|", i),
			"plain" + fmt.Sprint(i),
		}[i%4]
	})
	for i := range rs {
		rs[i].Freq, rs[i].Known = uint8(i%256), rs[i].Known|kv.FieldFreq
	}
	audittest.Test(t, Analyzer(Options{LFU: &d}), rs)
}

func fold(rs []kv.Record) *Collector {
	c := Analyzer(Options{}).New(audittest.Now).(*Collector)
	for i := range rs {
		c.Observe(&rs[i])
	}
	return c
}

// causes returns the cause of each row of the measures, by dimension and metric.
func causes(c *Collector) map[string]string {
	var out audit.Output
	c.Report(&out)
	got := map[string]string{}
	for _, row := range out.Tables[0].Rows {
		by, _ := row[0].Text()
		of, _ := row[1].Text()
		got[by+" "+of], _ = row[11].Text()
	}
	return got
}

// The tag, the big key and the hot key that make a slot heavy are named, in every run; and nobody is blamed for chance.
func TestCause(t *testing.T) {
	for seed := range uint64(6) {
		rng := rand.New(rand.NewPCG(seed, 3))
		name := func(i int) string { return fmt.Sprintf("user:%x", rng.Uint64()) }
		clean := causes(fold(records(20_000, name)))
		for row, cause := range clean {
			if cause != "" {
				t.Errorf("seed %d, clean, %s: %s", seed, row, cause)
			}
		}
		rs := records(20_000, func(i int) string {
			if i%100 == 0 {
				return fmt.Sprintf("{app}:%d", i)
			}
			return name(i)
		})
		rs[7].Key, rs[7].Size = "big", 50_000_000
		rs[7].Slot = slot.Of("big")
		c := fold(rs)
		for i := range 20_000 {
			key := rs[i%len(rs)].Key
			if i%10 < 3 {
				key = "hot"
			}
			c.Access(&kv.Access{Key: key, N: 1})
		}
		got := causes(c)
		for row, want := range map[string]string{"slot keys": "{app} is", "slot bytes": "big is", "slot ops": "hot is"} {
			if !strings.HasPrefix(got[row], want) {
				t.Errorf("seed %d, %s: %q, want %s", seed, row, got[row], want)
			}
		}
	}
}

// Of more names than can be known, the shares of the heaviest and the number of names are close to what they are.
func TestManyNames(t *testing.T) {
	c := fold(records(60_000, func(i int) string {
		if i%3 == 0 {
			return fmt.Sprintf("big:%d", i)
		}
		return fmt.Sprintf("tenant%d:%d", i, i)
	}))
	var out audit.Output
	c.Report(&out)
	found := false
	for _, row := range out.Tables[0].Rows {
		by, _ := row[0].Text()
		of, _ := row[1].Text()
		bins, _ := row[2].Number()
		top, _ := row[3].Number()
		if by != "prefix1" || of != "keys" {
			continue
		}
		found = true
		if math.Abs(bins-40_001) > 3000 || math.Abs(top-1./3) > 0.02 {
			t.Errorf("%v prefixes, the greatest with %v of the keys", bins, top)
		}
	}
	if !found {
		t.Error("no row of the prefixes")
	}
}

// However slots weigh, a plan moves each slot once, loses nothing, and leaves no node over 1.3 times the mean unless a single
// slot is the reason.
func TestPlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(2, 6).Draw(t, "nodes")
		slots := make([]slotLoad, rapid.IntRange(1, 300).Draw(t, "slots"))
		total, heaviest := int64(0), int64(0)
		heavy := rapid.IntRange(0, nodes-1).Draw(t, "heavy")
		for i := range slots {
			owner := rapid.IntRange(-1, nodes-1).Draw(t, "owner")
			if rapid.Bool().Draw(t, "more") {
				owner = heavy
			}
			load := rapid.Int64Range(0, 100).Draw(t, "load")
			slots[i] = slotLoad{owner: owner, load: load, keys: load, bytes: load}
			if owner >= 0 {
				total += load
				heaviest = max(heaviest, load)
			}
		}
		before := append([]slotLoad(nil), slots...)
		moves, after, done := plan(slots, nodes)
		check := make([]int64, nodes)
		for i := range before {
			if before[i].owner >= 0 {
				check[before[i].owner] += before[i].load
			}
		}
		for _, m := range moves {
			check[m.from] -= m.load
			check[m.to] += m.load
			n := 0
			for i := m.first; i <= m.last; i++ {
				if before[i].owner == m.from && before[i].load > 0 {
					n++
				} else if before[i].owner >= 0 && before[i].owner != m.from {
					t.Fatalf("slot %d is in a move from %d and was with %d", i, m.from, before[i].owner)
				}
			}
			if n < m.n {
				t.Fatalf("move %+v of %d slots", m, n)
			}
		}
		sum := int64(0)
		for i := range check {
			sum += after[i]
			if check[i] != after[i] || after[i] < 0 {
				t.Fatalf("after the moves %v, said %v", check, after)
			}
		}
		limit := int64(planTimes * float64(total) / float64(nodes))
		over := false
		for _, x := range after {
			over = over || x > limit
		}
		if sum != total || over == done {
			t.Fatalf("total %d of %d, done %v, after %v", sum, total, done, after)
		}
		if small := float64(heaviest) < 0.3*float64(total)/float64(nodes); small && !done {
			t.Fatalf("no slot weighs more than %d of %d on %d nodes, and still %v", heaviest, total, nodes, after)
		}
	})
}

// Operations on a node that are more than its share are KD026, the more than half of them an error.
func TestHotNode(t *testing.T) {
	c := fold(records(9000, func(i int) string { return fmt.Sprint("user:", i) }))
	for i := range 9000 {
		key, node := fmt.Sprint("user:", i), ""
		if i%10 < 7 {
			key, node = "user:1", fmt.Sprint("node-", slot.Of("user:1")%3)
		}
		c.Access(&kv.Access{Key: key, N: 1, Place: node})
	}
	fs := c.hotNodes()
	if len(fs) != 1 || fs[0].Rule != "KD026" || fs[0].Severity != report.Error {
		t.Errorf("%+v", fs)
	}
	even := fold(records(9000, func(i int) string { return fmt.Sprint("user:", i) }))
	for i := range 9000 {
		even.Access(&kv.Access{Key: fmt.Sprint("user:", i), N: 1})
	}
	if fs := even.hotNodes(); len(fs) != 0 {
		t.Errorf("even: %+v", fs)
	}
}
