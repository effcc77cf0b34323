package cmd

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
)

const snapshotLong = `Save what a keyspace is at the moment, to be compared and followed later: keys,
bytes, sizes, types and TTLs by template, and what the server says of itself.
No values, and of keys only a few names of each template.

The file is what kvtool audit --save writes: kvtool report shows and merges it,
drift diff and drift growth read it.`

func newSnapshotCmd(env *Env) *cobra.Command {
	var o auditOptions
	c := &cobra.Command{
		Use:   "snapshot [TARGET] --out FILE.kvr",
		Short: "Save what a keyspace is, to be compared later",
		Long:  snapshotLong,
		Example: "  kvtool drift snapshot redis://127.0.0.1:6379 --out monday.kvr\n" +
			"  kvtool drift snapshot dump.rdb --out dump.kvr --schema keys.yaml",
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runSnapshot(c.Context(), env, o)
		},
	}
	o.viewFlags.bind(c)
	f := c.Flags()
	f.StringVar(&o.save.path, "out", "", "the `FILE`.kvr to write")
	complete(c, "out", completeSnapshots)
	f.StringVar(&o.match, "match", "", "read only keys that match `GLOB`")
	f.Var(&o.depth, "depth", "what is asked of a live server: full; adaptive, of each template until it is known and then of a sample; count, names alone")
	f.Var(&o.rate, "rate", "read at most so many keys a second: 50k/s")
	f.DurationVar(&o.timeout, "timeout", 0, "stop after this time and save what was read")
	f.BoolVar(&o.noDemo, "no-demo", false, "fail without a TARGET instead of using demo:")
	f.Var(&o.now, "now", "take this time for now")
	f.StringVar(&o.progress, "progress", "auto", "progress on stderr: auto, line, plain, json, none")
	o.schema.bind(c)
	fixedValues(c, "depth", "full", "adaptive", "count")
	fixedValues(c, "progress", "auto", "line", "plain", "json", "none")
	return c
}

func runSnapshot(ctx context.Context, env *Env, o auditOptions) error {
	if o.save.path == "" {
		return kv.WithHint(kv.Usagef("drift snapshot: --out is missing"), "--out monday.kvr")
	}
	o.settings = settingsOf
	return runAudit(ctx, env, o)
}

// settingsOf returns what a store is set to: of several servers what they have in common. Nil is not known: it does not tell, or not
// this user, and no snapshot is worth failing for that.
func settingsOf(ctx context.Context, store kv.Store) map[string]string {
	s, err := kv.StatsOf(store)
	if err != nil {
		return nil
	}
	all, err := s.Stats(ctx)
	if err != nil || len(all) == 0 {
		return nil
	}
	var sum kv.Server
	for i := range all {
		one := kv.Server{Settings: all[i].Settings}
		if i == 0 {
			sum = one
			continue
		}
		sum.Add(&one)
	}
	if len(sum.Settings) == 0 {
		return nil
	}
	return sum.Settings
}

// set returns the settings that are to be saved.
func (o *auditOptions) set(ctx context.Context, store kv.Store) map[string]string {
	if o.settings == nil {
		return nil
	}
	return o.settings(ctx, store)
}
