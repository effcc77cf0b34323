package cmd_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/internal/servertest"
)

// kvtoolIn runs a command in a folder and returns what it prints on both streams.
func kvtoolIn(t *testing.T, dir, stdin string, tty bool, args ...string) (out string, code int) {
	t.Helper()
	t.Chdir(dir)
	var b bytes.Buffer
	env := &cmd.Env{
		Stdin: strings.NewReader(stdin), Stdout: &b, Stderr: &b, Width: 100, TTY: tty, Getenv: func(string) string { return "" }, Now: time.Now,
		Adapters: adapters.All(), Open: adapters.Open,
	}
	code = cmd.Main(args, env)
	return b.String(), code
}

const cleanSchema = `kvschema: 1
fields: {uid: {type: int}}
templates:
  user: {key: "user:{uid}", type: hash}
  order: {key: "order:{uid}:{n:int}", type: string, refs: [{kind: parent, to: user, on: uid}]}
  page: {key: "page:{n:int}", type: string, kind: cache, ttl: {policy: fixed, value: 1h}}
`

// The life of a plan, as an operator sees it: made, looked at, refused where it has to be, confirmed, applied, taken back.
func TestDriftClean(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--enable-debug-command", "yes"}})
	c := server.Client(t)
	for u := range 200 {
		if u >= 10 {
			c.Must(t, "HSET", fmt.Sprint("user:", u), "a", "b")
		}
		c.Must(t, "SET", fmt.Sprintf("order:%d:1", u), "x", "EX", "100000")
		c.Must(t, "SET", fmt.Sprint("page:", u), strings.Repeat("x", 100))
	}
	before := fmt.Sprint(c.Must(t, "DEBUG", "DIGEST"))
	target, dir := "redis://"+server.Addr, t.TempDir()
	write(t, filepath.Join(dir, "keys.yaml"), cleanSchema)
	write(t, filepath.Join(dir, ".kvtool.yaml"), "targets:\n  live: {url: "+target+", env: prod}\n")
	expect := func(code int, want string, args ...string) {
		t.Helper()
		expectFrom(t, dir, "", false, code, want, args...)
	}
	expect(2, "takes one of --plan", "drift", "clean", target)
	expect(0, `order:\{uid\}:\{n:int\} +delete +10 +200 +5%`, "drift", "clean", target, "--schema", "keys.yaml", "--plan", "p.jsonl", "--recheck", "10ms")
	if out, _ := kvtoolIn(t, dir, "", false, "drift", "clean", "--show", "p.jsonl"); strings.Contains(out, "scan ") {
		t.Errorf("nothing is scanned to show a plan:\n%s", out)
	}
	expect(0, `p.jsonl: nothing was written to the store`, "drift", "clean", "--show", "p.jsonl")
	if got := fmt.Sprint(c.Must(t, "DEBUG", "DIGEST")); got != before {
		t.Fatal("a plan has changed the store")
	}
	expect(2, "env: prod", "drift", "clean", "@live", "--apply", "p.jsonl", "--yes")
	write(t, filepath.Join(dir, ".kvtool.yaml"), "targets:\n  live: {url: "+strings.Replace(target, "127.0.0.1", "localhost", 1)+"/0, env: prod}\n")
	expect(2, "@live is env: prod", "drift", "clean", target, "--apply", "p.jsonl", "--yes") // by its address
	write(t, filepath.Join(dir, ".kvtool.yaml"), "targets:\n  live: {url: redis://127.0.0.1:1, env: prod}\n")
	expect(2, "without being confirmed", "drift", "clean", target, "--apply", "p.jsonl")
	expect(2, "has to be named", "drift", "clean", "--apply", "p.jsonl", "--yes")
	expect(2, "not of redis://", "drift", "clean", "redis://localhost:1", "--apply", "p.jsonl", "--yes")
	expect(2, "more than 2% may not go", "drift", "clean", target, "--apply", "p.jsonl", "--yes", "--max-share", "2%")
	expectFrom(t, dir, "no\n", true, 2, "nothing was written", "drift", "clean", target, "--apply", "p.jsonl")
	if n := c.Must(t, "DBSIZE").(int64); n != 590 {
		t.Fatalf("%d keys after what was refused", n)
	}
	expectFrom(t, dir, target+"\n", true, 0, `done +10 +as planned`, "drift", "clean", target, "--apply", "p.jsonl")
	if n := c.Must(t, "DBSIZE").(int64); n != 580 {
		t.Errorf("%d keys after it was applied", n)
	}
	expect(0, `gone +10`, "drift", "clean", target, "--apply", "p.jsonl", "--yes")
	expect(0, `done +10`, "drift", "clean", target, "--undo", "p.jsonl.undo.zst", "--yes")
	if got := fmt.Sprint(c.Must(t, "DEBUG", "DIGEST")); got != before {
		t.Error("what was taken back is not what it was")
	}
	log := read(t, filepath.Join(dir, "p.jsonl.log.jsonl"))
	if n := strings.Count(log, `"result":"done"`); n != 10 {
		t.Errorf("%d lines of the log are done", n)
	}
	expect(0, `page:\{n:int\} +expire +200`, "drift", "clean", target, "--what", "ttl", "--schema", "keys.yaml", "--plan", "t.jsonl")
	expect(0, `done +200`, "drift", "clean", target, "--apply", "t.jsonl", "--yes", "--rate", "100k/s")
	expect(0, `done +200`, "drift", "clean", target, "--undo", "t.jsonl.undo.zst", "--yes", "--rate", "100k/s")
	if got := fmt.Sprint(c.Must(t, "DEBUG", "DIGEST")); got != before {
		t.Error("expiries that were taken back are not what they were")
	}
	expect(0, `page:\{n:int\} \(cache, 10ms to make again\)`, "drift", "clean", target, "--free", "10KiB", "--schema", "keys.yaml", "--plan", "f.jsonl")
	expect(2, "more than 10% may not go", "drift", "clean", target, "--apply", "f.jsonl", "--yes")
	edited := strings.Replace(read(t, filepath.Join(dir, "p.jsonl")), "order:0:1", "user:17", 1)
	write(t, filepath.Join(dir, "e.jsonl"), edited)
	expect(2, "edited or added", "drift", "clean", "--show", "e.jsonl")
	expect(0, "never written to", "drift", "clean", "demo:", "--ref", "order:{uid}:{n} needs user:{uid}:profile", "--plan", "d.jsonl")
}

func expectFrom(t *testing.T, dir, stdin string, tty bool, code int, want string, args ...string) {
	t.Helper()
	out, got := kvtoolIn(t, dir, stdin, tty, args...)
	if got != code || !regexp.MustCompile(want).MatchString(out) {
		t.Errorf("%q: exit %d, want %d and %q\n%s", args, got, code, want, out)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
