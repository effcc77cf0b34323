package kvtool_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// TestExamples runs the examples that the help of each command shows, with a small store in the place of any server.
func TestExamples(t *testing.T) {
	helps := map[string]string{}
	readHelps(t, t.TempDir(), "", helps)
	for command, help := range helps {
		t.Run("kvtool "+command, func(t *testing.T) {
			examples := below(help, "Examples:")
			if examples == nil && below(help, "Available Commands:") == nil {
				t.Error("its help shows no example")
			}
			dir := place(t, command)
			for _, line := range examples {
				runExample(t, dir, line)
			}
		})
	}
}

// readHelps reads the help of a command and of those below it.
func readHelps(t *testing.T, dir, command string, helps map[string]string) {
	help, code := run(t, dir, append(strings.Fields(command), "--help"), small)
	if code != 0 {
		t.Fatalf("kvtool%s --help: exit code %d", command, code)
	}
	helps[command] = help
	for _, line := range below(help, "Available Commands:") {
		if name := strings.Fields(line)[0]; name != "help" && name != "completion" {
			readHelps(t, dir, strings.TrimSpace(command+" "+name), helps)
		}
	}
}

// below returns the lines of a help between a heading and the next empty line; nil if there is no such heading.
func below(help, heading string) []string {
	_, rest, ok := strings.Cut(help, "\n"+heading+"\n")
	if !ok {
		return nil
	}
	block, _, _ := strings.Cut(rest, "\n\n")
	return strings.Split(strings.TrimRight(block, "\n"), "\n")
}

// shortened are what examples take in addition, so that they end, and soon. With --help behind
// them only their flags are held to be right.
var shortened = []struct{ command, more string }{
	{"serve", "--help"},
	{"report serve", "--help"},
	{"tui", "--snapshot --every 0"},
	{"hotkeys redis://127.0.0.1:6379 --source monitor", "--window 100ms"},
	{"hotkeys --trace", ""},
	{"simulate cost dynamodb", "--help"},                     // the small store is no table
	{"hotkeys", "--help"},                                    // the small store does not count by key
	{"drift clean redis://127.0.0.1:6379 --apply", "--help"}, // nothing is taken out of it
	{"load find-max", "--help"},                              // percentiles need seconds
	{"load compare --interleave", "-d 100ms --pairs 6 --no-fill"},
	{"load run", "-d 100ms --no-fill"},
	{"load learn", "--window 50ms"},
	{"keydesign simulate", "--sample 2000"},
	{"load replay", "--speed 50x"},
	{"triage", "--window 100ms"},
	{"drift orphans", "--recheck 1ms"},
	{"drift clean", "--recheck 1ms"},
}

// runExample runs a line of a help. It may find what is wrong with the store, and a load what is wrong with
// a busy machine; nothing may be wrong with the line.
func runExample(t *testing.T, dir, line string) {
	t.Helper()
	args := exampleArgs(dir, line)
	if args == nil {
		t.Errorf("%s: no command of kvtool", line)
		return
	}
	command, open := strings.Join(args, " "), small
	for _, s := range shortened {
		if strings.HasPrefix(command, s.command) {
			args = append(args, strings.Fields(s.more)...)
			break
		}
	}
	if strings.HasPrefix(command, "load ") && !strings.HasPrefix(command, "load learn") {
		open = empty
	}
	if out, code := run(t, dir, args, open); code != 0 && code != 1 && code != 4 {
		t.Errorf("%s: exit code %d\n%s", line, code, out)
	}
}

// exampleArgs returns the arguments of kvtool in a line as a shell would: without what is piped into it or out of it, variables before
// it and the remark behind it, with the names of files for a pattern.
func exampleArgs(dir, line string) []string {
	_, line, ok := strings.Cut(line, "kvtool ")
	if !ok {
		return nil
	}
	line, _, _ = strings.Cut(strings.TrimSpace(line), "  ")
	line, _, _ = strings.Cut(line, " | ")
	line, _, _ = strings.Cut(line, " > ")
	var args []string
	for i, quoted := range strings.Split(line, "'") {
		if i%2 == 1 {
			args = append(args, quoted)
			continue
		}
		for _, word := range strings.Fields(quoted) {
			files, _ := filepath.Glob(filepath.Join(dir, word))
			if !strings.Contains(word, "*") || len(files) == 0 {
				args = append(args, word)
				continue
			}
			for _, f := range files {
				args = append(args, filepath.Base(f))
			}
		}
	}
	return args
}

// small opens a small shop in the place of any server and of the demo, empty an empty store.
func small(ctx context.Context, t kv.Target) (kv.Store, error) {
	return inPlace(ctx, t, "ref:?preset=shop&keys=1000")
}

func empty(ctx context.Context, t kv.Target) (kv.Store, error) {
	return inPlace(ctx, t, "ref:?preset=empty")
}

func inPlace(ctx context.Context, t kv.Target, target string) (kv.Store, error) {
	if t.URL == nil && t.Scheme != "demo" && t.Scheme != "ref" {
		return kept(ctx, t)
	}
	of, err := kv.ParseTarget(target)
	if err != nil {
		return nil, err
	}
	return kept(ctx, of)
}

// made are what the examples of some commands need: each is made in the folder of those alone.
var made = map[string][]string{
	"drift diff":       {"drift snapshot --out monday.kvr", "drift snapshot --out friday.kvr"},
	"drift growth":     {"drift snapshot --now 2026-01-05 --out week-1.kvr", "drift snapshot --now 2026-01-12 --out week-2.kvr"},
	"drift ttl":        {"audit --save prod.kvr"},
	"keydesign diff":   {"keydesign infer --out new-keys.yaml", "audit --save monday.kvr", "audit --save today.kvr"},
	"keydesign export": {"keydesign import model.json --from onetable --out keys.yaml"},
	"keydesign infer":  {"audit --save prod.kvr"},
	"load compare":     {"load run -s counters -d 200ms --out base.kvr", "load run -s counters -d 200ms --out head.kvr"},
	"load learn":       {"audit --save audit.kvr"},
	"load merge":       {"load run -s counters -d 100ms --part 0/2 --out part-0.kvr", "load run -s counters -d 100ms --part 1/2 --out part-1.kvr"},
	"report convert":   {"audit --save prod.kvr"},
	"report merge":     {"audit keys:keys.txt --save a.kvr", "audit keys:other.txt --save b.kvr", "audit keys:keys.txt --save shard-1.kvr", "audit keys:other.txt --save shard-2.kvr"},
	"report show":      {"audit --save prod.kvr -o json=prod.json"},
	"tui":              {"audit --save prod.kvr"},
}

// exampleFiles are files that examples name beside those of the documents.
var exampleFiles = map[string]string{
	".kvtool.yaml":         "targets:\n  staging: {url: redis://staging}\n  prod: {url: redis://prod}\n  prod-1: {url: redis://prod-1}\n  prod-2: {url: redis://prod-2}\n",
	"cluster52.csv":        "0,user:1,6,100,1,get,0\n0,user:2,6,100,2,set,3600\n1,user:1,6,100,1,get,0\n",
	"other.txt":            "user:3\nuser:4\n",
	"workloada.properties": "recordcount=1000\nreadproportion=0.5\nupdateproportion=0.5\nrequestdistribution=zipfian\n",
}

// place is a folder with all that the examples of a command name.
func place(t *testing.T, command string) string {
	dir := workplace(t)
	for name, text := range exampleFiles {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, from := range map[string]string{
		"prices.yaml": "internal/price/prices.yaml", "workbench.json": "testdata/schema/import/nosql-workbench.json",
	} {
		text, err := os.ReadFile(from)
		if err := errors.Join(err, os.WriteFile(filepath.Join(dir, name), text, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "DIR"), os.DirFS("testdata/ddb/full")); err != nil {
		t.Fatal(err)
	}
	for _, line := range made[command] {
		runExample(t, dir, "kvtool "+line)
	}
	return dir
}
