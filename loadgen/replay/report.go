package replay

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/report"
)

// Verdicts of a replay, in the words of a run.
const (
	valid          = "valid"
	rateMissed     = "rate-missed"
	generatorBound = "generator-bound"
)

// Limits of a verdict: the share of what was due that must be done, the share of a second's commands that may be sent late, and
// that of seconds in which more may be.
const (
	leastAchieved = 0.99
	mostLate      = 0.01
	mostSeconds   = 0.05
)

// Achieved is the share of what was due that was done; 1 where nothing was due.
func (r *Result) Achieved() float64 {
	if r.Due == 0 {
		return 1
	}
	return float64(r.Done) / float64(r.Due)
}

// Verdict says what the replay is worth: valid, rate-missed, or generator-bound, where its latencies say more of kvtool than of the
// store.
func (r *Result) Verdict() string {
	late, seconds := 0, 0
	for i := range r.Seconds {
		if s := &r.Seconds[i]; s.Done > 0 {
			seconds++
			if float64(s.Late) > mostLate*float64(s.Done) {
				late++
			}
		}
	}
	switch {
	case float64(late) > mostSeconds*float64(seconds):
		return generatorBound
	case r.Achieved() < leastAchieved:
		return rateMissed
	}
	return valid
}

// Report writes the result as sections, in the form of those of a run.
func (r *Result) Report() []report.Section {
	return []report.Section{r.latencies(), r.health(), r.seconds()}
}

func duration(name string) report.Column { return report.Column{Name: name, Unit: report.UnitDuration} }

func quantile(h *latency.Histogram, q float64) report.Value {
	if h.Count() == 0 {
		return report.Null
	}
	return report.Seconds(h.Quantile(q))
}

func (r *Result) latencies() report.Section {
	t := report.Table{Name: "latency", Columns: []report.Column{
		{Name: "operation", Unit: report.UnitText},
		{Name: "count", Unit: report.UnitCount, Sum: true},
		{Name: "rate", Unit: report.UnitRate},
		{Name: "errors", Unit: report.UnitCount, Sum: true},
		duration("p50"), duration("p90"), duration("p99"), duration("p999"), duration("max"),
		duration("service_p99"), duration("send_lag_p99"),
	}}
	all := &Class{Name: "all", Errors: map[string]uint64{}}
	for _, c := range r.Classes {
		t.Rows = append(t.Rows, r.row(c))
		all.Response.Merge(&c.Response)
		all.Service.Merge(&c.Service)
		all.Lag.Merge(&c.Lag)
		all.Errors[""] += c.ErrorCount()
	}
	t.Rows = append(t.Rows, r.row(all))
	return report.Section{Name: "latency", Title: "LATENCY", Tables: []report.Table{t}}
}

func (r *Result) row(c *Class) []report.Value {
	longest := report.Null
	if c.Response.Count() > 0 {
		longest = report.Seconds(c.Response.Max())
	}
	n := c.Service.Count()
	return []report.Value{
		report.Text(c.Name), report.Number(n), report.Number(float64(n) / max(r.Took.Seconds(), 1e-9)), report.Number(c.ErrorCount()),
		quantile(&c.Response, 0.5), quantile(&c.Response, 0.9), quantile(&c.Response, 0.99), quantile(&c.Response, 0.999), longest,
		quantile(&c.Service, 0.99), quantile(&c.Lag, 0.99),
	}
}

func (r *Result) health() report.Section {
	count := func(name string, n uint64) report.Metric {
		return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
	}
	s := report.Section{Name: "health", Title: "HEALTH", Metrics: []report.Metric{
		{Name: "achieved", Value: report.Number(r.Achieved()), Unit: report.UnitRatio},
		count("unsent", r.Unsent),
		{Name: "verdict", Value: report.Text(r.Verdict()), Unit: report.UnitText},
		count("read", r.Read), count("unreadable", r.Lost), count("ttl_commands", r.Armed), count("connections_lost", r.Broken),
	}}
	errs := map[string]uint64{}
	for _, c := range r.Classes {
		for k, n := range c.Errors {
			errs[k] += n
		}
	}
	for _, t := range []struct {
		name, title string
		counts      map[string]uint64
	}{{"errors", "ERRORS", errs}, {"skipped", "LEFT OUT", r.Skipped}} {
		if len(t.counts) > 0 {
			s.Tables = append(s.Tables, tally(t.name, t.title, t.counts))
		}
	}
	return s
}

// tally is a table of counts, the greatest first.
func tally(name, title string, counts map[string]uint64) report.Table {
	t := report.Table{Name: name, Title: title, Columns: []report.Column{{Name: "why", Unit: report.UnitText}, {Name: "count", Unit: report.UnitCount, Sum: true}}}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b)) })
	for _, k := range keys {
		t.Rows = append(t.Rows, []report.Value{report.Text(k), report.Number(counts[k])})
	}
	return t
}

// seconds are what is drawn; text leaves the table out.
func (r *Result) seconds() report.Section {
	t := report.Table{Name: "seconds", Columns: []report.Column{
		duration("second"),
		{Name: "due", Unit: report.UnitRate},
		{Name: "done", Unit: report.UnitRate},
		duration("p50"), duration("p99"),
		{Name: "errors", Unit: report.UnitCount, Sum: true},
	}}
	for i := range r.Seconds {
		s := &r.Seconds[i]
		t.Rows = append(t.Rows, []report.Value{
			report.Seconds(time.Duration(i) * time.Second), report.Number(s.Due), report.Number(s.Done), quantile(&s.Response, 0.5),
			quantile(&s.Response, 0.99), report.Number(s.Errors),
		})
	}
	return report.Section{Name: "seconds", Title: "SECONDS", Tables: []report.Table{t}, Metrics: []report.Metric{
		{Name: "took", Value: report.Seconds(r.Took), Unit: report.UnitDuration},
	}}
}
