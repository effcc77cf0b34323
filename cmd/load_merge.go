package cmd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// loadMergeOptions are the flags of load merge.
type loadMergeOptions struct {
	viewFlags
	out          saveFlag
	allowMissing bool
	thresholds   []string
}

const loadMergeLong = `Add the parts of one run together: each ran on a machine of its own, with
kvtool load run --part I/N. Counts are added, second by second, so that what is
said is what one machine would have said that had run it all; percentiles are
never averaged. The limits that the parts were given are judged on the whole,
and the verdict is that of the worst part.

A FILE is what --out has written, or a log that holds what --out - has written
into it: - is stdin, as in kubectl logs … | kvtool load merge -`

func newLoadMergeCmd(env *Env) *cobra.Command {
	var o loadMergeOptions
	c := &cobra.Command{
		Use:     "merge FILE…",
		Short:   "Add the parts of a run together, exactly",
		Long:    loadMergeLong,
		Example: "  kvtool load merge part-*.kvr --out all.kvr",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return kv.WithHint(kv.Usagef("%s takes files", c.CommandPath()), "usage: "+c.UseLine())
			}
			return nil
		},
		ValidArgsFunction: completeSnapshots,
		RunE:              func(c *cobra.Command, args []string) error { return runLoadMerge(c.Context(), env, o, args) },
	}
	o.viewFlags.bind(c)
	f := c.Flags()
	o.out.bindOut(c)
	bindThresholds(c, &o.thresholds)
	f.BoolVar(&o.allowMissing, "allow-missing", false, "merge what there is though parts are missing: the sum is incomplete (exit 4)")
	return c
}

// A loadPart is what one process of a run has saved.
type loadPart struct {
	path string
	rec  *recording.Recording
	doc  *report.Report
}

func runLoadMerge(ctx context.Context, env *Env, o loadMergeOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := o.out.check(outs); err != nil {
		return err
	}
	own, err := thresholdsOf(o.thresholds, true) // what holds for every run is among those of the parts
	if err != nil {
		return err
	}
	parts, err := env.readParts(ctx, paths, o.allowMissing)
	if err != nil {
		return err
	}
	all, err := mergeParts(parts)
	if err != nil {
		return err
	}
	if missing := all.Missing(); len(missing) > 0 && !o.allowMissing {
		err := kv.Usagef("%d of %d parts are missing: %s", len(missing), all.Meta.Parts, strings.Join(missing, ", "))
		return kv.WithHint(err, "--allow-missing merges what there is")
	}
	env.warnParts(all)
	r, err := mergedReport(all, parts, own)
	if err != nil {
		return err
	}
	verdict, _ := all.Verdict()
	code := worst(loadCode(verdict), gateCode(r.Gate))
	if !r.Coverage.Complete {
		code = worst(code, exitIncomplete)
	}
	if err := errors.Join(o.out.write(r), o.write(env, outs, r, code)); err != nil {
		return &codeError{worst(exitUsage, code), err}
	}
	if code != exitOK {
		return &codeError{code, nil}
	}
	return nil
}

// mergeParts adds up the recordings.
func mergeParts(parts []loadPart) (*recording.Recording, error) {
	all := parts[0].rec
	for _, p := range parts[1:] {
		if err := all.Merge(p.rec); err != nil {
			return nil, kv.WithHint(kv.Usagef("%s: %w", p.path, err), "parts are of one run: the same scenario, flags, seed and version, each I of --part I/N once")
		}
	}
	return all, nil
}

// mergedReport makes the document of the whole: what was checked by each part, and the limits of all, judged on the sum.
func mergedReport(all *recording.Recording, parts []loadPart, own []threshold.Threshold) (*report.Report, error) {
	r, err := loadReport(all)
	if err != nil {
		return nil, err
	}
	thresholds, counts, err := limitsOf(parts, own)
	if err != nil {
		return nil, err
	}
	checks := checksOf(parts)
	for _, m := range checks.Metrics {
		counts[m.Name], _ = m.Value.Number()
	}
	if len(checks.Metrics) > 0 {
		r.Sections = append(r.Sections, checks)
	}
	for i := range parts {
		for _, note := range parts[i].doc.Target.Notes {
			if !slices.Contains(r.Target.Notes, note) {
				r.Target.Notes = append(r.Target.Notes, note)
			}
		}
	}
	r.Findings = findingsOf(parts)
	if err := judgeRun(r, all, thresholds, counts); err != nil {
		return nil, err
	}
	if missing := all.Missing(); len(missing) > 0 {
		why := "missing: part " + strings.Join(missing, ", ")
		r.Coverage = report.Coverage{Why: []string{why}}
		undecide(r.Gate, why)
	}
	return r, nil
}

// findingsOf are those of the parts, each once.
func findingsOf(parts []loadPart) []report.Finding {
	all := []report.Finding{}
	seen := map[string]bool{}
	for i := range parts {
		for _, f := range parts[i].doc.Findings {
			if id := f.Fingerprint(); !seen[id] {
				all, seen[id] = append(all, f), true
			}
		}
	}
	report.SortFindings(all)
	return all
}

// undecide takes back what was judged of latencies: what the missing parts have seen may change it. What has gone wrong in one part
// has gone wrong.
func undecide(g *report.Gate, why string) {
	failed := false
	for i := range g.Checks {
		c := &g.Checks[i]
		if c.Unit == report.UnitDuration && c.Verdict != report.Inconclusive {
			c.Verdict, c.Why = report.Inconclusive, why
		}
		failed = failed || c.Verdict == report.Fail
	}
	if g.Verdict = report.Inconclusive; failed {
		g.Verdict = report.Fail
	}
	g.Why = append(g.Why, why)
}

// limitsOf returns the thresholds that the parts were judged by, behind the given ones, and what their stores said of themselves: of
// several answers the one that is worst for a limit.
func limitsOf(parts []loadPart, all []threshold.Threshold) ([]threshold.Threshold, map[string]float64, error) {
	counts := map[string]float64{}
	for i := range parts {
		if parts[i].doc.Gate == nil {
			continue
		}
		for _, c := range parts[i].doc.Gate.Checks {
			t, err := threshold.Parse(c.Name)
			if err != nil {
				return nil, nil, kv.Corruptf("%s: its limit %q is none", parts[i].path, c.Name)
			}
			if !slices.ContainsFunc(all, func(x threshold.Threshold) bool { return x.Text == t.Text }) {
				all = append(all, t)
			}
			head, known := c.Head.Number()
			if !known || !t.OfStore() {
				continue
			}
			if was, ok := counts[t.Metric]; ok {
				head = t.Worse(was, head)
			}
			counts[t.Metric] = head
		}
	}
	return all, counts, nil
}

// sectionChecks has what a run has counted beside its operations.
const sectionChecks = "checks"

// checksOf adds up what the parts have counted beside their operations, with the evidence of all.
func checksOf(parts []loadPart) report.Section {
	sum := report.Section{Name: sectionChecks, Title: "CHECKS"}
	for i := range parts {
		for _, s := range parts[i].doc.Sections {
			if s.Name != sectionChecks {
				continue
			}
			for _, m := range s.Metrics {
				sum.Metrics = addMetric(sum.Metrics, m)
			}
			for _, t := range s.Tables {
				sum.Tables = addRows(sum.Tables, t)
			}
		}
	}
	slices.SortFunc(sum.Metrics, func(a, b report.Metric) int { return cmp.Compare(a.Name, b.Name) })
	return sum
}

func addMetric(all []report.Metric, m report.Metric) []report.Metric {
	for i := range all {
		if all[i].Name == m.Name {
			x, _ := all[i].Value.Number()
			y, _ := m.Value.Number()
			all[i].Value = report.Number(x + y)
			return all
		}
	}
	return append(all, m)
}

func addRows(all []report.Table, t report.Table) []report.Table {
	for i := range all {
		if all[i].Name == t.Name {
			all[i].Rows = append(slices.Clip(all[i].Rows), t.Rows...)
			return all
		}
	}
	return append(all, t)
}

// Limits of a part: how far its clock may be off, and how much of its share it must have done.
const (
	clockLimit = 100 * time.Millisecond
	shareLimit = 0.99
)

// warnParts names the parts that make the sum less certain.
func (e *Env) warnParts(rec *recording.Recording) {
	for i := range rec.Parts {
		p := &rec.Parts[i]
		name := "part " + rec.PartName(p.Number)
		if p.Clock > clockLimit {
			e.say("warning", fmt.Sprintf("%s: its clock may be %v off: its seconds may be others than those of the rest", name, p.Clock.Round(time.Millisecond)))
		}
		if p.Workers != rec.Parts[0].Workers {
			e.say("warning", fmt.Sprintf("%s has %d workers, part %s has %d: with --workers all have the same arrivals as one machine would have",
				name, p.Workers, rec.PartName(rec.Parts[0].Number), rec.Parts[0].Workers))
		}
		switch achieved := (&recording.Sum{Due: p.Due, Done: p.Done}).Achieved(); {
		case p.Verdict != recording.Valid:
			e.say("warning", strings.TrimSuffix(fmt.Sprintf("%s: %s: %s", name, p.Verdict, p.Why), ": "))
		case achieved < shareLimit:
			e.say("warning", fmt.Sprintf("%s has done %.1f %% of its share", name, 100*achieved))
		}
	}
}

// readParts reads the recordings of files and logs. What is damaged in a log is refused, unless parts may be missing.
func (e *Env) readParts(ctx context.Context, paths []string, allowMissing bool) ([]loadPart, error) {
	var parts []loadPart
	for _, path := range paths {
		name, data, err := e.readInput(ctx, path)
		if err != nil {
			return nil, meantFile(err, path, recordings)
		}
		runs, damaged := kvr.Armoured(data)
		if len(runs)+damaged == 0 {
			runs = [][]byte{data}
		}
		if damaged > 0 {
			err := errDamaged(name, damaged)
			if !allowMissing {
				return nil, err
			}
			e.say("warning", oneLine(err))
		}
		for _, run := range runs {
			doc, err := parseReport(name, run)
			if err != nil {
				return nil, err // of a file that is damaged nothing is merged
			}
			rec, err := recordingOf(name, doc)
			if err != nil {
				return nil, err
			}
			parts = append(parts, loadPart{name, rec, doc})
		}
	}
	if len(parts) == 0 {
		return nil, kv.WithHint(kv.Usagef("there is no run in what was named"), recordings)
	}
	return parts, nil
}

// recordings is the hint for what holds no run.
const recordings = "recordings are saved by kvtool load run --out FILE.kvr"

// readRecording reads the recording of a snapshot file.
func (e *Env) readRecording(ctx context.Context, path string) (*recording.Recording, error) {
	r, err := e.readReport(ctx, path)
	if err != nil {
		return nil, meantFile(err, path, recordings)
	}
	return recordingOf(path, r)
}

// recordingOf returns the recording in a report.
func recordingOf(path string, r *report.Report) (*recording.Recording, error) {
	rec, err := recording.Load(r)
	if errors.Is(err, recording.ErrNone) {
		return nil, kv.WithHint(kv.Usagef("%s: %w", path, err), recordings)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rec, nil
}
