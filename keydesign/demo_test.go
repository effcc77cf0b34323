package keydesign

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference"
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/keygen"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// run audits a store with the analyses of key design.
func run(t testing.TB, s kv.Store, parallel int) *report.Report {
	t.Helper()
	r, err := audit.Run(t.Context(), s, Analyzers(nil), audit.Options{Parallel: parallel})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func demo(t testing.TB) kv.Store {
	t.Helper()
	s, err := openDemo()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// openDemo fills the store once, for all tests: they only read it.
var openDemo = sync.OnceValues(func() (kv.Store, error) {
	target, err := kv.ParseTarget("demo:")
	if err != nil {
		return nil, err
	}
	return reference.Adapter().Open(context.Background(), target)
})

// bad lists the findings that are an error or a warning: rule, severity and subject.
func bad(r *report.Report) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Severity.AtLeast(report.Warning) {
			out = append(out, f.Rule+" "+string(f.Severity)+" "+f.Subject)
		}
	}
	slices.Sort(out)
	return out
}

// Exactly what is planted in the demo is found, and nothing else is worse than a hint.
func TestDemo(t *testing.T) {
	r := run(t, demo(t), 4)
	want := []string{
		"KD001 warning {int}",
		"KD002 warning user:{int}/prefs",
		"KD009 warning user:email:{email}",
		"KD010 warning order:{int}",
		"KD040 error report:daily:{date}",
		"KD041 warning feed:global",
		"KD041 warning recent:P{int}",
		"KD049 error session:{uuid}",
		"KD061 error cart:{int}",
		"KD062 error lock:order:{int}",
		"KD063 error promo:{opaque}",
		"KD065 warning cache:product:P{int}",
	}
	if got := bad(r); !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Of the generated keyspace only what is built to be large is found.
func TestGenerated(t *testing.T) {
	want := []string{
		"KD040 error big:blob",
		"KD041 warning big:hash:{int}",
		"KD041 warning big:list:{int}",
		"KD041 warning big:zset:{int}",
	}
	if got := bad(run(t, keygen.New(400_000).Store(), 1)); !slices.Equal(got, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
