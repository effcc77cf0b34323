package triage

import (
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
)

// topCommands is how many commands the report lists.
const topCommands = 10

// Report writes the diagnoses of the observed servers into r: its sections, findings, what was not ruled out, and how much of the window
// was seen. Where there are several servers, each finding names its own.
func Report(r *report.Report, all []*Observation) {
	r.Kind = report.KindTriage
	r.Findings, r.Skipped = []report.Finding{}, []report.Skip{}
	r.Coverage.Complete = true
	several := len(all) > 1
	var causes []Cause
	for _, o := range all {
		p := newPair(o)
		d := Judge(o)
		for _, c := range d.Causes {
			if several && c.Subject != cluster {
				c.Subject = o.Place + " " + c.Subject
			}
			causes = append(causes, c)
		}
		for _, u := range d.Unknown {
			name := u.Rule
			if several {
				name = o.Place + " " + name
			}
			r.Skipped = append(r.Skipped, report.Skip{Name: name, Why: u.Why})
		}
		if o.Failed != nil {
			r.Coverage.Complete = false
			why := o.Failed.Error()
			if several {
				why = o.Place + ": " + why
			}
			r.Coverage.Why = append(r.Coverage.Why, why)
		}
		r.Coverage.Elapsed = max(r.Coverage.Elapsed, report.Duration(p.seconds*float64(time.Second)))
	}
	rank(causes)
	causes = once(causes)
	for i := range causes {
		r.Findings = append(r.Findings, finding(&causes[i], i+1))
	}
	r.Sections = sections(all)
}

// once leaves of what several servers say of their cluster the first.
func once(causes []Cause) []Cause {
	said := map[string]bool{}
	return slices.DeleteFunc(causes, func(c Cause) bool {
		if c.Subject != cluster {
			return false
		}
		again := said[c.Rule]
		said[c.Rule] = true
		return again
	})
}

func finding(c *Cause, rank int) report.Finding {
	return report.Finding{
		Rule: c.Rule, Severity: c.Severity, Subject: c.Subject, Message: c.Message, Fix: c.Do, Avoid: c.Avoid, Rank: rank,
		Measure: &c.Measure, Evidence: c.Evidence, Samples: c.Samples,
	}
}

// sections are what was read of the servers.
func sections(all []*Observation) []report.Section {
	if len(all) == 1 {
		p := newPair(all[0])
		s := report.Section{Name: "vitals", Title: "Vitals", Metrics: p.vitals(), Tables: []report.Table{}}
		if t := p.commandTable(); len(t.Rows) > 0 {
			return []report.Section{s, {Name: "commands", Title: "Commands", Metrics: []report.Metric{}, Tables: []report.Table{t}}}
		}
		return []report.Section{s}
	}
	t := report.Table{Name: "servers", Columns: []report.Column{
		{Name: "server", Unit: report.UnitText},
		{Name: "commands", Title: "cmd/s", Unit: report.UnitRate},
		{Name: "main_thread", Title: "thread", Unit: report.UnitRatio},
		{Name: "ping_max", Title: "ping max", Unit: report.UnitDuration},
		{Name: "used_memory", Title: "mem", Unit: report.UnitBytes},
		{Name: "causes", Unit: report.UnitCount},
	}}
	for _, o := range all {
		p := newPair(o)
		by := map[string]report.Value{}
		for _, m := range p.vitals() {
			by[m.Name] = m.Value
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(o.Place), by["commands"], by["main_thread"], by["ping_max"], by["used_memory"], report.Number(len(Judge(o).Causes)),
		})
	}
	return []report.Section{{Name: "servers", Title: "Servers", Metrics: []report.Metric{}, Tables: []report.Table{t}}}
}

// vitals are the figures of the window that people look at first; what the server does not tell is not there.
func (p *pair) vitals() []report.Metric {
	var out []report.Metric
	add := func(ok bool, m report.Metric) {
		if ok {
			out = append(out, m)
		}
	}
	_, counted := p.grew("total_commands_processed")
	add(counted, report.Metric{Name: "commands", Value: report.Number(p.commands() / max(p.seconds, 1e-9)), Unit: report.UnitRate})
	thread, alone, ok := p.mainThread()
	name := "main_thread"
	if !alone {
		name = "processors"
	}
	add(ok, report.Metric{Name: name, Value: report.Number(thread), Unit: report.UnitRatio})
	out = append(out, p.pings()...)
	rate, ok := p.hitRate()
	add(ok, report.Metric{Name: "hit_rate", Value: report.Number(rate), Unit: report.UnitRatio})
	for _, g := range []struct {
		field, name string
		unit        report.Unit
		rate        bool
	}{
		{"connected_clients", "clients", report.UnitCount, false},
		{"blocked_clients", "blocked", report.UnitCount, false},
		{"total_connections_received", "connections", report.UnitRate, true},
		{"total_net_input_bytes", "received_a_second", report.UnitBytes, true},
		{"total_net_output_bytes", "sent_a_second", report.UnitBytes, true},
		{"used_memory", "used_memory", report.UnitBytes, false},
		{"maxmemory", "maxmemory", report.UnitBytes, false},
		{"evicted_keys", "evicted", report.UnitRate, true},
		{"expired_keys", "expired", report.UnitRate, true},
	} {
		if g.rate {
			_, ok := p.grew(g.field)
			add(ok, report.Metric{Name: g.name, Value: report.Number(p.rate(g.field)), Unit: g.unit})
			continue
		}
		x, ok := p.now(g.field)
		add(ok && !(g.field == "maxmemory" && x == 0), report.Metric{Name: g.name, Value: report.Number(x), Unit: g.unit})
	}
	if out == nil {
		return []report.Metric{}
	}
	return out
}

// commandTable lists the commands that took most of the window.
func (p *pair) commandTable() report.Table {
	t := report.Table{Name: "commands", Columns: []report.Column{
		{Name: "command", Unit: report.UnitText},
		{Name: "share", Title: "of the time", Unit: report.UnitRatio, Sum: true},
		{Name: "calls", Title: "calls/s", Unit: report.UnitRate, Sum: true},
		{Name: "mean", Unit: report.UnitDuration},
		{Name: "p99", Title: "p99 since start", Unit: report.UnitDuration, Rank: 1},
		{Name: "failed", Unit: report.UnitCount, Sum: true, Rank: 1},
	}}
	for i := range p.used {
		u := &p.used[i]
		if i == topCommands {
			t.Omitted = int64(len(p.used) - i)
			t.More = more(p, p.used[i:])
			break
		}
		p99 := report.Null
		if u.P99 > 0 {
			p99 = report.Seconds(u.P99)
		}
		share, mean := report.Number(u.share(p)), report.Number(u.mean())
		if u.cpu == 0 { // not told
			share, mean = report.Null, report.Null
		}
		t.Rows = append(t.Rows, []report.Value{
			report.Text(u.name), share, report.Number(u.calls / p.seconds), mean, p99, report.Number(u.failed),
		})
	}
	return t
}

func more(p *pair, rest []use) []report.Value {
	var share, calls, failed float64
	for i := range rest {
		share, calls, failed = share+rest[i].share(p), calls+rest[i].calls/p.seconds, failed+rest[i].failed
	}
	return []report.Value{report.Null, report.Number(share), report.Number(calls), report.Null, report.Null, report.Number(failed)}
}

// AddSetup holds the servers against the rules about how they are set up and adds what is wrong to r, with a section that says which
// rules could not be judged. It returns the ids of those that were.
func AddSetup(r *report.Report, all []*Observation) (judged []string) {
	open := map[string]string{} // why, by the rule's name
	var causes []Cause
	var pairs []*pair
	var products []string
	for _, o := range all {
		p := newPair(o)
		pairs, products = append(pairs, p), append(products, p.product())
		d := diagnose(p, standing())
		for _, c := range d.Causes {
			if len(all) > 1 && c.Subject != cluster {
				c.Subject = o.Place + " " + c.Subject
			}
			causes = append(causes, c)
		}
		for _, u := range d.Unknown {
			open[u.Rule] = u.Why
		}
	}
	rank(causes)
	for _, c := range once(causes) {
		addCause(r, &c)
	}
	return addSection(r, docsFor(products), open, spanTable(pairs))
}

// The section about the servers themselves, and its tables.
const (
	setupSection = "server_rules"
	spanName     = "span"
	openName     = "not_evaluated"
)

// addSection adds the section that says which of the rules could not be judged, and returns the ids of those that were. Open says why
// not, by a rule's name.
func addSection(r *report.Report, applies []*report.Rule, open map[string]string, span report.Table) (judged []string) {
	t := report.Table{Name: openName, Columns: []report.Column{{Name: "rule", Unit: report.UnitText}, {Name: "why", Unit: report.UnitText}}}
	var missing []string
	var left []report.Unjudged
	for _, doc := range applies {
		if why, ok := open[doc.Name]; ok {
			missing = append(missing, doc.ID)
			left = append(left, report.Unjudged{Rule: doc.ID, Why: why})
			t.Rows = append(t.Rows, []report.Value{report.Text(doc.ID + " " + doc.Name), report.Text(why)})
			continue
		}
		judged = append(judged, doc.ID)
	}
	report.SortFindings(r.Findings)
	s := report.Section{Name: setupSection, Title: "Server rules", NotEvaluated: left, Tables: []report.Table{}, Metrics: []report.Metric{
		{Name: "judged", Value: report.Number(len(judged)), Unit: report.UnitCount},
	}}
	for _, t := range []report.Table{span, t} {
		if len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
		}
	}
	if len(missing) > 0 {
		s.Metrics = append(s.Metrics, report.Metric{Name: "rules_not_evaluated", Value: report.Text(strings.Join(missing, " ")), Unit: report.UnitText})
	}
	r.Sections = append(r.Sections, s)
	return judged
}

// addCause adds what is wrong with a server on a quiet day.
func addCause(r *report.Report, c *Cause) {
	f := finding(c, 0)
	f.Avoid = "" // of a moment in which something is slow
	addFinding(r, f)
}

// addFinding adds a finding, unless there is one of the same rule and subject.
func addFinding(r *report.Report, f report.Finding) {
	for i := range r.Findings {
		if r.Findings[i].Fingerprint() == f.Fingerprint() {
			return
		}
	}
	r.Findings = append(r.Findings, f)
}
