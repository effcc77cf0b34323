package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A fakeStore yields keys and then err.
type fakeStore struct {
	keys int
	err  error
	scan func() // called before the first key
}

func (s *fakeStore) Info(context.Context) (*kv.Info, error) {
	return &kv.Info{Adapter: "fake", Product: "fake", Target: "fake:", Facts: []kv.Fact{{Name: "name", Field: kv.FieldName, How: kv.Measured}}}, nil
}

func (s *fakeStore) Close() error { return nil }

func (s *fakeStore) Scan(ctx context.Context, _ kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		if s.scan != nil {
			s.scan()
		}
		for i := range s.keys {
			if !yield(&kv.Record{Key: fmt.Sprintf("k%d", i), Known: kv.FieldName}, nil) {
				return
			}
		}
		if s.err != nil {
			yield(nil, s.err)
		}
	}
}

// run runs a command line on store and returns what it printed.
func run(t *testing.T, store kv.Store, openErr error, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &Env{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Now: time.Now,
		Adapters: append(adapters.All(), &kv.Adapter{Name: "fake", Schemes: []string{"fake"}}),
		Open:     func(context.Context, kv.Target) (kv.Store, error) { return store, openErr },
	}
	code = Main(args, env)
	return out.String(), errs.String(), code
}

func TestExitCodes(t *testing.T) {
	gone := errors.New("connection reset")
	for _, c := range []struct {
		name    string
		store   *fakeStore
		openErr error
		args    []string
		code    int
		report  bool
	}{
		{"all read", &fakeStore{keys: 3}, nil, nil, exitOK, true},
		{"could not open", nil, gone, nil, exitTarget, false},
		{"not what was asked for", nil, kv.Usagef("no such parameter"), nil, exitUsage, false},
		{"failed before the first key", &fakeStore{err: gone}, nil, nil, exitTarget, false},
		{"failed after it", &fakeStore{keys: 3, err: gone}, nil, nil, exitIncomplete, true},
		{"too much for the server", &fakeStore{err: fmt.Errorf("scanning: %w", kv.ErrImpact)}, nil, nil, exitIncomplete, true},
		{"corrupt before the first key", &fakeStore{err: kv.Corruptf("cut")}, nil, nil, exitIncomplete, true},
		{"corrupt after it", &fakeStore{keys: 3, err: kv.Corruptf("cut")}, nil, nil, exitIncomplete, true},
		{"not even that kind of file", &fakeStore{err: kv.Usagef("no list")}, nil, nil, exitUsage, false},
		{"gate passed", &fakeStore{keys: 3}, nil, []string{"--fail-on", "error"}, exitOK, true},
		{"gate undecided", &fakeStore{keys: 3, err: gone}, nil, []string{"--fail-on", "error"}, exitIncomplete, true},
		{"exit zero", &fakeStore{keys: 3, err: gone}, nil, []string{"--exit-zero"}, exitOK, true},
		{"exit zero does not hide the target", nil, gone, []string{"--exit-zero"}, exitTarget, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errs, code := run(t, c.store, c.openErr, append([]string{"audit", "fake:x"}, c.args...)...)
			if code != c.code || (out != "") != c.report {
				t.Errorf("code %d, want %d; report: %v, want %v\n%s%s", code, c.code, out != "", c.report, out, errs)
			}
			if failed := c.openErr != nil || c.store != nil && c.store.err != nil; failed != strings.Contains(errs, "kvtool: error: ") {
				t.Errorf("stderr: %q", errs)
			}
		})
	}
}

// panicking is a fakeStore whose Info panics, on the goroutine of Main.
type panicking struct{ fakeStore }

func (*panicking) Info(context.Context) (*kv.Info, error) { panic("slots out of order") }

func TestPanic(t *testing.T) {
	out, errs, code := run(t, &panicking{}, nil, "audit", "fake:")
	if code != exitInternal || out != "" || !strings.HasPrefix(errs, "kvtool: error: internal: slots out of order\nkvtool: hint: ") {
		t.Errorf("code %d, %q, %q", code, out, errs)
	}
	if _, errs, _ = run(t, &panicking{}, nil, "audit", "fake:", "--debug"); !strings.Contains(errs, "goroutine") {
		t.Errorf("--debug prints no stack: %q", errs)
	}
}

// A verdict beats an incomplete scan, an interrupt beats a verdict.
func TestPrecedence(t *testing.T) {
	gone := errors.New("connection reset")
	fail := &report.Report{Coverage: report.Coverage{Why: []string{"x"}}, Findings: []report.Finding{{Rule: "KD001", Severity: report.Error}}}
	for _, c := range []struct {
		err  error
		gate report.Severity
		want int
	}{
		{gone, report.Error, exitGate},
		{gone, "", exitIncomplete},
		{errInterrupted, report.Error, exitInterrupted},
		{fmt.Errorf("%w 1s", errTimeout), report.Error, exitGate},
		{kv.Corruptf("cut"), "", exitIncomplete},
		{nil, report.Error, exitGate},
		{nil, report.Info, exitGate},
	} {
		var o auditOptions
		err := o.report(&Env{}, &gate{flags: &o.gateFlags, policy: report.Policy{FailOn: c.gate}}, nil, fail, c.err)
		if got := exitCode(err); got != c.want {
			t.Errorf("%v with a gate of %q: %d, want %d", c.err, c.gate, got, c.want)
		}
	}
	for _, c := range []struct{ a, b, want int }{
		{5, 130, 5}, {5, 1, 5}, {130, 1, 130}, {130, 4, 130}, {2, 3, 2}, {3, 1, 3}, {1, 4, 1}, {4, 0, 4}, {0, 0, 0},
	} {
		if got := worst(c.b, c.a); got != c.want {
			t.Errorf("worst(%d, %d) = %d, want %d", c.b, c.a, got, c.want)
		}
	}
}

// Shards that fail in the same way are one error.
func TestOneLine(t *testing.T) {
	a, b := errors.New("reset"), errors.New("timeout")
	for want, err := range map[string]error{
		"reset":                      errors.Join(a, a, a),
		"reset (and 1 more errors)":  errors.Join(a, b, a),
		"unknown error":              errors.New("\n"),
		"reading x: reset":           fmt.Errorf("reading x: %w", a),
		"first (and 2 more errors)":  errors.New("first\nsecond\nthird\n"),
		"tab\tstays for the printer": errors.New("tab\tstays for the printer"),
	} {
		if got := oneLine(err); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for in, want := range map[string]float64{"50k/s": 50_000, "1.5M/s": 1.5e6, "200": 200, "7/s": 7, "2K": 2000} {
		var r rate
		if err := r.Set(in); err != nil || float64(r) != want {
			t.Errorf("%q: %v, %v", in, r, err)
		}
		var again rate
		if err := again.Set(r.String()); err != nil || again != r {
			t.Errorf("%q does not read back: %v", r, err)
		}
	}
	for _, in := range []string{"", "k", "-5", "0", "fast", "1G/s", "NaN", "Inf", "1/m"} {
		var r rate
		if r.Set(in) == nil {
			t.Errorf("%q is accepted as %v", in, r)
		}
	}
}

func TestNearest(t *testing.T) {
	names := []string{"audit", "doctor", "keydesign", "version", "fail-on", "json", "KD061"}
	for in, want := range map[string]string{
		"audti": "audit", "adit": "audit", "keydesing": "keydesign", "fial-on": "fail-on", "jsn": "json", "KD062": "KD061",
		"xyz": "", "": "", "redis": "",
	} {
		if got := nearest(in, names); got != want {
			t.Errorf("nearest(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestInstant(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	real := start
	var i instant
	if err := i.Set("2020-02-02"); err != nil {
		t.Fatal(err)
	}
	clock := i.clock(func() time.Time { return real })
	first := clock()
	real = real.Add(time.Second)
	if second := clock(); !first.Equal(i.Time) || second.Sub(first) != time.Second {
		t.Errorf("the clock begins at %v and goes on to %v", first, second)
	}
}

func TestProgress(t *testing.T) {
	now := time.Unix(0, 0)
	var b bytes.Buffer
	of := int64(12_104_331)
	r := &report.Report{
		Coverage: report.Coverage{Keys: 7_262_598, Of: &of},
		Findings: []report.Finding{{Severity: report.Error}, {Severity: report.Warning}, {Severity: report.Info}},
	}
	unknown := &report.Report{Coverage: report.Coverage{Keys: 7_262_598}}
	for _, c := range []struct {
		mode string
		r    *report.Report
		want string
	}{
		{"line", r, "\rscan  60%  7.26M/12.1M  48.1k keys/s  ETA 1m41s  1 error 1 warning\x1b[K"},
		{"line", unknown, "\rscan  7.26M keys  48.1k/s  2m31s\x1b[K"},
		{"plain", r, "kvtool: scan 60% 7262598/12104331 keys 48.1k/s elapsed 2m31s eta 1m41s\n"},
		{"plain", unknown, "kvtool: scan 7262598 keys 48.1k/s elapsed 2m31s\n"},
		{"json", r, `{"t":"progress","phase":"scan","done":7262598,"total":12104331,"rate":48096}` + "\n"},
		{"json", unknown, `{"t":"progress","phase":"scan","done":7262598,"total":null,"rate":48096}` + "\n"},
		{"none", r, ""},
	} {
		b.Reset()
		p := &progress{w: &b, mode: c.mode, width: 100, now: func() time.Time { return now.Add(151 * time.Second) }, start: now}
		p.update(c.r)
		if got := b.String(); got != c.want {
			t.Errorf("%s: %q, want %q", c.mode, got, c.want)
		}
	}
	p := &progress{w: &b, mode: "line", width: 20, now: time.Now, start: now}
	b.Reset()
	p.opening("redis://a-very-long-name:6379/0")
	p.clear()
	if got := b.String(); got != "\rscan  opening redis\x1b[K\r\x1b[K" {
		t.Errorf("a line that is too long: %q", got)
	}
}

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.prom")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := path + ".link"
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := writeFile(path, func(w io.Writer) error {
		w.Write([]byte("half"))
		return broken
	}); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if b, _ := os.ReadFile(path); string(b) != "old" {
		t.Errorf("a failed write left %q", b)
	}
	for range 2 {
		if err := writeFile(link, func(w io.Writer) error {
			_, err := w.Write([]byte("new"))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if b, _ := os.ReadFile(path); string(b) != "new" {
		t.Errorf("through a link: %q", b)
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 2 {
		t.Errorf("%d files are left", len(files))
	}
}

// A second -o must be written although the first failed.
func TestOneOutputFails(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good.json")
	_, errs, code := run(t, &fakeStore{keys: 1}, nil, "audit", "fake:x", "-o", "csv=/dev/full", "-o", "json="+good)
	if code != exitUsage || !strings.Contains(errs, "/dev/full") {
		t.Errorf("code %d, %q", code, errs)
	}
	if _, err := os.Stat(good); err != nil {
		t.Error(err)
	}
}

// Sniffing must see the bytes that are read afterwards.
func TestStdinIsSniffed(t *testing.T) {
	env := &Env{Stdin: strings.NewReader("MAGIC and the rest"), Adapters: []*kv.Adapter{
		{Schemes: []string{"magic"}, Sniff: func(head []byte) bool { return bytes.HasPrefix(head, []byte("MAGIC")) }},
	}}
	target, err := env.resolve(t.Context(), []string{"-"}, false)
	if err != nil || target.String() != "magic:-" {
		t.Fatalf("%v, %v", target, err)
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(target.Stdin); err != nil || b.String() != "MAGIC and the rest" {
		t.Errorf("stdin is left with %q, %v", b.String(), err)
	}
}

// A pipe that nobody writes to must not outlast a Ctrl-C or a timeout, sniffed or scanned.
func TestSilentStdin(t *testing.T) {
	for _, target := range []string{"-", "keys:-", "rdb:-"} {
		r, w := io.Pipe()
		defer w.Close()
		var out, errs bytes.Buffer
		env := &Env{
			Stdin: r, Stdout: &out, Stderr: &errs, Getenv: func(string) string { return "" }, Now: time.Now,
			Adapters: adapters.All(), Open: adapters.Open,
		}
		if code := Main([]string{"audit", target, "--timeout", "50ms"}, env); code != exitIncomplete {
			t.Errorf("%s: code %d, %s", target, code, errs.String())
		}
	}
}

func TestColored(t *testing.T) {
	for _, c := range []struct {
		when, env string
		tty, out  bool
		want      bool
	}{
		{"auto", "", true, true, true},
		{"auto", "", false, true, false},
		{"auto", "", true, false, false},
		{"auto", "NO_COLOR=1", true, true, false},
		{"auto", "TERM=dumb", true, true, false},
		{"always", "NO_COLOR=1", false, false, true},
		{"never", "", true, true, false},
	} {
		e := &Env{TTY: c.tty, Getenv: func(name string) string {
			value, _ := strings.CutPrefix(c.env, name+"=")
			if value == c.env {
				return ""
			}
			return value
		}}
		if got := e.colored(c.when, c.out); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

// What looks like a password in a target that was mistyped is printed nowhere.
func TestMistypedTargetsKeepTheirPassword(t *testing.T) {
	for _, args := range [][]string{
		{"audit", "redis:/:canary@127.0.0.1"},
		{"audit", "redis:canary@h:6379"},
		{"audit", "redis:/u:canary@h:6379"},
		{"audit", "redis+unix:/u:canary@/nope.sock"},
		{"audit", "rdb:redis://u:canary@h"},
		{"audit", "keys:u:canary@h"},
		{"audit", "-acanary"},
		{"audit", "-o", "redis://:canary@h"},
		{"audit", "--rate", "redis://:canary@h"},
		{"audit", "redis://h?foo=canary"},
		{"audit", "u:canary@h"},
	} {
		stdout, stderr, code := in(t, args...)
		if code != exitUsage && code != exitTarget {
			t.Errorf("%q: exit %d", args, code)
		}
		if strings.Contains(stdout+stderr, "canary") {
			t.Errorf("%q: %s%s", args, stdout, stderr)
		}
	}
}

func TestOutputsMustDiffer(t *testing.T) {
	dir := t.TempDir()
	for _, outs := range [][]string{{"json=" + dir + "/a", "md=" + dir + "/a"}, {"text", "json=-"}} {
		v := viewFlags{outputs: outs, color: "auto"}
		if _, err := v.parse(); !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%q: %v", outs, err)
		}
	}
}
