package audit

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A live store changes while it is read.
type live struct{ *paged }

func (s live) Info(ctx context.Context) (*kv.Info, error) {
	i, err := s.paged.Info(ctx)
	i.Live, i.Clock = true, frozen
	return i, err
}

// A watch keeps how long the run took that it is told of.
type watch struct{ elapsed *time.Duration }

func (w watch) Observe(*kv.Record)                    {}
func (w watch) Merge(Collector)                       {}
func (w watch) Report(out *Output)                    { *w.elapsed = out.Elapsed }
func (w watch) AppendBinary(b []byte) ([]byte, error) { return b, nil }
func (w watch) UnmarshalBinary([]byte) error          { return nil }

// Keys that are read after a pause may have been written in it, and then have as much more left: also for who reads the file
// that the run was saved to.
func TestElapsedHasThePause(t *testing.T) {
	var elapsed time.Duration
	as := []*Analyzer{{Name: "watch", Needs: kv.FieldName, New: func(time.Time) Collector { return watch{&elapsed} }}}
	s := live{newPaged("a")}
	s.breaks["a"] <- stop{150, errReset}
	first, err := Run(t.Context(), s, as, saving(nil))
	if !errors.Is(err, errReset) || first.Resume == nil {
		t.Fatalf("%v, %+v", err, first.Resume)
	}
	const pause = 3 * time.Hour
	opt := saving(first)
	opt.Now = func() time.Time { return frozen.Add(pause) }
	whole, err := Run(t.Context(), s, as, opt)
	if err != nil || elapsed != pause {
		t.Fatalf("%v after the beginning, want %v: %v", elapsed, pause, err)
	}
	elapsed = 0
	merged, err := Merge(as, Saved{Name: "whole", Report: whole})
	if err != nil || elapsed != pause {
		t.Fatalf("saved: %v after the beginning, want %v: %v", elapsed, pause, err)
	}
	elapsed = 0
	if _, err := Merge(as, Saved{Name: "merged", Report: merged}); err != nil || elapsed != pause {
		t.Errorf("saved again: %v after the beginning, want %v: %v", elapsed, pause, err)
	}
}
