package main

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSpread(t *testing.T) {
	for _, c := range []struct {
		xs   []float64
		want spread
	}{
		{nil, spread{}},
		{[]float64{3}, spread{3, 3, 3}},
		{[]float64{4, 1}, spread{1, 2.5, 4}},
		{[]float64{9, 1, 5}, spread{1, 5, 9}},
		{[]float64{9, 1, 5, 7}, spread{1, 6, 9}},
	} {
		if got := spreadOf(c.xs); got != c.want {
			t.Errorf("spreadOf(%v) = %v, want %v", c.xs, got, c.want)
		}
	}
}

// cpus are runs with so many seconds of CPU.
func cpus(seconds ...int) []sample {
	ss := make([]sample, len(seconds))
	for i, s := range seconds {
		ss[i] = sample{cpu: time.Duration(s) * time.Second, wall: time.Second, keys: 1000}
	}
	return ss
}

// A ratio is taken run by run: a machine that is slow for a while slows both sides of a run.
func TestRatio(t *testing.T) {
	g := group{tools: []tool{{label: "a"}, {label: "b"}, {label: "peer"}}, runs: [][]sample{cpus(1, 10, 2), cpus(2, 20, 4), cpus(4, 40, 4)}}
	if got, want := g.ratio(0, cpu), (spread{0.25, 0.25, 0.5}); got != want {
		t.Errorf("the first tool: %v, want %v", got, want)
	}
	if got, want := g.ratio(1, cpu), (spread{0.5, 0.5, 1}); got != want {
		t.Errorf("the second tool: %v, want %v", got, want)
	}
	if got := g.ratio(0, keysPerSecond).median; got != 1 {
		t.Errorf("keys a second: %v, want 1", got)
	}
	if got := g.claim(1, claim{what: "CPU", of: cpu, limit: 0.5}); !got.met() || got.figure != "`b` against `peer`: CPU" || got.shown != "0.5 (0.5 - 1)" {
		t.Errorf("%+v", got)
	}
}

func TestBar(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		b   bar
		met bool
	}{
		{bar{got: 1, limit: 1}, true},
		{bar{got: 1.01, limit: 1}, false},
		{bar{got: 1, limit: 1, least: true}, true},
		{bar{got: 0.99, limit: 1, least: true}, false},
		{bar{got: nan, limit: 1}, false},
		{bar{got: nan, limit: 1, least: true}, false},
	} {
		if c.b.met() != c.met {
			t.Errorf("%+v: met is %v", c.b, !c.met)
		}
	}
	r := result{name: "x", bars: []bar{{figure: "`a`: CPU", got: 2, shown: "2", limit: 1}, {got: 1, limit: 1}}}
	if errs := r.missed(); len(errs) != 1 || errs[0].Error() != "x: a: CPU is 2, the bar is ≤ 1" {
		t.Errorf("missed: %v", errs)
	}
}

func TestBounded(t *testing.T) {
	g := group{tools: make([]tool, 2), runs: [][]sample{cpus(3), cpus(2)}}
	if err := (&bench{}).bounded(g); err != nil {
		t.Errorf("without a limit: %v", err)
	}
	if err := (&bench{options: options{limit: 2}}).bounded(g); err != nil {
		t.Errorf("under the limit: %v", err)
	}
	if err := (&bench{options: options{limit: 1}}).bounded(g); err == nil {
		t.Error("1.5 is not over 1")
	}
}

func TestDepartures(t *testing.T) {
	want := map[string]float64{"a:{int}": 1000, "b:{int}": 100}
	worst, mean, err := departures(want, map[string]float64{"a:{int}": 1010, "b:{int}": 95})
	if err != nil || math.Abs(worst-0.05) > 1e-12 || math.Abs(mean-15.0/1100) > 1e-12 {
		t.Errorf("worst %v, mean %v (%v)", worst, mean, err)
	}
	for _, got := range []map[string]float64{nil, {"a:{int}": 1}, {"a:{int}": 1, "c:{int}": 1}} {
		if _, _, err := departures(want, got); err == nil {
			t.Errorf("%v passes for %v", got, want)
		}
	}
	if _, _, err := departures(nil, nil); err == nil {
		t.Error("nothing passes for nothing")
	}
}

func TestTemplateBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.json")
	report := `{"sections":[{"name":"templates","tables":[{"name":"templates","columns":[{"name":"bytes"},{"name":"template"}],"rows":[[72,"a"],[null,"b"]]}]}]}`
	if err := os.WriteFile(path, []byte(report), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := templateBytes(path)
	if err != nil || got["a"] != 72 || got["b"] != 0 || len(got) != 2 {
		t.Errorf("%v (%v)", got, err)
	}
}

func TestModelErrors(t *testing.T) {
	m := modelErrors{}
	m.add("string int", 50, 50)
	m.add("string int", 50, 50)
	m.add("string int", 60, 50)
	m.add("hash listpack", 99, 100)
	m.add(skiplists, 50, 100)
	if got, want := m.all().total(), 41.0/350; math.Abs(got-want) > 1e-12 {
		t.Errorf("total %v, want %v", got, want)
	}
	if got := len(m.all().off); got != 5 {
		t.Errorf("%d keys in all", got)
	}
	if got := m.all().quantile(0.5); math.Abs(got-0.01) > 1e-6 {
		t.Errorf("median of all %v", got)
	}
	if got := m["string int"].quantile(1); math.Abs(got-0.2) > 1e-6 {
		t.Errorf("max %v", got)
	}
	if got := m["string int"].quantile(0.5); got != 0 {
		t.Errorf("median %v", got)
	}
	if got := m.worstMedian(); math.Abs(got-0.01) > 1e-6 { // of hash listpack
		t.Errorf("worst median %v", got)
	}
}

func TestDiffering(t *testing.T) {
	const table = "| read back | |\n| rows that differ in `type` from TYPE | 0 |\n| rows that differ in `bytes` from MEMORY USAGE | 3 |\n"
	if n, err := differing(table); n != 3 || err != nil {
		t.Errorf("%d (%v)", n, err)
	}
	for _, bad := range []string{"", "| rows that differ in `type` | none |\n"} {
		if _, err := differing(bad); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"Sampled 12 keys\nSampled 345 keys": 345, "Sampled x": 0, "": 0} {
		if got := number(text, "Sampled "); got != want {
			t.Errorf("number(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestKeysOf(t *testing.T) {
	if n, err := keysOfCSV(strings.NewReader("key,bytes\na,1\nb,2\n")); n != 2 || err != nil {
		t.Errorf("CSV: %d (%v)", n, err)
	}
	if n, err := keysOfReport(strings.NewReader(`{"coverage":{"keys":7,"complete":true}}`)); n != 7 || err != nil {
		t.Errorf("report: %d (%v)", n, err)
	}
	if _, err := keysOfReport(strings.NewReader(`{"coverage":{"keys":7,"complete":false}}`)); err == nil {
		t.Error("an incomplete report passes")
	}
}

func TestParse(t *testing.T) {
	for _, args := range [][]string{{"-only", "liv"}, {"-runs", "0"}, {"-n", "-1"}, {"-nope"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v passes", args)
		}
	}
	o, err := parse([]string{"-smoke", "-only", "live,soak"})
	if err != nil || o.keys != 20_000 || o.limit != 1 || strings.Join(o.only, " ") != "live soak" {
		t.Errorf("%+v (%v)", o, err)
	}
}

// A figure is the worst that a test has logged, as a number or as one count of another; without a line there is none.
func TestTestedFigure(t *testing.T) {
	figures := testedFigures(1)
	log := "x: 3 alarms in 100\ny: 1 alarms in 100\n| all | 1079 of 1100 | 482 of 494 | 797 of 868 |\nresident at most 744332 kB\n"
	for i, want := range map[int]float64{1: 1079. / 1100, 2: 482. / 494, 5: 744332, 6: .03} {
		if x, err := figures[i].bar(log); err != nil || x.got != want {
			t.Errorf("%s: %+v, %v, want %v", figures[i].figure, x, err, want)
		}
	}
	if _, err := figures[0].bar(log); err == nil {
		t.Error("a figure that nobody has logged")
	}
}

// Every section and the summary have their place in the page.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(sectionNames(), "summary") {
		if n := strings.Count(string(text), "<!-- bench-"+name+":begin -->\n"); n != 1 {
			t.Errorf("docs/benchmarks.md has %d places for bench-%s", n, name)
		}
	}
}

// What each load generator prints of latencies is read as it is printed.
func TestWitnesses(t *testing.T) {
	for _, x := range []struct {
		name string
		read func([]byte) (float64, float64, error)
		out  string
	}{
		{"kvtool", readKvtool, `{"sections": [{"name": "latency", "tables": [{"name": "latency", "columns": [{"name": "operation"}, {"name": "p99"},
			{"name": "max"}], "rows": [["read", 0.1, 0.2], ["all", 0.9, 1.004]]}]}]}`},
		{"redis-benchmark", readRedisBenchmark, `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms",` +
			"\"max_latency_ms\"\n\"GET\",\"90000.00\",\"0.4\",\"0.1\",\"0.3\",\"0.9\",\"900\",\"1004\"\n"},
		{"go-ycsb", readYCSB, "Using the redis datatype: hash\n" +
			"READ   - Takes(s): 9.9, Count: 9500, OPS: 959.5, Avg(us): 51000, Min(us): 40, Max(us): 1004000, 50th(us): 100, 90th(us): 200, " +
			"95th(us): 300, 99th(us): 900000, 99.9th(us): 990000, 99.99th(us): 1000000\n"},
		{memtier, readMemtier, "Json file /dev/stdout created...\n" +
			`{"ALL STATS": {"Totals": {"Max Latency": 1004, "Percentile Latencies": {"p50.00": 1, "p99.00": 900}}}}` + "\nALL STATS\n"},
	} {
		if p99, most, err := x.read([]byte(x.out)); err != nil || p99 != 900 || most != 1004 {
			t.Errorf("%s: p99 %v, max %v, %v", x.name, p99, most, err)
		}
		if _, _, err := x.read([]byte("{}")); err == nil {
			t.Errorf("%s: nothing printed is no error", x.name)
		}
	}
	if got := benchmarked("goos: linux\nBenchmarkX-2  100  127.5 ns/op  0 B/op  3 allocs/op\n", "ns/op"); len(got) != 1 || got[0] != 127.5 {
		t.Errorf("%v", got)
	}
}
