package cmd

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/kvtool/kvtool/drift/clean"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// cleanSection is the name of the section of a plan, and of what became of one.
const cleanSection = "clean"

func cleanReport(env *Env, target, title string) *report.Report {
	return &report.Report{
		Schema: report.Schema, Kind: report.KindDrift, Tool: tool(), Taken: env.Now().UTC(),
		Target:   report.Target{Adapter: "redis", URL: target, Facts: []report.Fact{}},
		Coverage: report.Coverage{Complete: true},
		Sections: []report.Section{{Name: cleanSection, Title: title, Metrics: []report.Metric{}, Tables: []report.Table{}}},
		Findings: []report.Finding{}, Skipped: []report.Skip{},
	}
}

// A planRow adds up the lines of a template that are of one action and reason.
type planRow struct {
	template, action, rule, reason string
	keys, bytes                    int64
	example                        string
}

// planReport shows a plan. Its lines are no keys that were scanned: how many were, only who made it knows.
func planReport(env *Env, p *clean.Plan, title string) *report.Report {
	r := cleanReport(env, p.Target, "PLAN")
	rows := map[[3]string]*planRow{}
	var bytes int64
	for i := range p.Lines {
		l := &p.Lines[i]
		at := [3]string{l.Template, l.Action, l.Rule + l.Reason}
		if l.Action == clean.Expire {
			at[2] = l.Rule
		}
		if rows[at] == nil {
			rows[at] = &planRow{template: l.Template, action: l.Action, rule: l.Rule, reason: l.Reason, example: string(l.Key)}
		}
		rows[at].keys++
		rows[at].bytes += l.Bytes
		if l.Action == clean.Delete {
			bytes += l.Bytes
		}
	}
	table := report.Table{Name: "plan", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "action", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "of", Unit: report.UnitCount},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
		{Name: "bytes", Unit: report.UnitBytes, Sum: true},
		{Name: "rule", Unit: report.UnitText, Rank: 1},
		{Name: "reason", Unit: report.UnitText, Rank: 2},
		{Name: "example", Unit: report.UnitKey, Rank: 3},
	}}
	all := make([]*planRow, 0, len(rows))
	for _, row := range rows {
		all = append(all, row)
	}
	slices.SortFunc(all, func(a, b *planRow) int {
		return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(b.keys, a.keys), cmp.Compare(a.template, b.template), cmp.Compare(a.reason, b.reason))
	})
	for _, row := range all {
		of, share := report.Null, report.Null
		if n := p.Templates[row.template]; n > 0 {
			of, share = report.Number(n), report.Number(float64(row.keys)/float64(n))
		}
		table.Rows = append(table.Rows, []report.Value{
			report.Text(row.template), report.Text(row.action), report.Number(row.keys), of, share,
			report.Number(row.bytes), report.Text(row.rule), report.Text(row.reason), report.Text(row.example),
		})
	}
	s := &r.Sections[0]
	s.Tables = []report.Table{table}
	s.Metrics = []report.Metric{
		{Name: "keys", Value: report.Number(len(p.Lines)), Unit: report.UnitCount},
		{Name: "bytes", Value: report.Number(bytes), Unit: report.UnitBytes},
		{Name: "expires", Value: report.Time(p.Expires), Unit: report.UnitTime},
	}
	r.Target.Notes = append(r.Target.Notes, fmt.Sprintf("%s: nothing was written to the store. It may be applied until %s.", title, p.Expires.Format(time.RFC3339)))
	switch {
	case p.Sampled:
		r.Target.Notes = append(r.Target.Notes, "Not every key was looked at: this plan is for reading, and --apply refuses it.")
	case p.Server == "":
		r.Target.Notes = append(r.Target.Notes, "This kind of target is never written to: the plan is for reading.")
	}
	return r
}

// freeNotes say what templates memory was looked for in.
func freeNotes(sources []clean.Source, size int64) (notes []string) {
	var freed int64
	for i := range sources {
		s := &sources[i]
		freed += s.Freed
		notes = append(notes, fmt.Sprintf("%s (%s, %s to make again): %s of %s, %d of %d keys; idle for %s on average.",
			s.Template, s.Kind, s.Cost, humanize.Bytes(float64(s.Freed)), humanize.Bytes(float64(s.Bytes)), s.Taken, s.Keys, humanize.Duration(s.Idle.Seconds())))
	}
	if freed < size {
		notes = append(notes, fmt.Sprintf("Only %s can be freed of what can be made again: kinds temp, cache, blob and session.", humanize.Bytes(float64(freed))))
	}
	return notes
}

// resultReport shows what became of keys.
func resultReport(env *Env, target, title string, res *clean.Result) *report.Report {
	r := cleanReport(env, target, "RESULT")
	table := report.Table{Name: "result", Title: "result", Rows: [][]report.Value{}, Columns: []report.Column{
		{Name: "result", Unit: report.UnitText}, {Name: "keys", Unit: report.UnitCount, Sum: true}, {Name: "meaning", Unit: report.UnitText},
	}}
	tried := 0
	for _, o := range outcomes() {
		if n := res.Counts[o.outcome]; n > 0 {
			table.Rows = append(table.Rows, []report.Value{report.Text(string(o.outcome)), report.Number(n), report.Text(o.meaning)})
			tried += n
		}
	}
	r.Coverage.Complete = tried == res.Keys
	if res.Stopped != "" {
		r.Coverage.Why = append(r.Coverage.Why, res.Stopped)
	}
	r.Sections[0].Tables = []report.Table{table}
	r.Sections[0].Metrics = []report.Metric{
		{Name: "keys", Value: report.Number(res.Keys), Unit: report.UnitCount},
		{Name: "tried", Value: report.Number(tried), Unit: report.UnitCount},
		{Name: "done", Value: report.Number(res.Counts[kv.Done]), Unit: report.UnitCount},
		{Name: "bytes", Value: report.Number(res.Bytes), Unit: report.UnitBytes},
	}
	r.Target.Notes = append(r.Target.Notes, fmt.Sprintf("%s: %d of %d keys.", title, res.Counts[kv.Done], res.Keys))
	return r
}

type meaning struct {
	outcome kv.Outcome
	meaning string
}

func outcomes() []meaning {
	return []meaning{
		{kv.Done, "as planned"},
		{kv.Gone, "not there any more"},
		{kv.Present, "there: left alone"},
		{kv.Expired, "its time is over: it would have expired by now, and is not written back"},
		{kv.Parent, "what it had lost is there, or what was read is not so any more: left alone"},
		{kv.NewValue, "written to, or used, since the plan: left alone"},
		{kv.NewTTL, "its expiry is another: left alone"},
		{kv.NewType, "its type is another: left alone"},
		{clean.Large, "longer than --undo-max, here or when the plan was made: left alone"},
		{kv.Restored, "put back: what it had lost came back meanwhile"},
		{kv.Refused, "refused by the server"},
		{"unknown", "the connection ended: it may have been changed; the undo file has it"},
	}
}

// concludeClean writes the report and decides the exit code: a key that failed is 1, a run that ended early 4.
func (o *cleanOptions) concludeClean(env *Env, outs []output, r *report.Report, res *clean.Result, err error) error {
	code := exitOK
	switch {
	case exitCode(err) == exitInterrupted:
		code = exitInterrupted
	case err != nil || res.Stopped != "":
		code = exitIncomplete
	}
	if res.Counts[kv.Refused]+res.Counts["unknown"] > 0 {
		code = worst(code, exitGate)
	}
	if err != nil {
		r.Coverage.Complete = false
		r.Coverage.Why = append(r.Coverage.Why, oneLine(err))
	}
	if failed := o.write(env, outs, r, code); failed != nil {
		return failed
	}
	if code == exitOK {
		return nil
	}
	return &codeError{code, err}
}
