package reference

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// TestTraceMonitor: what one session does another sees, with what was done to which key, up to the bound.
func TestTraceMonitor(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	c := openSession(t, s, kv.SessionOptions{})
	tracer, err := kv.TracerOf(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var worker sync.WaitGroup
	worker.Go(func() {
		for len(s.engine.Sessions()) < 2 {
			time.Sleep(time.Millisecond)
		}
		for ctx.Err() == nil {
			do(t, c, "SET a 1", "GET b", "MGET a b", "PING")
		}
	})
	seen := map[string]map[kv.OpKind]int{"a": {}, "b": {}}
	n := 0
	for a, err := range tracer.Trace(ctx, kv.TraceOptions{Source: kv.TraceMonitor, Window: 10 * time.Second, Count: 400}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[a.Key][a.Kind]++
		n++
	}
	stop()
	worker.Wait()
	if n != 400 || seen["a"][kv.OpWrite] == 0 || seen["a"][kv.OpRead] == 0 || seen["b"][kv.OpRead] < 150 || seen["b"][kv.OpWrite] != 0 {
		t.Errorf("%d accesses: %v", n, seen)
	}
	for _, left := range s.engine.Sessions() {
		if left.ID() != 1 {
			t.Error("the monitor is still there")
		}
	}
}

// TestTraceDemo: the demo has a past, always the same, of keys that it holds, and one key has its share.
func TestTraceDemo(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "demo"}, DemoClock())
	if err := s.fill(Preset{Name: "shop", Keys: 12_000, Seed: 1}); err != nil {
		t.Fatal(err)
	}
	counts, all := map[string]int{}, 0
	for a, err := range s.Trace(t.Context(), kv.TraceOptions{Source: kv.TraceServer, Window: time.Minute}) {
		if err != nil {
			t.Fatal(err)
		}
		if a.At.After(DemoClock()) || a.At.Before(DemoClock().Add(-time.Minute)) {
			t.Fatalf("an access at %v", a.At)
		}
		counts[a.Key]++
		all++
	}
	if share := float64(counts[flagKey]) / float64(all); all != pastAccesses || share < 0.30 || share > 0.32 || !s.exists(flagKey) {
		t.Errorf("%d accesses, %.3f of the flag", all, share)
	}
	if len(counts) < 5000 {
		t.Errorf("only %d keys", len(counts))
	}
}

// TestTraceRefuses what has no end, and what it cannot tell.
func TestTraceRefuses(t *testing.T) {
	s := newTestStore(t, kv.Target{Scheme: "ref"}, time.Time{})
	for _, opt := range []kv.TraceOptions{{Source: kv.TraceMonitor}, {Source: kv.TraceServer, Window: time.Second}, {Source: "x", Window: 1}} {
		n := 0
		for a, err := range s.Trace(t.Context(), opt) {
			if n++; err == nil || a != nil {
				t.Errorf("%+v yields %v", opt, a)
			}
		}
		if n != 1 {
			t.Errorf("%+v: %d steps", opt, n)
		}
	}
}
