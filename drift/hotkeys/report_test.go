package hotkeys

import (
	"testing"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/kv"
)

// reportOf folds records.
func reportOf(t *testing.T, a *audit.Analyzer, rs []kv.Record) audit.Output {
	t.Helper()
	c := a.New(audittest.Now)
	for i := range rs {
		c.Observe(&rs[i])
	}
	var out audit.Output
	c.Report(&out)
	return out
}

// The columns of keys are a contract with other tools (issue 8).
func TestKeyColumns(t *testing.T) {
	want := []string{"key", "template", "reads", "writes", "cpu_us", "bytes", "count", "error", "guaranteed", "share"}
	sec, _ := New(Options{}).Report(Source{}, 1)
	lfu := reportOf(t, LFU(DefaultDecoder(), nil), lfuRecords(5, func(int) uint8 { return 9 }))
	if keys := sec.Tables[0]; sec.Name != "hotkeys" || keys.Name != "keys" || len(keys.Columns) != len(want) || lfu.Tables[0].Name != "keys" {
		t.Fatalf("section %s, table %s of %d columns", sec.Name, keys.Name, len(keys.Columns))
	}
	for i, w := range want {
		if sec.Tables[0].Columns[i].Name != w || lfu.Tables[0].Columns[i].Name != w {
			t.Errorf("column %d is %q and %q, want %q", i, sec.Tables[0].Columns[i].Name, lfu.Tables[0].Columns[i].Name, w)
		}
	}
}
