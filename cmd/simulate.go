package cmd

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/price"
	"github.com/kvtool/kvtool/keydesign/cost"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/keydesign/simulate"
	"github.com/kvtool/kvtool/keydesign/table"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func newSimulateCostGroupCmd(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Say what a table would cost",
		Args:  noSuchCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newSimulateCostCmd(env))
	return c
}

// costOptions are the flags of simulate cost.
type costOptions struct {
	viewFlags
	schema        schemaFlag
	reads, writes rate
	used          float64
	indexes       []string
	backup        bool
	replicas      int
	prices        string
	print         bool
}

const costLong = `Price a table of DynamoDB: what it would cost a month on demand and provisioned,
in both classes of tables, with its indexes and backups.

What it holds is that of a TARGET (dynamodb://, ddb-export:), of the JSON of its
audit, or of a schema (--schema), which also says what is read and written. Of a
target --reads and --writes say how many items a second are read and written.

Prices are a dated list that comes with kvtool, of one region. --print-prices
writes it, and --prices FILE takes another in its place.`

func newSimulateCostCmd(env *Env) *cobra.Command {
	var o costOptions
	c := &cobra.Command{
		Use:   "cost [TARGET | FILE.json]",
		Short: "Price a table of DynamoDB, by an audit or by a schema",
		Long:  costLong,
		Example: "  kvtool simulate cost ddb-export:DIR --reads 500/s --writes 100/s\n" +
			"  kvtool simulate cost --schema keys.yaml\n" +
			"  kvtool simulate cost dynamodb://orders --prices prices.yaml --yes",
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			if o.print {
				_, err := fmt.Fprint(env.Stdout, price.Text())
				return err
			}
			return runCost(c.Context(), env, &o, args)
		},
	}
	o.viewFlags.bind(c)
	o.schema.bind(c)
	f := c.Flags()
	f.Var(&o.reads, "reads", "so many items are read a `RATE`, such as 500/s; reads may be stale")
	f.Var(&o.writes, "writes", "so many items are written a `RATE`, such as 100/s")
	f.Float64Var(&o.used, "used", 0.35, "`SHARE` of provisioned capacity that is used, from 0 to 1")
	f.StringArrayVar(&o.indexes, "index", nil, "an index that the target does not tell, `NAME=all|keys`; repeatable")
	f.BoolVar(&o.backup, "backup", false, "with continuous backups")
	f.IntVar(&o.replicas, "replicas", 0, "in so many other regions")
	f.StringVar(&o.prices, "prices", "", "take the prices of this `FILE`")
	f.BoolVar(&o.print, "print-prices", false, "write the list of prices that kvtool has, and price nothing")
	return c
}

func runCost(ctx context.Context, env *Env, o *costOptions, args []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	prices, err := price.Load(o.prices)
	if err != nil {
		return err
	}
	if !(o.used > 0 && o.used <= 1) || o.replicas < 0 {
		return kv.WithHint(kv.Usagef("--used %g --replicas %d", o.used, o.replicas), "--used is above 0 and at most 1; --replicas is not negative")
	}
	declared, err := o.schema.load()
	if err != nil {
		return err
	}
	u := &cost.Use{Used: o.used, Backup: o.backup, Replicas: o.replicas}
	r := &report.Report{Schema: report.Schema, Kind: report.KindSimulate, Tool: tool(), Taken: env.Now().UTC(), Findings: []report.Finding{}, Skipped: []report.Skip{}}
	switch {
	case declared != nil && len(args) > 0:
		return kv.WithHint(kv.Usagef("a TARGET and --schema: name one of them"), "--schema says what there is and what is asked without any store")
	case declared != nil:
		err = o.ofSchema(declared, u, r)
	case len(args) == 0:
		return kv.WithHint(kv.Usagef("nothing to price"), "name a table, an export, or a schema: --schema keys.yaml")
	default:
		err = o.ofTarget(ctx, env, args, u, r)
	}
	if err != nil {
		return err
	}
	if err := o.addIndexes(u); err != nil {
		return err
	}
	r.Coverage.Complete = true
	r.Sections = append(cost.Sections(u, prices), r.Sections...)
	r.Target.Notes = append(r.Target.Notes, cost.Notes(u, prices)...)
	return o.write(env, outs, r, exitOK)
}

// ofSchema takes what a schema declares, as keydesign simulate has it.
func (o *costOptions) ofSchema(s *schema.Schema, u *cost.Use, r *report.Report) error {
	s.Store.Kind = schema.DynamoDB
	m, err := simulate.Run(s, simulate.Options{})
	if err != nil {
		return err
	}
	r.Target = m.Target
	u.Items, u.Bytes = float64(*m.Coverage.Of), metricOf(m, "memory", "bytes")
	u.ReadUnits, u.WriteUnits = metricOf(m, "capacity", "read_units"), metricOf(m, "capacity", "write_units")
	for i := range s.Templates {
		for _, x := range s.Templates[i].Item.Indexes {
			if !slices.ContainsFunc(u.Table.Indexes, func(y kv.Index) bool { return y.Name == x.Name }) {
				u.Table.Indexes = append(u.Table.Indexes, kv.Index{Name: x.Name, Local: x.Local, Projection: "all"})
			}
		}
	}
	return nil
}

// metricOf returns a number of a report; 0 where it is not there.
func metricOf(r *report.Report, section, name string) float64 {
	s := r.Section(section)
	if s == nil {
		return 0
	}
	for _, m := range s.Metrics {
		if f, ok := m.Value.Number(); ok && m.Name == name {
			return f
		}
	}
	return 0
}

// ofTarget reads a target, or the report of one.
func (o *costOptions) ofTarget(ctx context.Context, env *Env, args []string, u *cost.Use, r *report.Report) error {
	audited, err := o.audited(ctx, env, args, u)
	if err != nil {
		return err
	}
	capacity := audited.Section("capacity")
	if capacity == nil {
		return kv.WithHint(kv.Usagef("%s is no table of DynamoDB: it has no section capacity", args[0]), "dynamodb://TABLE, ddb-export:DIR, or the JSON of an audit of one")
	}
	r.Target = audited.Target
	u.Items, u.Bytes = metricOf(audited, "capacity", "items"), metricOf(audited, "capacity", "bytes")
	u.ReadUnits = float64(o.reads) * metricOf(audited, "capacity", "read_units_per_item") / 2
	u.WriteUnits = float64(o.writes) * metricOf(audited, "capacity", "write_units_per_item")
	return nil
}

// audited returns the report of what args name.
func (o *costOptions) audited(ctx context.Context, env *Env, args []string, u *cost.Use) (*report.Report, error) {
	if isSnapshot(args[0]) || strings.HasSuffix(args[0], ".json") {
		return env.readReport(ctx, args[0])
	}
	store, _, err := env.open(ctx, opening{args: args, noDemo: true, use: toScan})
	if err != nil {
		return nil, err
	}
	defer store.Close()
	info, err := store.Info(ctx)
	if err != nil {
		return nil, targetError(ended(ctx, err))
	}
	u.Table = info.Table
	u.Backup, u.Replicas = u.Backup || info.Table.Backup == "on", max(u.Replicas, info.Table.Replicas)
	r, err := audit.Run(ctx, store, table.Analyzers(), audit.Options{Parallel: parallel, Now: env.Now})
	if err != nil {
		return nil, targetError(ended(ctx, err))
	}
	return r, nil
}

// addIndexes adds the indexes that flags name.
func (o *costOptions) addIndexes(u *cost.Use) error {
	for _, text := range o.indexes {
		name, projection, ok := strings.Cut(text, "=")
		if !ok || name == "" || projection != "all" && projection != "keys" {
			return kv.WithHint(kv.Usagef("--index %q", text), "--index NAME=all, or NAME=keys")
		}
		u.Table.Indexes = append(u.Table.Indexes, kv.Index{Name: name, Projection: projection})
	}
	return nil
}
