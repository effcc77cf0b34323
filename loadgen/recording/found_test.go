package recording

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/report"
)

// Operations that nobody knew beforehand are found by several workers at once, and the recording has them by name, each with what it
// took.
func TestClassesAreFound(t *testing.T) {
	b := NewBuilder(Meta{}, began)
	names := []string{"SET", "GET", "INCR", "DEL", "HSET"}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			r := b.Recorder()
			for i := range 200 {
				at := (i + w) % len(names)
				r.Done(time.Duration(i)*20*time.Millisecond, r.Class(names[at]), time.Duration(at+1)*time.Second, 0, 0)
			}
			r.Flush()
		})
	}
	all.Wait()
	rec, err := b.Finish(Part{})
	if err != nil {
		t.Fatal(err)
	}
	if want := slices.Sorted(slices.Values(names)); !slices.Equal(rec.Meta.Classes, want) {
		t.Fatalf("%q", rec.Meta.Classes)
	}
	for i, name := range rec.Meta.Classes {
		h, err := rec.Histogram(i, Response, 0, len(rec.Seconds))
		took := time.Duration(slices.Index(names, name)+1) * time.Second
		if err != nil || h.Count() != 160 || h.Max() != took {
			t.Errorf("%s: %d, at most %v, want 160 of %v: %v", name, h.Count(), h.Max(), took, err)
		}
	}
}

// What is beyond the bound is one operation.
func TestMostClasses(t *testing.T) {
	b := NewBuilder(Meta{}, began)
	r := b.Recorder()
	for i := range 1000 {
		r.Done(0, r.Class(fmt.Sprint(i)), time.Second, 0, 0)
	}
	r.Flush()
	rec, err := b.Finish(Part{})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(rec.Meta.Classes); n != mostFound+1 || rec.Sum().Done != 1000 {
		t.Errorf("%d operations, %d done", n, rec.Sum().Done)
	}
	other := slices.Index(rec.Meta.Classes, "other")
	if h, err := rec.Histogram(other, Response, 0, 1); err != nil || h.Count() != 1000-mostFound {
		t.Errorf("%d others, %v", h.Count(), err)
	}
}

// Counters of a server become what they have grown by; a second without an answer adds to the next, and a restart is no loss.
func TestFigures(t *testing.T) {
	b := NewBuilder(Meta{}, began)
	for i, server := range []map[string]float64{
		{"evicted": 5, "used_memory": 100, "hits": 10, "misses": 0},
		{"evicted": 7, "used_memory": 300, "hits": 13, "misses": 1},
		nil,
		{"evicted": 17, "used_memory": 200, "hits": 40, "misses": 10},
		{"evicted": 2, "used_memory": 50, "hits": 0, "misses": 0},
	} {
		b.Add(i, &Second{Due: 1, Done: 1, Server: server})
	}
	rec, err := b.Finish(Part{})
	if err != nil {
		t.Fatal(err)
	}
	if s := rec.Figure(FigureEvicted); !slices.Equal(s.At, []int{1, 3, 4}) || !slices.Equal(s.Values, []float64{2, 10, 0}) {
		t.Errorf("%+v", s)
	}
	if s := rec.Figure(FigureMemory); !slices.Equal(s.Values, []float64{100, 300, 200, 50}) {
		t.Errorf("%+v", s)
	}
	secs, err := rec.Report()
	if err != nil {
		t.Fatal(err)
	}
	r := &report.Report{Schema: report.Schema, Sections: secs}
	got := map[string]float64{}
	for _, m := range r.Section(SectionServer).Metrics {
		got[m.Name], _ = m.Value.Number()
	}
	for name, want := range map[string]float64{"hit_rate": 0.75, "evicted": 12, "expired": 0, "memory_before": 100, "memory_after": 50, "memory_most": 300} {
		if got[name] != want {
			t.Errorf("%s is %g, want %g", name, got[name], want)
		}
	}
	if (&Recording{}).Figure(FigureHits).At != nil {
		t.Error("figures of nothing")
	}
}
