package hotkeys

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var begin = time.Unix(1_700_000_000, 0)

// fill counts n accesses over a second, of which next says the key and whether it is written.
func fill(c *Counter, n int, next func(i int) (string, kv.OpKind)) {
	for i := range n {
		key, kind := next(i)
		c.Add(&kv.Access{Key: key, Kind: kind, N: 1, At: begin.Add(time.Duration(i) * time.Second / time.Duration(n))})
	}
}

func findings(c *Counter) map[string]report.Finding {
	_, fs := c.Report(Source{Name: "trace"}, 10)
	byID := map[string]report.Finding{}
	for _, f := range fs {
		byID[f.Rule+" "+f.Subject] = f
	}
	return byID
}

func TestHotKey(t *testing.T) {
	c := New(Options{})
	fill(c, 20_000, func(i int) (string, kv.OpKind) {
		switch {
		case i%100 < 40:
			return "feed:front", kv.OpRead
		case i%100 < 55:
			return "count:visits", kv.OpWrite
		}
		return fmt.Sprint("user:", i), kv.OpRead
	})
	got := findings(c)
	if f := got["KD023 feed:front"]; f.Severity != report.Error || f.Fix != fixReads {
		t.Errorf("a key with 40 %% of reads: %+v", f)
	}
	if f := got["KD023 count:visits"]; f.Severity != report.Warning || f.Fix != fixWrites {
		t.Errorf("a key with 15 %% of writes: %+v", f)
	}
	if len(got) != 2 {
		t.Errorf("%d findings: %v", len(got), got)
	}
}

// A key that takes all of nearly nothing is not hot, and nor is one that no table could hold for certain.
func TestNotHot(t *testing.T) {
	quiet := New(Options{})
	fill(quiet, 900, func(int) (string, kv.OpKind) { return "a", kv.OpRead })
	if got := findings(quiet); len(got) != 0 {
		t.Errorf("900 accesses a second: %v", got)
	}
	small := New(Options{Places: 4})
	fill(small, 100_000, func(i int) (string, kv.OpKind) { return fmt.Sprint("k", i%97), kv.OpRead })
	if got := findings(small); len(got) != 0 {
		t.Errorf("uniform accesses in a table of four: %v", got)
	}
}

// The share is that of the node, which a key of a cluster shares with fewer.
func TestOfNode(t *testing.T) {
	parts := []*Counter{New(Options{}), New(Options{})}
	for n, c := range parts {
		for i := range 20_000 {
			key := fmt.Sprintf("{%d}:%d", n, i)
			if n == 1 && i%100 < 12 {
				key = "{1}:hot"
			}
			c.Add(&kv.Access{
				Key: key, Kind: kv.OpRead, N: 1, Place: fmt.Sprint("node-", n),
				At: begin.Add(time.Duration(i) * 50 * time.Microsecond),
			})
		}
	}
	parts[0].Merge(parts[1])
	got := findings(parts[0])
	if len(got) != 1 {
		t.Fatalf("%v", got)
	}
	for _, f := range got {
		if v, _ := f.Measure.Value.Number(); math.Abs(v-0.12) > 0.001 {
			t.Errorf("of its node it is %v", v)
		}
	}
}

// A server's own count tells time and bytes of some keys and of all together, and nothing of reads and writes.
func TestServerCount(t *testing.T) {
	c := New(Options{Weight: CPU})
	for _, a := range []kv.Access{
		{Key: "feed:1", CPU: 500 * time.Millisecond, Bytes: 1000},
		{Key: "feed:2", CPU: 20 * time.Millisecond},
		{Key: "big", Bytes: 5000},
		{Whole: true, CPU: 2 * time.Second, Bytes: 10_000},
	} {
		c.Add(&a)
	}
	c.Observed(10 * time.Second)
	sec, fs := c.Report(Source{Name: "server"}, 10)
	row := sec.Tables[0].Rows[0]
	if share, _ := row[9].Number(); share != 0.25 || !row[2].IsNull() || !row[3].IsNull() {
		t.Errorf("%v", row)
	}
	if len(fs) != 1 || fs[0].Rule != ruleHotKey || fs[0].Severity != report.Warning {
		t.Errorf("%+v", fs)
	}
	if row := sec.Tables[0].Rows[1]; !row[5].IsNull() {
		t.Errorf("bytes that were not told: %v", row)
	}
}

func TestSkewedTemplate(t *testing.T) {
	for name, c := range map[string]struct {
		key  func(i int) string
		want bool
	}{
		"one of two hundred": {func(i int) string {
			if i%10 < 9 {
				return "product:7"
			}
			return fmt.Sprint("product:", i/10%200)
		}, true},
		"even": {func(i int) string { return fmt.Sprint("product:", i%200) }, false},
		"few":  {func(i int) string { return fmt.Sprint("product:", i%10/9) }, false},
	} {
		counter := New(Options{})
		fill(counter, 50_000, func(i int) (string, kv.OpKind) { return c.key(i), kv.OpRead })
		got := false
		for id := range findings(counter) {
			got = got || id[:5] == "KD024"
		}
		if got != c.want {
			t.Errorf("%s: KD024 %v", name, got)
		}
	}
}

func TestMergeIsOneCount(t *testing.T) {
	whole, parts := New(Options{}), []*Counter{New(Options{}), New(Options{}), New(Options{})}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		a := kv.Access{
			Key: fmt.Sprint("k:", rng.IntN(50)), Kind: kv.OpKind(1 + rng.IntN(2)), N: 1, Bytes: 10,
			At: begin.Add(time.Duration(i) * time.Millisecond),
		}
		whole.Add(&a)
		parts[rng.IntN(3)].Add(&a)
	}
	for _, p := range parts[1:] {
		parts[0].Merge(p)
	}
	a, _ := whole.Report(Source{}, 50)
	b, _ := parts[0].Report(Source{}, 50)
	if fmt.Sprint(a) != fmt.Sprint(b) {
		t.Errorf("whole\n%v\nmerged\n%v", a, b)
	}
}

// Of keys with a true rate, the interval of their counter holds it in nine of ten cases: by the rule of Redis itself, with
// accesses at random moments, over the whole range in which a counter tells anything (drift.md, section 11).
func TestDecodeRates(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	d := Decoder{LogFactor: 10, DecayTime: 1}
	for _, rate := range []float64{60, 120, 300, 600, 1200, 2000} {
		covered, n := 0, 40
		for range n {
			e := d.Decode(simulate(evict.LFU{LogFactor: 10, DecayTime: 1}, rate, 400, rng))
			if e.Low <= rate && rate <= e.High {
				covered++
			}
		}
		t.Logf("%v a minute: in the interval %d of %d", rate, covered, n)
		if float64(covered) < 0.9*float64(n) {
			t.Errorf("%v a minute: in the interval %d times of %d", rate, covered, n)
		}
	}
}

// The same of counters that do not fall while a key is used, which tell how often in all: also in units of two minutes.
func TestDecodeHits(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, decay := range []int{0, 2} {
		d := Decoder{LogFactor: 10, DecayTime: decay}
		for _, hits := range []float64{100, 1000, 10_000, 100_000} {
			covered, n := 0, 60
			for range n {
				e := d.Decode(simulate(evict.LFU{LogFactor: 10, DecayTime: decay}, hits/10, 10, rng))
				if e.Low <= hits && hits <= e.High {
					covered++
				}
			}
			if float64(covered) < 0.9*float64(n) {
				t.Errorf("decay %d, %v hits: in the interval %d times of %d", decay, hits, covered, n)
			}
		}
	}
}

// simulate uses a key so often a minute, at random moments, for so many minutes, and returns its counter.
func simulate(l evict.LFU, rate float64, minutes int, rng *rand.Rand) uint8 {
	end := int64(minutes) * time.Minute.Milliseconds()
	state := l.New(0)
	for at := 0.0; ; {
		at += rng.ExpFloat64() / rate * float64(time.Minute.Milliseconds())
		if int64(at) >= end {
			return l.Count(state, end)
		}
		state = l.Touch(state, int64(at), rng)
	}
}

func TestDecodeEnds(t *testing.T) {
	d := DefaultDecoder()
	if e := d.Decode(255); !e.Saturated() || e.Low > 2501 || e.Low < 2000 {
		t.Errorf("255 is %+v", e)
	}
	if e := d.Decode(5); e.Value != 0 || e.Low != 0 || e.High < 10 {
		t.Errorf("5 is %+v", e)
	}
}

func lfuRecords(n int, freq func(i int) uint8) []kv.Record {
	rs := make([]kv.Record, n)
	for i := range rs {
		rs[i] = kv.Record{Key: fmt.Sprintf("user:%d", i), Known: kv.FieldName}
		if i%11 != 0 {
			rs[i].Freq, rs[i].Known = freq(i), kv.FieldName|kv.FieldFreq
		}
	}
	return rs
}

func TestLFU(t *testing.T) {
	audittest.Test(t, LFU(DefaultDecoder(), nil), lfuRecords(500, func(i int) uint8 { return uint8(i * 7 % 256) }))
}

// Where the top is saturated the report says so, and puts none of it before another.
func TestSaturated(t *testing.T) {
	for _, c := range []struct {
		saturated int
		want      bool
	}{{2, false}, {30, true}} {
		rs := lfuRecords(200, func(i int) uint8 {
			if i <= c.saturated {
				return 255
			}
			return 20
		})
		r := reportOf(t, LFU(DefaultDecoder(), nil), rs)
		if got := len(r.Notes) > 0; got != c.want {
			t.Errorf("%d keys at 255: notes %q", c.saturated, r.Notes)
		}
		for _, row := range r.Tables[0].Rows {
			if count, _ := row[6].Number(); count > 2000 {
				if sure, _ := row[8].Number(); sure != 0 {
					t.Errorf("a saturated key is called sure: %v", row)
				}
			}
		}
	}
}
