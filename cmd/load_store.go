package cmd

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/hlog"
	"github.com/kvtool/kvtool/loadgen/play"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

// open opens the target, and refuses one that is not to be loaded.
func (l *loading) open(ctx context.Context, args []string) error {
	var err error
	if len(args) == 0 {
		fmt.Fprintf(l.env.Stderr, "kvtool: no TARGET: using %s (the store inside kvtool)\n", loadTarget)
		args = []string{loadTarget}
	}
	if l.target, err = l.env.resolve(ctx, args, true); err != nil {
		return err
	}
	if prod := l.env.prodOf(args[0], l.target); prod != "" {
		return kv.WithHint(kv.Usagef("%s is env: prod: it is never loaded", prod), "load a copy: kvtool serve dump.rdb")
	}
	if l.store, err = l.env.Open(ctx, l.target); err != nil {
		return targetError(ended(ctx, err))
	}
	if err = l.prepare(ctx); err != nil {
		l.store.Close()
	}
	return err
}

func (l *loading) prepare(ctx context.Context) error {
	var err error
	if l.driver, err = kv.DriverOf(l.store); err != nil {
		return kv.WithHint(&codeError{exitUsage, err}, "load a server, or ref:")
	}
	if l.info, err = l.store.Info(ctx); err != nil {
		return targetError(ended(ctx, err))
	}
	if n := l.info.Keys; n > 0 && !l.o.writes && l.target.Scheme != "ref" && l.target.Scheme != "demo" {
		return kv.WithHint(kv.Usagef("%s holds %d keys", l.info.Target, n), "--allow-writes, if it is not used by anybody else")
	}
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: 5 * time.Second})
	if err != nil {
		return targetError(ended(ctx, err))
	}
	defer s.Close()
	var id [4]byte
	_, _ = rand.Read(id[:]) // never fails
	l.player = play.New(l.scenario, play.Options{Run: hex.EncodeToString(id[:]), Scripts: play.HasScripts(s), Part: l.part, Parts: l.parts})
	if l.o.pipeline > 1 && strings.HasPrefix(l.player.Form(), "WATCH") {
		return kv.WithHint(kv.Usagef("scenario %s with --pipeline %d: this store does what is atomic by WATCH, one at a time of a connection",
			l.scenario.Name, l.o.pipeline), "leave --pipeline out")
	}
	return nil
}

// sampler returns what asks the store for its figures; nil where it has none.
func (l *loading) sampler(ctx context.Context) func(context.Context) map[string]float64 {
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

// addFigures adds what the store says at the end of the run: of all of it, not of its last second.
func (l *loading) addFigures(counts map[string]float64) {
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
func (l *loading) live() func(*recording.Recording) {
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

// clean removes what the run has written and returns how many keys it could not.
func (l *loading) clean(ctx context.Context) (left int64, err error) {
	if l.o.keep {
		return 0, nil
	}
	s, err := l.driver.Session(ctx, kv.SessionOptions{Timeout: 10 * time.Second})
	if err != nil {
		return 0, err
	}
	defer s.Close()
	const batch = 256
	var keys []string
	for rec, err := range l.store.Scan(ctx, kv.ScanOptions{Match: escapeGlob(l.player.Prefix()) + "*"}) {
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

// escapeGlob returns the pattern that matches text alone.
func escapeGlob(text string) string {
	var b []byte
	for i := range len(text) {
		switch text[i] {
		case '*', '?', '[', ']', '\\', '^':
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return string(b)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// save writes the run to the files that --out and --hlog name.
func (l *loading) save(r *report.Report, rec *recording.Recording) error {
	var errs []error
	for _, f := range []struct {
		path  string
		write func(io.Writer) error
	}{
		{l.o.out, func(w io.Writer) error { return kvr.Write(w, r) }},
		{l.o.hlog, func(w io.Writer) error { return hlog.Write(w, rec) }},
	} {
		if f.path == "" {
			continue
		}
		if err := writeFile(f.path, f.write); err != nil {
			errs = append(errs, fmt.Errorf("writing %s: %w", f.path, err))
		}
	}
	return errors.Join(errs...)
}

// generator names this machine, as far as it matters to a comparison.
func generator() string {
	return runtime.GOOS + "/" + runtime.GOARCH + " " + strconv.Itoa(runtime.GOMAXPROCS(0)) + " cpu"
}
