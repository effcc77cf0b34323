package tui

import (
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

// A Model is the state of a dashboard: what is shown, and what the user has chosen. It belongs to the goroutine that runs it.
type Model struct {
	o         Options
	look      look
	all       []screen
	rules     map[string]*report.Rule
	snap      *Snapshot
	doc       *doc           // of the snapshot's report; nil until there is one
	base      *report.Report // an earlier one, nil if there is none
	comparing bool           // what is shown is what has changed since
	paused    bool
	screen    int
	views     []view
	lists     []shown // of the screen that is shown
	stills    stills
	stale     bool // the lists are not those of the state
	asking    prompt
	message   string // in the place of the keys, until the next key
	accepted  map[string]string
	mouse     bool
	width     int
	height    int
	drawn     string // the last frame
	dirty     bool   // it is not that of the state
	left      bool   // nothing is shown any more
	leaving   Leaving
}

type tickMsg time.Time

// An exportedMsg says how an export has ended.
type exportedMsg struct {
	path string
	err  error
}

// Init starts to look at the source, if there will be anything new.
func (m *Model) Init() tea.Cmd {
	cmds := []tea.Cmd{m.tick()}
	if m.o.Theme == "auto" && !m.o.Plain {
		cmds = append(cmds, tea.RequestBackgroundColor)
	}
	return tea.Batch(cmds...)
}

func (m *Model) tick() tea.Cmd {
	if !m.o.Live {
		return nil
	}
	return tea.Tick(m.o.period(), func(t time.Time) tea.Msg { return tickMsg(t) })
}

// Update takes in a message: a key, a tick that looks at the source, or what a command has brought.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tickMsg:
		m.pull()
		return m, m.tick()
	case tea.WindowSizeMsg:
		m.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		m.background(msg.IsDark())
	case baseMsg:
		m.compareWith(msg)
	case exportedMsg:
		m.say("wrote "+msg.path, msg.err)
	case tea.PasteMsg:
		m.asking.paste(msg.Content)
		m.dirty = true
	case tea.MouseWheelMsg:
		m.wheel(msg)
	case tea.MouseClickMsg:
		m.click(msg.X, msg.Y)
	case tea.KeyPressMsg:
		m.dirty, m.message = true, ""
		return m, m.key(msg)
	}
	return m, nil
}

// View is what the terminal shows.
func (m *Model) View() tea.View {
	frame := ""
	if !m.left {
		frame = m.frame()
	}
	v := tea.NewView(frame)
	v.AltScreen = true
	v.WindowTitle = "kvtool " + clean(m.o.Name, true)
	if m.mouse {
		v.MouseMode = tea.MouseModeCellMotion
	}
	return v
}

// pull takes the newest snapshot, unless the view is paused.
func (m *Model) pull() {
	if m.paused {
		return
	}
	s := m.o.Source()
	if s == nil || s == m.snap {
		return
	}
	fresh := s.Report != nil && (m.snap == nil || s.Report != m.snap.Report)
	m.snap, m.dirty = s, true
	if fresh {
		m.read()
	}
}

func (m *Model) resize(width, height int) {
	m.width, m.height, m.dirty = width, height, true
}

// background chooses between dark and light, once the terminal has said which it is.
func (m *Model) background(dark bool) {
	if m.o.Theme == "auto" && !dark && m.look.theme.Name == "dark" {
		m.look.theme, _ = ThemeOf("light")
		m.changed()
	}
}

// say shows a line in the place of the keys.
func (m *Model) say(text string, err error) {
	m.message, m.dirty = text, true
	if err != nil {
		m.message = "error: " + err.Error()
	}
}

func (m *Model) view() *view { return &m.views[m.screen] }

// refresh makes the lists of the screen, and keeps the cursors in them.
func (m *Model) refresh() {
	if !m.stale || m.doc == nil {
		return
	}
	m.stale, m.lists, m.stills = false, m.lists[:0:0], stills{}
	v, s := m.view(), &m.all[m.screen]
	if s.lacks(m.doc) != "" {
		return
	}
	for i, l := range s.lists(m.doc, v, &m.look) {
		p := &v.panes[i]
		if c := p.metricOf(l.cols); c >= 0 {
			l.bar = c
		}
		m.lists = append(m.lists, shown{list: l, index: l.show(&p.filter, p.orderOf(l.cols))})
		m.lists[i].weigh(p)
		p.cursor = max(0, min(p.cursor, m.lists[i].index.len()-1))
	}
	v.pane = max(0, min(v.pane, len(m.lists)-1))
}

// turnTo gives the keys to a pane.
func (m *Model) turnTo(pane int) {
	m.view().pane = pane
	clear(m.stills) // which show who has the keys
}

// changed marks the lists as not those of the state.
func (m *Model) changed() { m.stale, m.dirty = true, true }

// focus returns the list that has the keys, with what was chosen of it; nil if there is none.
func (m *Model) focus() (*shown, *pane) {
	m.refresh()
	v := m.view()
	if v.pane >= len(m.lists) {
		return nil, &v.panes[0]
	}
	return &m.lists[v.pane], &v.panes[v.pane]
}

// screenNamed returns the place of a screen by its name or the beginning of one, -1 if there is none.
func (m *Model) screenNamed(name string) int {
	name = strings.ToLower(name)
	at := -1
	for i := range m.all {
		switch {
		case m.all[i].name == name:
			return i
		case at < 0 && name != "" && strings.HasPrefix(m.all[i].name, name):
			at = i
		}
	}
	return at
}

// open shows a screen.
func (m *Model) open(i int) {
	m.screen = i
	m.changed()
}

func (m *Model) wheel(msg tea.MouseWheelMsg) {
	switch msg.Button {
	case tea.MouseWheelUp:
		m.move(-3)
	case tea.MouseWheelDown:
		m.move(3)
	}
}

// click opens the screen whose name stands there.
func (m *Model) click(x, y int) {
	if y != 1 {
		return
	}
	from := 0
	for i, name := range m.tabs() {
		to := from + len(name)
		if x >= from && x < to {
			m.open(i)
			return
		}
		from = to
	}
}
