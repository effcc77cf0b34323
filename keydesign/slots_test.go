package keydesign

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// tagged returns n keys with hash tags, of which far more exist than are known exactly; one in twenty keys has the tag big, and
// one key of another tag is larger than all others together.
func tagged(n int) []kv.Record {
	rng := rand.New(rand.NewPCG(11, 12))
	rs := make([]kv.Record, n)
	for i := range rs {
		tag := fmt.Sprintf("u%d", rng.IntN(60_000))
		if i%20 == 0 {
			tag = "big"
		}
		rs[i] = kv.Record{Key: fmt.Sprintf("{%s}:%d", tag, i), Size: 80 + rng.Int64N(100), Known: kv.FieldName | kv.FieldSlot | kv.FieldSize}
		if i == n/2 {
			rs[i].Key, rs[i].Size = "{heavy}:1", 1<<31
		}
		rs[i].Slot = slot.Of(rs[i].Key)
	}
	return rs
}

func observeAll(a *audit.Analyzer, rs []kv.Record) audit.Output {
	c := a.New(audittest.Now)
	for i := range rs {
		c.Observe(&rs[i])
	}
	var out audit.Output
	c.Report(&out)
	return out
}

// With more tags than are known exactly, those that matter are found all the same, with an interval that holds the truth.
func TestManyTags(t *testing.T) {
	const n = 200_000
	out := observeAll(slots(), tagged(n))
	m := metric(t, out.Metrics, "tags")
	if m.How != "sampled" || m.Interval.Low > 57_800 || m.Interval.High < 57_800 { // of 60,000 about so many are drawn
		t.Errorf("tags %+v, interval %+v", m, m.Interval)
	}
	rows := map[string][]report.Value{}
	for _, row := range out.Tables[0].Rows {
		name, _ := row[0].Text()
		rows[name] = row
	}
	low, _ := rows["{big}"][3].Number()
	high, _ := rows["{big}"][4].Number()
	if low > n/20 || high < n/20 || high-low > n/50 {
		t.Errorf("{big} has between %v and %v keys, and really %d", low, high, n/20)
	}
	if b, _ := rows["{heavy}"][5].Number(); b != 1<<31 {
		t.Errorf("{heavy} has %v bytes", b)
	}
	found := map[string]bool{}
	for _, f := range out.Findings {
		found[f.Rule+f.Subject] = true
	}
	if !found["KD027{big}"] || !found["KD027{heavy}"] || !found["KD025{big}"] {
		t.Errorf("found %v", found)
	}
}

// The law holds where tags are sampled, too.
func TestLawsOfManyTags(t *testing.T) {
	if testing.Short() {
		t.Skip("many keys")
	}
	t.Parallel()
	audittest.Test(t, slots(), tagged(11_000))
}

func metric(t *testing.T, ms []report.Metric, name string) report.Metric {
	t.Helper()
	for _, m := range ms {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no metric %s", name)
	return report.Metric{}
}

// What chance does to the slots is about what is said of it, and no uniform keyspace is held to be uneven: the fullest slot of
// a hundred of them.
func TestUniformSlots(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 1))
		s := &slotsOf{slots: make([]load, slot.Count), tags: newTags()}
		for range 100_000 {
			s.slots[rng.IntN(slot.Count)].add(load{keys: 1})
			s.all.keys++
		}
		var out audit.Output
		s.Report(&out)
		peak, _ := metric(t, out.Metrics, "keys_max_over_mean").Value.Number()
		chance, _ := metric(t, out.Metrics, "by_chance").Value.Number()
		if len(out.Findings) > 0 || math.Abs(peak-chance) > 0.5 {
			t.Errorf("seed %d: the fullest is %.2f times the mean, by chance %.2f; %d findings", seed, peak, chance, len(out.Findings))
		}
	}
}

func TestEffectIsThatOfTheUnevenness(t *testing.T) {
	for _, n := range []int{10, 100} {
		rng := rand.New(rand.NewPCG(uint64(n), 1))
		slots := make([]load, slot.Count)
		for range n * slot.Count {
			slots[rng.IntN(slot.Count)].keys++
		}
		slots[7].keys += int64(n * slot.Count / 500) // 0.2 % of the keys
		s := spreadOf(slots, slot.Count, func(l *load) int64 { return l.keys })
		if math.Abs(s.effect-0.256) > 0.01 || s.fullest != 7 {
			t.Errorf("%d keys a slot: w %.3f, fullest %d", n, s.effect, s.fullest)
		}
	}
}

// The examples of the rule are what they are said to be; what is merged and saved says the same.
func TestAccidentalTag(t *testing.T) {
	rule := AccidentalTags()
	for _, key := range append(rule.Bad, "a}b{") {
		if !accidental(key) {
			t.Errorf("%q is called a tag", key)
		}
	}
	for _, key := range append(rule.Good, "plain", "{a}") {
		if accidental(key) {
			t.Errorf("%q is called an accident", key)
		}
	}
	var a, b Accidents
	for i := range 10 {
		a.Observe(fmt.Sprintf("q:{\"page\":%d}", i))
		b.Observe(fmt.Sprintf("cart:{}:%d", i))
		b.Observe(fmt.Sprintf("cart:{%d}", i))
	}
	a.Merge(&b)
	fs := a.Findings(40)
	if len(fs) != 1 || fs[0].Rule != rule.ID || fs[0].Measure.Value != report.Number(20) || fs[0].Samples[0] != report.Text("cart:{}:0") {
		t.Errorf("%+v", fs)
	}
	if none := new(Accidents).Findings(7); len(none) != 0 {
		t.Errorf("%+v", none)
	}
}
