package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/compare"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

// loadCompareOptions are the flags of load compare.
type loadCompareOptions struct {
	loadFlags
	limits     maxRegress
	operation  string
	practical  percent
	exitZero   bool
	interleave bool
	pairs      int
}

const loadCompareLong = `Say whether HEAD is slower than BASE: better, worse, no difference or
inconclusive, with an interval that holds the change in 95 of 100 cases.

With --interleave they are two targets, which are loaded in turn: base, head,
head, base and so on, in pairs that do the same operations. A machine that grows
slower meanwhile does so for both. Without it they are two runs that were saved
by kvtool load run --out, and what changed between them is a part of the change.

A change is called one if its interval leaves out zero, corrected for the number
of metrics, and it is beyond the practical limit. Fewer than 8 pairs, or a saved
run of less than 30 independent seconds or of another scenario, seed, machine or
server, are inconclusive (exit 4). Ctrl-C writes what the pairs so far say.`

func newLoadCompareCmd(env *Env) *cobra.Command {
	o := loadCompareOptions{practical: compare.Practical}
	c := &cobra.Command{
		Use:   "compare BASE HEAD",
		Short: "Whether one store, or one run, is slower than another",
		Long:  loadCompareLong,
		Example: "  kvtool load compare base.kvr head.kvr --max-regress p99=10%,p99.9=10%\n" +
			"  kvtool load compare --interleave redis://a redis://b -s counters --rate 2k/s",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return kv.WithHint(kv.Usagef("%s takes two, base and head, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
			}
			return nil
		},
		Annotations:       map[string]string{readsConfig: "yes"},
		ValidArgsFunction: completeSnapshots,
		RunE: func(c *cobra.Command, args []string) error {
			if o.interleave {
				return runInterleaved(c.Context(), env, &o, args)
			}
			if name := o.loads(c); name != "" {
				return kv.WithHint(kv.Usagef("--%s compares no saved runs", name), "--interleave runs two targets in turn")
			}
			return runLoadCompare(c.Context(), env, o, args)
		},
	}
	o.bindScenario(c)
	o.bindWorkload(c)
	f := c.Flags()
	f.BoolVar(&o.interleave, "interleave", false, "BASE and HEAD are targets, which are loaded in turn, in pairs of runs")
	f.IntVar(&o.pairs, "pairs", 10, "with --interleave: how many pairs")
	f.Var(&o.limits, "max-regress", "exit 1 if a metric is worse by more than this: p99=10%,rate=5%")
	f.StringVar(&o.operation, "op", "", "compare one `OPERATION`, not all together")
	f.Var(&o.practical, "practical", "a change of less than this is none")
	bindExitZero(c, &o.exitZero)
	return c
}

func runLoadCompare(ctx context.Context, env *Env, o loadCompareOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	var recs [2]*recording.Recording
	for i, path := range paths {
		if recs[i], err = env.readRecording(ctx, path); err != nil {
			return err
		}
	}
	es, err := o.stored(recs)
	if err != nil {
		return err
	}
	differ := different(&recs[0].Meta, &recs[1].Meta)
	if differ != "" {
		es = compare.Void(es, differ)
	}
	r := o.draft(es, &recs[1].Meta, paths)
	r.Taken = recs[1].Began
	return o.conclude(env, outs, o.judge(r, es, nil), es, exitOK)
}

// loads returns a flag that was given and means nothing to runs that were saved.
func (o *loadCompareOptions) loads(c *cobra.Command) string {
	var of loadFlags
	view, known := &cobra.Command{}, &cobra.Command{}
	of.viewFlags.bind(view)
	of.bindScenario(known)
	of.bindWorkload(known)
	given := ""
	c.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "pairs" || known.Flags().Lookup(f.Name) != nil && view.Flags().Lookup(f.Name) == nil {
			given = f.Name
		}
	})
	return given
}

// stored compares the seconds of two runs.
func (o *loadCompareOptions) stored(recs [2]*recording.Recording) ([]compare.Effect, error) {
	class := -1
	if o.operation != "" {
		if class = slices.Index(recs[0].Meta.Classes, o.operation); class < 0 {
			return nil, kv.WithHint(kv.Usagef("--op %s: the run has no such operation", o.operation), "it has "+strings.Join(recs[0].Meta.Classes, ", "))
		}
	}
	base, err := recs[0].Responses(class)
	if err != nil {
		return nil, err
	}
	head, err := recs[1].Responses(class)
	if err != nil {
		return nil, err
	}
	return compare.Stored(o.metrics(), base, head, compare.Options{Practical: float64(o.practical)}), nil
}

// metrics are the usual ones, and those with a limit.
func (o *loadCompareOptions) metrics() []compare.Metric {
	ms := compare.Metrics()
	for _, l := range o.limits {
		if !slices.Contains(ms, l.metric) {
			ms = append(ms, l.metric)
		}
	}
	return ms
}

// different says in what two runs differ that ought to be the same, "" if in nothing.
func different(a, b *recording.Meta) string {
	var ds []string
	for _, d := range []struct {
		what string
		same bool
	}{
		{"scenario", a.Hash == b.Hash},
		{"seed", a.Seed == b.Seed},
		{"machine", a.CPU == b.CPU},
		{"server", a.Server == b.Server},
		{"operations", slices.Equal(a.Classes, b.Classes)},
	} {
		if !d.same {
			ds = append(ds, d.what)
		}
	}
	if len(ds) == 0 {
		return ""
	}
	return "the runs differ in " + strings.Join(ds, ", ")
}

// draft makes the document, without a verdict.
func (o *loadCompareOptions) draft(es []compare.Effect, m *recording.Meta, sides []string) *report.Report {
	return &report.Report{
		Schema: report.Schema, Kind: report.KindCompare, Tool: tool(), Findings: []report.Finding{}, Skipped: []report.Skip{}, Coverage: report.Coverage{Complete: true},
		Target:   report.Target{Adapter: "load", URL: sides[0] + " → " + sides[1], Product: m.Server, Facts: []report.Fact{}, Notes: []string{"scenario " + m.Scenario}},
		Sections: []report.Section{compare.Report(es)},
	}
}

// judge holds the document against the limits, and against further checks.
func (o *loadCompareOptions) judge(r *report.Report, es []compare.Effect, checks []report.Check) *report.Report {
	for _, l := range o.limits {
		for i := range es {
			if es[i].Metric == l.metric {
				checks = append(checks, es[i].Check(l.most))
			}
		}
	}
	judged, _ := report.Judge(r, nil, report.Policy{Checks: checks}) // there are no suppressions to warn of
	return judged
}

// conclude writes the report. A comparison that could say nothing of anything is incomplete, whatever was limited. Code is what else
// has come of it.
func (o *loadCompareOptions) conclude(env *Env, outs []output, r *report.Report, es []compare.Effect, code int) error {
	code = worst(code, gateCode(r.Gate))
	if !slices.ContainsFunc(es, func(e compare.Effect) bool { return !e.Void() }) {
		code = worst(code, exitIncomplete)
		env.say("warning", "inconclusive: "+es[0].Why)
	}
	if o.exitZero && (code == exitGate || code == exitIncomplete) {
		code = exitOK
	}
	if err := o.write(env, outs, r, code); err != nil {
		return &codeError{worst(exitUsage, code), err}
	}
	if code != exitOK {
		return &codeError{code, nil}
	}
	return nil
}

// A regression limits how much worse a metric may be.
type regression struct {
	metric compare.Metric
	most   float64
}

// maxRegress are limits, as a flag: p99=10%,rate=5%.
type maxRegress []regression

// Set reads what String writes.
func (m *maxRegress) Set(s string) error {
	for _, part := range strings.Split(s, ",") {
		name, limit, ok := strings.Cut(part, "=")
		metric, known := compare.ParseMetric(strings.TrimSpace(name))
		var p percent
		if !ok || !known || p.Set(strings.TrimSpace(limit)) != nil {
			return fmt.Errorf("want limits such as p99=10%%,rate=5%%")
		}
		*m = append(*m, regression{metric, float64(p)})
	}
	return nil
}

func (m *maxRegress) String() string {
	var parts []string
	for _, l := range *m {
		parts = append(parts, l.metric.Name+"="+percent(l.most).String())
	}
	return strings.Join(parts, ",")
}

// Type names the flag's value in help.
func (*maxRegress) Type() string { return "METRIC=SHARE" }
