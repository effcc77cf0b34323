package audit

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// reconciled folds keys of so many bytes and reports them against what a store says of itself.
func reconciled(s *kv.Info, sizes ...int64) Output {
	c := memory().New(time.Time{})
	for _, n := range sizes {
		r := kv.Record{Size: n, Known: kv.FieldSize}
		if n == 0 {
			r.Known = 0
		}
		c.Observe(&r)
	}
	out := Output{Store: s}
	c.Report(&out)
	return out
}

func ledgerStore(used int64, lines ...kv.Line) *kv.Info {
	return &kv.Info{
		Memory: used, Resident: 2 * used, Ledger: lines, Live: true,
		Facts: []kv.Fact{{Name: "size", Field: kv.FieldSize, How: kv.Measured}},
	}
}

func metricOf(t *testing.T, out Output, name string) float64 {
	t.Helper()
	for _, m := range out.Metrics {
		if m.Name == name {
			n, ok := m.Value.Number()
			if !ok {
				t.Fatalf("%s is not known", name)
			}
			return n
		}
	}
	t.Fatalf("no metric %s in %v", name, out.Metrics)
	return 0
}

func TestReconciliation(t *testing.T) {
	startup := kv.Line{Name: "startup", Bytes: 100 << 20, How: kv.Measured}
	dict := kv.Line{Name: "main_dict", Bytes: 200 << 20, How: kv.Modelled, Why: "NOPERM"}
	none := kv.Line{Name: "aof_buffer", How: kv.Measured}
	buffers := kv.Line{Name: "buffers", Bytes: 7, Why: "not in a dump"}
	for _, c := range []struct {
		name     string
		used     int64
		residual float64
		notes    int
		findings int
	}{
		{"explained", 1000, 0, 0, 0},
		{"a little is left", 1025, 25, 0, 0},
		{"a note", 1060, 60, 1, 0},
		{"a finding", 1200, 200, 1, 1},
		{"more than there is", 800, -200, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.used, c.residual = c.used<<20, c.residual*(1<<20)
			out := reconciled(ledgerStore(c.used, startup, none, dict, buffers), 300<<20, 400<<20)
			if got := metricOf(t, out, "residual"); got != c.residual {
				t.Errorf("residual %v, want %v", got, c.residual)
			}
			if got, want := metricOf(t, out, "residual_share"), c.residual/float64(c.used); math.Abs(got-want) > 1e-9 {
				t.Errorf("share %v, want %v", got, want)
			}
			if metricOf(t, out, "explained") != 1000<<20 || metricOf(t, out, "fragmentation") != 2 {
				t.Errorf("%v", out.Metrics)
			}
			if len(out.Notes) != c.notes || len(out.Findings) != c.findings {
				t.Errorf("notes %q, findings %v", out.Notes, out.Findings)
			}
			for _, f := range out.Findings {
				if f.Rule != "SV022" || f.Severity != report.Info || !strings.Contains(f.Message, "indicative") {
					t.Errorf("%+v", f)
				}
			}
		})
	}
	out := reconciled(ledgerStore(1000<<20, startup, none, dict, buffers), 300<<20, 400<<20)
	var rows []string
	for _, row := range out.Tables[0].Rows {
		part, _ := row[0].Text()
		how, _ := row[3].Text()
		rows = append(rows, part+" "+how)
	}
	if got := strings.Join(rows, ", "); got != "keys and values measured, main dict modelled, startup measured, buffers missing" {
		t.Errorf("parts: %s", got)
	}
	if last := out.Tables[0].Rows[3]; !last[1].IsNull() || !last[2].IsNull() {
		t.Errorf("what is missing has a number: %v", last)
	}
}

// TestEmptyServer: what an empty server holds at the moment is most of it, and no reason to doubt sizes.
func TestEmptyServer(t *testing.T) {
	startup := kv.Line{Name: "startup", Bytes: 856 << 10, How: kv.Measured}
	out := reconciled(ledgerStore(1160<<10, startup))
	if got := metricOf(t, out, "residual"); got != 304<<10 {
		t.Errorf("residual %v", got)
	}
	if len(out.Notes)+len(out.Findings) > 0 {
		t.Errorf("notes %q, findings %v", out.Notes, out.Findings)
	}
}

// TestNoReconciliation: half a sum is compared with nothing.
func TestNoReconciliation(t *testing.T) {
	line := kv.Line{Name: "startup", Bytes: 100, How: kv.Measured}
	for _, c := range []struct {
		name  string
		store *kv.Info
		sizes []int64
	}{
		{"not all was read", nil, []int64{1}},
		{"no memory is said", ledgerStore(0, line), []int64{1}},
		{"no ledger", ledgerStore(1000), []int64{1}},
		{"a key without a size", ledgerStore(1000, line), []int64{1, 0}},
	} {
		if out := reconciled(c.store, c.sizes...); len(out.Metrics)+len(out.Tables)+len(out.Findings)+len(out.Notes) > 0 {
			t.Errorf("%s: %+v", c.name, out)
		}
	}
}

// TestWhoSeesTheStore: a collector sees what the store says only when all of it was read.
func TestWhoSeesTheStore(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		name   string
		shards map[string]fakeShard
		match  string
	}{
		{"whole", map[string]fakeShard{"": {keys: 3}}, ""},
		{"matching keys", map[string]fakeShard{"": {keys: 3}}, "a:*"},
		{"a part", map[string]fakeShard{"": {keys: 3, err: errors.New("reset")}}, ""},
	} {
		a := &Analyzer{Name: "looker", New: func(time.Time) Collector { return &looker{seen: seen, as: c.name} }}
		if _, err := Run(t.Context(), store(c.shards), []*Analyzer{a}, Options{Match: c.match}); err != nil && c.name != "a part" {
			t.Fatal(err)
		}
	}
	if !seen["whole"] || seen["matching keys"] || seen["a part"] {
		t.Errorf("%v", seen)
	}
}

// A looker notes whether it was shown the store.
type looker struct {
	counter
	seen map[string]bool
	as   string
}

func (l *looker) Merge(Collector)    {}
func (l *looker) Report(out *Output) { l.seen[l.as] = out.Store != nil }
