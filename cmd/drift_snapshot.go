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
	o.save.bindOut(c)
	o.scanFlags.bind(c)
	bindNow(c, &o.now)
	o.schema.bind(c)
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
