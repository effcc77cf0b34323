package cmd

import (
	"context"
	"errors"
	"maps"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func newReportCmd(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "report",
		Short: "Show, convert and merge saved reports",
		Long: "Read what an audit has saved: a snapshot file (kvtool audit TARGET --save\n" +
			"FILE.kvr), the JSON of a report (-o json=FILE.json) or its page (-o\n" +
			"html=FILE.html). No store is asked anything.",
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newShowCmd(env), newConvertCmd(env), newMergeCmd(env), newReportServeCmd(env))
	return c
}

// showOptions are the flags of the commands that show one report.
type showOptions struct {
	viewFlags
	gateFlags
}

func newShowCmd(env *Env) *cobra.Command {
	var o showOptions
	c := &cobra.Command{
		Use:               "show FILE",
		Short:             "Show a saved report, and judge it",
		Example:           "  kvtool report show prod.kvr\n  kvtool report show prod.kvr --section templates --top 100\n  kvtool report show prod.json --fail-on error",
		Args:              oneReport,
		ValidArgsFunction: completeReports,
		RunE: func(c *cobra.Command, args []string) error {
			return runShow(c.Context(), env, o, args[0])
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	return c
}

func newConvertCmd(env *Env) *cobra.Command {
	var o showOptions
	c := &cobra.Command{
		Use:               "convert FILE -o FORMAT[=PATH]",
		Short:             "Write a saved report in other formats",
		Example:           "  kvtool report convert prod.kvr -o md=prod.md -o json=prod.json\n  kvtool report convert prod.kvr -o csv --section biggest",
		Args:              oneReport,
		ValidArgsFunction: completeReports,
		RunE: func(c *cobra.Command, args []string) error {
			if len(o.outputs) == 0 {
				return kv.WithHint(kv.Usagef("%s: -o is missing", c.CommandPath()), "say what to write: -o json, -o md=FILE.md; kvtool report show prints text")
			}
			return runShow(c.Context(), env, o, args[0])
		},
	}
	o.viewFlags.bind(c)
	return c
}

// runShow writes the report of a file. That the report is not complete is the file's matter, and no failure; that the file is
// damaged is one.
func runShow(ctx context.Context, env *Env, o showOptions, path string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, instant{})
	if err != nil {
		return err
	}
	r, damage := env.readReport(ctx, path)
	if r == nil {
		return damage
	}
	if g.past = !o.asked(); !g.past {
		r = g.judge(env, r, ranIn(r))
	}
	return g.conclude(env, &o.viewFlags, outs, r, exitCode(damage), damage, nil)
}

// mergeOptions are the flags of merge.
type mergeOptions struct {
	viewFlags
	gateFlags
	schema schemaFlag
	save   saveFlag
}

const mergeLong = `Add saved audits together: the report of one audit that has read all that they
have read, such as the shards of a cluster whose dumps lie on several machines.

The files must hold the same analyses in the same configuration (--only, --top),
and be of stores that share no key: nothing can tell that a key is in two of
them. With parts taken at several times the report is of the earliest. Audits of
a schema need the same --schema again.`

func newMergeCmd(env *Env) *cobra.Command {
	var o mergeOptions
	c := &cobra.Command{
		Use:   "merge FILE.kvr FILE.kvr…",
		Short: "Add saved audits of several stores together",
		Long:  mergeLong,
		Example: "  kvtool report merge shard-*.kvr\n" +
			"  kvtool report merge a.kvr b.kvr --out all.kvr -o md=all.md",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 {
				return kv.WithHint(kv.Usagef("%s takes two files or more, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
			}
			return nil
		},
		ValidArgsFunction: completeSnapshots,
		RunE: func(c *cobra.Command, args []string) error {
			return runMerge(c.Context(), env, o, args)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	o.schema.bind(c)
	o.save.bindOut(c)
	return c
}

func runMerge(ctx context.Context, env *Env, o mergeOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := o.save.check(outs); err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, instant{})
	if err != nil {
		return err
	}
	runs := make([]audit.Saved, len(paths))
	var damages []error
	for i, path := range paths {
		r, damage := env.readReport(ctx, path)
		if r == nil {
			return damage
		}
		runs[i] = audit.Saved{Name: path, Report: r, Damaged: damage != nil}
		damages = append(damages, damage)
	}
	s, err := o.schema.load()
	if err != nil {
		return err
	}
	r, err := audit.Merge(analyzersOf(s, audit.ConfigOf(runs[0].Report).Top), runs...)
	if err != nil {
		return err
	}
	r.Tool = tool()
	judged := map[string]bool{}
	for _, id := range mergeServers(r, runs) {
		judged[id] = true
	}
	addFixes(r)
	failed := o.save.write(r)
	damage := errors.Join(damages...)
	code := partialCode(r, damage)
	maps.Copy(judged, ran(r, analyzersOf(s, 0)))
	r = g.judge(env, r, judged)
	return g.conclude(env, &o.viewFlags, outs, r, code, damage, failed)
}

// mergeServers adds to a merged report what the saved ones say of their servers, and returns the rules that all were held against.
func mergeServers(r *report.Report, runs []audit.Saved) []string {
	parts := make([]*report.Report, len(runs))
	for i := range runs {
		parts[i] = runs[i].Report
	}
	return triage.MergeSetup(r, parts...)
}

// oneReport is cobra.ExactArgs(1).
func oneReport(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return kv.WithHint(kv.Usagef("%s takes one file, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
	}
	return nil
}

func completeReports(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"kvr", "json", "html"}, cobra.ShellCompDirectiveFilterFileExt
}

func completeSnapshots(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"kvr"}, cobra.ShellCompDirectiveFilterFileExt
}
