package reference

import (
	"context"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// DemoClock returns the time that demo: goes by, always.
func DemoClock() time.Time { return time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC) }

// Adapter returns the adapter of ref: and demo:.
func Adapter() *kv.Adapter {
	a := &kv.Adapter{
		Name:  "reference",
		Title: "built-in reference engine",
		Doc: "ref: is an engine in this process, filled by a preset: a store without a server, for trials and for CI. " +
			"demo: is ref: with the clock stopped at 2026-01-15 12:00:00 UTC, so that every run prints the same bytes; " +
			"the faults planted in it are listed in docs/demo.md.",
		Schemes:  []string{"demo", "ref"},
		Examples: []string{"demo:", "ref:?preset=bigkeys&keys=10000", "ref:?preset=shop&keys=1200000&seed=7"},
		Params: []kv.Param{
			{Name: "preset", Default: "shop", Doc: "what it holds: " + presetNames()},
			{Name: "keys", Default: strconv.Itoa(DemoKeys), Doc: "how many keys"},
			{Name: "seed", Default: "1", Doc: "another seed, other contents of the same shape"},
		},
	}
	a.Open = func(_ context.Context, t kv.Target) (kv.Store, error) { return open(a, t) }
	return a
}

func open(a *kv.Adapter, t kv.Target) (kv.Store, error) {
	if err := a.CheckParams(t); err != nil {
		return nil, err
	}
	if t.URL != nil || t.Path != "" {
		return nil, kv.WithHint(kv.Usagef("%s: a %s: target has no path", t, t.Scheme), "parameters follow a question mark: ref:?preset=shop")
	}
	opt, err := parsePreset(t)
	if err != nil {
		return nil, err
	}
	fixed := time.Time{}
	if t.Scheme == "demo" {
		fixed = DemoClock()
	}
	s, err := newStore(t, fixed)
	if err != nil {
		return nil, err
	}
	if err := s.fill(opt); err != nil {
		return nil, err
	}
	return s, nil
}

func parsePreset(t kv.Target) (Preset, error) {
	p := DemoPreset()
	if t.Query.Has("preset") {
		p.Name = t.Query.Get("preset")
	}
	if t.Query.Has("keys") {
		n, err := strconv.Atoi(t.Query.Get("keys"))
		if err != nil || n < 0 || n > maxKeys {
			return p, kv.WithHint(kv.Usagef("%s: keys is a number up to %d", t, maxKeys), "ref:?preset=shop&keys=120000")
		}
		p.Keys = n
	}
	if t.Query.Has("seed") {
		n, err := strconv.ParseUint(t.Query.Get("seed"), 10, 64)
		if err != nil {
			return p, kv.WithHint(kv.Usagef("%s: seed is a whole number from 0 on", t), "ref:?preset=shop&seed=1")
		}
		p.Seed = n
	}
	return p, nil
}
