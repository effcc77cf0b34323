package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

func openURL(t testing.TB, url string) kv.Store {
	t.Helper()
	s, err := tryOpen(t, url)
	if err != nil {
		t.Fatalf("%v (%s)", err, kv.Hint(err))
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func tryOpen(t testing.TB, url string) (kv.Store, error) {
	t.Helper()
	target, err := kv.ParseTarget(url)
	if err != nil {
		t.Fatal(err)
	}
	return Adapter().Open(t.Context(), target)
}

// all scans everything and returns the records by database and name.
func all(t testing.TB, s kv.Store, opt kv.ScanOptions) map[string]kv.Record {
	t.Helper()
	m := map[string]kv.Record{}
	for r, err := range s.Scan(t.Context(), opt) {
		if err != nil {
			t.Fatalf("after %d records: %v (%s)", len(m), err, kv.Hint(err))
		}
		m[fmt.Sprintf("%d/%s", r.DB, r.Key)] = *r
	}
	return m
}

func factsOf(t testing.TB, s kv.Store) (string, *kv.Info) {
	t.Helper()
	info, err := s.Info(t.Context())
	if err != nil {
		t.Fatalf("%v (%s)", err, kv.Hint(err))
	}
	var b strings.Builder
	for _, f := range info.Facts {
		fmt.Fprintf(&b, "%s: %s %s (%s)\n", f.Name, f.How, f.Why, f.Hint)
	}
	return b.String(), info
}
