package cmd

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/loadgen/findmax"
	"github.com/kvtool/kvtool/report"
)

// sets is a scenario of one command, so that a request is an operation.
const sets = `kvscenario: 1
name: sets
fields:
  id: {type: int, cardinality: 1k}
templates:
  key: {key: "k:{id}", type: string, value: {size: 32B}, ttl: {policy: fixed, value: 1h}}
ops:
  write: {steps: [{cmd: [SET, "@key", "@key.value", PX, "@key.ttl"]}]}
mix: {write: 1}
`

func writeScenario(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// highest reads what a report says.
func highest(t *testing.T, doc string) (most float64, interval *report.Interval, steps *report.Table) {
	t.Helper()
	var r report.Report
	if err := json.Unmarshal([]byte(doc), &r); err != nil {
		t.Fatalf("%v in\n%s", err, doc)
	}
	if err := r.Check(); err != nil {
		t.Fatal(err)
	}
	s := r.Section(findmax.SectionFindMax)
	if s == nil || len(s.Metrics) == 0 || len(s.Tables) == 0 || s.Metrics[0].Name != findmax.MetricMax {
		t.Fatalf("no highest rate in\n%s", doc)
	}
	most, _ = s.Metrics[0].Value.Number()
	return most, s.Metrics[0].Interval, &s.Tables[0]
}

// TestLoadFindMax: a redis-server which has 5 ms for each request, one after the other, does 200/s; what is beyond that for half a
// second is not done at its end. What a busy machine makes of it is another matter (exit 4), as is by how much it misses.
func TestLoadFindMax(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: a dozen rates of half a second each")
	}
	server := servertest.Redis(t, servertest.Options{})
	proxy := faultproxy.Start(t, server.Addr)
	proxy.Set(faultproxy.Fault{Service: func() time.Duration { return 5 * time.Millisecond }})
	args := []string{
		"load", "find-max", "redis://" + proxy.Addr, "-s", writeScenario(t, sets), "--threshold", "max < 10s", "--constant", "--conns", "8", "--progress", "none",
		"--probe", "500ms", "--settle", "100ms", "--step", "500ms", "--step-max", "500ms", "--confirm", "500ms", "--precision", "20%", "--op-timeout", "20s", "-o", "json",
	}
	stdout, stderr, code := in(t, args...)
	if code != exitOK && code != exitIncomplete {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	most, interval, steps := highest(t, stdout)
	if code == exitOK && (most < 120 || most > 260 || interval == nil || interval.High < most) {
		t.Errorf("%v/s, %v\n%s", most, interval, stdout)
	}
	if len(steps.Rows) < 3 {
		t.Errorf("%d steps", len(steps.Rows))
	}
	if n := server.Client(t).Must(t, "DBSIZE"); n != int64(0) {
		t.Errorf("%v keys are left behind", n)
	}
	server.Stop()
	if _, stderr, code := in(t, args...); code != exitTarget || stderr == "" {
		t.Errorf("a server that is gone: exit %d, %s", code, stderr)
	}
}

// TestSoakFindMax is what scripts/soak-load runs: kvtool, as a process of its own, against a redis-server that is throttled by a known
// law, so that there is a truth to be found. Requests are served one at a time, each for an exponential time of 1 ms, which makes
// response times exponential with the difference of the rates: at the truth exactly one of a hundred takes longer than 100 ms. (A
// limit of 25 ms is too near to what a machine whose processors are lent to others withholds: kvtool says that it is late itself.)
func TestSoakFindMax(t *testing.T) {
	if os.Getenv("KVTOOL_SOAK") == "" {
		t.Skip("KVTOOL_SOAK is not set: ten minutes and more (scripts/soak-load)")
	}
	const mean, limit = 1e-3, 100e-3
	truth := 1/mean - math.Log(100)/limit
	server := servertest.Redis(t, servertest.Options{})
	proxy := faultproxy.Start(t, server.Addr)
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	proxy.Set(faultproxy.Fault{Service: func() time.Duration { return time.Duration(mean * rng.ExpFloat64() * 1e9) }})
	var progress strings.Builder
	c := exec.Command(Program(t), "load", "find-max", "redis://"+proxy.Addr, "-s", writeScenario(t, sets), "--threshold", "p99 < 100ms",
		"--conns", "200", "--step-max", "20s", "--confirm", "30s", "--progress", "plain", "-o", "json", "--op-timeout", "60s")
	c.Stderr = io.MultiWriter(&progress, os.Stderr)
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, progress.String(), out)
	}
	most, interval, steps := highest(t, string(out))
	for line := range strings.Lines(progress.String()) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), "kvtool: find-max "); ok {
			fmt.Println("soak: " + text)
		}
	}
	high := math.NaN()
	if interval != nil {
		high = interval.High
	}
	fmt.Printf("soak: found %.0f/s (%+.2f %%), interval to %.0f/s; the truth of the law is %.0f/s; %d steps\n", most, 100*(most/truth-1), high, truth, len(steps.Rows))
	if math.Abs(most/truth-1) > 0.05 {
		t.Errorf("%.0f/s is not within 5 %% of %.0f/s", most, truth)
	}
}
