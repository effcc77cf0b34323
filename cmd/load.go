package cmd

import "github.com/spf13/cobra"

func newLoadCmd(env *Env) *cobra.Command {
	c := &cobra.Command{
		Use:   "load",
		Short: "Load a store, and say honestly how long it takes",
		Long: "Run loads against a store and say how long things take, from when they were due.\n" +
			"What writes does so under one prefix, with TTLs, and cleans up.",
		Args: noSuchCommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(
		newLoadRunCmd(env),
		newLoadListCmd(env),
		newLoadCompareCmd(env),
		newLoadMergeCmd(env),
		newLoadReplayCmd(env),
	)
	return c
}
