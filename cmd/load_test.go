package cmd

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/report/kvr"
)

// saveRun writes the recording of a run of so many seconds, at 200/s, of which each operation takes slower times 1 to 2 ms.
func saveRun(t *testing.T, path string, seconds int, slower float64, change func(*recording.Recording)) {
	t.Helper()
	b := recording.NewBuilder(recording.Meta{
		Scenario: "s", Hash: "h", Seed: 1, Version: "v", Parts: 1, Classes: []string{"get", "set"}, CPU: "c", Server: "redis 7.0.15", Target: "redis://x",
	}, time.Unix(1_700_000_000, 0))
	r, rng := b.Recorder(), rand.New(rand.NewPCG(uint64(filepath.Base(path)[0]), 9)) // not of the folder, whose name varies
	for i := range seconds * 200 {
		at := time.Duration(i) * 5 * time.Millisecond
		took := time.Duration(slower * float64(time.Millisecond+time.Duration(rng.Int64N(int64(time.Millisecond)))))
		r.Due(at)
		r.Done(at, i%2, took, took, 0)
	}
	r.Flush()
	rec, err := b.Finish(recording.Part{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(rec)
	}
	doc, err := loadReport(rec)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := kvr.Write(f, doc); err != nil {
		t.Fatal(err)
	}
}

// in runs a command line and returns what it writes, and its code.
func in(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs strings.Builder
	env := OS()
	env.Stdin, env.Stdout, env.Stderr, env.TTY, env.StderrTTY = strings.NewReader(""), &out, &errs, false, false
	env.Getenv = func(string) string { return "" }
	code = Main(args, env)
	return out.String(), errs.String(), code
}

func TestLoadCompareStored(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name+".kvr") }
	saveRun(t, at("base"), 60, 1, nil)
	saveRun(t, at("same"), 60, 1.001, nil)
	saveRun(t, at("slow"), 60, 1.2, nil)
	saveRun(t, at("short"), 20, 1, nil)
	saveRun(t, at("other"), 60, 1, func(r *recording.Recording) { r.Meta.Hash = "x" })
	for _, c := range []struct {
		head, limit, want string
		code              int
	}{
		{"same", "", "no difference", exitOK},
		{"same", "p99=10%,rate=5%", "no difference", exitOK},
		{"slow", "", "worse", exitOK},
		{"slow", "p99=10%", "worse", exitGate},
		{"slow", "p99=20%", "worse", exitIncomplete}, // the interval holds the limit
		{"slow", "p99.9=60%", "worse", exitOK},
		{"short", "", "independent blocks", exitIncomplete},
		{"short", "p99=10%", "independent blocks", exitIncomplete},
		{"other", "", "differ in scenario", exitIncomplete},
	} {
		args := []string{"load", "compare", at("base"), at(c.head), "--width", "140"}
		if c.limit != "" {
			args = append(args, "--max-regress", c.limit)
		}
		stdout, stderr, code := in(t, args...)
		if code != c.code || !strings.Contains(stdout, c.want) {
			t.Errorf("%s %s: exit %d, want %d with %q\n%s%s", c.head, c.limit, code, c.code, c.want, stdout, stderr)
		}
	}
	for _, args := range [][]string{
		{at("base")},
		{at("base"), at("none")},
		{at("base"), at("same"), "--max-regress", "p99"},
		{at("base"), at("same"), "--max-regress", "pxx=3%"},
		{at("base"), at("same"), "--op", "zadd"},
	} {
		if _, stderr, code := in(t, append([]string{"load", "compare"}, args...)...); code != exitUsage && code != exitTarget || stderr == "" {
			t.Errorf("%v: exit %d, %s", args[1:], code, stderr)
		}
	}
	if stdout, _, code := in(t, "load", "compare", at("base"), at("slow"), "--op", "set", "-o", "json"); code != exitOK || !strings.Contains(stdout, `"kind": "compare"`) {
		t.Errorf("exit %d\n%s", code, stdout)
	}
}

func TestLoadMerge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name+".kvr") }
	part := func(n int) func(*recording.Recording) {
		return func(r *recording.Recording) { r.Meta.Parts, r.Parts[0].Number = 3, n }
	}
	for i, name := range []string{"a", "b", "c"} {
		saveRun(t, at(name), 3, 1, part(i))
	}
	saveRun(t, at("bound"), 3, 1, func(r *recording.Recording) {
		part(2)(r)
		r.Parts[0].Verdict, r.Parts[0].Clock, r.Parts[0].Done = recording.GeneratorBound, time.Second, 500
	})
	saveRun(t, at("alien"), 3, 1, func(r *recording.Recording) { part(1)(r); r.Meta.Hash = "x" })

	stdout, stderr, code := in(t, "load", "merge", at("a"), at("b"), at("c"), "--out", at("all"), "-o", "csv", "--section", "latency.latency")
	if code != exitOK || !strings.Contains(stdout, "all,1800,600,") || stderr != "" {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	again, _, code := in(t, "report", "show", at("all"), "-o", "csv", "--section", "latency.latency")
	if code != exitOK || again != stdout {
		t.Errorf("exit %d: saved as\n%s", code, again)
	}
	if stdout, _, code := in(t, "report", "show", at("all"), "-o", "svg"); code != exitOK || !strings.Contains(stdout, "response time by percentile") {
		t.Errorf("exit %d\n%s", code, stdout)
	}
	for _, c := range []struct {
		args []string
		want string
		code int
	}{
		{[]string{at("a"), at("b"), "--allow-missing"}, "incomplete", exitIncomplete},
		{[]string{at("a"), at("b"), at("b")}, "part 1 is there twice", exitUsage},
		{[]string{at("a"), at("alien")}, "hash", exitUsage},
		{[]string{at("a"), at("b"), at("bound")}, "generator-bound", exitIncomplete},
		{[]string{at("a"), at("b"), at("bound")}, "clock", exitIncomplete},
	} {
		stdout, stderr, code := in(t, append([]string{"load", "merge"}, c.args...)...)
		if code != c.code || !strings.Contains(stdout+stderr, c.want) {
			t.Errorf("%v: exit %d, want %d and %q\n%s%s", c.args, code, c.code, c.want, stdout, stderr)
		}
	}
}
