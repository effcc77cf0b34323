package cmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// loadMergeOptions are the flags of load merge.
type loadMergeOptions struct {
	viewFlags
	out          saveFlag
	allowMissing bool
}

const loadMergeLong = `Add the parts of one run together: each ran on a machine of its own, with
kvtool load run --part I/N. Counts are added, second by second, so that what is
said is what one machine would have said that had run it all; percentiles are
never averaged. The verdict is that of the worst part.`

func newLoadMergeCmd(env *Env) *cobra.Command {
	var o loadMergeOptions
	c := &cobra.Command{
		Use:     "merge FILE.kvr…",
		Short:   "Add the parts of a run together, exactly",
		Long:    loadMergeLong,
		Example: "  kvtool load merge part-*.kvr --out all.kvr",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return kv.WithHint(kv.Usagef("%s takes files", c.CommandPath()), "usage: "+c.UseLine())
			}
			return nil
		},
		ValidArgsFunction: completeSnapshots,
		RunE:              func(c *cobra.Command, args []string) error { return runLoadMerge(c.Context(), env, o, args) },
	}
	o.viewFlags.bind(c)
	c.Flags().StringVar(&o.out.path, "out", "", "save the sum as a snapshot `FILE`.kvr")
	complete(c, "out", completeSnapshots)
	c.Flags().BoolVar(&o.allowMissing, "allow-missing", false, "merge what there is though parts are missing: the sum is incomplete (exit 4)")
	return c
}

func runLoadMerge(ctx context.Context, env *Env, o loadMergeOptions, paths []string) error {
	outs, err := o.parse()
	if err != nil {
		return err
	}
	if err := o.out.check(outs); err != nil {
		return err
	}
	var all *recording.Recording
	for _, path := range paths {
		rec, err := env.readRecording(ctx, path)
		if err != nil {
			return err
		}
		if all == nil {
			all = rec
			continue
		}
		if err := all.Merge(rec); err != nil {
			return kv.WithHint(kv.Usagef("%s: %w", path, err), "parts are of one run: the same scenario, flags, seed and version, each I of --part I/N once")
		}
	}
	if missing := all.Meta.Parts - len(all.Parts); missing > 0 && !o.allowMissing {
		return kv.WithHint(kv.Usagef("%d of %d parts are missing", missing, all.Meta.Parts), "--allow-missing merges what there is")
	}
	env.warnParts(all)
	r, err := loadReport(all)
	if err != nil {
		return err
	}
	verdict, _ := all.Verdict()
	code := loadCode(verdict)
	if err := errors.Join(o.out.write(r), o.write(env, outs, r, code)); err != nil {
		return &codeError{worst(exitUsage, code), err}
	}
	if code != exitOK {
		return &codeError{code, nil}
	}
	return nil
}

// Limits of a part: how far its clock may be off, and how much of its share it must have done.
const (
	clockLimit = 100 * time.Millisecond
	shareLimit = 0.99
)

// warnParts names the parts that make the sum less certain.
func (e *Env) warnParts(rec *recording.Recording) {
	for i := range rec.Parts {
		p := &rec.Parts[i]
		name := fmt.Sprintf("part %d/%d", p.Number, rec.Meta.Parts)
		if p.Clock > clockLimit {
			e.say("warning", fmt.Sprintf("%s: its clock may be %v off: its seconds may be others than those of the rest", name, p.Clock.Round(time.Millisecond)))
		}
		switch achieved := (&recording.Sum{Due: p.Due, Done: p.Done}).Achieved(); {
		case p.Verdict != recording.Valid:
			e.say("warning", fmt.Sprintf("%s: %s", name, p.Verdict))
		case achieved < shareLimit:
			e.say("warning", fmt.Sprintf("%s has done %.1f %% of its share", name, 100*achieved))
		}
	}
}

// readRecording reads the recording of a snapshot file.
func (e *Env) readRecording(ctx context.Context, path string) (*recording.Recording, error) {
	r, err := e.readReport(ctx, path)
	if err != nil {
		return nil, err // of a file that is damaged nothing is merged
	}
	rec, err := recording.Load(r)
	if errors.Is(err, recording.ErrNone) {
		return nil, kv.WithHint(kv.Usagef("%s: %w", path, err), "recordings are saved by kvtool load run --out FILE.kvr")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return rec, nil
}
