package render

import (
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
)

// Names that try to drive a terminal, a browser, a spreadsheet or a log.
var hostile = []string{
	"\x1b]0;owned\x07\x1b[2J\x1b[31mred",
	"line\nbreak\r\nkvtool: error: not ours",
	"caf\xe9\xff\x00",
	"abc\u202e\u2066cba\u200b\u200d\ufeff\u00ad",
	"::error file=x::injected",
	"</script><img src=x onerror=alert(1)>",
	"=cmd|' /C calc'!A0",
	"@everyone [x](javascript:alert(1)) | `id` :cart: $x$",
	"購物車:{uid}:👩‍👩‍👧:🇩🇪:e\u0301\u0301",
	"\u009b31mC1",
	strings.Repeat("very-long-key:", 5_000),
}

// sample is the report of the mock-ups, written by hand so that goldens move only when a renderer does.
func sample() *report.Report {
	memory, of := int64(10_608_642_949), int64(12_104_331)
	return &report.Report{
		Schema: report.Schema,
		Kind:   report.KindAudit,
		Tool:   report.Tool{Name: "kvtool", Version: "v0.1.0"},
		Target: report.Target{
			Adapter: "redis", URL: "redis://kv-1.prod:6379", Product: "redis", Version: "8.6.0", Memory: &memory,
			Facts: []report.Fact{
				{Name: "name", How: "measured"},
				{Name: "type", How: "measured"},
				{Name: "encoding", How: "measured"},
				{Name: "size", How: "measured"},
				{Name: "length", How: "missing", Why: "NOPERM: this user may not run 'llen'", Hint: "grant +llen"},
				{Name: "ttl", How: "measured"},
			},
			Notes: []string{"Redis 8.6 is newer than any server that kvtool was tested with"},
		},
		Taken:    time.Date(2026, 11, 22, 9, 14, 0, 0, time.UTC),
		Coverage: report.Coverage{Keys: 12_104_331, Of: &of, Complete: true, Elapsed: report.Duration(252 * time.Second)},
		Sections: sampleSections(),
		Findings: sampleFindings(),
		Skipped:  []report.Skip{{Name: "top elements", Why: "needs length: NOPERM: this user may not run 'llen'"}},
	}
}

func sampleSections() []report.Section {
	return []report.Section{
		{Name: "templates", Title: "Templates", Metrics: []report.Metric{}, Tables: []report.Table{templates()}},
		{Name: "totals", Title: "Totals", Tables: []report.Table{}, Metrics: []report.Metric{
			{Name: "keys", Value: report.Number(12_104_331), Unit: report.UnitCount},
			{Name: "bytes", Value: report.Number(int64(9_996_000_000)), Unit: report.UnitBytes},
		}},
		{Name: "sizes", Title: "Value size", Tables: []report.Table{}, Metrics: []report.Metric{
			{Name: "p50", Value: report.Number(612), Unit: report.UnitBytes},
			{Name: "p90", Value: report.Number(2150), Unit: report.UnitBytes, Interval: &report.Interval{Low: 2100, High: 2200}},
			{Name: "p99", Value: report.Number(10_035), Unit: report.UnitBytes},
			{Name: "max", Value: report.Number(64_382_566), Unit: report.UnitBytes},
		}},
		{Name: "lengths", Title: "Elements", Tables: []report.Table{}, Metrics: []report.Metric{
			{Name: "p50", Value: report.Null, Unit: report.UnitCount},
			{Name: "oldest", Value: report.Number(3.6e6), Unit: report.UnitDuration},
			{Name: "skew", Value: report.Number(130), Unit: report.UnitFactor},
		}},
		{Name: "top", Title: "Biggest keys", Metrics: []report.Metric{}, Tables: []report.Table{topKeys()}},
	}
}

func templates() report.Table {
	row := func(template, typ string, keys, bytes int64, share float64, p50, p99 int64, noTTL float64) []report.Value {
		return []report.Value{
			report.Text(template), report.Text(typ), report.Number(keys), report.Number(bytes), report.Number(share),
			report.Number(p50), report.Number(p99), report.Number(noTTL),
		}
	}
	return report.Table{
		Name: "templates", Title: "Memory by template",
		Columns: []report.Column{
			{Name: "template", Unit: report.UnitKey},
			{Name: "type", Unit: report.UnitText, Rank: 3},
			{Name: "keys", Title: "KEYS", Unit: report.UnitCount, Sum: true},
			{Name: "bytes", Title: "MEM", Unit: report.UnitBytes, Sum: true},
			{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
			{Name: "p50_bytes", Title: "p50/key", Unit: report.UnitBytes, Rank: 1},
			{Name: "p99_bytes", Title: "p99/key", Unit: report.UnitBytes, Rank: 2},
			{Name: "no_ttl", Title: "no TTL", Unit: report.UnitRatio},
		},
		Rows: [][]report.Value{
			row("session:{uid}", "string", 4_601_233, 4_187_593_113, 0.42, 888, 1945, 1),
			row("cart:{uid}", "hash", 2_090_000, 1_578_400_481, 0.16, 612, 2150, 0.04),
			row("img:thumb:{id}", "string", 940_000, 1_116_691_497, 0.11, 1126, 3072, 0),
			row("feed:{id}", "zset", 61_344, 851_443_712, 0.09, 10_035, 245_760, 0.0031),
			row(hostile[0]+":{id}", "string", 12, 4096, 0.0000004, 300, 400, 0.999),
			row(hostile[8], "set", 3, 2048, 0.0000002, 300, 400, 0),
		},
		Omitted: 206,
		More: []report.Value{
			report.Null, report.Null, report.Number(4_411_739), report.Number(int64(2_261_867_101)), report.Number(0.22),
			report.Null, report.Null, report.Null,
		},
	}
}

func topKeys() report.Table {
	t := report.Table{
		Name: "keys",
		Columns: []report.Column{
			{Name: "key", Unit: report.UnitKey},
			{Name: "template", Unit: report.UnitKey, Rank: 2},
			{Name: "type", Unit: report.UnitText, Rank: 1},
			{Name: "bytes", Unit: report.UnitBytes},
		},
	}
	for i, key := range append([]string{"feed:front", "user:email:alice@example.com"}, hostile...) {
		t.Rows = append(t.Rows, []report.Value{
			report.Text(key), report.Text("t:{id}"), report.Text("zset"), report.Number(64_382_566 >> i),
		})
	}
	return t
}

func sampleFindings() []report.Finding {
	bytes := func(n int64) *report.Metric {
		return &report.Metric{Name: "bytes", Value: report.Number(n), Unit: report.UnitBytes}
	}
	return []report.Finding{
		{
			Rule: "KD040", Severity: report.Error, Subject: "img:thumb:{id}", Message: "value of 1.9 MiB, limit 512 KiB",
			Fix: "object store plus a pointer", Measure: bytes(1_992_294), Samples: []report.Value{report.Text(hostile[2])},
		},
		{
			Rule: "KD041", Severity: report.Error, Subject: "feed:{id}", Message: "one zset of 61.4 MiB, limit 50 MiB",
			Fix: "bucket it, feed:{id}:{shard}", Measure: bytes(64_382_566), Samples: []report.Value{report.Text("user:email:alice@example.com")},
		},
		{
			Rule: "KD061", Severity: report.Error, Subject: "session:{uid}", Message: "no TTL on 4.6M keys, schema says 24h",
			Fix: "SET k v EX 86400", Measure: bytes(4_187_593_113),
			Evidence: []report.Metric{{Name: "keys", Value: report.Number(4_601_233), Unit: report.UnitCount}},
		},
		{
			Rule: "KD065", Severity: report.Warning, Subject: "img:thumb:{id}",
			Message: "38% of keys expire within 60 s, which is a stampede: every reader of them goes to the database at once, and the store frees their memory at once",
			Fix:     "add jitter, EX 86400 ±10%", Measure: bytes(424_673_280),
		},
		{Rule: "KD007", Severity: report.Info, Subject: hostile[0] + ":{id}", Message: "names hold " + hostile[1] + hostile[5]},
		{Rule: "KD010", Severity: report.Info, Subject: hostile[7], Message: "two shapes"},
	}
}
