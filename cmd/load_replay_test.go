package cmd

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadReplay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	timed := file("timed.csv", "ts,client,op,key,size,ttl\n0.00,a,set,k,10,5\n0.02,a,get,k,,\n0.03,b,get,missing,,\n")
	untimed := file("untimed.aof", "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n*1\r\n$8\r\nFLUSHALL\r\n")
	prose := file("prose.txt", "nothing of the kind\n")
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"timed", []string{"--trace", timed, "-o", "csv", "--section", "latency.latency"}, "all,3,", exitOK},
		{"no times", []string{"--trace", untimed}, "--as-fast", exitUsage},
		{"as fast", []string{"--trace", untimed, "--as-fast"}, "names no key", exitOK},
		{"prose", []string{"--trace", prose}, "no line is one of a trace", exitIncomplete},
		{"no trace", nil, "--trace is missing", exitUsage},
		{"no such file", []string{"--trace", filepath.Join(dir, "none")}, "no such file", exitUsage},
		{"speed", []string{"--trace", timed, "--speed", "fast"}, "--speed", exitUsage},
		{"columns", []string{"--trace", timed, "--columns", "ts,kay"}, "no column", exitUsage},
		{"prefix", []string{"--trace", timed, "--prefix", "{a}"}, "--prefix", exitUsage},
		{"demo", []string{"demo:", "--trace", timed}, "PASS", -1},
		{"no driver", []string{"keys:" + timed, "--trace", timed}, "runs no operations", exitUsage},
	} {
		stdout, stderr, code := in(t, append([]string{"load", "replay"}, c.args...)...)
		if c.code < 0 {
			if code != exitOK && code != exitIncomplete || !strings.Contains(stdout, "LATENCY") {
				t.Errorf("%s: exit %d\n%s%s", c.name, code, stdout, stderr)
			}
			continue
		}
		// A machine that is busy sends late and says so: that is the verdict's matter, and tested in loadgen/replay.
		if code != c.code && !(c.code == exitOK && code == exitIncomplete) || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%s: exit %d, want %d and %q\n%s%s", c.name, code, c.code, c.want, stdout, stderr)
		}
	}
}
