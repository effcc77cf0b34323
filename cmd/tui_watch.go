package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/drift/skew"
	"github.com/kvtool/kvtool/drift/ttl"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/tui"
)

// A watched target is read, again and again if that is asked for, and what is known of it is published. It belongs to one goroutine;
// what it publishes is read by others.
type watched struct {
	env    *Env // silent: the dashboard has the screen
	o      *tuiOptions
	gate   *gate
	target kv.Target
	again  chan struct{}
	// rewatch asks for a look at the keys that are used, for so long, without a scan.
	rewatch chan time.Duration
	now     atomic.Pointer[tui.Snapshot]
	last    atomic.Pointer[report.Report] // that was read last, with its parts
	whole   bool                          // a scan has come to its end: what is shown is replaced by no less
}

// How long a store that has gone away is left alone before it is asked again.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// reportEvery is how often a scan that is watched reports what it has, unless that costs much: audit.Run then sees to it that it is
// done less often.
const reportEvery = time.Second

// refresh asks for another scan.
func (w *watched) refresh() {
	select {
	case w.again <- struct{}{}:
	default:
	}
}

// watchFor asks for a look at the keys that are used, for so long.
func (w *watched) watchFor(d time.Duration) error {
	if s := w.now.Load(); s == nil || s.Report == nil || s.Busy != "" {
		return errors.New("wait until the store was read")
	}
	select {
	case w.rewatch <- d:
	default:
	}
	return nil
}

// watch scans until ctx ends: at once, and again after --every or when the user asks.
func (w *watched) watch(ctx context.Context, store kv.Store) {
	retry := firstRetry
	for ctx.Err() == nil {
		err := w.attempt(ctx, store)
		store = nil
		wait := w.o.every
		switch {
		case err == nil:
			retry = firstRetry
		case ctx.Err() != nil:
			return
		case w.o.every > 0 || w.now.Load() == nil || errors.Is(err, errGone):
			w.trouble(err, retry)
			wait, retry = retry, min(2*retry, lastRetry)
		default:
			w.trouble(err, 0)
		}
		for again := false; !again; {
			var window time.Duration
			if again, window = w.wait(ctx, wait); window > 0 {
				w.lookAgain(ctx, window)
			} else if !again {
				return
			}
		}
	}
}

// errGone marks a store that could not be opened again.
var errGone = errors.New("the store does not answer")

// wait waits for the time of the next scan, or for the user; 0 waits for the user alone. It reports whether there is to be one, or for
// how long the user wants to see which keys are used instead.
func (w *watched) wait(ctx context.Context, d time.Duration) (again bool, window time.Duration) {
	var due <-chan time.Time
	if d > 0 {
		t := time.NewTimer(d)
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return false, 0
	case window = <-w.rewatch:
		return false, window
	case <-w.again:
	case <-due:
	}
	return true, 0
}

// lookAgain watches which keys are used, for so long, and shows that with what was read last.
func (w *watched) lookAgain(ctx context.Context, window time.Duration) {
	r := w.last.Load()
	store, err := w.env.Open(ctx, w.target)
	if err != nil {
		w.trouble(err, 0)
		return
	}
	defer store.Close()
	info, err := store.Info(ctx)
	if err != nil {
		w.trouble(err, 0)
		return
	}
	as := w.analyzers(ctx, store, info)
	state := w.state(r)
	hot, why := w.hot(ctx, store, info, w.o.enrich(r), window)
	switch {
	case hot != nil:
		w.publish(w.judged(hot, as), tui.Snapshot{State: state})
		return
	case ctx.Err() != nil:
		return
	case why != "":
	case r.Section(hotkeys.Section) != nil:
		why = "counters of keys are read by each scan"
	default:
		why = "only MONITOR can tell: see kvtool hotkeys" // there is room for little more
	}
	w.publish(nil, tui.Snapshot{State: state, Trouble: why})
}

// attempt scans once, over a store that was opened or is opened now.
func (w *watched) attempt(ctx context.Context, store kv.Store) error {
	if store == nil {
		w.publish(nil, tui.Snapshot{State: "opening"})
		var err error
		if store, err = w.env.Open(ctx, w.target); err != nil {
			return fmt.Errorf("%w: %w", errGone, err)
		}
	}
	return w.scan(ctx, store)
}

// publish shows a report, or with nil the one that is shown, and how the source stands.
func (w *watched) publish(r *report.Report, s tui.Snapshot) {
	s.Report = r
	if old := w.now.Load(); r == nil && old != nil {
		s.Report = old.Report
	}
	w.now.Store(&s)
}

// trouble says what is wrong, beside what was read before.
func (w *watched) trouble(err error, retry time.Duration) {
	text := oneLine(err)
	if retry > 0 {
		text = fmt.Sprintf("next try in %s: %s", short(retry), text) // where there is little room the reason is cut
	}
	w.publish(nil, tui.Snapshot{Trouble: scrub(text)})
}

// scan reads the store once, closes it and publishes what it has read, early and whole.
func (w *watched) scan(ctx context.Context, store kv.Store) error {
	defer store.Close()
	info, err := store.Info(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	w.publish(nil, tui.Snapshot{State: "scan", Busy: "the scan"})
	as := w.analyzers(ctx, store, info)
	r, err := audit.Run(ctx, store, as, audit.Options{
		Match: w.o.match, Limiter: kv.NewLimiter(float64(w.o.rate)), Parallel: parallel, Every: w.period(), Now: w.o.now.clock(w.env.Now),
		Save: true, Update: func(r *report.Report) {
			s := tui.Snapshot{State: tui.Progress(&r.Coverage, time.Since(began)), Busy: "the scan"}
			if w.whole {
				r = nil // half a report would seem to say that keys have gone
			} else {
				r = w.judged(r, as)
			}
			w.publish(r, s)
		},
	})
	if r == nil || ctx.Err() == nil && !worthReporting(r, err) {
		return errors.Join(err, ctx.Err())
	}
	explain(r, ended(ctx, err))
	w.last.Store(r)
	w.whole = w.whole || err == nil
	r = w.o.enrich(r)
	w.publish(w.judged(r, as), tui.Snapshot{State: w.state(r)})
	if err != nil {
		return err
	}
	hot, why := w.hot(ctx, store, info, r, w.o.window)
	if why != "" {
		c := *r
		c.Skipped = append(slices.Clone(r.Skipped), report.Skip{Name: hotkeys.Section, Why: why})
		hot = &c
	}
	if hot != nil {
		w.publish(w.judged(hot, as), tui.Snapshot{State: w.state(r)})
	}
	return nil
}

// period is how often a scan hands over what it has; a screen that is printed wants the end alone.
func (w *watched) period() time.Duration {
	if w.o.snapshot {
		return 0
	}
	return reportEvery
}

// state says when a store was read that is watched.
func (w *watched) state(r *report.Report) string {
	if w.o.every == 0 {
		return ""
	}
	text := humanize.Counted(r.Coverage.Keys, "key") + "  read " + w.env.Now().UTC().Format("15:04:05Z")
	return text + ", next in " + short(w.o.every)
}

// short writes a time that somebody has chosen: 30s, 5m, 1h30m.
func short(d time.Duration) string {
	s := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return s
}

// analyzers are those of an audit, where keys would lie, and where the store counts their use, which are hot.
func (w *watched) analyzers(ctx context.Context, store kv.Store, info *kv.Info) []*audit.Analyzer {
	as := append(analyzersOf(w.o.declared, 0), skew.Analyzer(skew.Options{Schema: w.o.declared}))
	if freqFact(info).How != kv.Missing {
		as = append(as, hotkeys.LFU(decoder(ctx, store), w.o.declared))
	}
	return as
}

// judged is the report as it is shown: with its fixes, its statuses and as much of names as is wanted.
func (w *watched) judged(r *report.Report, as []*audit.Analyzer) *report.Report {
	c := *r
	c.Tool, c.Findings = tool(), slices.Clone(r.Findings)
	addFixes(&c)
	report.SortFindings(c.Findings)
	return w.o.keys.Apply(w.gate.judge(w.env, &c, ran(&c, as)))
}

// hot watches which keys are used, by the source that costs next to nothing, and returns r with what it saw. If it was watched and
// nothing was seen, it says why instead. MONITOR, which may halve a server, is never asked for.
func (w *watched) hot(
	ctx context.Context, store kv.Store, info *kv.Info, r *report.Report, window time.Duration,
) (with *report.Report, why string) {
	if window == 0 || r.Section(hotkeys.Section) != nil {
		return nil, ""
	}
	p, err := pick(ctx, store, info, "auto")
	if err != nil || p.source == "" || p.source == "lfu" {
		return nil, ""
	}
	o := hotkeysOptions{judgedFlags: judgedFlags{declared: w.o.declared}, window: window}
	if info.Live {
		w.publish(nil, tui.Snapshot{State: "watching keys for " + short(window)})
	}
	seen, err := o.observe(ctx, w.env, p, info)
	switch {
	case ctx.Err() != nil:
		return nil, ""
	case err != nil:
		return nil, "not watched: " + err.Error()
	case len(seen.Sections) == 0 || !slices.ContainsFunc(seen.Sections[0].Tables, func(t report.Table) bool { return len(t.Rows) > 0 }):
		return nil, "no key was used in " + short(window)
	}
	c := *r
	c.Sections = append(slices.Clone(r.Sections), seen.Sections...)
	c.Findings = together(r.Findings, seen.Findings)
	return &c, ""
}

// enrich adds what follows from the parts of a report: by which laws keys expire, and how evenly they are spread. Of a report that
// lacks the parts nothing follows.
func (o *tuiOptions) enrich(r *report.Report) *report.Report {
	c := *r
	c.Sections = slices.Clone(r.Sections)
	if facts, err := keydesign.FactsBound(o.declared, r); err == nil && r.Section(ttl.Section) == nil {
		sec, more := ttl.Report(facts, r.Findings, ttl.Options{Scanned: time.Duration(r.Coverage.Elapsed)})
		c.Sections = append(c.Sections, sec)
		c.Findings = together(r.Findings, more)
	}
	if col, whole, err := skew.Saved(r, skew.Options{Schema: o.declared}); err == nil && whole && r.Section(skew.Name) == nil {
		out := audit.Output{Section: report.Section{Name: skew.Name, Title: "SKEW"}}
		col.Report(&out)
		c.Sections = append(c.Sections, out.Section)
	}
	return &c
}

// command is how the same is had without the dashboard.
func (w *watched) command(screen, section string) string {
	target := quoted(w.target.String())
	switch screen {
	case "hotkeys":
		return "kvtool hotkeys " + target
	case "slots":
		return "kvtool skew " + target
	case "ttl":
		return "kvtool drift ttl " + target
	case "load":
		return "kvtool load run " + target + " -s NAME"
	}
	return ofSection("kvtool audit "+target, section)
}
