package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
)

// Names that try to drive a terminal, to turn text around, or to take more room than they seem to.
func hostile() []string {
	return []string{
		"\x1b]0;owned\x07\x1b[2J\x1b[31mred",
		"line\nbreak\r\nkvtool: error: not ours",
		"caf\xe9\xff\x00",
		"abc\u202e\u2066cba\u200b\u200d\ufeff",
		"購物車:{uid}:👩‍👩‍👧:🇩🇪:e\u0301\u0301",
		"\u009b31mC1",
		strings.Repeat("very-long-key:", 80_000),
	}
}

func text(s string) report.Value { return report.Text(s) }
func num(n float64) report.Value { return report.Number(n) }
func count(name string) report.Column {
	return report.Column{Name: name, Unit: report.UnitCount, Sum: true}
}

// sample is a report with something for every screen, of a store that was invented for the mock-ups of the design. Its numbers do
// not move, so that frames move only when the dashboard does.
func sample() *report.Report {
	memory, of := int64(10_608_642_949), int64(12_104_331)
	return &report.Report{
		Schema: report.Schema, Kind: report.KindAudit, Tool: report.Tool{Name: "kvtool", Version: "v0.1.0"},
		Target: report.Target{
			Adapter: "redis", URL: "redis://kv-1.prod:6379", Product: "redis", Version: "8.6.0", Memory: &memory,
			Facts: []report.Fact{{Name: "size", How: "measured"}}, Notes: []string{"Redis 8.6 is newer than any server that kvtool was tested with"},
		},
		Taken:    time.Date(2026, 11, 22, 9, 14, 0, 0, time.UTC),
		Coverage: report.Coverage{Keys: 12_104_331, Of: &of, Complete: true, Elapsed: report.Duration(252 * time.Second)},
		Sections: append(keyspaceSections(), runSections()...),
		Findings: sampleFindings(),
		Skipped:  []report.Skip{{Name: "idle", Why: "needs idle: the policy is LFU"}},
		Gate: &report.Gate{Verdict: report.Fail, Why: []string{"p99.9 < 8ms"}, Checks: []report.Check{
			{Name: "p99 < 5ms", Unit: report.UnitDuration, Sign: "<", Head: num(0.00241), Limit: num(0.005), Verdict: report.Pass},
			{Name: "p99.9 < 8ms", Unit: report.UnitDuration, Sign: "<", Head: num(0.0087), Limit: num(0.008), Verdict: report.Fail},
			{Name: "achieved >= 99%", Unit: report.UnitRatio, Sign: ">=", Head: num(0.996), Limit: num(0.99), Verdict: report.Pass},
		}},
	}
}

func keyspaceSections() []report.Section {
	return []report.Section{
		{Name: "templates", Title: "Memory by template", Tables: []report.Table{templatesTable()}},
		{Name: "totals", Title: "TOTALS", Metrics: []report.Metric{
			{Name: "keys", Value: num(12_104_331), Unit: report.UnitCount},
			{Name: "bytes", Value: num(9_996_000_000), Unit: report.UnitBytes},
			{Name: "with_ttl", Value: num(0.559), Unit: report.UnitRatio},
		}},
		{Name: "ttl", Title: "TTL, KEYS", Tables: []report.Table{histogram()}},
		{Name: "types", Title: "TYPES", Tables: []report.Table{typesTable()}},
		{Name: "biggest", Title: "BIGGEST KEYS", Tables: []report.Table{{
			Name: "biggest", Columns: []report.Column{{Name: "key", Unit: report.UnitKey}, {Name: "type", Unit: report.UnitText}, {Name: "bytes", Unit: report.UnitBytes}},
			Rows: [][]report.Value{{text("feed:front"), text("zset"), num(64_382_566)}},
		}}},
		{Name: "hotkeys", Title: "HOT KEYS", Metrics: []report.Metric{
			{Name: "source", Value: text("server"), Unit: report.UnitText},
			{Name: "rate", Value: num(1_110_000), Unit: report.UnitRate},
			{Name: "error_bound", Value: num(0.003), Unit: report.UnitRatio},
			{Name: "zipf", Value: num(1.08), Unit: report.UnitText},
		}, Tables: hotTables()},
		{Name: "ttl_laws", Title: "TTL", Tables: lawTables()},
		{Name: "drift", Title: "TEMPLATES", Tables: []report.Table{driftSample()}},
		{Name: "skew", Title: "SKEW", Tables: []report.Table{cells()}},
		{Name: "nodes", Title: "NODES", Tables: []report.Table{nodes()}},
	}
}

func templatesTable() report.Table {
	t := report.Table{Name: "templates", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "type", Unit: report.UnitText, Rank: 2},
		count("keys"),
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "p50_bytes", Title: "p50/key", Unit: report.UnitBytes, Rank: 1},
		{Name: "no_ttl", Title: "no TTL", Unit: report.UnitRatio},
	}, Omitted: 206}
	row := func(name, typ string, keys, bytes, share, p50, noTTL float64) {
		t.Rows = append(t.Rows, []report.Value{text(name), text(typ), num(keys), num(bytes), num(share), num(p50), num(noTTL)})
	}
	row("session:{uid}", "string", 4_601_233, 4_187_593_113, 0.42, 888, 1)
	row("session:anon:{id}", "string", 11_204, 8_808_038, 0.0009, 700, 0.2)
	row("cart:{uid}", "hash", 2_090_000, 1_578_400_481, 0.16, 612, 0.04)
	row("cart:tmp:{id}", "hash", 9_120, 6_501_171, 0.0007, 600, 0.4)
	row("img:thumb:{id}", "string", 940_000, 1_116_691_497, 0.11, 1126, 0)
	row("feed:{id}", "zset", 61_344, 851_443_712, 0.09, 10_035, 0.0031)
	row("user:{uid}:profile", "hash", 700_000, 140_000_000, 0.014, 200, 1)
	row("user:{uid}:prefs", "hash", 690_000, 90_000_000, 0.009, 130, 1)
	for i, name := range hostile() {
		row(name, "set", 3, 2048, 0.0000002, 300, float64(i)/7)
	}
	return t
}

func histogram() report.Table {
	t := report.Table{Name: "ttl_histogram", Columns: []report.Column{
		{Name: "left", Title: "TTL left", Unit: report.UnitText}, count("keys"), {Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
	}}
	for _, r := range []struct {
		left  string
		share float64
	}{{"none", 0.44}, {"<1h", 0.11}, {"1-24h", 0.22}, {"1-7d", 0.17}, {">7d", 0.06}} {
		t.Rows = append(t.Rows, []report.Value{text(r.left), num(r.share * 12_104_331), num(r.share)})
	}
	return t
}

func typesTable() report.Table {
	t := report.Table{Name: "types", Columns: []report.Column{
		{Name: "type", Unit: report.UnitText},
		count("keys"),
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
	}}
	for i, name := range []string{"string", "hash", "zset", "list", "stream"} {
		share := 0.5 / float64(int(1)<<i)
		t.Rows = append(t.Rows, []report.Value{text(name), num(8_100_000 * share), num(5.2e9 * share), num(share)})
	}
	return t
}

func hotTables() []report.Table {
	keys := report.Table{Name: "keys", Title: "Key", Columns: []report.Column{
		{Name: "key", Unit: report.UnitKey},
		{Name: "template", Unit: report.UnitKey, Rank: 1},
		count("reads"), count("writes"),
		{Name: "share", Title: "%", Unit: report.UnitRatio},
	}}
	for i, name := range append([]string{"feed:front", "cfg:flags", "rank:global", "session:9f31c2"}, hostile()...) {
		keys.Rows = append(keys.Rows, []report.Value{text(name), text("feed:{id}"), num(float64(9000 / (i + 1))), num(float64(i * 10)), num(0.142 / float64(i+1))})
	}
	byTemplate := report.Table{Name: "templates", Title: "Template", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey}, count("reads"), {Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
	}, Rows: [][]report.Value{{text("feed:{id}"), num(12_000), num(0.6)}, {text("session:{uid}"), num(4_000), num(0.2)}}}
	return []report.Table{keys, byTemplate}
}

func lawTables() []report.Table {
	laws := report.Table{Name: "templates", Title: "Template", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		count("keys"),
		{Name: "law", Unit: report.UnitText},
		{Name: "ttl", Title: "TTL", Unit: report.UnitDuration},
		{Name: "no_ttl", Title: "no TTL", Unit: report.UnitRatio},
		{Name: "declared", Unit: report.UnitText},
	}, Rows: [][]report.Value{
		{text("session:{uid}"), num(4_601_233), text("none"), report.Null, num(1), text("fixed 24h")},
		{text("cart:{uid}"), num(2_090_000), text("sliding"), num(2_592_000), num(0.04), text("sliding 30d")},
		{text("img:thumb:{id}"), num(940_000), text("fixed"), num(172_800), num(0), report.Null},
		{text(hostile()[0]), num(3), text("insufficient"), report.Null, num(0.3), report.Null},
	}}
	forecast := report.Table{Name: "forecast", Title: "Expires within", Columns: []report.Column{
		{Name: "until", Unit: report.UnitKey}, count("keys"), {Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true}, {Name: "most", Unit: report.UnitKey},
	}}
	for i := range 24 {
		n := float64(1 + (i*7)%11)
		forecast.Rows = append(forecast.Rows, []report.Value{text(fmt.Sprintf("%dh", i+1)), num(n * 1000), num(n * (48 << 20)), text("img:thumb:{id}")})
	}
	return []report.Table{laws, forecast}
}

func driftSample() report.Table {
	return report.Table{Name: "templates", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "keys_before", Title: "keys was", Unit: report.UnitCount},
		count("keys"),
		{Name: "no_ttl_before", Title: "no TTL was", Unit: report.UnitRatio, Rank: 3},
		{Name: "verdict", Unit: report.UnitText},
	}, Rows: [][]report.Value{
		{text("session:{uid}"), num(3_490_000), num(4_601_233), num(0.02), text("changed")},
		{text("promo:{id}"), report.Null, num(12_000), report.Null, text("new")},
		{text("sess:{uid}"), num(310_000), num(0), num(0.01), text("renamed?")},
	}}
}

func cells() report.Table {
	t := report.Table{Name: "heatmap", Title: "Slots", Columns: []report.Column{
		{Name: "slots", Unit: report.UnitText}, count("keys"), {Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
	}}
	for i := range 256 {
		n := float64((i*2654435761)%97) + 40
		if i == 121 {
			n = 4000
		}
		t.Rows = append(t.Rows, []report.Value{text(fmt.Sprintf("%d-%d", i*64, i*64+63)), num(n * 470), num(n * 29_000)})
	}
	return t
}

func nodes() report.Table {
	t := report.Table{Name: "nodes", Columns: []report.Column{
		{Name: "node", Unit: report.UnitText},
		count("keys"),
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "bytes_share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "times_mean", Title: "× mean", Unit: report.UnitFactor, Rank: 1},
	}}
	for i, times := range []float64{0.96, 0.97, 1.24, 0.95, 0.94, 0.94} {
		t.Rows = append(t.Rows, []report.Value{text(fmt.Sprintf("n%d", i+1)), num(2_017_388 * times), num(1.66e9 * times), num(times / 6), num(times)})
	}
	return t
}

func runSections() []report.Section {
	ms := func(name string, rank int) report.Column {
		return report.Column{Name: name, Unit: report.UnitDuration, Rank: rank}
	}
	latency := report.Table{Name: "latency", Columns: []report.Column{
		{Name: "operation", Unit: report.UnitText},
		count("count"),
		{Name: "rate", Unit: report.UnitRate},
		count("errors"),
		ms("p50", 0), ms("p90", 2), ms("p99", 0), ms("p999", 0), ms("max", 0),
	}, Rows: [][]report.Value{
		{text("GET"), num(13_498_930), num(45_000), num(6), num(0.00031), num(0.00052), num(0.0019), num(0.0061), num(0.041)},
		{text("HSET"), num(1_499_882), num(5_000), num(12), num(0.00044), num(0.00081), num(0.00372), num(0.0118), num(0.0442)},
		{text("all"), num(14_998_812), num(50_000), num(18), num(0.00033), num(0.00058), num(0.00241), num(0.0087), num(0.0442)},
	}}
	seconds := report.Table{Name: "seconds", Columns: []report.Column{
		ms("second", 0), {Name: "done", Unit: report.UnitRate}, ms("p99", 0), count("errors"), {Name: "used_memory", Unit: report.UnitBytes},
	}}
	for i := range 120 {
		done, p99 := 50_000.0, 0.002+float64(i%7)/10000
		if i == 70 {
			done, p99 = 21_000, 0.9
		}
		seconds.Rows = append(seconds.Rows, []report.Value{num(float64(i)), num(done), num(p99), num(0), num(2.1e6 + float64(i)*50_000)})
	}
	bands := report.Table{Name: "latency_bands", Columns: []report.Column{ms("from", 0)}}
	for _, name := range []string{"1 ms", "2 ms", "5 ms", "10 ms", "20 ms"} {
		c := count("to_" + strings.ReplaceAll(name, " ", ""))
		c.Title = "≤ " + name
		bands.Columns = append(bands.Columns, c)
	}
	for i := range 100 {
		row := []report.Value{num(float64(i))}
		for b := range 5 {
			row = append(row, num(float64(int(90_000/math.Pow(12, float64(b))*(1+float64(i*b%9)/9)))))
		}
		bands.Rows = append(bands.Rows, row)
	}
	return []report.Section{
		{Name: "latency", Title: "LATENCY", Tables: []report.Table{latency}},
		{Name: "seconds", Title: "SECONDS", Tables: []report.Table{seconds, bands}},
		{Name: "health", Title: "HEALTH", Metrics: []report.Metric{
			{Name: "achieved", Value: num(0.996), Unit: report.UnitRatio},
			{Name: "generator_cpu", Value: num(0.31), Unit: report.UnitRatio},
			{Name: "verdict", Value: text("valid"), Unit: report.UnitText},
		}, Tables: []report.Table{{
			Name: "errors", Title: "ERRORS", Columns: []report.Column{{Name: "error", Unit: report.UnitText}, count("count")},
			Rows: [][]report.Value{{text("timeout"), num(8)}, {text(hostile()[1]), num(2)}},
		}}},
	}
}

func sampleFindings() []report.Finding {
	bytes := func(n float64) *report.Metric {
		return &report.Metric{Name: "bytes", Value: num(n), Unit: report.UnitBytes}
	}
	return []report.Finding{
		{
			Rule: "KD061", Severity: report.Error, Subject: "session:{uid}", Message: "no TTL on 4.6M keys, schema says 24h", Fix: "SET k v EX 86400",
			Measure: bytes(4_187_593_113), Status: report.New, Evidence: []report.Metric{{Name: "keys", Value: num(4_601_233), Unit: report.UnitCount}},
			Samples: []report.Value{text("session:9f31c2aa"), text(hostile()[3]), text(hostile()[6])}, Pos: report.Pos{File: "keys.yaml", Line: 14},
		},
		{
			Rule: "KD041", Severity: report.Error, Subject: "feed:{id}", Message: "one zset of 61.4 MiB, limit 50 MiB", Measure: bytes(64_382_566), Status: report.Worsened,
			Evidence: []report.Metric{{Name: report.BaselineMetric, Value: num(56_000_000), Unit: report.UnitBytes}},
		},
		{
			Rule: "KD065", Severity: report.Warning, Subject: "img:thumb:{id}", Message: "38% of keys expire within 60 s, which is a stampede: every reader of them goes to the database at once",
			Fix: "add jitter, EX 86400 ±10%", Measure: bytes(424_673_280), Status: report.New,
		},
		{Rule: "KD025", Severity: report.Warning, Subject: "feed:{id}", Message: "slot 7785 holds 130x the mean", Status: report.Suppressed, Note: "one front page (until 2026-11-28)"},
		{Rule: "KD007", Severity: report.Info, Subject: hostile()[0], Message: "names hold " + hostile()[1], Status: report.New},
		{Rule: "KD043", Severity: report.Info, Subject: hostile()[4], Message: "two shapes", Status: report.Existing},
	}
}

func sampleRules() []*report.Rule {
	return []*report.Rule{{
		ID: "KD061", Name: "ttl-less-keys", Title: "Keys without a TTL among others that have one",
		Doc: "Most keys of the template expire and these do not: memory only grows. `EXPIRE` was lost on some path.", Fix: "set the TTL with the value",
	}}
}

// options are those of a dashboard of r that neither moves nor writes.
func options(r *report.Report) Options {
	s := &Snapshot{Report: r}
	return Options{
		Name: "prod.kvr", Source: func() *Snapshot { return s }, Banner: "read-only", Theme: "dark", Rules: sampleRules(), Formats: []string{"json", "csv", "md"},
		Command: func(_, section string) string { return "kvtool report show prod.kvr --section " + section },
	}
}
