package cmd

import (
	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
)

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

// loadReport makes the document of a recording, with the recording as its part.
func loadReport(rec *recording.Recording) (*report.Report, error) {
	sections, err := rec.Report()
	if err != nil {
		return nil, err
	}
	part, err := rec.Save()
	if err != nil {
		return nil, err
	}
	verdict, why := rec.Verdict()
	r := &report.Report{
		Schema: report.Schema, Kind: report.KindLoad, Tool: tool(), Taken: rec.Began, Sections: sections, Findings: []report.Finding{}, Skipped: []report.Skip{}, Parts: []report.Part{part},
		Target:   report.Target{Adapter: "load", URL: rec.Meta.Target, Product: rec.Meta.Server, Notes: []string{"scenario " + rec.Meta.Scenario}},
		Coverage: report.Coverage{Complete: verdict != recording.Incomplete},
	}
	if why != "" {
		r.Coverage.Why = []string{why}
	}
	return r, nil
}

// loadCode is the exit code that the verdict of a run asks for.
func loadCode(v recording.Verdict) int {
	switch v {
	case recording.Valid:
		return exitOK
	case recording.RateMissed:
		return exitGate
	}
	return exitIncomplete
}
