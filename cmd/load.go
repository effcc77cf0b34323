package cmd

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/hlog"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
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
		newLoadFindMaxCmd(env),
		newLoadListCmd(env),
		newLoadCompareCmd(env),
		newLoadMergeCmd(env),
		newLoadReplayCmd(env),
		newLoadLearnCmd(env),
	)
	return c
}

// storeFlags are the flags of commands that put a store under load.
type storeFlags struct {
	keep     bool
	writes   bool
	timeout  time.Duration
	progress string
}

func (o *storeFlags) bind(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.keep, "keep", false, "leave what was written; it expires by its TTLs")
	f.BoolVar(&o.writes, "allow-writes", false, "load a target that holds keys")
	f.DurationVar(&o.timeout, "op-timeout", 0, "the longest that one step may take (default 5s)")
	bindProgress(c, &o.progress)
}

// runFlags are the flags of commands that leave a recording.
type runFlags struct {
	failOn     failOn
	thresholds []string
	out        string
	hlog       string
}

func (o *runFlags) bind(c *cobra.Command) {
	f := c.Flags()
	bindThresholds(c, &o.thresholds)
	f.Var(&o.failOn, "fail-on", "exit 1 if there is a finding as bad as this: error, warning, info, never")
	fixedValues(c, "fail-on", "error", "warning", "info", "never")
	f.StringVar(&o.out, "out", "", "save the run as a snapshot `FILE`.kvr, for load compare, load merge and report; - writes it into the log, as base64")
	f.StringVar(&o.hlog, "hlog", "", "write an interval log of HdrHistogram to `FILE`")
	complete(c, "out", completeSnapshots)
}

// check refuses before the run what could not be written after it.
func (o *runFlags) check(outs []output) error {
	for _, out := range outs {
		for _, path := range []string{o.out, o.hlog} {
			if path != "" && samePlace(out.path, path) {
				return kv.WithHint(kv.Usagef("-o and another flag both write to %s", path), "give each a path of its own")
			}
		}
	}
	if o.out == toLog {
		return errors.Join(checkLog(outs), checkPath("--hlog "+o.hlog, o.hlog))
	}
	return errors.Join(checkPath("--out "+o.out, o.out), checkPath("--hlog "+o.hlog, o.hlog))
}

// thresholdsOf reads thresholds, each once, with those that hold for every run.
func thresholdsOf(texts []string, closed bool) ([]threshold.Threshold, error) {
	if !closed {
		texts = append(texts, threshold.BuiltIn)
	}
	var all []threshold.Threshold
	seen := map[string]bool{}
	for _, text := range texts {
		t, err := threshold.Parse(text)
		if err != nil {
			return nil, err
		}
		if !seen[t.Text] {
			all, seen[t.Text] = append(all, t), true
		}
	}
	return all, nil
}

// save writes the run to the files that --out and --hlog name, or into the log.
func (o *runFlags) save(log io.Writer, r *report.Report, rec *recording.Recording) error {
	var errs []error
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{o.out, func(w io.Writer) error { return kvr.Write(w, r) }},
		{o.hlog, func(w io.Writer) error { return hlog.Write(w, rec) }},
	} {
		if f.path == "" {
			continue
		}
		if f.path == toLog {
			errs = append(errs, writeArmoured(log, r))
			continue
		}
		if err := writeFile(f.path, f.write); err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", f.path, err))
		}
	}
	return errors.Join(errs...)
}
