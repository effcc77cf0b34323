package recording

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/report"
)

func meta(parts int) Meta {
	return Meta{Scenario: "s", Hash: "h", Seed: 7, Version: "v", Parts: parts, Classes: []string{"get", "set"}, CPU: "linux/amd64 2", Server: "redis 7.0.15"}
}

var began = time.Unix(1_700_000_000, 0).UTC()

// A done is one task.
type done struct {
	due, took time.Duration
	class     int
	failed    bool
}

func draw(t *rapid.T) []done {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) done {
		return done{
			time.Duration(rapid.Int64Range(0, int64(5*time.Second)).Draw(t, "due")), time.Duration(rapid.Int64Range(0, int64(2*time.Second)).Draw(t, "took")),
			rapid.IntRange(0, 1).Draw(t, "class"), rapid.IntRange(0, 9).Draw(t, "failed") == 0,
		}
	}), 0, 40).Draw(t, "done")
}

// record runs tasks through a recorder, in the order in which they are done.
func record(t interface{ Fatal(...any) }, m Meta, began time.Time, part int, ds []done) *Recording {
	b := NewBuilder(m, began)
	r := b.Recorder()
	slices.SortFunc(ds, func(a, b done) int { return int(a.due - b.due) })
	for _, d := range ds {
		r.Due(d.due)
	}
	slices.SortFunc(ds, func(a, b done) int { return int(a.due + a.took - b.due - b.took) })
	for _, d := range ds {
		end := d.due + d.took
		r.Done(end, d.class, d.took, d.took/2, d.took/4)
		if d.failed {
			r.Error(end, d.class, fmt.Sprintf("E%d", d.class))
		}
	}
	r.Flush()
	rec, err := b.Finish(Part{Number: part, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// bytesOf is the saved form: two recordings that are the same have the same.
func bytesOf(t interface{ Fatal(...any) }, r *Recording) []byte {
	p, err := r.Save()
	if err != nil {
		t.Fatal(err)
	}
	return p.Data
}

func load(data []byte) (*Recording, error) {
	return Load(&report.Report{Parts: []report.Part{{Analyzer: "other"}, {Analyzer: PartName, Version: version, Data: data}}})
}

// Issue 6: merging four parts equals one run's histogram, bucket for bucket, in each second of each operation; in any order and any
// grouping, also of what was saved and read again.
func TestPartsMergeToOneRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []done
		var parts []*Recording
		for i := range 4 {
			ds := draw(t)
			all = append(all, ds...)
			parts = append(parts, record(t, meta(4), began, i, ds))
		}
		whole := record(t, meta(4), began, 0, all)
		order := rapid.Permutation([]int{0, 1, 2, 3}).Draw(t, "order")
		again := func(i int) *Recording {
			r, err := load(bytesOf(t, parts[i]))
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		merge := func(a, b *Recording) *Recording {
			if err := a.Merge(b); err != nil {
				t.Fatal(err)
			}
			return a
		}
		left := merge(merge(merge(again(order[0]), again(order[1])), again(order[2])), again(order[3]))
		pairs := merge(merge(again(0), again(1)), merge(again(2), again(3)))
		if !bytes.Equal(bytesOf(t, left), bytesOf(t, pairs)) {
			t.Fatalf("merged in the order %v it is\n%+v\nand in pairs\n%+v", order, left, pairs)
		}
		for k := Response; k <= Lag; k++ {
			for class := -1; class < 2; class++ {
				for i := range whole.Seconds {
					want, _ := whole.Histogram(class, k, i, i+1)
					if got, err := left.Histogram(class, k, i, i+1); err != nil || !got.Equal(want) {
						t.Fatalf("second %d, class %d, kind %d: %v, %v; want %v", i, class, k, got, err, want)
					}
				}
			}
		}
		if fmt.Sprint(left.Sum()) != fmt.Sprint(whole.Sum()) || left.Sum().Done != uint64(len(all)) {
			t.Fatalf("%+v, want %+v", left.Sum(), whole.Sum())
		}
		if v, _ := left.Verdict(); v != Valid {
			t.Fatalf("verdict %s", v)
		}
	})
}

// Parts that began apart are aligned by the time of day.
func TestAligned(t *testing.T) {
	a := record(t, meta(2), began.Add(2*time.Second), 0, []done{{due: 0, took: time.Millisecond}})
	b := record(t, meta(2), began, 1, []done{{due: 2500 * time.Millisecond, took: time.Millisecond}})
	a.Events, b.Events = []Event{{time.Second, "herd"}}, []Event{{3 * time.Second, "herd"}}
	if err := a.Merge(b); err != nil {
		t.Fatal(err)
	}
	if !a.Began.Equal(began) || len(a.Seconds) != 3 || a.Seconds[2].Done != 2 || len(a.Events) != 1 || a.Events[0].At != 3*time.Second {
		t.Errorf("%+v", a)
	}
}

func TestMergeRefuses(t *testing.T) {
	one := func(change func(*Recording)) *Recording {
		r := record(t, meta(3), began, 1, []done{{took: 1}})
		if change != nil {
			change(r)
		}
		return r
	}
	base := record(t, meta(3), began, 0, []done{{took: 1}})
	before := bytesOf(t, base)
	for name, r := range map[string]*Recording{
		"scenario": one(func(r *Recording) { r.Meta.Hash = "x" }), "version": one(func(r *Recording) { r.Meta.Version = "x" }),
		"parts": one(func(r *Recording) { r.Meta.Parts = 4 }), "seed": one(func(r *Recording) { r.Meta.Seed = 8 }),
		"operations": one(func(r *Recording) { r.Meta.Classes = []string{"get"} }), "twice": record(t, meta(3), began, 0, nil),
	} {
		if err := base.Merge(r); !errors.Is(err, ErrParts) || !bytes.Equal(bytesOf(t, base), before) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := base.Merge(one(nil)); err != nil {
		t.Fatal(err)
	}
	if v, _ := base.Verdict(); v != Incomplete {
		t.Errorf("two of three parts are %s", v)
	}
	if err := base.Merge(record(t, meta(3), began, 2, nil)); err != nil {
		t.Fatal(err)
	}
	base.Parts[1].Verdict, base.Parts[1].Why = GeneratorBound, "busy"
	if v, why := base.Verdict(); v != GeneratorBound || why != "part 1/3: busy" {
		t.Errorf("the worst part is %s, %s", v, why)
	}
}

// The contract of issue 6 for other tools.
func TestReport(t *testing.T) {
	b := NewBuilder(meta(1), began)
	r := b.Recorder()
	for i := range 1000 {
		r.Due(time.Duration(i) * time.Millisecond)
		r.Done(time.Duration(i)*time.Millisecond, i%2, time.Duration(i+1)*time.Microsecond, time.Microsecond, 0)
	}
	r.Error(time.Second, 1, "OOM")
	r.Unsent(time.Second, 0, 3*time.Second)
	r.Flush()
	b.Add(1, &Second{Server: map[string]float64{"used_memory": 1e6}})
	b.Event(time.Second, "herd")
	rec, err := b.Finish(Part{CPUShare: 0.25})
	if err != nil {
		t.Fatal(err)
	}
	secs, err := rec.Report()
	if err != nil {
		t.Fatal(err)
	}
	rep := &report.Report{Schema: report.Schema, Kind: report.KindLoad, Sections: secs}
	if err := rep.Check(); err != nil {
		t.Fatal(err)
	}
	tab := rep.Section("latency").Tables[0]
	var names []string
	for _, c := range tab.Columns {
		names = append(names, c.Name)
	}
	if want := "[operation count rate errors p50 p90 p99 p999 max service_p99 send_lag_p99]"; fmt.Sprint(names) != want || tab.Name != "latency" {
		t.Errorf("columns %v of %s", names, tab.Name)
	}
	text := func(row int) string { s, _ := tab.Rows[row][0].Text(); return s }
	num := func(row, col int) float64 { f, _ := tab.Rows[row][col].Number(); return f }
	if len(tab.Rows) != 3 || text(0) != "get" || text(2) != "all" || num(2, 1) != 1000 || num(1, 3) != 1 || num(2, 8) != 3 {
		t.Errorf("%+v", tab.Rows)
	}
	if p50 := num(2, 4); p50 < 495e-6 || p50 > 506e-6 {
		t.Errorf("p50 is %g", p50)
	}
	health := map[string]string{}
	for _, m := range rep.Section("health").Metrics {
		v, _ := m.Value.MarshalJSON()
		health[m.Name] = string(v) + " " + string(m.Unit)
	}
	for name, want := range map[string]string{"achieved": "1 ratio", "generator_cpu": "0.25 ratio", "unsent": "1 count", "verdict": `"valid" text`} {
		if health[name] != want {
			t.Errorf("%s is %s, want %s", name, health[name], want)
		}
	}
	if s := rep.Section("seconds").Tables; len(s) != 4 || len(s[0].Rows) != 2 || s[1].Name != "spectrum" || s[2].Name != TableBands || s[3].Name != "events" {
		t.Errorf("%+v", s)
	}
}

func TestResponses(t *testing.T) {
	r := record(t, meta(1), began, 0, []done{{took: time.Millisecond}, {due: 3 * time.Second, took: 2, class: 1}})
	hs, err := r.Responses(-1)
	if err != nil || len(hs) != 2 || hs[0].Max() != time.Millisecond {
		t.Errorf("%v, %v", hs, err)
	}
	if hs, err := r.Responses(1); err != nil || len(hs) != 2 || hs[0].Count() != 0 || hs[1].Count() != 1 {
		t.Errorf("a second in which others were done: %v, %v", hs, err)
	}
}

// What a worker does on the path of an operation takes no memory, but for the second's change.
func TestRecorderAllocates(t *testing.T) {
	r := NewBuilder(meta(1), began).Recorder()
	work := func() {
		r.Due(time.Millisecond)
		r.Done(time.Millisecond, 1, 5*time.Millisecond, time.Millisecond, 0)
		r.Error(time.Millisecond, 1, "OOM")
	}
	work()
	if n := testing.AllocsPerRun(1000, work); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDone(b *testing.B) {
	r := NewBuilder(meta(1), began).Recorder()
	d := time.Duration(1000)
	for b.Loop() {
		r.Due(d)
		r.Done(d, 1, d, d/2, 0)
		d = (d*1664525 + 1013904223) & (1<<20 - 1)
	}
}

func TestLoadRefuses(t *testing.T) {
	if _, err := Load(&report.Report{}); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
	if _, err := load([]byte{1, 2, 3}); !errors.Is(err, kv.ErrCorrupt) {
		t.Error(err)
	}
	r := record(t, meta(2), began, 1, []done{{took: 1}})
	r.Seconds[0].Classes[0].Response = latency.Packed("no")
	if _, err := load(bytesOf(t, r)); !errors.Is(err, kv.ErrCorrupt) {
		t.Error(err)
	}
}

// Whatever is read as a recording can be reported and is saved as it was.
func FuzzLoad(f *testing.F) {
	f.Add([]byte{})
	f.Add(bytesOf(f, record(f, meta(2), began, 1, []done{{took: time.Second, failed: true}, {due: time.Second, class: 1, took: 4}})))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := load(data)
		if err != nil {
			return
		}
		if got := bytesOf(t, r); !bytes.Equal(got, data) {
			t.Errorf("%x is saved as %x", data, got)
		}
		secs, err := r.Report()
		if err != nil {
			t.Fatal(err)
		}
		if err := (&report.Report{Schema: report.Schema, Sections: secs}).Check(); err != nil {
			t.Error(err)
		}
	})
}
