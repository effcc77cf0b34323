package cmd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/kvr"
	"github.com/kvtool/kvtool/report/render"
	"github.com/kvtool/kvtool/tui"
)

// tuiOptions are the flags of tui.
type tuiOptions struct {
	args     []string
	screen   string
	size     string
	theme    string
	color    string
	ascii    bool
	mouse    bool
	snapshot bool
	svg      string
	every    time.Duration
	keys     render.KeyMode
	match    string
	rate     rate
	window   time.Duration
	noDemo   bool
	now      instant
	save     saveFlag
	schema   schemaFlag
	declared *schema.Schema
	gateFlags
}

const tuiLong = `Look around in a store, or in a report that was kept, on nine screens:
Overview, Keyspace, Hot keys, TTL & drift, Slots, Load, Findings, Triage, Fleet.
Press ? for the keys.

TARGET is what kvtool audit takes; it is read, and never written to. With
--every it is read again and again, and if it goes away the dashboard waits for
it. A FILE is what --save or -o json has written: of an audit, of hotkeys, skew,
drift, a load, triage or a fleet.

--snapshot prints one screen and ends.`

const tuiExample = `  kvtool tui
  kvtool tui redis://127.0.0.1:6379 --every 30s
  kvtool tui prod.kvr
  kvtool tui prod.kvr --snapshot --screen slots --size 120x40`

func newTUICmd(env *Env) *cobra.Command {
	var o tuiOptions
	c := &cobra.Command{
		Use:               "tui [TARGET | FILE]",
		Short:             "Look around on a dashboard",
		Long:              tuiLong,
		Example:           tuiExample,
		Args:              atMostOne,
		ValidArgsFunction: env.completeTargets,
		RunE: func(c *cobra.Command, args []string) error {
			o.args = args
			return runTUI(c.Context(), env, &o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.screen, "screen", "", "begin with the screen `NAME`: "+strings.Join(tui.ScreenNames(), ", "))
	f.StringVar(&o.size, "size", "80x24", "columns and lines of a --snapshot")
	f.BoolVar(&o.snapshot, "snapshot", false, "print one screen and end")
	f.StringVar(&o.svg, "svg", "", "with --snapshot, draw the screen as a picture in `FILE`.svg instead")
	f.StringVar(&o.theme, "theme", "auto", "`NAME` of the colours: "+strings.Join(tui.ThemeNames(), ", "))
	bindColor(c, &o.color)
	bindASCII(c, &o.ascii)
	f.BoolVar(&o.mouse, "mouse", false, "take the mouse; the terminal then selects no text")
	f.DurationVar(&o.every, "every", 0, "read the store again so long after it was read: 30s")
	bindKeyMode(c, &o.keys)
	bindMatch(c, &o.match)
	bindRate(c, &o.rate)
	bindMaxImpact(c)
	f.DurationVar(&o.window, "window", hotWindow, "watch for hot keys so long after a scan, where the store counts them itself; 0 is not at all")
	bindNoDemo(c, &o.noDemo)
	bindNow(c, &o.now)
	f.StringVar(&o.baseline, "baseline", "", "compare findings with the report in `FILE`")
	o.save.bind(c)
	o.schema.bind(c)
	fixedValues(c, "screen", tui.ScreenNames()...)
	fixedValues(c, "theme", tui.ThemeNames()...)
	complete(c, "baseline", completeReports)
	o.gateFlags.tolerance = 0.10
	return c
}

// hotWindow is how long hot keys are watched after a scan.
const hotWindow = 10 * time.Second

func runTUI(ctx context.Context, env *Env, o *tuiOptions) error {
	width, height, err := o.check()
	if err != nil {
		return err
	}
	if o.declared, err = o.schema.load(); err != nil {
		return err
	}
	g, err := env.gate(ctx, &o.gateFlags, o.now, env.targetOf(o.args))
	if err != nil {
		return err
	}
	opt := o.options(env)
	if len(o.args) > 0 && isReport(o.args[0]) {
		return o.showFile(ctx, env, g, opt, width, height)
	}
	return o.showTarget(ctx, env, g, opt, width, height)
}

// check refuses what cannot be meant, and returns the size of a snapshot.
func (o *tuiOptions) check() (width, height int, err error) {
	switch {
	case o.svg != "" && !o.snapshot:
		return 0, 0, kv.WithHint(kv.Usagef("--svg without --snapshot"), "a picture is of one screen: add --snapshot")
	case o.every < 0 || o.window < 0:
		return 0, 0, kv.WithHint(kv.Usagef("--every and --window must not be negative"), "--every 30s, --window 10s")
	case o.every > 0 && o.snapshot:
		return 0, 0, kv.WithHint(kv.Usagef("--every and --snapshot: one screen is printed once"), "leave one of the two out")
	}
	if _, err := tui.ThemeOf(o.theme); err != nil {
		return 0, 0, meantWord(kv.Usagef("--theme: %w", err), o.theme, tui.ThemeNames(), "themes: "+strings.Join(tui.ThemeNames(), ", "))
	}
	if o.screen != "" {
		if err := knownScreen(o.screen); err != nil {
			return 0, 0, err
		}
	}
	if width, height, err = parseSize(o.size); err != nil {
		return 0, 0, err
	}
	return width, height, errors.Join(checkPath("--svg "+o.svg, o.svg), o.save.check(nil))
}

func knownScreen(name string) error {
	names := tui.ScreenNames()
	if slices.Contains(names, name) {
		return nil
	}
	return meantWord(kv.Usagef("--screen: no screen %q", name), name, names, "screens: "+strings.Join(names, ", "))
}

// Bounds of --size: what the terminals are that anybody has.
const mostCells = 1000

func parseSize(s string) (width, height int, err error) {
	w, h, ok := strings.Cut(s, "x")
	width, errW := strconv.Atoi(w)
	height, errH := strconv.Atoi(h)
	if !ok || errW != nil || errH != nil || width < 1 || height < 1 || width > mostCells || height > mostCells {
		return 0, 0, kv.WithHint(kv.Usagef("--size %q", s), "columns and lines, such as 120x40")
	}
	return width, height, nil
}

// options are those of the dashboard that do not depend on what it shows.
func (o *tuiOptions) options(env *Env) tui.Options {
	opt := tui.Options{
		Screen: o.screen, Theme: o.theme, ASCII: o.ascii, Mouse: o.mouse, Rules: rules(), Banner: "read-only",
		Plain: o.snapshot && o.svg == "" && !env.colored(o.color, true) || o.color == "never",
	}
	if o.svg != "" {
		opt.Theme = "dark"
		return opt
	}
	if env.Getenv("NO_COLOR") != "" && o.color != "always" {
		opt.Theme = "mono"
	}
	return opt
}

// isReport reports whether a file holds a report, whole or damaged: a snapshot file, or JSON.
func isReport(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, headSize)
	n, _ := io.ReadFull(f, head) // what cannot be read is none
	head = bytes.TrimSpace(head[:n])
	return kvr.IsFile(head) || len(head) > 0 && head[0] == '{'
}

// showFile shows a report that was kept.
func (o *tuiOptions) showFile(ctx context.Context, env *Env, g *gate, opt tui.Options, width, height int) error {
	path := o.args[0]
	if o.every > 0 || o.save.path != "" {
		return kv.WithHint(kv.Usagef("--every and --save need a store, and %s is a saved report", path), "leave them out")
	}
	r, damage := env.readReport(ctx, path)
	if r == nil {
		return damage
	}
	r = o.enrich(r)
	if g.base != nil || len(g.policy.Suppressions) > 0 {
		r = g.judge(env, r, ranIn(r))
	}
	snap := &tui.Snapshot{Report: o.keys.Apply(r)}
	if damage != nil {
		snap.Trouble = "damaged: " + oneLine(damage)
	}
	opt.Name = path
	opt.Source = func() *tui.Snapshot { return snap }
	o.compare(ctx, env, g.base, &opt)
	o.connect(env, &opt, func(_, section string) string { return ofSection("kvtool report show "+quoted(path), section) }, opt.Source)
	if o.snapshot {
		return errors.Join(o.print(env, opt, width, height), damage)
	}
	if why := env.noTerminal(); why != "" {
		env.say("warning", "no dashboard: "+why+"; this is the report as text")
		v := viewFlags{color: o.color, ascii: o.ascii, keys: o.keys}
		return g.conclude(env, &v, []output{{format: render.Formats()[0]}}, r, exitCode(damage), damage, nil)
	}
	if _, err := tui.Run(ctx, env.Stdin, env.Stdout, os.Environ(), opt); err != nil {
		return o.failed(ctx, err)
	}
	return damage
}

// ofSection adds what of the report is shown to a command.
func ofSection(command, section string) string {
	if section == "" {
		return command
	}
	return command + " --section " + section
}

// quoted writes a word for a shell.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:@=,+%", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// print prints one screen.
func (o *tuiOptions) print(env *Env, opt tui.Options, width, height int) error {
	frame, err := tui.Frame(opt, width, height)
	if err != nil {
		return err
	}
	if o.svg != "" {
		return writeFile(o.svg, func(w io.Writer) error {
			_, err := io.WriteString(w, tui.SVG(frame))
			return err
		})
	}
	_, err = fmt.Fprintln(env.Stdout, frame)
	return err
}

// noTerminal says why no dashboard can be shown; empty if one can.
func (e *Env) noTerminal() string {
	in, isFile := e.Stdin.(*os.File)
	switch {
	case !e.TTY:
		return "stdout is no terminal"
	case !isFile || !term.IsTerminal(int(in.Fd())):
		return "stdin is no terminal"
	case e.dumb():
		return "TERM=dumb"
	}
	return ""
}

// failed says of which kind it is that a dashboard has ended by itself.
func (o *tuiOptions) failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &codeError{exitInternal, err}
}

// showTarget reads a target and shows it.
func (o *tuiOptions) showTarget(ctx context.Context, env *Env, g *gate, opt tui.Options, width, height int) error {
	if why := env.noTerminal(); why != "" && !o.snapshot {
		return kv.WithHint(kv.Usagef("no dashboard: %s", why), "kvtool audit TARGET prints a report; kvtool tui --snapshot prints a screen")
	}
	store, target, err := env.open(ctx, opening{args: o.args, noDemo: o.noDemo, writes: []written{o.save.written()}, use: toScan})
	if err != nil {
		return err
	}
	w := &watched{env: env.silent(), o: o, gate: g, target: target, again: make(chan struct{}, 1), rewatch: make(chan time.Duration, 1)}
	opt.Name = env.targetOf(o.args)
	if opt.Name == "" {
		opt.Name = target.String()
	}
	if len(o.args) > 0 {
		if prod := env.prodOf(o.args[0], target); prod != "" {
			opt.Banner = "read-only  PROD"
		}
	}
	opt.Source, opt.Live, opt.Refresh, opt.Window = w.now.Load, true, w.refresh, w.watchFor
	o.compare(ctx, env, g.base, &opt)
	o.connect(env, &opt, w.command, opt.Source)
	if o.snapshot {
		return o.printTarget(ctx, env, w, store, opt, width, height)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.watch(ctx, store)
	}()
	_, err = tui.Run(ctx, env.Stdin, env.Stdout, os.Environ(), opt)
	if err != nil {
		err = o.failed(ctx, err)
	}
	cancel()
	<-done
	return errors.Join(err, o.keep(w))
}

// printTarget reads a target once and prints one screen.
func (o *tuiOptions) printTarget(
	ctx context.Context, env *Env, w *watched, store kv.Store, opt tui.Options, width, height int,
) error {
	err := w.scan(ctx, store)
	s := w.now.Load()
	if s == nil || s.Report == nil {
		return targetError(ended(ctx, err))
	}
	if err := errors.Join(o.print(env, opt, width, height), o.keep(w)); err != nil {
		return err
	}
	if code := partialCode(s.Report, ended(ctx, err)); code != exitOK {
		return &codeError{code, ended(ctx, err)}
	}
	return nil
}

// keep saves what was read last, whole or not.
func (o *tuiOptions) keep(w *watched) error {
	if r := w.last.Load(); r != nil {
		return o.save.write(r)
	}
	return nil
}

// silent returns the environment of what works behind a dashboard, which has the screen.
func (e *Env) silent() *Env {
	c := *e
	c.Stderr, c.StderrTTY = io.Discard, false
	return &c
}
