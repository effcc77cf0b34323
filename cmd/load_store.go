package cmd

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// A loaded is a store that is put under load: one that may be.
type loaded struct {
	env      *Env
	target   kv.Target
	store    kv.Store
	driver   kv.Driver
	info     *kv.Info
	progress *progress
	figures  *figures.Reader // nil where the store has none
	refuse   func() error    // what else is wrong with the target; nil is nothing
	patience time.Duration   // for a reply to what comes after a run
	collect  int             // the percentage of the garbage collector before; 0: as it was
}

// LoadGCPercent is how much garbage there may be beside what lives, in percent, while a store is loaded: little lives then, and the
// usual hundred has the collector take a fifth of what a request of a client that allocates costs.
const LoadGCPercent = 400

// open opens the target of a command that writes to it, and refuses one that is not to be loaded.
func (l *loaded) open(ctx context.Context, args []string, o *storeFlags) error {
	var err error
	if len(args) == 0 {
		fmt.Fprintf(l.env.Stderr, "kvtool: no TARGET: using %s (the store inside kvtool)\n", loadTarget)
		args = []string{loadTarget}
	}
	if l.patience = usualPatience; o.timeout > 0 { // who waits for none in the run will not do so then
		l.patience = min(4*o.timeout, usualPatience)
	}
	loadable := func(t *kv.Target) error {
		l.target = *t
		if prod := l.env.prodOf(args[0], *t); prod != "" {
			return kv.WithHint(kv.Usagef("%s is env: prod: it is never loaded", prod), "load a copy: kvtool serve dump.rdb")
		}
		if l.refuse == nil {
			return nil
		}
		return l.refuse()
	}
	if l.store, _, err = l.env.open(ctx, opening{args: args, noDemo: true, before: loadable}); err != nil {
		return err
	}
	if l.env.Getenv("GOGC") == "" {
		l.collect = debug.SetGCPercent(LoadGCPercent)
	}
	if err = l.ready(ctx, o); err != nil {
		l.close()
	}
	return err
}

const usualPatience = 10 * time.Second

// ready asks what the store is.
func (l *loaded) ready(ctx context.Context, o *storeFlags) error {
	var err error
	if l.driver, err = kv.DriverOf(l.store); err != nil {
		return kv.WithHint(&codeError{exitUsage, err}, "load a server, or ref:")
	}
	if l.info, err = l.store.Info(ctx); err != nil {
		return targetError(ended(ctx, err))
	}
	if err := l.env.accept(ctx, l.store, toLoad); err != nil {
		return err
	}
	if o.writes || l.target.Scheme == "ref" || l.target.Scheme == "demo" {
		return nil
	}
	if n := l.info.Keys; n > 0 {
		return kv.WithHint(kv.Usagef("%s holds %d keys", l.info.Target, n), allowWrites)
	}
	if l.info.KeysKnown {
		return nil
	}
	for _, err := range l.store.Scan(ctx, kv.ScanOptions{}) { // a table that counts its items a few times a day
		if err != nil {
			return targetError(ended(ctx, err))
		}
		return kv.WithHint(kv.Usagef("%s holds keys", l.info.Target), allowWrites)
	}
	return nil
}

const allowWrites = "--allow-writes, if it is not used by anybody else"

// metered returns what a store that is paid for says of what the load took.
func (l *loaded) metered(ctx context.Context) []string {
	if p, err := kv.PlanOf(ctx, l.store); err != nil || p.Free {
		return nil
	}
	info, err := l.store.Info(ctx)
	if err != nil {
		return nil
	}
	return info.Notes
}

// close lets go of the store.
func (l *loaded) close() {
	if l.figures != nil {
		l.figures.Close()
	}
	if l.collect != 0 {
		debug.SetGCPercent(l.collect)
	}
	l.store.Close()
}

// sampler returns what asks the store for its figures; nil where it has none.
func (l *loaded) sampler(ctx context.Context) func(context.Context) map[string]float64 {
	r, err := figures.New(ctx, l.driver, kv.SessionOptions{Timeout: time.Second})
	if err != nil {
		return nil
	}
	l.figures = r
	return func(context.Context) map[string]float64 {
		now, err := r.Read()
		if err != nil {
			return nil // the store stands still, or is gone: the row of this second has none
		}
		return now
	}
}

// withMetered returns what a run has counted, with what a store that meters has said of it.
func withMetered(counts, figs map[string]float64) map[string]float64 {
	all := maps.Clone(counts)
	for name, n := range figs {
		if figures.Metered(name) && n > 0 {
			all[name] = n
		}
	}
	return all
}

// addFigures adds what the store says at the end of the run: of all of it, not of its last second.
func (l *loaded) addFigures(counts map[string]float64) {
	if l.figures == nil {
		return
	}
	now, err := l.figures.Read()
	if err != nil {
		return
	}
	delete(now, "hit_rate")
	maps.Copy(counts, now)
	if rate, ok := l.figures.HitRate(); ok {
		counts["hit_rate"] = rate
	}
}

// live returns what tells on stderr how the run goes.
func (l *loaded) live() func(*recording.Recording) {
	p, began := l.progress, time.Now()
	if p.every() == 0 {
		return nil
	}
	told := began
	return func(rec *recording.Recording) {
		if time.Since(told) < p.every() || len(rec.Seconds) == 0 {
			return
		}
		told = time.Now()
		last := max(0, len(rec.Seconds)-2) // the one before goes on no more
		h, err := rec.Histogram(-1, recording.Response, last, last+1)
		if err != nil {
			return
		}
		sum := rec.Sum()
		p.say("load", fmt.Sprintf("%s  %s/s  p99 %s  err %d  behind %d", time.Since(began).Round(time.Second),
			humanize.Count(float64(rec.Seconds[last].Done)), humanize.Duration(h.Quantile(0.99).Seconds()), sum.ErrorCount(), sum.Due-min(sum.Due, sum.Done)))
	}
}

// clean removes the keys under a prefix and returns how many it could not.
func (l *loaded) clean(ctx context.Context, prefix string) (left int64, err error) {
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: l.patience})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	const batch = 256
	var keys []string
	for rec, err := range l.store.Scan(ctx, kv.ScanOptions{Match: kv.EscapeGlob(prefix) + "*"}) {
		if err != nil {
			return left, err
		}
		if keys = append(keys, rec.Key); len(keys) == batch {
			n, err := remove(s, keys)
			if left += n; err != nil {
				return left, err
			}
			keys = keys[:0]
		}
	}
	n, err := remove(s, keys)
	return left + n, err
}

// remove unlinks keys and returns how many it could not.
func remove(s kv.Session, keys []string) (left int64, err error) {
	ops, out := make([]kv.Op, len(keys)), make([]kv.Result, len(keys))
	for i, k := range keys {
		ops[i].Args = [][]byte{[]byte("UNLINK"), []byte(k)}
	}
	if len(ops) == 0 {
		return 0, nil
	}
	if err := s.Do(ops, out); err != nil {
		return int64(len(keys)), err
	}
	for i := range out {
		if out[i].Status == kv.Failed {
			left, err = left+1, out[i].Err
		}
	}
	return left, err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// generator names this machine, as far as it matters to a comparison.
func generator() string {
	return runtime.GOOS + "/" + runtime.GOARCH + " " + strconv.Itoa(runtime.GOMAXPROCS(0)) + " cpu"
}
