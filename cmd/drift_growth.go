package cmd

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/drift/growth"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// growthOptions are the flags of drift growth.
type growthOptions struct {
	viewFlags
	gateFlags
	schema    schemaFlag
	headroom  percent
	maxMemory byteSize
}

const growthLong = `Tell from snapshots of one store what grows, and when its memory is full: as an
interval that holds the day in 95 of 100 histories, never as one date.

Restarts and steps are taken out, and nothing before a FLUSHALL counts. Keys
that expire are not drawn on as a line: they level off at what is written in the
time that one of them lives. Three snapshots are the least, more are better.`

func newGrowthCmd(env *Env) *cobra.Command {
	o := growthOptions{headroom: 0.9}
	c := &cobra.Command{
		Use:     "growth FILE.kvr…",
		Short:   "What grows, and when memory is full",
		Long:    growthLong,
		Example: "  kvtool drift growth week-*.kvr\n  kvtool drift growth *.kvr --maxmemory 16GiB --fail-on warning",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return kv.WithHint(kv.Usagef("%s takes snapshots", c.CommandPath()), "take them with kvtool drift snapshot TARGET --out FILE.kvr")
			}
			return nil
		},
		ValidArgsFunction: completeSnapshots,
		RunE: func(c *cobra.Command, args []string) error {
			return runGrowth(c.Context(), env, o, args)
		},
	}
	o.viewFlags.bind(c)
	o.gateFlags.bind(c)
	o.schema.bind(c)
	c.Flags().Var(&o.headroom, "headroom", "how much of maxmemory may be used: the rest is for buffers and copies on write")
	c.Flags().Var(&o.maxMemory, "maxmemory", "how much memory there is, where the server has no limit of its own")
	return c
}

func runGrowth(ctx context.Context, env *Env, o growthOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	s, err := o.schema.load()
	if err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, instant{})
	if err != nil {
		return err
	}
	var points []growth.Point
	var last *report.Report
	var damages []error
	url := ""
	for _, path := range paths {
		r, damage := env.readReport(ctx, path)
		if r == nil {
			return damage
		}
		damages = append(damages, damage)
		if url != "" && r.Target.URL != url {
			return kv.WithHint(kv.Usagef("%s is of %s, and %s of %s: growth is of one store", path, r.Target.URL, paths[0], url), "kvtool drift diff compares two stores")
		}
		url = r.Target.URL
		p, err := growth.PointOf(path, s, r)
		if err != nil {
			return kv.WithHint(kv.Usagef("%w", err), "snapshots are read together that were taken alike: with the same --schema or without one, and with all analyses")
		}
		points = append(points, p)
		if last == nil || r.Taken.After(last.Taken) {
			last = r
		}
	}
	r := growth.Read(points, growth.Options{Headroom: float64(o.headroom), MaxMemory: float64(o.maxMemory)}).Report(last)
	r.Tool = tool()
	addFixes(r)
	damage := errors.Join(damages...)
	code := partialCode(r, damage)
	return g.conclude(env, &o.viewFlags, outs, g.judge(env, r, map[string]bool{"KD089": true}), code, damage, nil)
}
