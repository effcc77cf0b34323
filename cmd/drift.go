package cmd

import "github.com/spf13/cobra"

func newDriftCmd(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "drift",
		Short: "How a keyspace leaves its plan: orphans, TTLs, growth, clean-up",
		Long: "Find out how a keyspace leaves its plan. Every command here reads; the one that\n" +
			"writes is drift clean --apply, and --undo, which takes that back.",
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newCleanCmd(env),
		newDriftDiffCmd(env),
		newGrowthCmd(env),
		newOrphansCmd(env),
		newSnapshotCmd(env),
		newTTLCmd(env),
	)
	return c
}
