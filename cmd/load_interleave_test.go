package cmd

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/faultproxy"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

// TestLoadCompareInterleaved compares a real server with itself behind a proxy that holds replies back: it is worse, the other way
// round better, and the gate and its exit code say so. What was written is gone afterwards.
func TestLoadCompareInterleaved(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: forty runs, one behind the other, of which nearly all is waiting")
	}
	server := servertest.Redis(t, servertest.Options{})
	proxy := faultproxy.Start(t, server.Addr)
	proxy.Set(faultproxy.Fault{Delay: 20 * time.Millisecond})
	file := writeScenario(t, quickScenario)
	near, far := "redis://"+server.Addr, "redis://"+proxy.Addr
	for _, c := range []struct {
		base, head, limit string
		want              string
		code              int
	}{
		{near, far, "p50=100%", "worse", exitGate},
		{far, near, "p50=10%", "better", exitOK},
	} {
		stdout, stderr, code := in(t, "load", "compare", "--interleave", "--pairs", "10", c.base, c.head, "-s", file, "--rate", "150/s", "-d", "200ms",
			"--progress", "none", "--max-regress", c.limit, "-o", "json")
		if code != c.code {
			t.Fatalf("exit %d, want %d\n%s%s", code, c.code, stdout, stderr)
		}
		var r report.Report
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		if got := verdictOf(&r, "p50"); got != c.want {
			t.Errorf("%s against %s: p50 is %s, want %s", c.base, c.head, got, c.want)
		}
		if runs := rowsOf(&r, "runs", "runs"); len(runs) != 20 || order(runs) != "bhhbbhhbbhhbbhhbbhhb" {
			t.Errorf("%d runs, in the order %s", len(runs), order(runs))
		}
	}
	if n := server.Client(t).Do("DBSIZE"); n != int64(0) {
		t.Errorf("left behind: %v keys", n)
	}
}

// A server that dies ends the comparison with what there is.
func TestLoadCompareOfAServerThatDies(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	proxy := faultproxy.Start(t, server.Addr)
	file := writeScenario(t, quickScenario)
	client, died := server.Client(t), make(chan struct{})
	go func() {
		defer close(died)
		for client.Do("DBSIZE") == int64(0) { // until something was written
			time.Sleep(time.Millisecond)
		}
		proxy.Set(faultproxy.Fault{Refuse: true})
		proxy.Reset()
	}()
	stdout, stderr, code := in(t, "load", "compare", "--interleave", "redis://"+proxy.Addr, "redis://"+proxy.Addr, "-s", file, "--rate", "150/s", "-d", "300ms",
		"--progress", "none", "--keep", "-o", "json")
	<-died
	if code != exitTarget {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
}

const quickScenario = `kvscenario: 1
name: quick
load: {conns: 20}
fields:
  id: {type: int, cardinality: 100}
templates:
  item: {key: "item:{id}", type: string, value: {size: 32B}, ttl: {policy: fixed, value: 1m}}
ops:
  read: {steps: [{cmd: [GET, "@item"]}]}
  write: {steps: [{cmd: [SET, "@item", "@item.value", PX, "@item.ttl"]}]}
mix: {read: 3, write: 1}
phases:
  - {name: steady, for: 1s, rate: {poisson: 200/s}}
thresholds: ["p50 < 10s"]
`

func rowsOf(r *report.Report, section, table string) [][]report.Value {
	for i := range r.Sections {
		for _, t := range r.Sections[i].Tables {
			if r.Sections[i].Name == section && t.Name == table {
				return t.Rows
			}
		}
	}
	return nil
}

// verdictOf is what a comparison says of a latency.
func verdictOf(r *report.Report, metric string) string {
	for _, row := range rowsOf(r, "compare", "latency") {
		if textOf(row[0]) == metric {
			return textOf(row[5])
		}
	}
	return ""
}

// order is the first letters of the sides, run by run.
func order(runs [][]report.Value) string {
	s := ""
	for _, row := range runs {
		s += textOf(row[1])[:1]
	}
	return s
}

func textOf(v report.Value) string {
	s, _ := v.Text()
	return s
}
