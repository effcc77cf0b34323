package growth

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/compare"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// PointOf returns what a saved run says; s is the schema that its keys were bound to, nil if there was none.
func PointOf(name string, s *schema.Schema, r *report.Report) (Point, error) {
	facts, err := keydesign.FactsBound(s, r)
	if err != nil {
		return Point{}, fmt.Errorf("%s: %w", name, err)
	}
	info, err := audit.InfoOf(r)
	if err != nil {
		return Point{}, fmt.Errorf("%s: %w", name, err)
	}
	p := Point{Name: name, Taken: r.Taken, Bytes: float64(facts.Bytes), Keys: float64(facts.Keys)}
	if info != nil {
		p.Used, p.MaxMemory = float64(info.Memory), float64(info.Server.MaxMemory)
		p.Started, p.Policy = info.Server.Started, info.Server.Policy
	}
	for i := range facts.Templates {
		f := &facts.Templates[i]
		t := Template{Text: f.Text, Keys: float64(f.Keys), Bytes: float64(f.Bytes)}
		if f.TTL.Keys > 0 {
			t.Expiring = 1 - float64(f.TTL.Persistent)/float64(f.TTL.Keys)
			if t.TTL, t.Rate = compare.TTLOf(&f.TTL); t.Rate > 0 {
				t.Rate *= float64(f.Keys) / float64(f.TTL.Keys)
			}
		}
		p.Expiring += t.Bytes * t.Expiring
		p.Templates = append(p.Templates, t)
	}
	return p, nil
}

// soon is when a limit is near enough to be a finding.
const soon = 30 * 24 * time.Hour

// Rules lists the rule that a history may raise.
func Rules() []*report.Rule {
	return []*report.Rule{{
		ID: "KD089", Name: "growth-to-full", Title: "Memory that will not last", Severity: report.Warning, Stores: []string{"redis", "redis-cluster", "valkey"},
		Doc: `By the snapshots there are, memory reaches the share of maxmemory that may be used within 30 days, at the earliest: the lower end
of an interval that holds the day in 95 of 100 histories. What expires is not drawn on as a line, restarts, steps and FLUSHALL are
taken out.

At the limit a server that evicts drops keys by its policy; one that does not refuses every write.`,
		Fix:  "give the templates that grow most a TTL, trim their values, or add memory; kvtool drift clean --free plans what to drop first",
		Bad:  []string{"event:* grows by 2 GB a day, and 20 GB are left"},
		Good: []string{"event:* with a TTL of a week, which has levelled off"},
		Limits: []report.Limit{
			{Name: "days", Value: soon.Seconds(), Unit: report.UnitDuration, Source: report.OwnDefault + ": by the lower end of the interval"},
			{Name: "headroom", Value: 0.9, Unit: report.UnitRatio, Source: report.OwnDefault + ": of maxmemory; the rest is for buffers and copies on write"},
		},
	}}
}

// SectionName is the name of the section of growth.
const SectionName = "growth"

// Report makes the report of a history. It is of the target of the last point.
func (t *Trend) Report(last *report.Report) *report.Report {
	doc := &report.Report{
		Schema: report.Schema, Kind: report.KindDrift, Target: last.Target, Taken: last.Taken, Coverage: last.Coverage,
		Findings: []report.Finding{}, Skipped: []report.Skip{},
	}
	doc.Sections = []report.Section{{
		Name: SectionName, Title: "GROWTH", Metrics: t.metrics(last.Taken), Tables: []report.Table{t.templates(), t.history()},
	}}
	if t.Enough && t.Reaches && t.Full.Low < soon.Seconds() {
		doc.Findings = append(doc.Findings, t.finding(last.Taken))
	}
	doc.Target.Notes = append([]string(nil), t.notes(last.Taken)...)
	return doc
}

func (t *Trend) metrics(taken time.Time) []report.Metric {
	slope := report.Metric{Name: "bytes_a_day", Value: report.Number(t.Slope * 86400), Unit: report.UnitBytes}
	switch {
	case t.Brief:
		slope.Value = report.Null
	case t.Enough:
		slope.Interval = &report.Interval{Low: t.SlopeIn.Low * 86400, High: t.SlopeIn.High * 86400}
	}
	ms := []report.Metric{
		{Name: "snapshots", Value: report.Number(t.Points), Unit: report.UnitCount},
		{Name: "over", Value: report.Number(t.Span.Seconds()), Unit: report.UnitDuration},
		{Name: "used", Value: report.Number(t.Used), Unit: report.UnitBytes},
		slope,
		{Name: "to_come", Value: report.Number(t.ToCome), Unit: report.UnitBytes},
	}
	if t.Limit > 0 {
		ms = append(ms, report.Metric{Name: "limit", Value: report.Number(t.Limit), Unit: report.UnitBytes})
	}
	if t.Enough && t.Reaches {
		ms = append(ms,
			report.Metric{Name: "full_from", Value: report.Time(after(taken, t.Full.Low)), Unit: report.UnitTime},
			report.Metric{Name: "full_until", Value: report.Time(after(taken, t.Full.High)), Unit: report.UnitTime})
	}
	return ms
}

// farthest is beyond which no date is given.
const farthest = 10 * 365 * 86400

// after returns a time so many seconds later, zero if that is never, or so late that it means never.
func after(taken time.Time, seconds float64) time.Time {
	if seconds > farthest {
		return time.Time{}
	}
	return taken.Add(time.Duration(seconds * float64(time.Second)))
}

func (t *Trend) templates() report.Table {
	table := report.Table{Name: "templates", Title: "what grows", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "bytes_a_day", Title: "mem/day", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "keys", Unit: report.UnitCount, Sum: true, Rank: 1},
	}}
	for i := range t.Growing {
		if g := &t.Growing[i]; g.Share > 0 {
			table.Rows = append(table.Rows, []report.Value{
				report.Text(g.Text), report.Number(g.Slope * 86400), report.Number(g.Share), report.Number(g.Bytes), report.Number(g.Keys),
			})
		}
	}
	return table
}

func (t *Trend) history() report.Table {
	table := report.Table{Name: "breaks", Title: "breaks", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "kind", Unit: report.UnitText}, {Name: "from", Unit: report.UnitTime}, {Name: "to", Unit: report.UnitTime}, {Name: "bytes", Unit: report.UnitBytes},
	}}
	for _, b := range t.Breaks {
		table.Rows = append(table.Rows, []report.Value{report.Text(b.Kind), report.Time(b.From), report.Time(b.To), report.Number(b.By)})
	}
	return table
}

// names lists the templates that grow most.
func (t *Trend) names() string {
	var names []string
	for i := range t.Growing[:min(3, len(t.Growing))] {
		if g := &t.Growing[i]; g.Share > 0 {
			names = append(names, fmt.Sprintf("%s (%.0f%%)", g.Text, 100*g.Share))
		}
	}
	return strings.Join(names, ", ")
}

func (t *Trend) finding(taken time.Time) report.Finding {
	days := report.Metric{
		Name: "time_to_full", Value: report.Number(t.middle()), Unit: report.UnitDuration,
		Interval: &report.Interval{Low: t.Full.Low, High: min(t.Full.High, farthest)}, How: "modelled",
	}
	return report.Finding{
		Rule: "KD089", Severity: report.Warning, Subject: "server", Message: t.says(taken) + "; most of it is " + t.names(),
		Evidence: []report.Metric{
			days,
			{Name: "bytes_a_day", Value: report.Number(t.Slope * 86400), Unit: report.UnitBytes, Interval: &report.Interval{Low: t.SlopeIn.Low * 86400, High: t.SlopeIn.High * 86400}},
			{Name: "used", Value: report.Number(t.Used), Unit: report.UnitBytes},
			{Name: "limit", Value: report.Number(t.Limit), Unit: report.UnitBytes},
		},
	}
}

// middle is when the limit is reached by the slope as it is.
func (t *Trend) middle() float64 {
	if t.Slope <= 0 {
		return math.Inf(1)
	}
	return max(0, (t.Limit-t.Used-t.ToCome)/t.Slope)
}

// says tells when memory is full.
func (t *Trend) says(taken time.Time) string {
	from, until := after(taken, t.Full.Low), after(taken, t.Full.High)
	switch {
	case t.Full.High == 0:
		return "the limit is reached"
	case until.IsZero():
		return "the limit is reached on " + from.Format(time.DateOnly) + " at the earliest, perhaps never"
	}
	return "the limit is reached between " + from.Format(time.DateOnly) + " and " + until.Format(time.DateOnly)
}

func (t *Trend) notes(taken time.Time) (notes []string) {
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	switch {
	case t.Points == 1:
		note("One snapshot: nothing is known of growth, but of what keys that expire are still to come to.")
	case t.Brief:
		note("The snapshots span %s: too short to say what grows, or when memory is full. Take one an hour at most, better one a day.",
			humanize.Duration(t.Span.Seconds()))
	case !t.Enough:
		note("Two points: a rate, and no interval. Three snapshots or more say when memory is full.")
	case t.Limit == 0:
		note("The server has no limit, or does not say one: --maxmemory SIZE says what there is.")
	case t.TooFar:
		note("The snapshots span %s: too short to say when the limit is reached.", humanize.Duration(t.Span.Seconds()))
	case !t.Reaches:
		note("The limit is not reached: what grows levels off, or does not grow by more than noise.")
	default:
		sentence := t.says(taken)
		note("%s.", strings.ToUpper(sentence[:1])+sentence[1:])
	}
	if t.Limit > 0 && t.Policy != "" && t.Policy != "noeviction" {
		note("At maxmemory the server evicts by %s.", t.Policy)
	}
	for _, b := range t.Breaks {
		if b.Kind == Flush {
			note("Most keys went between %s and %s: what was before does not count.", b.From.Format(time.RFC3339), b.To.Format(time.RFC3339))
		}
	}
	return notes
}
