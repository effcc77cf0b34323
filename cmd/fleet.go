package cmd

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/fleet"
	"github.com/kvtool/kvtool/report/kvr"
)

// fleetFlags are those of commands that look at several targets as well as at one.
type fleetFlags struct {
	jobs int
	out  string
}

func (o *fleetFlags) bind(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&o.jobs, "jobs", 0, "of several targets, look at so many at a time (default: triage 32, audit 4)")
	f.StringVar(&o.out, "out", "", "of several targets, save each one's report in the folder `DIR`, as NAME.kvr")
}

// fleetHint says who takes several targets.
const fleetHint = "several are looked at by kvtool triage and kvtool audit: kvtool triage '@prod-*'"

// isFleet reports whether arguments stand for several targets: more than one, a pattern of names, or a list of targets.
func (e *Env) isFleet(args []string) bool {
	if len(args) != 1 {
		return len(args) > 1
	}
	name, is := strings.CutPrefix(args[0], "@")
	if !is {
		return false
	}
	if p := e.conf.profile(name); p != nil && p.Lists() && !strings.Contains(name, "/") {
		return true
	}
	return isPattern(name)
}

// A fleetRun looks at several targets, each in the way of its command.
type fleetRun struct {
	fleetFlags
	view     *viewFlags
	gates    *gateFlags
	save     *saveFlag
	progress string
	timeout  time.Duration
	now      instant
	kind     string // of the reports of targets
	most     int    // targets at a time, where nobody says
	// look looks at one target. The report is nil if there is none; with one, the error is what ended it early.
	look func(ctx context.Context, env *Env, target string) (*looked, error)
	// files are the names under which reports are saved in out, by that of the target.
	files map[string]string
	// suppressed are suppressions that the command has of its own.
	suppressed []report.Suppression
}

// A looked is what came of one target that there is a report of.
type looked struct {
	r      *report.Report
	judged map[string]bool // rules that were held against it
	code   int
}

// run looks at the targets and writes the report of all. Everything that can be refused is, before the first is looked at.
func (f *fleetRun) run(ctx context.Context, env *Env, args []string) error {
	outs, err := f.view.parse()
	if err != nil {
		return err
	}
	if err := errors.Join(f.check(), f.save.check(outs)); err != nil {
		return err
	}
	ctx, cancel := withTimeout(ctx, f.timeout)
	defer cancel()
	names, bad, err := env.fleetOf(ctx, args)
	if err != nil {
		return err
	}
	f.gates.fleet = true
	g, err := env.gate(ctx, f.gates, f.now, names...)
	if err != nil {
		return err
	}
	p := env.newProgress(f.progress, f.view.quiet)
	start := env.Now()
	l := f.lookAll(ctx, env, names, p)
	p.clear()
	r := fleet.Collect(fleet.Look{Name: strings.Join(args, " "), Kind: f.kind, Tool: tool(), Taken: start.UTC()}, l.targets)
	r.Coverage.Elapsed = report.Duration(env.Now().Sub(start))
	if bad > 0 {
		r.Coverage.Complete = false
		r.Coverage.Why = append(r.Coverage.Why, fmt.Sprintf("%d lines of the list name no target", bad))
		l.codes = append(l.codes, exitUsage)
	}
	g.policy.Suppressions = append(g.policy.Suppressions, f.suppressed...)
	r = g.judge(env, r, l.judged)
	fleet.Rank(r, l.targets)
	failed := f.save.write(r)
	return g.conclude(env, f.view, outs, r, worst(append(l.codes, exitOK)...), l.stopped, errors.Join(failed, l.failed))
}

func (f *fleetRun) check() error {
	switch {
	case f.jobs < 0:
		return kv.WithHint(kv.Usagef("--jobs %d: want at least 1", f.jobs), "leave it out for as many at a time as is usual")
	case f.jobs == 0:
		f.jobs = f.most
	}
	if f.out == "" {
		return nil
	}
	if st, err := os.Stat(f.out); err == nil && !st.IsDir() {
		return kv.WithHint(kv.Usagef("--out %s is not a folder", f.out), "name a folder: each target gets a file in it")
	}
	return reason(os.MkdirAll(f.out, 0o777))
}

// fleetOf returns the targets that arguments stand for, each once, and how many lines of lists name none. What is misspelt on the
// command line is refused; what a list has is looked at as far as that goes.
func (e *Env) fleetOf(ctx context.Context, args []string) (targets []string, bad int, err error) {
	seen := map[string]string{}
	add := func(names ...string) {
		for _, n := range names {
			shown := shownName(n)
			if _, err := kv.ParseTarget(n); err != nil {
				shown = n // which is not to be printed, but is not another's either
			}
			was, again := seen[shown]
			if again && was != n {
				e.say("warning", shown+" is there twice, with another password: the first one counts")
			}
			if !again {
				seen[shown] = n
				targets = append(targets, n)
			}
		}
	}
	for _, arg := range args {
		name, is := strings.CutPrefix(arg, "@")
		switch {
		case arg == "" || arg == "-":
			return nil, 0, kv.WithHint(kv.Usagef("%q among several targets", arg), "is a variable unset? Each of several is a URL, a path or @NAME")
		case is && e.isFleet([]string{arg}):
			names, n, err := e.matching(ctx, name)
			if err != nil {
				return nil, 0, err
			}
			bad += n
			for i := range names {
				names[i] = "@" + names[i]
			}
			add(names...)
		case is && e.conf.profile(name) == nil:
			return nil, 0, e.noProfile(name)
		case is && strings.Contains(name, "/"): // the list is asked now, and not by many at once
			if _, err := e.ofList(ctx, e.conf.profile(name), name); err != nil {
				return nil, 0, err
			}
			add(arg)
		default:
			add(arg)
		}
	}
	if n := len(targets); n > fleet.MostTargets {
		return nil, 0, kv.WithHint(kv.Usagef("%d targets: a fleet has %d at most", n, fleet.MostTargets), "a narrower pattern names fewer: '@LIST/cart-*'")
	}
	return targets, bad, nil
}

// A lookout is what came of a fleet.
type lookout struct {
	sync.Mutex
	targets []fleet.Target
	codes   []int
	judged  map[string]bool // rules that every target was held against
	stopped error           // from outside
	failed  error           // of what could not be written
	done    int
	lost    int
	said    time.Time
}

// lookAll looks at the targets, f.jobs at a time. It returns when all is done, or was told to stop and has.
func (f *fleetRun) lookAll(ctx context.Context, env *Env, names []string, p *progress) *lookout {
	l := &lookout{targets: make([]fleet.Target, len(names))}
	one := *env // what is asked of one of many must not ask back, and what it says comes from many goroutines
	shared := &lockedWriter{w: env.Stderr}
	one.TTY, one.Stdin, one.Stderr, p.w = false, strings.NewReader(""), shared, shared
	for i, n := range names {
		l.targets[i] = fleet.Target{Name: shownName(n), URL: env.urlOf(n), State: fleet.Waiting}
	}
	f.files = reportFiles(l.targets)
	l.say(p, env.Now())
	next := make(chan int)
	var running sync.WaitGroup
	for range min(f.jobs, len(names)) {
		running.Go(func() {
			for i := range next {
				f.lookAt(ctx, &one, names[i], i, l)
				l.tell(p, env.Now(), i)
			}
		})
	}
feed:
	for i := range names {
		select {
		case <-ctx.Done():
			break feed
		case next <- i:
		}
	}
	close(next)
	running.Wait()
	if ctx.Err() != nil {
		l.stopped = context.Cause(ctx)
		l.codes = append(l.codes, exitCode(l.stopped))
	}
	return l
}

// lookAt looks at one target. A bug that shows there is the result of that one.
func (f *fleetRun) lookAt(ctx context.Context, env *Env, name string, i int, l *lookout) {
	t := l.targets[i] // of this goroutine alone
	code, judged := exitOK, map[string]bool(nil)
	var failed error
	defer func() {
		if p := recover(); p != nil {
			t.State, t.Why, code = fleet.Crashed, env.bug(p), exitInternal
		}
		l.Lock()
		defer l.Unlock()
		l.targets[i] = t
		l.codes = append(l.codes, code)
		l.failed = errors.Join(l.failed, failed)
		if judged != nil {
			l.hold(judged)
		}
	}()
	if ctx.Err() != nil {
		return
	}
	got, err := f.look(ctx, env, name)
	if got == nil {
		code = exitCode(err)
		t.State, t.Why = stateOf(code), oneLine(err)
		return
	}
	code, judged = got.code, got.judged
	t.State = stateOf(code)
	if code != exitOK {
		t.Why = strings.Join(got.r.Coverage.Why, "; ")
		if err != nil {
			t.Why = oneLine(err)
		}
	}
	if f.out != "" {
		path := filepath.Join(f.out, f.files[t.Name]+".kvr")
		if failed = writeFile(path, func(w io.Writer) error { return kvr.Write(w, got.r) }); failed != nil {
			failed = fmt.Errorf("writing %s: %w", path, failed)
		}
	}
	t.Keep(got.r)
}

// hold keeps of the rules that were judged those that every target was held against.
func (l *lookout) hold(judged map[string]bool) {
	if l.judged == nil {
		l.judged = judged
		return
	}
	for id := range l.judged {
		l.judged[id] = l.judged[id] && judged[id]
	}
}

// tell says how far the fleet is, after the target at i.
func (l *lookout) tell(p *progress, now time.Time, i int) {
	l.Lock()
	defer l.Unlock()
	l.done++
	if s := l.targets[i].State; s == fleet.NoAccess || s == fleet.Mistake || s == fleet.Crashed {
		l.lost++
	}
	if p.mode != "plain" || l.done == len(l.targets) || now.Sub(l.said) >= plainEvery {
		l.say(p, now)
	}
}

func (l *lookout) say(p *progress, now time.Time) {
	l.said = now
	text := fmt.Sprintf("%d of %d targets", l.done, len(l.targets))
	if l.lost > 0 {
		text += fmt.Sprintf(", %d of them without a result", l.lost)
	}
	p.say("fleet", text)
}

// stateOf is what came of a target whose look ended with an exit code.
func stateOf(code int) fleet.State {
	switch code {
	case exitOK:
		return fleet.OK
	case exitInterrupted:
		return fleet.Stopped
	case exitTarget:
		return fleet.NoAccess
	case exitUsage:
		return fleet.Mistake
	case exitInternal:
		return fleet.Crashed
	}
	return fleet.Partial
}

// shownName is what a target is called: as on the command line, without a secret.
func shownName(target string) string {
	if _, err := kv.ParseTarget(target); err != nil && !strings.Contains(target, "@") {
		return target // a path
	}
	return printable(target)
}

// urlOf is the URL that a target has by the configuration or by itself, as it is printed.
func (e *Env) urlOf(target string) string {
	name, is := strings.CutPrefix(target, "@")
	if !is {
		return shownName(target)
	}
	url := e.listed[name]
	if p := e.conf.profile(name); p != nil && url == "" {
		url = p.Settings.Text("url")
	}
	if url == "" {
		return ""
	}
	return printable(url)
}

// reportFiles returns for each target the name of its file: its own as far as that can be one. Names that would be the same, on a disk that
// does not tell a from A, have a hash of the target's at their end, whichever other targets there are.
func reportFiles(targets []fleet.Target) map[string]string {
	taken := map[string]int{}
	for _, t := range targets {
		taken[strings.ToLower(cmp.Or(fileOf(t.Name), "target"))]++
	}
	hashed := regexp.MustCompile(`-[0-9a-f]{16}$`)
	files := map[string]string{}
	for _, t := range targets {
		file := cmp.Or(fileOf(t.Name), "target")
		if taken[strings.ToLower(file)] > 1 || len(file) > mostFileName || hashed.MatchString(strings.ToLower(file)) {
			file = fmt.Sprintf("%.*s-%x", mostFileName, file, sha256.Sum256([]byte(t.Name)))[:min(len(file), mostFileName)+1+16]
		}
		files[t.Name] = file
	}
	return files
}

// mostFileName is how much of a target's name its file has: file systems allow 255 bytes, of which a file that is being written takes more.
const mostFileName = 150

// fileOf is the name of a target as that of a file: what separates folders, or hides a file, does not.
func fileOf(name string) string {
	return strings.TrimLeft(strings.Map(func(r rune) rune {
		if r == '@' || r == '.' || r == '-' || r == '_' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, name), "@.")
}

// A lockedWriter is written to from several goroutines, a line at a time.
type lockedWriter struct {
	sync.Mutex
	w io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.w.Write(p)
}
