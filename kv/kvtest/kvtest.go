// Package kvtest is the conformance suite of stores: one call checks that an adapter keeps the contract of kv.Store.
package kvtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// A Config says how to open a store and what it must hold.
type Config struct {
	// Open returns a store with the same contents each time. The suite closes it.
	Open func(t *testing.T) kv.Store
	// Records are all that a scan must yield, in any order. The facts in Known are compared; what the store knows besides
	// is its own affair.
	Records []kv.Record
	// Servers is of how many servers the store consists, which it may have a shard for each of; 0 is one.
	Servers int
	// Globs are patterns to scan with; "*" and some that match nothing are always tried.
	Globs []string
}

// TestStore checks the store that c opens.
func TestStore(t *testing.T, c Config) {
	t.Run("info", c.info)
	t.Run("records", c.records)
	t.Run("want nothing", c.wantNothing)
	t.Run("match", c.match)
	t.Run("shards", c.shards)
	t.Run("stop early", c.stopEarly)
	t.Run("cancelled", c.cancelled)
	t.Run("side by side", c.sideBySide)
}

func (c Config) open(t *testing.T) kv.Store {
	t.Helper()
	s := c.Open(t)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return s
}

func (c Config) info(t *testing.T) {
	s := c.open(t)
	info := infoOf(t, s)
	if info.Adapter == "" || info.Target == "" || info.Product == "" {
		t.Errorf("adapter %q, product %q, target %q: none may be empty", info.Adapter, info.Product, info.Target)
	}
	if info.KeysKnown && info.Keys != int64(len(c.Records)) {
		t.Errorf("keys = %d, want %d", info.Keys, len(c.Records))
	}
	told := kv.Field(0)
	for _, f := range info.Facts {
		if f.Name == "" {
			t.Errorf("fact %+v has no name", f)
		}
		if f.How != kv.Measured && f.Why == "" {
			t.Errorf("fact %s is %s and does not say why", f.Name, f.How)
		}
		told |= f.Field
	}
	if lacks := kv.Universal &^ told; lacks != 0 {
		t.Errorf("no fact about %s", lacks)
	}
	again := infoOf(t, s)
	if again.Provides() != info.Provides() {
		t.Errorf("asked again it provides %s instead of %s", again.Provides(), info.Provides())
	}
}

func infoOf(t *testing.T, s kv.Store) *kv.Info {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatalf("info: %v", err)
	}
	return info
}

func (c Config) records(t *testing.T) {
	s := c.open(t)
	provides := infoOf(t, s).Provides()
	got := scan(t, s, kv.ScanOptions{Want: kv.AllFields})
	for id, r := range got {
		checkRecord(t, id, &r, provides)
	}
	want := c.byID()
	checkSameKeys(t, want, got)
	for id, w := range want {
		if g, ok := got[id]; ok {
			checkFacts(t, id, &w, &g)
		}
	}
}

// checkRecord checks what holds for each record of any store.
func checkRecord(t *testing.T, id string, r *kv.Record, provides kv.Field) {
	t.Helper()
	if extra := r.Known &^ provides; extra != 0 {
		t.Errorf("%s: knows %s, which the store does not provide", id, extra)
	}
	if r.Has(kv.FieldTTL) != (r.TTL != kv.TTLUnknown) {
		t.Errorf("%s: TTL state %d with known %s", id, r.TTL, r.Known)
	}
	if expires := r.TTL == kv.TTLAt || r.TTL == kv.TTLExpired; expires == r.ExpireAt.IsZero() {
		t.Errorf("%s: TTL state %d with expiry %v", id, r.TTL, r.ExpireAt)
	}
	if r.Has(kv.FieldSize) && r.Size <= 0 || r.Has(kv.FieldLen) && r.Len < 0 {
		t.Errorf("%s: size %d, length %d", id, r.Size, r.Len)
	}
	if r.Has(kv.FieldType) && r.Type == "" || r.Has(kv.FieldEncoding) && r.Encoding == "" {
		t.Errorf("%s: type %q, encoding %q", id, r.Type, r.Encoding)
	}
}

// checkFacts compares the facts that want knows.
func checkFacts(t *testing.T, id string, want, got *kv.Record) {
	t.Helper()
	if missing := want.Known &^ got.Known; missing != 0 {
		t.Errorf("%s: does not know %s", id, missing)
		return
	}
	facts := func(r *kv.Record) string {
		var b strings.Builder
		for _, f := range []struct {
			field kv.Field
			value any
		}{
			{kv.FieldType, r.Type},
			{kv.FieldEncoding, r.Encoding},
			{kv.FieldSize, r.Size},
			{kv.FieldLen, r.Len},
			{kv.FieldTTL, r.TTL},
			{kv.FieldTTL, r.ExpireAt.UnixMilli()},
		} {
			if want.Has(f.field) {
				fmt.Fprintf(&b, " %s=%v", f.field, f.value)
			}
		}
		return b.String()
	}
	if w, g := facts(want), facts(got); w != g {
		t.Errorf("%s:%s, want%s", id, g, w)
	}
}

func (c Config) wantNothing(t *testing.T) {
	s := c.open(t)
	checkSameKeys(t, c.byID(), scan(t, s, kv.ScanOptions{}))
}

func (c Config) match(t *testing.T) {
	for _, glob := range append([]string{"*", "no such key \x00", "[^\x00-\xff]"}, c.Globs...) {
		want := c.byID()
		for id, r := range want {
			if !kv.MatchGlob(glob, r.Key) {
				delete(want, id)
			}
		}
		t.Run(fmt.Sprintf("%q", glob), func(t *testing.T) {
			checkSameKeys(t, want, scan(t, c.open(t), kv.ScanOptions{Match: glob}))
		})
	}
}

func (c Config) shards(t *testing.T) {
	for _, most := range []int{1, 2, 7} {
		s := c.open(t)
		shards, err := kv.Shards(t.Context(), s, most)
		if err != nil {
			t.Fatalf("shards: %v", err)
		}
		if len(shards) == 0 || len(shards) > max(most, c.Servers) {
			t.Fatalf("%d shards of %d servers, asked for at most %d", len(shards), c.Servers, most)
		}
		all := map[string]kv.Record{}
		for _, sh := range shards {
			for id, r := range scan(t, s, kv.ScanOptions{Shard: sh}) {
				if _, twice := all[id]; twice {
					t.Errorf("%s is in two of %d shards", id, len(shards))
				}
				all[id] = r
			}
		}
		checkSameKeys(t, c.byID(), all)
	}
}

// stopEarly breaks off a scan at each of the first records: nothing may panic, hang or be yielded after.
func (c Config) stopEarly(t *testing.T) {
	for stop := 1; stop <= min(3, len(c.Records)); stop++ {
		s := c.open(t)
		n := 0
		for _, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
			if err != nil {
				t.Fatalf("after %d records: %v", n, err)
			}
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("broke off at %d of %d", n, stop)
		}
	}
}

func (c Config) cancelled(t *testing.T) {
	s := c.open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var last error
	for _, err := range s.Scan(ctx, kv.ScanOptions{}) {
		if last != nil {
			t.Fatal("something was yielded after an error")
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("a cancelled scan ended with %v", last)
	}
}

func (c Config) sideBySide(t *testing.T) {
	stores := []kv.Store{c.open(t), c.open(t)}
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			n := 0
			for _, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields}) {
				if err != nil {
					t.Errorf("after %d records: %v", n, err)
					return
				}
				n++
			}
			if _, err := s.Info(t.Context()); err != nil {
				t.Errorf("info: %v", err)
			}
		})
	}
	wg.Wait()
}

func (c Config) byID() map[string]kv.Record {
	m := make(map[string]kv.Record, len(c.Records))
	for _, r := range c.Records {
		m[id(&r)] = r
	}
	return m
}

// id names a key across databases, in a form that is fit to print.
func id(r *kv.Record) string {
	key := r.Key
	if len(key) > 200 {
		key = fmt.Sprintf("%s… (%d bytes)", key[:100], len(key))
	}
	return fmt.Sprintf("db%d %q", r.DB, key)
}

func scan(t *testing.T, s kv.Store, opt kv.ScanOptions) map[string]kv.Record {
	t.Helper()
	m := map[string]kv.Record{}
	for r, err := range s.Scan(t.Context(), opt) {
		if err != nil {
			t.Fatalf("scanning: after %d keys: %v", len(m), err)
		}
		if !r.Has(kv.FieldName) {
			t.Fatalf("a record without a name: %+v", r)
		}
		cp := *r
		cp.Parts = slices.Clone(r.Parts)
		m[id(r)] = cp
	}
	return m
}

func checkSameKeys(t *testing.T, want, got map[string]kv.Record) {
	t.Helper()
	for k := range want {
		if _, ok := got[k]; !ok {
			t.Errorf("%s was not yielded", k)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			t.Errorf("%s was yielded and does not exist", k)
		}
	}
}
