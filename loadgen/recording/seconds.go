package recording

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/report"
)

// What a server says of itself, by name: those that this package knows. Counters are of all since the run began.
const (
	FigureHits      = "hits"
	FigureMisses    = "misses"
	FigureEvicted   = "evicted"
	FigureExpired   = "expired"
	FigureMemory    = "used_memory"
	FigureMaxMemory = "maxmemory"
	FigureHitRate   = "hit_rate"

	FigureReadUnits  = "read_units" // that a store meters
	FigureWriteUnits = "write_units"
	FigureThrottled  = "throttled" // requests; behind it, the reason
)

// counts reports whether a figure grows: a row of a second has by how much.
func counts(name string) bool {
	switch name {
	case FigureEvicted, FigureExpired, FigureHits, FigureMisses, FigureReadUnits, FigureWriteUnits, "failed_conditions":
		return true
	}
	return strings.HasPrefix(name, FigureThrottled)
}

// serverColumn is the column of a figure. What a rank is given does not say much by itself.
func serverColumn(name string) report.Column {
	c := report.Column{Name: spectrumName(name), Unit: report.UnitCount, Rank: 1}
	switch name {
	case FigureMemory:
		c.Unit, c.Rank = report.UnitBytes, 0
	case FigureMaxMemory:
		c.Unit = report.UnitBytes
	case FigureHitRate:
		c.Unit, c.Rank = report.UnitRatio, 0
	case FigureEvicted, FigureExpired, FigureReadUnits, FigureWriteUnits, FigureThrottled:
		c.Sum, c.Rank = true, 0
	case "ops":
		c.Unit, c.Rank = report.UnitRate, 2
	case "blocked":
		c.Rank = 2
	}
	return c
}

// figures are the names of what the server said, without those that another one says better.
func (r *Recording) figures() []string {
	names := map[string]bool{}
	for i := range r.Seconds {
		for k := range r.Seconds[i].Server {
			names[k] = k != FigureHits && k != FigureMisses && !strings.HasPrefix(k, FigureThrottled+"_")
		}
	}
	maps.DeleteFunc(names, func(_ string, shown bool) bool { return !shown })
	return slices.Sorted(maps.Keys(names))
}

// A Series is what a server said of one thing: at second At[i], Values[i].
type Series struct {
	At     []int
	Values []float64
}

// Figure returns what the server said, by name. Of a counter it is by how much it has grown since what was said before; the first
// is left out then.
func (r *Recording) Figure(name string) Series {
	var s Series
	grows := counts(name)
	before, known := 0.0, false
	for i := range r.Seconds {
		v, ok := r.Seconds[i].Server[name]
		switch {
		case !ok:
			continue
		case !grows:
			s.At, s.Values = append(s.At, i), append(s.Values, v)
		case known:
			s.At, s.Values = append(s.At, i), append(s.Values, max(0, v-before)) // less after a restart
		}
		before, known = v, true
	}
	return s
}

// Total is the sum of a series.
func (s *Series) Total() float64 {
	sum := 0.0
	for _, v := range s.Values {
		sum += v
	}
	return sum
}

// secondsSection has what is drawn. Its tables have no titles: text shows their shape.
func (r *Recording) secondsSection(spectrum *report.Table) (*report.Section, error) {
	t := report.Table{Name: TableSeconds, Columns: []report.Column{
		duration("second"),
		{Name: "due", Unit: report.UnitRate, Rank: 1},
		{Name: "done", Unit: report.UnitRate},
		{Name: "p50", Unit: report.UnitDuration, Rank: 1},
		duration("p99"),
		{Name: "max", Unit: report.UnitDuration, Rank: 1},
		{Name: "errors", Unit: report.UnitCount, Sum: true},
	}}
	b := newBands(len(r.Seconds))
	for i := range r.Seconds {
		h, err := r.Histogram(-1, Response, i, i+1)
		if err != nil {
			return nil, err
		}
		b.add(i, h)
		t.Rows = append(t.Rows, r.secondRow(i, h))
	}
	for _, name := range r.figures() {
		t.Columns = append(t.Columns, serverColumn(name))
		for i := range t.Rows {
			t.Rows[i] = append(t.Rows[i], report.Null)
		}
		s := r.Figure(name)
		for i, at := range s.At {
			t.Rows[at][len(t.Columns)-1] = report.Number(s.Values[i])
		}
	}
	sec := &report.Section{Name: SectionSeconds, Title: "SECONDS", Tables: []report.Table{t, *spectrum}, Metrics: []report.Metric{
		{Name: "recorded", Value: report.Number(r.Sum().Recorded), Unit: report.UnitCount},
	}}
	if bands := b.table(); bands != nil {
		sec.Tables = append(sec.Tables, *bands)
	}
	if len(r.Events) > 0 {
		e := report.Table{Name: TableEvents, Title: "EVENTS", Columns: []report.Column{duration("at"), {Name: "event", Unit: report.UnitText}}}
		for _, x := range r.Events {
			e.Rows = append(e.Rows, []report.Value{report.Seconds(x.At), report.Text(x.Name)})
		}
		sec.Tables = append(sec.Tables, e)
	}
	return sec, nil
}

// secondRow is the row of a second whose response times are h.
func (r *Recording) secondRow(i int, h *latency.Histogram) []report.Value {
	s := &r.Seconds[i]
	errs := uint64(0)
	for _, n := range s.Errors {
		errs += n
	}
	return []report.Value{
		report.Seconds(time.Duration(i) * time.Second), report.Number(s.Due), report.Number(s.Done),
		quantile(h, 0.5), quantile(h, 0.99), longest(h), report.Number(errs),
	}
}

// serverSection says what became of the store's keys and memory while it was loaded: what was evicted and expired, how many reads
// found something, and how much memory it took. Ok is false if the server said nothing.
func (r *Recording) serverSection() (s report.Section, ok bool) {
	memory := r.Figure(FigureMemory)
	if len(memory.Values) == 0 {
		return s, false
	}
	s = report.Section{Name: SectionServer, Title: "SERVER"}
	add := func(name string, v float64, u report.Unit) {
		s.Metrics = append(s.Metrics, report.Metric{Name: name, Value: report.Number(v), Unit: u})
	}
	hits, misses := r.Figure(FigureHits), r.Figure(FigureMisses)
	if n := hits.Total() + misses.Total(); n > 0 {
		add("hit_rate", hits.Total()/n, report.UnitRatio)
	}
	evicted, expired := r.Figure(FigureEvicted), r.Figure(FigureExpired)
	add("evicted", evicted.Total(), report.UnitCount)
	add("expired", expired.Total(), report.UnitCount)
	add("memory_before", memory.Values[0], report.UnitBytes)
	add("memory_after", memory.Values[len(memory.Values)-1], report.UnitBytes)
	add("memory_most", slices.Max(memory.Values), report.UnitBytes)
	if limit := r.Figure(FigureMaxMemory); len(limit.Values) > 0 {
		add("maxmemory", limit.Values[len(limit.Values)-1], report.UnitBytes)
	}
	return s, true
}
