package cmd_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
)

// Snapshots of a server that fills up, compared and followed: what changed is said, what did not is not, and the day on which it
// will be full is an interval that holds it.
func TestDriftSnapshots(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--maxmemory", "40mb", "--maxmemory-policy", "allkeys-lru"}})
	c := server.Client(t)
	c.Fill(t, 3000, func(i int) []string {
		return []string{"SET", fmt.Sprint("page:", i), strings.Repeat("x", 300), "EX", fmt.Sprint(60 + i)}
	})
	target, dir := "redis://"+server.Addr, t.TempDir()
	expect := func(code int, want string, args ...string) {
		t.Helper()
		expectFrom(t, dir, "", false, code, want, args...)
	}
	n := 0
	var files []string
	for day := range 5 {
		c.Fill(t, 4000, func(int) []string { n++; return []string{"SET", fmt.Sprint("event:", n), strings.Repeat("x", 400)} })
		file := fmt.Sprintf("d%d.kvr", day)
		at := time.Now().Add(time.Duration(day+1) * 24 * time.Hour).UTC().Format(time.RFC3339)
		expect(0, "", "drift", "snapshot", target, "--out", file, "--now", at, "-q", "--progress", "none")
		files = append(files, file)
	}
	expect(0, `event:\{int\} +16.0k +20.0k .*drift`, "drift", "diff", "d3.kvr", "d4.kvr")
	expect(0, `W DR002 +event:\{int\}`, "drift", "diff", "d0.kvr", "d4.kvr")
	expect(1, `FAILED`, "drift", "diff", "d0.kvr", "d4.kvr", "--fail-on", "warning")
	expect(0, `0 error   0 warning   0 info`, "drift", "diff", "d4.kvr", target, "--template", "event:*")
	c.Must(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
	c.Fill(t, 3000, func(i int) []string { return []string{"PERSIST", fmt.Sprint("page:", i)} })
	expect(1, `E KD071 +page:\{int\}`, "drift", "diff", "d4.kvr", target)
	expect(0, `W DR005 +maxmemory-policy`, "drift", "diff", "d4.kvr", target, "--fail-on", "never")
	expect(2, `takes two arguments`, "drift", "diff", "d4.kvr")
	expect(3, `no such file`, "drift", "diff", "d4.kvr", "missing.kvr")

	expect(0, `The limit is reached between \d{4}-\d\d-\d\d and \d{4}-\d\d-\d\d`, append([]string{"drift", "growth"}, files...)...)
	expect(0, `W KD089 +server`, append([]string{"drift", "growth"}, files...)...)
	expect(1, `event:\{int\}`, append([]string{"drift", "growth", "--fail-on", "warning"}, files...)...)
	expect(0, `evicts by allkeys-lru`, append([]string{"drift", "growth"}, files...)...)
	expect(0, `Two points: a rate, and no interval`, "drift", "growth", "d0.kvr", "d1.kvr")
	expect(0, "", "drift", "snapshot", target, "--out", "now.kvr", "-q", "--progress", "none")
	expect(0, "", "drift", "snapshot", target, "--out", "soon.kvr", "-q", "--progress", "none")
	expect(0, `span \S+( m?s)?: too short to say what grows`, "drift", "growth", "now.kvr", "soon.kvr")
	expect(0, `One snapshot`, "drift", "growth", "d0.kvr")
	expect(0, "", "drift", "snapshot", "demo:", "--out", "demo.kvr", "-q")
	expect(2, `growth is of one store`, "drift", "growth", "d0.kvr", "demo.kvr")
	expect(2, `--out is missing`, "drift", "snapshot", target)
	expect(0, "", "drift", "snapshot", "demo:", "--out", "only.kvr", "-q", "--match", "user:*")
}
