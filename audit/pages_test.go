package audit

import (
	"fmt"
	"testing"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// TestPages holds each rule's examples against it, and what is just not one.
func TestPages(t *testing.T) {
	const mb = 1_000_000
	tree := func(leaf, leafFree, overflow, overflowFree, unused int64) kv.Pages {
		return kv.Pages{Method: "btree", Size: 4096, Keys: 10, Inline: 1007, Unused: unused, Kinds: []kv.PageKind{
			{Name: "leaf", Pages: leaf, Free: leafFree}, {Name: "overflow", Pages: overflow, Free: overflowFree},
		}}
	}
	hash := func(buckets, chained int64) kv.Pages {
		return kv.Pages{Database: "h", Method: "hash", Size: 4096, Kinds: []kv.PageKind{
			{Name: "bucket", Pages: buckets, Free: buckets * 1000}, {Name: "bucket overflow", Pages: chained, Free: chained * 100},
		}}
	}
	for name, x := range map[string]struct {
		pages kv.Pages
		want  string
	}{
		"deleted from":      {tree(100_000, 280*mb, 0, 0, 0), "[SV025 database]"},
		"in random order":   {tree(100_000, 120*mb, 0, 0, 0), "[]"},
		"a small file":      {tree(1000, 3*mb, 0, 0, 0), "[]"},
		"mostly free":       {tree(4000, mb, 0, 0, 6000), "[SV026 database]"},
		"a little free":     {tree(9700, mb, 0, 0, 300), "[]"},
		"just too large":    {tree(1000, mb, 50_000, 129*mb, 0), "[SV027 database]"},
		"large values":      {tree(1000, mb, 125_000, 10*mb, 0), "[]"},
		"few too large":     {tree(500_000, mb, 50_000, 129*mb, 0), "[]"},
		"too few buckets":   {hash(10_000, 9000), "[SV028 h]"},
		"enough buckets":    {hash(10_000, 400), "[]"},
		"a small hash":      {hash(10, 9), "[]"},
		"not counted":       {kv.Pages{Method: "btree", Size: 4096, Keys: 10, Kinds: []kv.PageKind{{Name: "leaf"}}}, "[]"},
		"hostile, as saved": {tree(1<<62, 1<<62, 1<<62, 1<<62, 1<<62), "[]"},
	} {
		out := Output{Store: &kv.Info{Pages: []kv.Pages{x.pages}}}
		pages().New(frozen).Report(&out)
		if got := fmt.Sprint(rulesOf(out.Findings)); name != "hostile, as saved" && got != x.want {
			t.Errorf("%s: %s, want %s", name, got, x.want)
		}
	}
}

// TestPagesTable sums what two databases of a file take.
func TestPagesTable(t *testing.T) {
	out := Output{Store: &kv.Info{Pages: []kv.Pages{
		{Database: "a", Method: "btree", Size: 1000, Unused: 2, Kinds: []kv.PageKind{{Name: "leaf", Pages: 6, Free: 3000}, {Name: "overflow"}}},
		{Database: "b", Method: "queue", Size: 1000, Kinds: []kv.PageKind{{Name: "data", Pages: 2, Free: 1000}}},
	}}}
	pages().New(frozen).Report(&out)
	want := []report.Value{report.Number(10_000), report.Number(6000), report.Number(0.4)}
	if len(out.Metrics) != len(want) {
		t.Fatalf("%+v", out.Metrics)
	}
	for i, m := range out.Metrics {
		if m.Value != want[i] {
			t.Errorf("%s = %v, want %v", m.Name, m.Value, want[i])
		}
	}
	if rows := out.Tables[0].Rows; len(rows) != 3 || rows[0][7] != report.Number(0.5) || rows[1][7] != report.Number(0) {
		t.Errorf("%v", rows)
	}
	for _, none := range []*kv.Info{nil, {}} {
		out := Output{Store: none}
		if pages().New(frozen).Report(&out); len(out.Metrics)+len(out.Tables) > 0 {
			t.Errorf("without pages: %+v", out)
		}
	}
}
