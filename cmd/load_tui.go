package cmd

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/tui"
)

// boardFlags say whether a run is watched on a dashboard.
type boardFlags struct {
	tui bool
	fps int
}

func (o *boardFlags) bind(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.tui, "tui", false, "watch the run on a dashboard; leaving it stops the run, and the report follows")
	f.IntVar(&o.fps, "fps", 5, "with --tui, how often a second the dashboard looks for something new")
}

// checkBoard refuses what cannot be shown, before anything is opened.
func (o *boardFlags) checkBoard(env *Env) error {
	switch why := env.noTerminal(); {
	case o.fps < 1 || o.fps > 30:
		return kv.WithHint(kv.Usagef("--fps %d: want 1 to 30", o.fps), "leave it out for the usual")
	case o.tui && why != "":
		return kv.WithHint(kv.Usagef("--tui: %s", why), "leave it out: progress is told on stderr")
	}
	return nil
}

// A board is what a dashboard knows of a run. The run hands over what it has each second and goes on; the report is made of the
// newest of it elsewhere, so that looking takes nothing from what is measured but a little CPU.
type board struct {
	l      *loading
	newest chan *recording.Recording // the last that was handed over
	now    atomic.Pointer[tui.Snapshot]
	began  time.Time
	mu     sync.Mutex
	ended  bool              // the run has: what was handed over before is old
	start  time.Time         // of what is recorded; zero as long as nothing is
	notes  []recording.Event // of the user
}

// shareOfReports is how many times as long as a report took no other one is made.
const shareOfReports = 20

// update is told by the run what there is. It does not wait.
func (b *board) update(rec *recording.Recording) {
	b.mu.Lock()
	b.start = rec.Began
	b.mu.Unlock()
	select {
	case <-b.newest:
	default:
	}
	b.newest <- rec
}

// annotate notes what the user says that happens now, as an event of the run.
func (b *board) annotate(text string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.start.IsZero() || time.Now().Before(b.start):
		return errors.New("nothing is recorded yet")
	case b.ended:
		return errors.New("the run has ended")
	}
	b.notes = append(b.notes, recording.Event{At: time.Since(b.start), Name: text})
	return nil
}

// annotated adds what the user has noted to what was recorded.
func (b *board) annotated(rec *recording.Recording) {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Concat(rec.Events, b.notes)
	slices.SortStableFunc(all, func(x, y recording.Event) int { return cmp.Compare(x.At, y.At) })
	rec.Events = all
}

// report publishes what was handed over, until there is nothing more.
func (b *board) report() {
	for rec := range b.newest {
		began := time.Now()
		b.publish(rec, fmt.Sprintf("run %s", humanize.Duration(float64(int64(time.Since(b.began).Seconds())))), "the run")
		time.Sleep(min(shareOfReports*time.Since(began), 5*time.Second))
	}
}

func (b *board) publish(rec *recording.Recording, state, busy string) {
	b.annotated(rec)
	r, err := loadReport(rec)
	if err != nil || len(rec.Seconds) == 0 && busy != "" {
		b.show(&tui.Snapshot{State: state, Busy: busy})
		return
	}
	counts := map[string]float64{}
	for name, n := range b.l.player.Metrics() {
		counts[name] = float64(n)
	}
	_ = judgeRun(r, rec, b.l.thresholds, counts) // what cannot be judged yet is not shown
	b.show(&tui.Snapshot{Report: r, State: state, Busy: busy})
}

// show publishes s, unless the run has ended meanwhile.
func (b *board) show(s *tui.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended && s.Busy != "" {
		return
	}
	b.ended = s.Busy == ""
	b.now.Store(s)
}

// watched runs the load behind a dashboard. Leaving it ends the run.
func (l *loading) watched(ctx, run context.Context, abort *aborter) (*recording.Recording, error) {
	b := &board{l: l, newest: make(chan *recording.Recording, 1), began: time.Now()}
	b.now.Store(&tui.Snapshot{State: "filling", Busy: "the run"})
	var said bytes.Buffer
	env := l.env
	l.env = env.silent()
	l.env.Stderr = &lockedWriter{w: &said}
	defer func() {
		l.env = env
		_, _ = env.Stderr.Write(said.Bytes())
	}()
	opt := l.options(ctx)
	opt.Update = abort.watch(b.update)
	var rec *recording.Recording
	var err error
	done := make(chan struct{})
	go b.report()
	go func() {
		defer close(done)
		rec, err = loadgen.Run(run, l.driver, l.phases(ctx), opt)
		close(b.newest)
		if rec != nil {
			b.publish(rec, "the run has ended; q leads to its report", "")
		}
	}()
	o := tuiOptions{theme: "auto"}
	board := o.options(env)
	board.Name, board.Banner, board.Screen = l.info.Target, "scenario "+l.scenario.Name, "load"
	board.Source, board.Live, board.FPS, board.Annotate = b.now.Load, true, l.o.fps, b.annotate
	o.connect(env, &board, func(string, string) string {
		return "kvtool load run " + quoted(l.info.Target) + " -s " + quoted(l.o.scenario)
	}, board.Source)
	_, failed := tui.Run(ctx, env.Stdin, env.Stdout, os.Environ(), board)
	select {
	case <-done:
	default:
		abort.end(errInterrupted)
		<-done
	}
	if failed != nil && ctx.Err() == nil {
		return rec, &codeError{exitInternal, failed}
	}
	if run.Err() != nil && abort.why == nil {
		return rec, context.Cause(run)
	}
	return rec, err
}
