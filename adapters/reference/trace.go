package reference

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"sort"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/kv"
)

// Traces implements kv.Tracer: what a stopped clock has seen is told as a server tells its own counts.
func (s *store) Traces(context.Context) ([]kv.Fact, error) {
	server := kv.Fact{Name: string(kv.TraceServer), How: kv.Measured}
	if s.fixed.IsZero() {
		server = kv.Fact{Name: string(kv.TraceServer), Why: "the engine does not count by key", Hint: "demo: has accesses to show"}
	}
	return []kv.Fact{server, {Name: string(kv.TraceMonitor), How: kv.Measured}}, nil
}

// Trace implements kv.Tracer.
func (s *store) Trace(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	switch {
	case opt.Window <= 0:
		return failedTrace(kv.Usagef("a trace without an end: the window is 0"))
	case opt.Source == kv.TraceMonitor:
		return s.watch(ctx, opt)
	case opt.Source == kv.TraceServer && !s.fixed.IsZero():
		return s.past(ctx, opt)
	}
	return failedTrace(kv.Usagef("%q is no source of accesses of %s", string(opt.Source), s.target))
}

func failedTrace(err error) iter.Seq2[*kv.Access, error] {
	return func(yield func(*kv.Access, error) bool) { yield(nil, err) }
}

// watch yields what the sessions of the engine do, until the window is over.
func (s *store) watch(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	return func(yield func(*kv.Access, error) bool) {
		ctx, cancel := context.WithTimeout(ctx, opt.Window)
		defer cancel()
		client, woken, err := s.connect()
		if err != nil {
			yield(nil, fmt.Errorf("watching %s: %w", s.target, err))
			return
		}
		defer client.Close()
		client.Run([][]byte{[]byte("MONITOR")})
		client.Release()
		var seen traced
		for {
			select {
			case <-ctx.Done():
				return
			case <-woken:
			}
			if !seen.yield(client.Inbox(nil), opt, yield) {
				return
			}
		}
	}
}

// traced counts what was yielded of a trace.
type traced struct{ n, bytes int64 }

// yield yields the accesses of lines of MONITOR, until a bound is met.
func (t *traced) yield(lines []byte, opt kv.TraceOptions, yield func(*kv.Access, error) bool) (more bool) {
	more = true
	var l monitor.Line
	for line := range bytes.Lines(lines) {
		t.bytes += int64(len(line))
		if !monitor.Parse(line, false, &l) {
			continue
		}
		l.Accesses(func(key string, kind kv.OpKind) {
			if more {
				t.n++
				more = yield(&kv.Access{Key: key, DB: l.DB, Kind: kind, At: l.At, N: 1}, nil) && (opt.Count <= 0 || t.n < opt.Count)
			}
		})
		if !more || opt.Bytes > 0 && t.bytes >= opt.Bytes {
			return false
		}
	}
	return true
}

// What was done to the keys of demo: before its clock stopped: pastFlag per mille of it to one flag, which every page of the shop
// asks for; the rest to popular keys and to others as Zipf's law has it, with an exponent of 1.
const (
	pastAccesses = 200_000
	pastFlag     = 310
	flagKey      = "flag:basket-merge"
	pastWrites   = 120 // per mille of the rest
	readCPU      = 2 * time.Microsecond
	writeCPU     = 3 * time.Microsecond
)

// past yields the accesses of the window before the clock stopped, always the same ones.
func (s *store) past(ctx context.Context, opt kv.TraceOptions) iter.Seq2[*kv.Access, error] {
	return func(yield func(*kv.Access, error) bool) {
		keys, sizes, flag, err := s.popular(ctx)
		if err != nil || len(keys) == 0 {
			if err != nil {
				yield(nil, err)
			}
			return
		}
		sums := make([]uint64, len(keys)) // of the weights 1, 1/2, 1/3, …: whole numbers are the same on every machine
		total := uint64(0)
		for i := range keys {
			total += 1 << 40 / uint64(i+1)
			sums[i] = total
		}
		g := &generator{seed: 1}
		g.stream("accesses")
		a := kv.Access{N: 1}
		for i := range int64(pastAccesses) {
			at := flag
			a.Kind, a.CPU = kv.OpRead, readCPU
			if g.below(1000) >= pastFlag || flag < 0 {
				draw := uint64(g.below(int64(total)))
				at = sort.Search(len(sums), func(i int) bool { return sums[i] > draw })
				if g.below(1000) < pastWrites {
					a.Kind, a.CPU = kv.OpWrite, writeCPU
				}
			}
			a.Key, a.Bytes = keys[at], sizes[at]
			a.At = s.fixed.Add(time.Duration(i-pastAccesses) * (opt.Window / pastAccesses))
			if !yield(&a, nil) || opt.Count > 0 && i+1 >= opt.Count {
				return
			}
		}
	}
}

// popular returns the keys in the order of their popularity, what they take, and which of them is the flag; -1 if there is none.
func (s *store) popular(ctx context.Context) (keys []string, sizes []int64, flag int, err error) {
	flag = -1
	for r, err := range s.Scan(ctx, kv.ScanOptions{Want: kv.FieldSize}) {
		if err != nil {
			return nil, nil, -1, err
		}
		if r.Key == flagKey {
			flag = len(keys)
		}
		keys, sizes = append(keys, r.Key), append(sizes, min(r.Size, 4096))
	}
	return keys, sizes, flag, nil
}
