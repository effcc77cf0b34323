package cmd

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/report/render"
)

// Flags that several commands have. Each is bound here alone, so that it has the same meaning, words, default and completion
// wherever it is: TestFlags holds commands to that.

func bindMatch(c *cobra.Command, glob *string) {
	c.Flags().StringVar(glob, "match", "", "read only keys that match `GLOB`")
}

func bindDepth(c *cobra.Command, d *audit.Depth) {
	c.Flags().Var(d, "depth", "what is asked of a live server: full; adaptive, of each template until it is known and then of a sample; count, names alone")
	fixedValues(c, "depth", "full", "adaptive", "count")
}

func bindRate(c *cobra.Command, r *rate) {
	c.Flags().Var(r, "rate", "read at most so many keys a second: 50k/s")
}

// bindMaxImpact gives a command that reads keys the flag which says how much slower a server may be for others meanwhile. Its value
// goes to whatever the command opens (Env.complete).
func bindMaxImpact(c *cobra.Command) {
	c.Flags().Var(new(impact), "max-impact",
		"how much slower a Redis server may answer others while it is read: 3x,2ms is three times, and 2 ms more in any case; beyond "+
			"that it is read more slowly, or not to the end; off: nobody watches")
	fixedValues(c, "max-impact", "3x,2ms", "10x", "off")
}

func bindTimeout(c *cobra.Command, limit *time.Duration) {
	c.Flags().DurationVar(limit, "timeout", 0, "stop after this time, and go by what was read")
}

func bindNoDemo(c *cobra.Command, off *bool) {
	c.Flags().BoolVar(off, "no-demo", false, "fail without a TARGET instead of using demo:")
}

func bindNow(c *cobra.Command, t *instant) {
	c.Flags().Var(t, "now", "take this time for now")
}

func bindProgress(c *cobra.Command, mode *string) {
	bindWord(c, mode, "progress", "auto", "progress on stderr: auto, line, plain, json, none", "auto", "line", "plain", "json", "none")
}

func bindColor(c *cobra.Command, when *string) {
	bindWord(c, when, "color", "auto", "`WHEN` to colour: auto, always, never", "auto", "always", "never")
}

func bindASCII(c *cobra.Command, ascii *bool) {
	c.Flags().BoolVar(ascii, "ascii", false, "write no byte over 127")
}

func bindKeyMode(c *cobra.Command, m *render.KeyMode) {
	c.Flags().Var(m, "keys", "how much of key names to show: full, masked, template, hash (default: full where a person or a program of yours reads; template in what is passed on)")
	fixedValues(c, "keys", render.KeyModes()...)
}

func bindWidth(c *cobra.Command, columns *int) {
	c.Flags().IntVar(columns, "width", 0, "columns of text (default: the terminal's, else 80; at least 60)")
}

func bindExitZero(c *cobra.Command, on *bool) {
	c.Flags().BoolVar(on, "exit-zero", false, "exit 0 where the gate would exit 1 or 4")
}

func bindRecheck(c *cobra.Command, pause *time.Duration) {
	c.Flags().DurationVar(pause, "recheck", orphans.DefaultRecheck, "time between the two questions about an orphan: longer than a write in several steps takes")
}

func bindTrace(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "trace", "", "take accesses from `FILE`, - for stdin: what redis-cli MONITOR printed, or another trace")
}

func bindThresholds(c *cobra.Command, limits *[]string) {
	c.Flags().StringArrayVar(limits, "threshold", nil, "`LIMIT` that is to hold, repeatable: 'p99 < 5ms'")
}
