package kvtool_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/cmd"
	"github.com/kvtool/kvtool/kv"
)

var update = flag.Bool("update", false, "rewrite the outputs shown in the documents")

// A document shows commands in two kinds of fence. In a console fence a command begins with "$ " and everything up to the
// next one is what it prints, in a terminal of 80 columns, on both streams. In an sh fence there are only commands; those
// of kvtool must succeed, with a smaller demo store in the place of any server, and of it where nothing is kept, and fewer
// keys simulated.
var fence = regexp.MustCompile("(?ms)^```(console|sh)\n(.*?)^```$")

func TestDocs(t *testing.T) {
	pages, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "README.md") {
		t.Run(page, func(t *testing.T) { checkPage(t, page) })
	}
}

func checkPage(t *testing.T, page string) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	dir := workplace(t)
	fresh := fence.ReplaceAllFunc(text, func(block []byte) []byte {
		m := fence.FindSubmatch(block)
		if string(m[1]) == "console" {
			return []byte("```console\n" + rerun(t, dir, string(m[2])) + "```")
		}
		for line := range strings.Lines(string(m[2])) {
			if args, ok := kvtoolArgs(line); ok {
				open := opener(withoutServers)
				if !slices.Contains(args, "--save") {
					open = withoutMuch
				}
				if strings.HasPrefix(strings.Join(args, " "), "keydesign simulate") {
					args = append(args, "--sample", "20k")
				}
				if out, code := run(t, dir, args, open); code != 0 {
					t.Errorf("%s: exit code %d\n%s", strings.TrimSpace(line), code, out)
				}
			}
		}
		return block
	})
	if bytes.Equal(fresh, text) {
		return
	}
	if *update {
		if err := os.WriteFile(page, fresh, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Errorf("%s shows what kvtool does not print (go test . -update); it prints:\n%s", page, fresh)
}

// rerun returns a console block with the outputs that its commands have now. Commands of other programs keep theirs.
func rerun(t *testing.T, dir, block string) string {
	var b strings.Builder
	ours := false
	for line := range strings.Lines(block) {
		command, isCommand := strings.CutPrefix(line, "$ ")
		switch {
		case isCommand:
			b.WriteString(line)
			var args []string
			if args, ours = kvtoolArgs(command); ours {
				out, code := run(t, dir, args, kept)
				b.WriteString(out)
				if code != 0 {
					fmt.Fprintf(&b, "(exit %d)\n", code)
				}
			}
		case !ours:
			b.WriteString(line)
		}
	}
	return b.String()
}

// kvtoolArgs returns the arguments of a command line that runs kvtool, installed or from its source.
func kvtoolArgs(line string) ([]string, bool) {
	line, _, _ = strings.Cut(strings.TrimSpace(line), "   #")
	words := strings.Fields(strings.Replace(line, "go run ./cmd/kvtool", "kvtool", 1))
	for i := range words {
		words[i] = strings.Trim(words[i], `'"`)
	}
	if len(words) == 0 || words[0] != "kvtool" {
		return nil, false
	}
	return words[1:], true
}

type opener func(context.Context, kv.Target) (kv.Store, error)

func withoutServers(ctx context.Context, t kv.Target) (kv.Store, error) {
	if t.URL == nil {
		return kept(ctx, t)
	}
	return inPlace(ctx, t, "demo:?keys=12000")
}

func withoutMuch(ctx context.Context, t kv.Target) (kv.Store, error) {
	if t.Scheme == "demo" {
		return inPlace(ctx, t, "demo:?keys=12000")
	}
	return withoutServers(ctx, t)
}

// demos are stores that commands have read, by their targets. Reading changes none, so that the next command has the same. A fleet
// opens several side by side.
var (
	demos   = map[string]kv.Store{}
	opening sync.Mutex
)

func kept(ctx context.Context, t kv.Target) (kv.Store, error) {
	opening.Lock()
	defer opening.Unlock()
	if s := demos[t.String()]; s != nil {
		return s, nil
	}
	s, err := adapters.Open(ctx, t)
	if err == nil && (t.Scheme == "demo" || t.Scheme == "ref") {
		demos[t.String()] = s
	}
	return s, err
}

func run(t *testing.T, dir string, args []string, open opener) (out string, code int) {
	t.Helper()
	if len(args) > 0 && args[0] == "load" || slices.Contains(args, "--apply") { // it writes
		clear(demos)
		defer clear(demos)
	}
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chdir(dir); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.Chdir(home); err != nil {
			t.Fatal(err)
		}
	}()
	var b bytes.Buffer
	env := &cmd.Env{
		Stdin:    strings.NewReader(""),
		Stdout:   &b,
		Stderr:   &b,
		Width:    80,
		Getenv:   func(string) string { return "" },
		Now:      time.Now,
		Adapters: adapters.All(),
		Open:     open,
	}
	code = cmd.Main(args, env)
	return b.String(), code
}

// workplace is a folder with the files that the documents name.
func workplace(t *testing.T) string {
	dir := t.TempDir()
	files := map[string]string{
		"dump.rdb":   "testdata/rdb/corpus/redis_50_with_streams.rdb",
		"depth.rdb":  "testdata/rdb/depth.rdb",
		"keys.yaml":  "testdata/schema/shop.yaml",
		"old.yaml":   "testdata/schema/shop.yaml",
		"depth.yaml": "testdata/gate/keys.yaml",
		"model.json": "testdata/schema/import/onetable.json",
		"shop.yaml":  "testdata/drift/shop.yaml",

		"sessions.dump.gz": "testdata/bdb/sessions.dump.gz",
		"sessions.stat":    "testdata/bdb/sessions.stat",
		"shop.dump":        "testdata/bdb/shop.dump",
	}
	for name, from := range files {
		b, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "export"), os.DirFS("testdata/ddb/full")); err != nil {
		t.Fatal(err)
	}
	fleet := "targets:\n  prod-cart: {url: \"redis://cart-1:6379\", env: prod}\n  prod-queue: {url: \"redis://queue-1:6379\"}\n"
	if err := os.WriteFile(filepath.Join(dir, "fleet.yaml"), []byte(fleet), 0o644); err != nil {
		t.Fatal(err)
	}
	typo := "targets:\n  cache:\n    url: redis://h\n    pasword: x\n"
	if err := os.WriteFile(filepath.Join(dir, "typo.yaml"), []byte(typo), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys.txt"), []byte("user:1\nuser:2\ncart:1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "monitor.txt"), monitored(), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// monitored is what MONITOR prints in two seconds: of a feed that all read, a counter that all raise, and users.
func monitored() []byte {
	var b bytes.Buffer
	for i := range 8000 {
		command := fmt.Sprintf(`"hgetall" "user:%d:profile"`, i*i%1000)
		switch {
		case i%10 < 3:
			command = `"zrevrange" "feed:global" "0" "20"`
		case i%10 == 3 || i%20 == 4:
			command = `"incr" "count:visits"`
		}
		fmt.Fprintf(&b, "%d.%06d [0 127.0.0.1:50712] %s\n", 1_700_000_000+i/4000, i%4000*250, command)
	}
	return b.Bytes()
}

// TestMakeTest holds README's second command: make test fetches the servers and runs the tests, and the packages that
// README shows passing have tests. It cannot run itself.
func TestMakeTest(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is missing")
	}
	dry := exec.Command("make", "-n", "--no-print-directory", "test")
	dry.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") }) // of make test
	out, err := dry.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := "scripts/servers\ngo test -vet=off -p 4 -parallel 4 ./cmd ./...\n"; string(out) != want {
		t.Errorf("make test runs\n%swant\n%s", out, want)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile(`(?m)^ok\s+github\.com/kvtool/kvtool/(\S+)`).FindAllStringSubmatch(string(readme), -1)
	if len(shown) == 0 || !strings.Contains(string(readme), "$ make test\n"+string(out)) {
		t.Errorf("README does not show what make test prints: it begins with\n%s", out)
	}
	for _, m := range shown {
		if tests, _ := filepath.Glob(m[1] + "/*_test.go"); len(tests) == 0 {
			t.Errorf("README shows %s passing, which has no tests", m[1])
		}
	}
}
