package cmd

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/keydesign/compare"
	"github.com/kvtool/kvtool/keydesign/propose"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// diffOptions are the flags of keydesign diff.
type diffOptions struct {
	viewFlags
	scanFlags
	failOn   compare.Class
	exitZero bool
	minShare percent
}

const diffLong = `Say what changed between two key designs, by what it does to the keys that are
there: breaking (another key or type, a template removed), risky (a shorter TTL,
a lower limit, a reference removed), compatible (all else).

OLD and NEW are each a keys.yaml (a file that ends in .yaml or .yml), a snapshot
file of an audit, or a TARGET whose templates are inferred. Templates are paired
by name, then by the shape of their keys, then by what they hold. Of a keyspace
only its keys, types, TTLs and sizes are compared.`

func newDiffCmd(env *Env) *cobra.Command {
	o := diffOptions{minShare: 0.0001}
	c := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say what changed between two key designs, and what it breaks",
		Long:  diffLong,
		Example: "  kvtool keydesign diff keys.yaml new-keys.yaml --fail-on breaking\n" +
			"  kvtool keydesign diff keys.yaml @staging\n" +
			"  kvtool keydesign diff monday.kvr today.kvr -o md",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) != 2 {
				return kv.WithHint(kv.Usagef("%s takes two designs, not %d", c.CommandPath(), len(args)), "usage: "+c.UseLine())
			}
			return nil
		},
		Annotations: map[string]string{readsConfig: "yes"},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return []string{"yaml", "yml", "kvr"}, cobra.ShellCompDirectiveFilterFileExt
		},
		RunE: func(c *cobra.Command, args []string) error { return runDiff(c.Context(), env, o, args[0], args[1]) },
	}
	o.viewFlags.bind(c)
	o.scanFlags.bind(c)
	c.Flags().Var(&o.failOn, "fail-on", "exit 1 if a change is as bad as this: breaking, risky")
	bindExitZero(c, &o.exitZero)
	c.Flags().Var(&o.minShare, "min-share", "leave out templates with less than this share of the keys and of the bytes")
	fixedValues(c, "fail-on", "breaking", "risky")
	return c
}

// A design is one side of a comparison.
type design struct {
	*schema.Schema
	observed bool
	code     int // of the exit, where not all of a keyspace was read
	err      error
}

func runDiff(ctx context.Context, env *Env, o diffOptions, before, after string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	old, err := o.design(ctx, env, before, writtenBy(outs))
	if err != nil {
		return err
	}
	now, err := o.design(ctx, env, after, writtenBy(outs))
	if err != nil {
		return err
	}
	changes := compare.Schemas(old.Schema, now.Schema, compare.Sides{OldObserved: old.observed, NewObserved: now.observed})
	r := compare.Report(changes, old.name(before), now.name(after), env.Now())
	r.Tool = tool()
	compare.Judge(r, changes, o.failOn)
	g := gate{flags: &gateFlags{exitZero: o.exitZero}}
	return g.conclude(env, &o.viewFlags, outs, r, worst(old.code, now.code), cmp.Or(old.err, now.err), nil)
}

// design reads a schema, or infers one from a keyspace.
func (o *diffOptions) design(ctx context.Context, env *Env, arg string, writes []written) (*design, error) {
	if ext := filepath.Ext(arg); ext == ".yaml" || ext == ".yml" {
		s, err := loadSchema(arg)
		if err != nil {
			return nil, err
		}
		return &design{Schema: s}, nil
	}
	k, err := o.keyspace(ctx, env, []string{arg}, writes...)
	if err != nil {
		return nil, err
	}
	p := propose.From(k.Facts, propose.Options{MinShare: float64(o.minShare)})
	s := *p.Schema
	s.Files = []string{k.report.Target.URL} // which holds no secret
	return &design{&s, true, k.code, k.err}, nil
}

// name is what the report calls a design: its file, or the target without its secrets.
func (d *design) name(arg string) string {
	if d.observed {
		return d.Files[0]
	}
	return arg
}
