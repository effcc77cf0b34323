package cmd

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/kvtool/kvtool/internal/servertest"
)

// programs is the folder in PATH that the program is built in, by the first test that wants it.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kvtool-programs-")
	if err := errors.Join(err, os.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))); err != nil {
		panic(err)
	}
	programs = dir
	code := m.Run()
	_ = os.RemoveAll(dir) // a folder for temporary files
	os.Exit(code)
}

// Program returns the path of kvtool as users run it. Tests start it a thousand times, and it starts in half the time of a test's binary.
func Program(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// build builds it, once, with the race detector if the tests have it.
var build = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programs, "kvtool")
	args := []string{"build", "-ldflags=-s -w", "-o", path}
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, "./kvtool")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("building kvtool: %w\n%s", err, out)
	}
	return path, nil
})

// Update is whether what documents show of kvtool is written anew: tables, plots and pictures.
var Update = flag.Bool("update", false, "write anew what documents show of kvtool: tables, plots and pictures")

// Shown holds what a page shows between its marks of a name against text, or with -update writes it there.
func Shown(t *testing.T, page, name, text string) {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(b), begin)
	old, tail, ended := strings.Cut(rest, end)
	switch {
	case !ok || !ended:
		t.Errorf("%s has no place for %s:\n%s", page, name, text)
	case *Update:
		if err := os.WriteFile(page, []byte(head+begin+text+end+tail), 0o600); err != nil {
			t.Error(err)
		}
	case old != text:
		t.Errorf("%s shows something else (go test ./cmd -run %s -update):\n%s", page, t.Name(), text)
	}
}

// drawn holds a picture of the documents against what is drawn now, or with -update writes it.
func drawn(t *testing.T, path string, picture []byte) {
	t.Helper()
	if *Update {
		if err := os.WriteFile(path, picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, picture) {
		t.Errorf("%s is another picture (go test ./cmd -run %s -update)", path, t.Name())
	}
}

// TestScripts runs the command line as users do: as a process, with files, pipes, signals and servers that misbehave.
func TestScripts(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: a process for each of a thousand commands; TestServerScripts has those that do several things at once")
	}
	runScripts(t, "../testdata/script", nil, nil)
}

// TestServerScripts does the same with real servers: REDIS with a little of everything, EMPTY, LOADED, which one script
// alone writes to, and DOOMED, which dies when a script says so. Users of REDIS are "limited", who may not run MEMORY USAGE,
// "blind", who may not scan, "unseeing", who may not MONITOR, and "secret", whose password is the canary; one of EMPTY is
// "narrow", who may run PING and INFO alone.
func TestServerScripts(t *testing.T) {
	t.Parallel()
	full, empty, doomed := servertest.Redis(t, servertest.Options{}), servertest.Redis(t, servertest.Options{}), servertest.Redis(t, servertest.Options{})
	loaded := servertest.Redis(t, servertest.Options{})
	// Triage sees who else uses a server: these are for one script each.
	fleetFull, fleetEmpty, triaged := servertest.Redis(t, servertest.Options{}), servertest.Redis(t, servertest.Options{}), servertest.Redis(t, servertest.Options{})
	fill(t, fleetFull.Client(t))
	fill(t, full.Client(t))
	fill(t, doomed.Client(t))
	c := full.Client(t)
	c.Must(t, "ACL", "SETUSER", "limited", "on", ">pw", "~*", "+@all", "-memory")
	c.Must(t, "ACL", "SETUSER", "blind", "on", ">pw", "~*", "+@all", "-scan")
	c.Must(t, "ACL", "SETUSER", "unseeing", "on", ">pw", "~*", "+@all", "-monitor")
	c.Must(t, "ACL", "SETUSER", "secret", "on", ">"+canary, "~*", "+@all")
	triaged.Client(t).Must(t, "ACL", "SETUSER", "narrow", "on", ">pw", "~*", "-@all", "+ping", "+info")
	runScripts(t, "../testdata/script/server", map[string]string{
		"REDIS": full.Addr, "EMPTY": empty.Addr, "LOADED": loaded.Addr, "DOOMED": doomed.Addr,
		"FLEET_FULL": fleetFull.Addr, "FLEET_EMPTY": fleetEmpty.Addr, "TRIAGED": triaged.Addr,
	}, doomed.Stop)
}

// TestMemcachedScripts does the same with MEMCACHED, and with CACHE2, which holds a key.
func TestMemcachedScripts(t *testing.T) {
	t.Parallel()
	full, small := servertest.Memcached(t, servertest.MemcachedOptions{}), servertest.Memcached(t, servertest.MemcachedOptions{})
	c := full.MemcachedClient(t)
	c.Fill(t, 2000, func(i int) (string, int, string) {
		if i%2 == 0 {
			return fmt.Sprint("session:", i), 3600, strings.Repeat("x", 100+i%50)
		}
		return fmt.Sprint("page:", i), 0, strings.Repeat("x", 2000)
	})
	for _, key := range []string{"caf\xe9", "evil:\x1b[31m\x1b]0;owned\x07", "line\nkvtool: error: forged"} {
		c.Must(t, "HD", "ms "+base64.StdEncoding.EncodeToString([]byte(key))+" 1 b\r\nv")
	}
	small.MemcachedClient(t).Must(t, "STORED", "set page:1 0 0 1\r\nv")
	runScripts(t, "../testdata/script/memcached", map[string]string{"MEMCACHED": full.Addr, "CACHE2": small.Addr}, nil)
}

// TestBerkeleyDBScripts does the same with dumps that db_dump has just written: SESSIONS of a tree, PACKED the same by gzip, STAT of what
// db_stat says of it, DB of its file itself, and ALL of a file with three databases.
func TestBerkeleyDBScripts(t *testing.T) {
	t.Parallel()
	db := servertest.NewBerkeleyDB(t)
	dir := t.TempDir()
	one, three := filepath.Join(dir, "one.db"), filepath.Join(dir, "three.db")
	var sessions, users, tags, odd strings.Builder
	for i := range 600 {
		fmt.Fprintf(&sessions, "session:%d\n%s\n", i, strings.Repeat("x", 100+i%50))
		fmt.Fprintf(&users, "user:%d\nv\n", i)
	}
	for i := range 30 {
		for j := range i {
			fmt.Fprintf(&tags, "tag:%d\nuser:%d\n", i, j)
		}
	}
	tags.WriteString("tag:0\nuser:0\n")
	for i := range 97 {
		fmt.Fprintf(&odd, "\\00\\00\\00\\%02x\nv\n", i)
	}
	odd.WriteString("caf\\e9\nv\nevil:\\1b[31m\\1b]0;owned\\07\nv\nline\\0akvtool: error: forged\nv\n")
	db.Load(t, one, sessions.String(), "-T", "-t", "btree")
	db.Load(t, three, users.String(), "-T", "-t", "hash", "-c", "database=users")
	db.Load(t, three, tags.String(), "-T", "-t", "btree", "-c", "database=tags", "-c", "duplicates=1")
	db.Load(t, three, odd.String(), "-T", "-t", "btree", "-c", "database=odd")
	env := map[string]string{"DB": one}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	_, err := zip.Write([]byte(db.Dump(t, one)))
	if err := errors.Join(err, zip.Close()); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"SESSIONS": db.Dump(t, one), "PACKED": packed.String(), "STAT": db.Stat(t, one), "ALL": db.Dump(t, three, "-p"),
	} {
		env[name] = filepath.Join(dir, strings.ToLower(name)+".dump")
		if err := os.WriteFile(env[name], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	runScripts(t, "../testdata/script/bdb", env, nil)
}

// fill writes a few thousand keys of every type, some of them hostile.
func fill(t *testing.T, c *servertest.Client) {
	c.Fill(t, 3000, func(i int) []string {
		id := strconv.Itoa(i)
		switch i % 5 {
		case 0:
			return []string{"SET", "session:" + id, strings.Repeat("x", 100+i%50), "EX", "3600"}
		case 1:
			return []string{"HSET", "user:" + id, "name", "n" + id, "city", "c"}
		case 2:
			return []string{"RPUSH", "queue:" + id, "a", "b", "c"}
		case 3:
			return []string{"ZADD", "rank:" + id, "1", "a", "2", "b"}
		}
		return []string{"SADD", "tags:" + id, "1", "2", "3"}
	})
	for _, key := range []string{"evil:\x1b[31m\x1b]0;owned\x07", "line\nkvtool: error: forged", "caf\xe9\xff", strings.Repeat("long", 250_000)} {
		c.Must(t, "SET", key, "v")
	}
	c.Must(t, "SELECT", "3")
	c.Must(t, "SET", "other:database", "v")
}

func runScripts(t *testing.T, dir string, env map[string]string, doom func()) {
	Program(t)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	schema := root + "/../docs/schema/report-v1.json"
	testscript.Run(t, testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("CORPUS", root+"/../testdata/rdb/corpus")
			e.Setenv("FIRST", root+"/../testdata/report/v1.kvr")
			e.Setenv("SHOP", root+"/../testdata/schema/shop.yaml")
			e.Setenv("CANARY", canary)
			e.Setenv("SCHEMAS", root+"/../docs/schema")
			e.Setenv("DDB", root+"/../testdata/ddb")
			for name, value := range env {
				e.Setenv(name, value)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     runKvtool,
			"interrupt": func(ts *testscript.TestScript, neg bool, args []string) { runUntil(ts, args, "130", interrupt) },
			"terminate": func(ts *testscript.TestScript, neg bool, args []string) { runUntil(ts, args, "130", terminate) },
			"doom": func(ts *testscript.TestScript, neg bool, args []string) {
				runUntil(ts, args[1:], args[0], func(*os.Process) error { doom(); return nil })
			},
			"write":    writeBytes,
			"damage":   damage,
			"schema":   func(ts *testscript.TestScript, neg bool, args []string) { checkSchema(ts, schema, args) },
			"fake":     startFake,
			"nocanary": noCanary,
		},
	})
}

func interrupt(p *os.Process) error { return p.Signal(syscall.SIGINT) }
func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }

// canary is a password that must be in no output.
const canary = "c4n4ry-h0rse-battery"

// runKvtool is "exits CODE ARGS…": it runs kvtool, checks its exit code and keeps its output for stdout and stderr. Of a load that is
// to go well the code is 0|4: on a busy machine the generator is the limit now and then, and says so.
func runKvtool(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: exits CODE ARGS")
	}
	err := ts.Exec("kvtool", args[1:]...)
	checkCode(ts, err, args[0])
}

func checkCode(ts *testscript.TestScript, err error, want string) {
	code := 0
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		code = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if !slices.Contains(strings.Split(want, "|"), strconv.Itoa(code)) {
		ts.Fatalf("exit code %d, want %s", code, want)
	}
}

// runUntil is "interrupt ARGS…", "terminate ARGS…" and "doom CODE ARGS…": it runs kvtool and, once it reports progress, sends it a
// Ctrl-C or SIGTERM, or stops its server. It checks the exit code and leaves the output in out.txt and err.txt.
func runUntil(ts *testscript.TestScript, args []string, code string, then func(*os.Process) error) {
	c := exec.Command(lookPath(ts, "kvtool"), append(args, "--progress", "json")...)
	c.Dir = ts.Getenv("WORK")
	out, err := os.Create(ts.MkAbs("out.txt"))
	ts.Check(err)
	defer out.Close()
	seen := &watcher{want: []byte(`"progress"`), found: make(chan struct{})}
	c.Stdout, c.Stderr = out, seen
	ts.Check(c.Start())
	select {
	case <-seen.found:
	case <-time.After(20 * time.Second):
		ts.Check(c.Process.Kill())
		ts.Fatalf("no progress: %s", seen.all.Bytes())
	}
	ts.Check(then(c.Process))
	checkCode(ts, c.Wait(), code)
	ts.Check(os.WriteFile(ts.MkAbs("err.txt"), seen.all.Bytes(), 0o600))
}

// lookPath finds a program in the script's PATH, which is not the test's.
func lookPath(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if path := filepath.Join(dir, name); isFile(path) {
			return path
		}
	}
	ts.Fatalf("%s is not in PATH", name)
	return ""
}

func isFile(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.Mode().IsRegular()
}

// A watcher keeps what is written to it and tells when it holds want.
type watcher struct {
	all   bytes.Buffer
	want  []byte
	found chan struct{}
	told  bool
}

func (w *watcher) Write(p []byte) (int, error) {
	w.all.Write(p)
	if !w.told && bytes.Contains(w.all.Bytes(), w.want) {
		w.told = true
		close(w.found)
	}
	return len(p), nil
}

// writeBytes is "write FILE STRING…": each string is the inside of a Go string literal. *N after one repeats it.
func writeBytes(ts *testscript.TestScript, neg bool, args []string) {
	var b strings.Builder
	for _, a := range args[1:] {
		if n, ok := strings.CutPrefix(a, "*"); ok {
			times, err := strconv.Atoi(n)
			ts.Check(err)
			s := b.String()
			last := s[strings.LastIndexByte(s, '\n')+1:]
			b.WriteString(strings.Repeat(last, times-1))
			continue
		}
		s, err := strconv.Unquote(`"` + a + `"`)
		ts.Check(err)
		b.WriteString(s)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(b.String()), 0o600))
}

// damage is "damage cut|flip FROM TO OFFSET": TO is FROM without what is behind the offset, or with a bit of the byte
// there flipped. A negative offset counts from the end.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	b := []byte(ts.ReadFile(args[1]))
	at, err := strconv.Atoi(args[3])
	ts.Check(err)
	if at < 0 {
		at += len(b)
	}
	if args[0] == "cut" {
		b = b[:at]
	} else {
		b[at] ^= 0x10
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b, 0o600))
}

// checkSchema is "schema FILE": the file, or stdout, is one JSON document that the published schema accepts.
func checkSchema(ts *testscript.TestScript, schema string, args []string) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(schema)
	ts.Check(err)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(ts.ReadFile(args[0])))
	if err != nil {
		ts.Fatalf("%s is not JSON: %v", args[0], err)
	}
	ts.Check(s.Validate(doc))
}

// noCanary is "nocanary FILE…": the password is in none of them.
func noCanary(ts *testscript.TestScript, neg bool, args []string) {
	for _, f := range args {
		if strings.Contains(ts.ReadFile(f), canary) {
			ts.Fatalf("the password is in %s:\n%s", f, ts.ReadFile(f))
		}
	}
}

// startFake is "fake NAME KIND": it starts a server of a kind of fakes and puts its address into $NAME.
func startFake(ts *testscript.TestScript, neg bool, args []string) {
	addr, stop, err := serveFake(args[1])
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv(args[0], addr)
	fmt.Fprintf(ts.Stdout(), "%s is %s\n", args[0], addr)
}
