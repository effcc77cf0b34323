package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// kindDoctor is the kind of a report about a target itself, not its keys.
const kindDoctor = "doctor"

// doctorFormats are the formats that show facts. The others are of what a scan has read.
var doctorFormats = [...]string{"text", "json", "jsonl"}

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	viewFlags
	args    []string
	timeout time.Duration
	noDemo  bool
}

func newDoctorCmd(env *Env) *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor [TARGET]",
		Short: "Say what can be known of a target, and why the rest cannot",
		Long: "Connect to a target, try each command that an audit would use and say what\nworks. " +
			"Nothing is written, and no more than a few pages of names are\nread of each server.",
		Example:           "  kvtool doctor redis://127.0.0.1:6379\n  kvtool doctor dump.rdb -o json",
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runDoctor(c.Context(), env, o)
		},
	}
	o.viewFlags.bind(c)
	c.Flags().DurationVar(&o.timeout, "timeout", 10*time.Second, "give up after this time")
	bindNoDemo(c, &o.noDemo)
	return c
}

func runDoctor(ctx context.Context, env *Env, o doctorOptions) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	for _, out := range outs {
		if !slices.Contains(doctorFormats[:], out.format.Name) {
			return kv.WithHint(kv.Usagef("doctor has no output in %s", out.format.Name), "formats: "+strings.Join(doctorFormats[:], ", "))
		}
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, fmt.Errorf("%w %s", errTimeout, o.timeout))
	defer cancel()
	store, _, err := env.open(ctx, opening{args: o.args, noDemo: o.noDemo, writes: writtenBy(outs)})
	if err != nil {
		return err
	}
	defer store.Close()
	info, err := store.Info(ctx)
	if err != nil {
		return targetError(ended(ctx, err))
	}
	scanErr := ended(ctx, firstKey(ctx, store, info))
	r := env.examine(info, scanErr)
	code := exitCode(targetError(scanErr))
	if scanErr != nil && blind(r) {
		code = exitIncomplete
	}
	if err := o.write(env, outs, r, code); err != nil {
		return err
	}
	if scanErr == nil {
		return nil
	}
	return &codeError{code, scanErr}
}

// firstKey reads one key, which shows whether an audit could begin. Where that would be a burden to the store, it is only planned,
// and info says what it would be.
func firstKey(ctx context.Context, store kv.Store, info *kv.Info) error {
	plan, err := kv.PlanOf(ctx, store)
	if err != nil {
		return err
	}
	if len(plan.Burden) > 0 {
		info.Notes = append(info.Notes, plan.Burden...)
		return nil
	}
	for _, err := range store.Scan(ctx, kv.ScanOptions{}) {
		return err
	}
	return nil
}

// examine makes the report: what the store says of itself, what of its facts, and what the terminal can show.
func (e *Env) examine(info *kv.Info, scanErr error) *report.Report {
	r := &report.Report{
		Schema:   report.Schema,
		Kind:     kindDoctor,
		Tool:     tool(),
		Target:   report.Target{Adapter: info.Adapter, URL: info.Target, Product: info.Product, Version: info.Version, Notes: info.Notes},
		Taken:    e.Now().UTC(),
		Findings: []report.Finding{},
		Skipped:  []report.Skip{},
	}
	if info.Memory > 0 {
		r.Target.Memory = &info.Memory
	}
	if info.KeysKnown {
		r.Coverage.Of = &info.Keys
	}
	table := report.Table{Name: "facts", Title: "Facts", Columns: []report.Column{
		{Name: "fact", Unit: report.UnitText}, {Name: "how", Unit: report.UnitText}, {Name: "why", Unit: report.UnitText},
	}}
	row := func(name, how, why string) {
		table.Rows = append(table.Rows, []report.Value{report.Text(name), report.Text(how), report.Text(why)})
	}
	row("read", readState(scanErr), reading(info, scanErr))
	r.Target.Facts = make([]report.Fact, 0, len(info.Facts))
	for _, f := range info.Facts {
		r.Target.Facts = append(r.Target.Facts, report.Fact{Name: f.Name, How: f.How.String(), Why: f.Why, Hint: f.Hint})
		why := f.Why
		if f.Hint != "" {
			why += "; " + f.Hint
		}
		row(f.Name, f.How.String(), why)
	}
	row("terminal", "", e.terminal())
	r.Sections = []report.Section{{Name: "facts", Title: "Facts", Metrics: []report.Metric{}, Tables: []report.Table{table}}}
	return r
}

func readState(err error) string {
	if err != nil {
		return "failed"
	}
	return "works"
}

// reading says what an audit would have to read, or why it could not.
func reading(info *kv.Info, err error) string {
	switch {
	case err != nil:
		return oneLine(err)
	case info.KeysKnown:
		return "about " + humanize.Exact(info.Keys) + " keys"
	}
	return "number of keys unknown"
}

// terminal says what text will look like here.
func (e *Env) terminal() string {
	if !e.TTY {
		return "stdout is no terminal: no colour"
	}
	parts := []string{"width unknown"}
	if e.Width > 0 {
		parts[0] = fmt.Sprintf("%d columns", e.Width)
	}
	if e.colored("auto", true) {
		parts = append(parts, "colour")
	} else {
		parts = append(parts, "no colour")
	}
	return strings.Join(parts, ", ")
}
