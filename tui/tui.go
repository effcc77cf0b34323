// Package tui is the dashboard: a report on a terminal, one screen at a time. It owns what is where and what the keys do; what is
// true was decided before.
//
// The one idea is that it is a renderer with a cursor. It reads report.Report and nothing else, so a live scan, a saved file and a
// running load are the same to it: somebody publishes a Snapshot, which does not change, and a tick looks five times a second
// whether there is a newer one. A frame is a pure function of the snapshot, the size, the theme and what the user has chosen; lists
// are windows over an index, so that what is behind a frame does not make it slower.
package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

// A Snapshot is what there is to show at a moment. It does not change once it was published.
type Snapshot struct {
	Report  *report.Report // nil until there is one
	State   string         // how it goes: scan 61%; empty where the report says it all
	Trouble string         // what is wrong with the source, and what is done about it
	Busy    string         // what leaving would stop, such as "the scan"; empty if nothing runs
}

// Options of a dashboard.
type Options struct {
	Name   string           // of what is shown
	Source func() *Snapshot // the newest; called often, from one goroutine
	Live   bool             // there will be newer ones
	Banner string           // beside the name: read-only, env: prod
	Screen string           // to begin with; empty is the first
	Theme  string           // of ThemeNames
	Plain  bool             // no escape codes at all
	ASCII  bool
	Mouse  bool
	Rules  []*report.Rule // what findings say of their rules
	// Formats are what the report can be exported as, and Export writes one: section is what the screen shows, frame the screen as
	// text, for txt. It returns where to.
	Formats []string
	Export  func(format, section, frame string) (path string, err error)
	// Command is how the same is had without the dashboard.
	Command func(screen, section string) string
	// Suppress adds a finding to those that are accepted. Without write it only says what would be written.
	Suppress func(f *report.Finding, reason string, write bool) (diff string, err error)
	// Base reads an earlier report that is to be compared with, and Baseline is one that was chosen before, or nil.
	Base     func(path string) (*report.Report, error)
	Baseline *report.Report
	// Window watches the keys that are used anew, for so long; nil where nothing can be watched.
	Window func(d time.Duration) error
	// Annotate notes in a run what happens now; nil where nothing runs.
	Annotate func(text string) error
	Refresh  func() // nil: there is nothing newer
	FPS      int    // looks at the source a second; 0 is 5
}

// A Leaving is how a dashboard was left.
type Leaving int

// The ways to leave.
const (
	Left    Leaving = iota // nothing was running, or what was running is to go on to its end
	Stopped                // what runs is to stop and report
	Aborted                // what runs is to stop at once
)

// fps is how often a source is looked at in a second.
const fps = 5

// Run shows a dashboard until the user leaves it. In and out must be a terminal, which is as before afterwards.
func Run(ctx context.Context, in io.Reader, out io.Writer, environ []string, o Options) (Leaving, error) {
	m, err := New(o)
	if err != nil {
		return Left, err
	}
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out), tea.WithEnvironment(environ),
		tea.WithoutSignalHandler(), tea.WithFPS(30))
	_, err = p.Run()
	if err != nil && ctx.Err() != nil && !errors.Is(err, tea.ErrProgramPanic) {
		return Aborted, context.Cause(ctx)
	}
	return m.leaving, err
}

// Frame draws one screen of what there is now, without any terminal.
func Frame(o Options, width, height int) (string, error) {
	m, err := New(o)
	if err != nil {
		return "", err
	}
	m.resize(width, height)
	return m.frame(), nil
}

// New returns the model of a dashboard, for whoever runs it.
func New(o Options) (*Model, error) {
	m := &Model{o: o, all: screens(), accepted: map[string]string{}, rules: map[string]*report.Rule{}}
	theme, err := ThemeOf(o.Theme)
	if err != nil {
		return nil, err
	}
	if o.Plain {
		theme = None()
	}
	m.look = look{theme: theme, ascii: o.ASCII}
	m.mouse, m.base = o.Mouse, o.Baseline
	for _, r := range o.Rules {
		m.rules[r.ID] = r
	}
	m.views = make([]view, len(m.all))
	for i := range m.views {
		s := &m.all[i]
		s.bound = append(slices.Clone(s.keys), general(len(m.all))...)
		m.views[i].open = map[string]bool{}
	}
	if o.Screen != "" {
		if m.screen = m.screenNamed(o.Screen); m.screen < 0 {
			return nil, fmt.Errorf("no screen %q", o.Screen)
		}
	}
	m.pull()
	if o.Screen == "" && m.doc != nil {
		m.screen = max(0, m.screenNamed(m.doc.r.Kind)) // of a triage and of a fleet it is what the report is about
	}
	return m, nil
}

// period is the time between two looks at the source.
func (o *Options) period() time.Duration {
	if o.FPS > 0 {
		return time.Second / time.Duration(o.FPS)
	}
	return time.Second / fps
}
