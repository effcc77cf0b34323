package cmd

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/report"
)

const tooMuch = `kvscenario: 1
name: too-much
templates:
  page: {key: "page:{n:uint(1,100000)}", kind: cache, type: string, value: {size: 4KiB}, ttl: {policy: fixed, value: 1h, jitter: ±20%}}
ops:
  put: {steps: [{cmd: [SET, "@page", "@page.value", PX, "@page.ttl"]}]}
  get: {steps: [{cmd: [GET, "@page"]}]}
mix: {put: 50, get: 50}
phases: [{name: steady, for: 10s}]
`

// A server of 8 MB that is written 400 MB of pages: with a policy that evicts the report says what went, with none that writes failed.
func TestLoadOfTooMuch(t *testing.T) {
	for policy, want := range map[string]string{"allkeys-lru": "evicted while it was loaded", "noeviction": "writes failed (OOM)"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			redis := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "8mb", "--maxmemory-policy", policy}})
			file, out := writeScenario(t, tooMuch), filepath.Join(t.TempDir(), "r.json")
			// As long as it takes to have a few seconds of it: the first figures of a server are those that the others are since.
			args := []string{"load", "run", "redis://" + redis.Addr, "-s", file, "--concurrency", "4", "-d", "4s", "--progress", "none"}
			text, stderr, _ := in(t, append(args, "-o", "text", "-o", "json="+out, "--width", "110")...)
			data, err := os.ReadFile(out)
			if err != nil {
				t.Fatalf("%v\n%s%s", err, text, stderr)
			}
			var r report.Report
			if err := json.Unmarshal(data, &r); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.Rule == "SV007" })
			if i < 0 || !strings.Contains(r.Findings[i].Message, want) || r.Findings[i].Fix == "" {
				t.Fatalf("%+v\n%s", r.Findings, text)
			}
			server := r.Section("server")
			if server == nil {
				t.Fatalf("no section server in\n%s", text)
			}
			got := map[string]float64{}
			for _, m := range server.Metrics {
				got[m.Name], _ = m.Value.Number()
			}
			if got["maxmemory"] != 8<<20 || got["memory_most"] < 4<<20 || (got["evicted"] > 0) != (policy != "noeviction") {
				t.Errorf("%v", got)
			}
			if evicts := policy != "noeviction"; strings.Contains(text, "\nevicted ") != evicts || !strings.Contains(text, "\nused memory ") {
				t.Errorf("%s", text)
			}
		})
	}
}
