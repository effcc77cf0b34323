package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/figures"
	"github.com/kvtool/kvtool/loadgen/hlog"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
)

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
