package recording

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/report"
)

// Sections and tables of the report of a run. Other programs read these names: within report/v1 they stay.
const (
	SectionLatency  = "latency"
	SectionRun      = "run"
	SectionHealth   = "health"
	SectionSeconds  = "seconds"
	SectionServer   = "server"
	TableLatency    = "latency"
	TableSpectrum   = "spectrum"
	TableSeconds    = "seconds"
	TableEvents     = "events"
	TableErrors     = "errors"
	TableParts      = "parts"
	OperationAll    = "all"
	MetricAchieved  = "achieved"
	MetricGenerator = "generator_cpu"
	MetricUnsent    = "unsent"
	MetricVerdict   = "verdict"
)

// Report writes what was recorded as sections: latencies by operation, the health of the run, and its seconds.
func (r *Recording) Report() ([]report.Section, error) {
	lat, spectrum, err := r.latencySection()
	if err != nil {
		return nil, err
	}
	seconds, err := r.secondsSection(spectrum)
	if err != nil {
		return nil, err
	}
	all := []report.Section{*lat, *seconds, r.runSection(), r.healthSection()}
	if server, ok := r.serverSection(); ok {
		all = append(all, server)
	}
	return all, nil
}

// runSection says what was run.
func (r *Recording) runSection() report.Section {
	text := func(name, v string) report.Metric {
		return report.Metric{Name: name, Value: report.Text(v), Unit: report.UnitText}
	}
	loop := "open"
	if r.Meta.Closed {
		loop = "closed"
	}
	return report.Section{Name: SectionRun, Title: "RUN", Metrics: []report.Metric{
		text("scenario", r.Meta.Scenario), text("hash", r.Meta.Hash), text("loop", loop),
		{Name: "took", Value: report.Number(r.length(r.Sum())), Unit: report.UnitDuration},
		text("seed", strconv.FormatUint(r.Meta.Seed, 10)), text("generator", r.Meta.CPU),
	}}
}

func duration(name string) report.Column { return report.Column{Name: name, Unit: report.UnitDuration} }

// quantiles of the table of latencies.
func quantiles() []struct {
	name string
	q    float64
} {
	return []struct {
		name string
		q    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}}
}

// latencySection returns the table of latencies, and that of more quantiles, which is drawn.
func (r *Recording) latencySection() (*report.Section, *report.Table, error) {
	t := report.Table{Name: TableLatency, Columns: []report.Column{
		{Name: "operation", Unit: report.UnitText},
		{Name: "count", Unit: report.UnitCount, Sum: true},
		{Name: "rate", Unit: report.UnitRate},
		{Name: "errors", Unit: report.UnitCount, Sum: true},
	}}
	for _, q := range quantiles() {
		t.Columns = append(t.Columns, duration(q.name))
	}
	t.Columns = append(t.Columns, duration("max"), duration("service_p99"), duration("send_lag_p99"))
	for i := range t.Columns { // where there is no room for all
		t.Columns[i].Rank = map[string]int{"send_lag_p99": 3, "p90": 2, "service_p99": 1}[t.Columns[i].Name]
	}
	spectrum := report.Table{Name: TableSpectrum, Columns: []report.Column{{Name: "percentile", Unit: report.UnitRatio}}}
	sum := r.Sum()
	var responses []*latency.Histogram
	for c := range len(r.Meta.Classes) + 1 {
		class, name := c, OperationAll
		if c == len(r.Meta.Classes) {
			class = -1
		} else {
			name = r.Meta.Classes[c]
		}
		row, response, err := r.latencyRow(class, name, sum)
		if err != nil {
			return nil, nil, err
		}
		if response.Count() > 0 || class < 0 {
			t.Rows = append(t.Rows, row)
			spectrum.Columns = append(spectrum.Columns, duration(spectrumName(name)))
			responses = append(responses, response)
		}
	}
	spectrum.Rows = spectrumRows(responses)
	return &report.Section{Name: SectionLatency, Title: "LATENCY", Tables: []report.Table{t}}, &spectrum, nil
}

// spectrumName makes of the name of an operation that of a column, which is of printable ASCII.
func spectrumName(name string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, name)
}

// latencyRow is the row of a class, of all classes with -1.
func (r *Recording) latencyRow(class int, name string, sum *Sum) ([]report.Value, *latency.Histogram, error) {
	var hs [3]*latency.Histogram
	for k := range hs {
		h, err := r.Histogram(class, Kind(k), 0, len(r.Seconds))
		if err != nil {
			return nil, nil, err
		}
		hs[k] = h
	}
	errs := uint64(0)
	for i := range r.Seconds {
		for c := range r.Seconds[i].Classes {
			if class < 0 || c == class {
				errs += r.Seconds[i].Classes[c].Errors
			}
		}
	}
	count := hs[Service].Count() // those that were done: the response times have the unsent, too
	row := []report.Value{
		report.Text(name), report.Number(count), report.Number(float64(count) / r.length(sum)), report.Number(errs),
	}
	for _, q := range quantiles() {
		row = append(row, quantile(hs[Response], q.q))
	}
	return append(row, longest(hs[Response]), quantile(hs[Service], 0.99), quantile(hs[Lag], 0.99)), hs[Response], nil
}

// length is how many seconds rates are of: those that the longest part took, without the drain behind it, or else those that have
// anything.
func (r *Recording) length(sum *Sum) float64 {
	took := time.Duration(0)
	for i := range r.Parts {
		took = max(took, r.Parts[i].Took)
	}
	if took > 0 {
		return took.Seconds()
	}
	return float64(max(sum.Recorded, 1))
}

func quantile(h *latency.Histogram, q float64) report.Value {
	if h.Count() == 0 {
		return report.Null
	}
	return report.Seconds(h.Quantile(q))
}

func longest(h *latency.Histogram) report.Value {
	if h.Count() == 0 {
		return report.Null
	}
	return report.Seconds(h.Max())
}

// spectrumRows are quantiles that halve what is beyond them three times a decade, as far as there are samples.
func spectrumRows(hs []*latency.Histogram) [][]report.Value {
	var rows [][]report.Value
	for _, q := range []float64{0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99995, 0.99999, 0.999999} {
		row := []report.Value{report.Number(q)}
		known := false
		for _, h := range hs {
			v := report.Null
			if float64(h.Count())*(1-q) >= 1 {
				v, known = quantile(h, q), true
			}
			row = append(row, v)
		}
		if known {
			rows = append(rows, row)
		}
	}
	return rows
}

func (r *Recording) healthSection() report.Section {
	sum := r.Sum()
	verdict, why := r.Verdict()
	cpu := 0.0
	for i := range r.Parts {
		cpu = max(cpu, r.Parts[i].CPUShare)
	}
	count := func(name string, n uint64) report.Metric {
		return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
	}
	s := report.Section{Name: SectionHealth, Title: "HEALTH", Metrics: []report.Metric{
		{Name: MetricAchieved, Value: report.Number(sum.Achieved()), Unit: report.UnitRatio},
		{Name: MetricGenerator, Value: report.Number(cpu), Unit: report.UnitRatio},
		count(MetricUnsent, sum.Unsent),
		{Name: MetricVerdict, Value: report.Text(string(verdict)), Unit: report.UnitText},
		count("errors", sum.ErrorCount()),
		count("violations", sum.Violations),
	}}
	if why != "" {
		s.Metrics = append(s.Metrics, report.Metric{Name: "why", Value: report.Text(why), Unit: report.UnitText})
	}
	if len(sum.Errors) > 0 {
		t := report.Table{Name: TableErrors, Title: "ERRORS", Columns: []report.Column{{Name: "error", Unit: report.UnitText}, {Name: "count", Unit: report.UnitCount, Sum: true}}}
		for _, k := range slices.SortedFunc(maps.Keys(sum.Errors), func(a, b string) int {
			if sum.Errors[a] != sum.Errors[b] {
				return int(min(max(int64(sum.Errors[b])-int64(sum.Errors[a]), -1), 1))
			}
			return strings.Compare(a, b)
		}) {
			t.Rows = append(t.Rows, []report.Value{report.Text(k), report.Number(sum.Errors[k])})
		}
		s.Tables = append(s.Tables, t)
	}
	if r.Meta.Parts > 1 {
		s.Tables = append(s.Tables, r.partsTable())
	}
	return s
}

// partsTable says how each machine has done.
func (r *Recording) partsTable() report.Table {
	t := report.Table{Name: TableParts, Title: "PARTS", Columns: []report.Column{
		{Name: "part", Unit: report.UnitText},
		{Name: "due", Unit: report.UnitCount, Sum: true},
		{Name: "done", Unit: report.UnitCount, Sum: true},
		{Name: "unsent", Unit: report.UnitCount, Sum: true},
		{Name: "achieved", Unit: report.UnitRatio},
		{Name: "generator_cpu", Unit: report.UnitRatio},
		duration("clock"),
		{Name: "verdict", Unit: report.UnitText},
	}}
	for i := range r.Parts {
		p := &r.Parts[i]
		achieved := (&Sum{Due: p.Due, Done: p.Done}).Achieved()
		t.Rows = append(t.Rows, []report.Value{
			report.Text(r.PartName(p.Number)), report.Number(p.Due), report.Number(p.Done), report.Number(p.Unsent), report.Number(achieved),
			report.Number(p.CPUShare), report.Seconds(p.Clock), report.Text(string(p.Verdict)),
		})
	}
	return t
}
