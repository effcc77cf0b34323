package cmd

import (
	"cmp"
	"context"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/keydesign/fit"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// lintOptions are the flags of lint.
type lintOptions struct {
	viewFlags
	gateFlags
	now instant
}

const lintLong = `Hold the rules of key design against keys.yaml, the file in which a team writes
down its keys: before there is any code, and without a store.

Several files are one schema; - is stdin. A finding can be accepted where the
key is designed, with a reason: lint: {ignore: [{rule: KD009, reason: …}]}.
Rules that lack a fact are listed as not evaluated (--section schema), not as
passed.`

// schemaFile is what commands on a schema read if they are not told.
const schemaFile = "keys.yaml"

func newLintCmd(env *Env) *cobra.Command {
	o := lintOptions{gateFlags: gateFlags{always: true}}
	c := &cobra.Command{
		Use:   "lint [FILE…]",
		Short: "Judge the design of keys before there are any",
		Long:  lintLong,
		Example: "  kvtool keydesign lint keys.yaml\n" +
			"  kvtool keydesign lint keys.yaml --fail-on warning -o text -o json=lint.json\n" +
			"  kvtool keydesign lint keys.yaml --section schema",
		Annotations:       map[string]string{readsConfig: "yes"},
		ValidArgsFunction: completeSchemas,
		RunE: func(c *cobra.Command, args []string) error {
			return runLint(c.Context(), env, o, args)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	bindNow(c, &o.now)
	return c
}

func completeSchemas(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

func runLint(ctx context.Context, env *Env, o lintOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, paths...)
	if err != nil {
		return err
	}
	s, err := env.openJudged(paths, g)
	if err != nil {
		return err
	}
	result := lint.Check(s)
	r := lintReport(s, &result, g.policy.Now)
	r = g.judge(env, r, result.Judged)
	return g.conclude(env, &o.viewFlags, outs, r, exitOK, nil, nil)
}

// openSchema reads the schema of a command that takes files of keys.yaml; - is stdin, and none is the file that the
// configuration names, else keys.yaml.
func (e *Env) openSchema(paths []string) (*schema.Schema, error) {
	if len(paths) == 0 {
		path, _ := e.conf.file("keydesign.schema")
		if path == "" && !exists(schemaFile) {
			return nil, kv.WithHint(kv.Usagef("there is no %s here", schemaFile), "name a FILE, or keydesign.schema in .kvtool.yaml; kvtool keydesign infer TARGET --out "+schemaFile+" writes a first one")
		}
		return loadSchema(cmp.Or(path, schemaFile))
	}
	i := slices.Index(paths, "-")
	if i < 0 {
		return loadSchema(paths...)
	}
	if len(paths) > 1 {
		return nil, kv.WithHint(kv.Usagef("- is stdin, and takes no other FILE beside it"), "name files, or pipe one schema in")
	}
	data, err := io.ReadAll(io.LimitReader(e.Stdin, schema.MaxSize+1))
	if err != nil {
		return nil, kv.Usagef("reading stdin: %w", reason(err))
	}
	return schema.Parse(schema.Source{Name: "stdin", Data: data})
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// openJudged reads a schema that is itself what is judged: what it accepts by lint.ignore, the gate accepts.
func (e *Env) openJudged(paths []string, g *gate) (*schema.Schema, error) {
	s, err := e.openSchema(paths)
	if err != nil {
		return nil, err
	}
	if err := checkIgnores(s); err != nil {
		return nil, err
	}
	g.policy.Suppressions = append(g.policy.Suppressions, lint.Suppressions(s)...)
	return s, nil
}

// checkIgnores refuses a lint.ignore of a rule that there is not: it would accept nothing, and nobody would notice.
func checkIgnores(s *schema.Schema) error {
	for _, ig := range lint.Suppressions(s) {
		if _, err := findRule(ig.Rule); err != nil {
			return kv.WithHint(kv.Usagef("%s:%d: lint.ignore: %w", ig.Pos.File, ig.Pos.Line, err), kv.Hint(err))
		}
	}
	return nil
}

// lintReport is the report on a schema. Its target is the files, and what was covered is counted in templates.
func lintReport(s *schema.Schema, result *lint.Result, now time.Time) *report.Report {
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindLint, Tool: tool(), Taken: now.UTC(),
		Target:   report.Target{Adapter: "schema", URL: strings.Join(s.Files, ", "), Facts: []report.Fact{}},
		Design:   designOf(s, len(result.Judged)),
		Coverage: report.Coverage{Keys: int64(len(s.Templates)), Complete: true},
		Sections: []report.Section{result.Section, *fit.Section(s, nil)},
		Findings: append([]report.Finding{}, result.Findings...),
		Skipped:  []report.Skip{},
	}
	addFixes(r)
	return r
}
