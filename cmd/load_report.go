package cmd

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
)

// verify asks the store for what has to hold at the end.
func (l *loading) verify(ctx context.Context) error {
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: l.patience})
	if err != nil {
		return err
	}
	defer s.Close()
	return l.player.Verify(ctx, s)
}

// report makes the document, with what the player has counted and found, and cleans up.
func (l *loading) report(ctx context.Context, rec *recording.Recording) (*report.Report, error) {
	r, err := loadReport(rec)
	if err != nil {
		return nil, err
	}
	counts := map[string]float64{}
	for name, n := range l.player.Metrics() {
		counts[name] = float64(n)
	}
	evidence := l.player.Evidence()
	server := map[string]float64{}
	l.addFigures(server) // before what was written is removed
	checks := checksSection(withMetered(counts, server), evidence)
	checks.Metrics = append(checks.Metrics, l.replicaMetrics()...)
	r.Sections = append(r.Sections, checks)
	r.Target.Notes = append(r.Target.Notes, l.faultNotes()...)
	maps.Copy(counts, server)
	run := &findings.Run{Recording: rec, Schema: l.scenario.Schema, Violations: int64(counts["violations"]), Evidence: evidence}
	if form := l.player.Form(); form != "" {
		r.Target.Notes = append(r.Target.Notes, "what is atomic is done by "+form)
	}
	if l.o.tui {
		r.Target.Notes = append(r.Target.Notes, "watched on a dashboard, which takes CPU too")
	}
	r = l.judgeFindings(l.gate, r, l.find(ctx, run, l.keys, l.player.Prefix()))
	if l.removes(ctx, rec) {
		l.leave(ctx, r, l.player.Prefix())
	}
	r.Target.Notes = append(r.Target.Notes, l.metered(ctx)...)
	return r, judgeRun(r, rec, l.thresholds, counts)
}

// checksSection has what a scenario has counted, and what the store did that it must not do.
func checksSection(counts map[string]float64, evidence []string) report.Section {
	sec := report.Section{Name: sectionChecks, Title: "CHECKS", Tables: []report.Table{}}
	for _, name := range sortedKeys(counts) {
		sec.Metrics = append(sec.Metrics, report.Metric{Name: name, Unit: report.UnitCount, Value: report.Number(counts[name])})
	}
	if len(evidence) > 0 {
		t := report.Table{Name: "violations", Columns: []report.Column{{Name: "what", Unit: report.UnitText}}}
		for _, e := range evidence {
			t.Rows = append(t.Rows, []report.Value{report.Text(e)})
		}
		sec.Tables = append(sec.Tables, t)
	}
	return sec
}

// leave removes what is under a prefix, and says what is left.
func (l *loaded) leave(ctx context.Context, r *report.Report, prefix string) {
	switch left, err := l.clean(ctx, prefix); {
	case err != nil:
		r.Target.Notes = append(r.Target.Notes, fmt.Sprintf("left behind: what is under %s, until its TTLs end: %s", prefix, oneLine(err)))
	case left > 0:
		r.Target.Notes = append(r.Target.Notes, fmt.Sprintf("left behind: %d keys under %s, until their TTLs end", left, prefix))
	}
}

// judgeRun holds a run against its thresholds.
func judgeRun(r *report.Report, rec *recording.Recording, thresholds []threshold.Threshold, counts map[string]float64) error {
	checks, err := threshold.Judge(thresholds, rec, counts)
	if err != nil {
		return err
	}
	g := &report.Gate{Verdict: report.Pass, Checks: checks}
	if r.Gate != nil { // of its findings
		of := *r.Gate
		of.Checks = checks
		g = &of
	}
	r.Gate = g
	for i := range checks {
		switch {
		case checks[i].Verdict == report.Fail:
			r.Gate.Verdict = report.Fail
		case checks[i].Verdict == report.Inconclusive && r.Gate.Verdict == report.Pass:
			r.Gate.Verdict = report.Inconclusive
		}
		if checks[i].Verdict != report.Pass {
			r.Gate.Why = append(r.Gate.Why, checks[i].Name+strings.TrimRight(": "+checks[i].Why, ": "))
		}
	}
	if v, why := rec.Verdict(); loadCode(v) == exitIncomplete && r.Gate.Verdict == report.Pass {
		r.Gate.Verdict = report.Inconclusive
		r.Gate.Why = append(r.Gate.Why, why)
	}
	return nil
}

// conclude writes the report and decides the exit code.
func (l *loaded) conclude(
	ctx context.Context, v *viewFlags, o *runFlags, outs []output, r *report.Report, rec *recording.Recording, runErr error,
) error {
	verdict, _ := rec.Verdict()
	code := worst(gateCode(r.Gate), loadCode(verdict))
	if err := ended(ctx, runErr); err != nil {
		code = worst(code, exitCode(err))
	}
	failed := errors.Join(o.save(l.env.Stdout, r, rec), v.write(l.env, outs, r, code))
	if failed != nil {
		return &codeError{worst(exitUsage, code), failed}
	}
	if code == exitOK {
		return nil
	}
	return &codeError{code, ended(ctx, runErr)}
}

// loadReport makes the document of a recording, with the recording as its part.
func loadReport(rec *recording.Recording) (*report.Report, error) {
	sections, err := rec.Report()
	if err != nil {
		return nil, err
	}
	part, err := rec.Save()
	if err != nil {
		return nil, err
	}
	verdict, why := rec.Verdict()
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindLoad, Tool: tool(), Taken: rec.Began, Sections: sections,
		Findings: []report.Finding{}, Skipped: []report.Skip{}, Parts: []report.Part{part},
		Target:   report.Target{Adapter: "load", URL: rec.Meta.Target, Product: rec.Meta.Server, Facts: []report.Fact{}},
		Coverage: report.Coverage{Complete: verdict != recording.Incomplete},
	}
	if why != "" {
		r.Coverage.Why = []string{why}
	}
	if rec.Meta.Closed {
		r.Target.Notes = append(r.Target.Notes, "closed loop: response times understate waiting")
	}
	return r, nil
}

// loadCode is the exit code that the verdict of a run asks for.
func loadCode(v recording.Verdict) int {
	switch v {
	case recording.Valid:
		return exitOK
	case recording.RateMissed:
		return exitGate
	}
	return exitIncomplete
}
