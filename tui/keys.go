package tui

import (
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A binding is what keys do. The line at the foot of a screen, its help and the documentation are written from it.
type binding struct {
	keys  string // as bubbletea names them, with blanks between
	label string // at the foot; empty: it is in the help alone
	doc   string
	do    func(m *Model) tea.Cmd
}

// paneLabel stands at the foot of screens that have several panes.
const paneLabel = "tab:pane"

// general are the keys that do the same on every screen, unless the screen has another use for them.
func general(screens int) []binding {
	return []binding{
		{numbers(screens), "", "the screen of that number", nil}, // key sees to it
		{"j down", "", "down", func(m *Model) tea.Cmd { return m.move(1) }},
		{"k up", "", "up", func(m *Model) tea.Cmd { return m.move(-1) }},
		{"ctrl+d pgdown", "", "down by a page; a finding alone is scrolled", func(m *Model) tea.Cmd { return m.turnPage(1) }},
		{"ctrl+u pgup", "", "up by a page", func(m *Model) tea.Cmd { return m.turnPage(-1) }},
		{"g home", "", "to the top", func(m *Model) tea.Cmd { return m.move(-1 << 40) }},
		{"G end", "", "to the bottom", func(m *Model) tea.Cmd { return m.move(1 << 40) }},
		{"tab", paneLabel, "the next pane", func(m *Model) tea.Cmd { return m.nextPane(1) }},
		{"shift+tab", "", "the pane before", func(m *Model) tea.Cmd { return m.nextPane(-1) }},
		{"/", "/:filter", "show only what contains a text; !text: what does not; r:text: an expression", (*Model).askFilter},
		{"esc", "", "leave the detail, show all again, or unmark all", (*Model).escape},
		{"s", "s:sort", "sort by the next column", (*Model).sortNext},
		{"S", "", "sort the other way round", (*Model).sortReverse},
		{"m", "", "what the list is about: its bars and its order; memory, keys, what has changed", (*Model).nextListMetric},
		{"u", "", "amounts as people read them, exact, or as shares of the list", (*Model).nextUnits},
		{"space", "", "mark the row, or no longer; what is marked is added up, and copied together", (*Model).toggleMark},
		{"d", "", "what has changed since the base, which is --baseline or was picked by b", (*Model).compare},
		{"b", "", "pick the base: the file of an earlier report", (*Model).askBase},
		{"y", "y:copy", "copy the name under the cursor, or those that are marked, through the terminal (OSC 52)", (*Model).copyName},
		{"Y", "", "copy the command that shows the same", (*Model).copyCommand},
		{"c", "", "show that command", (*Model).showCommand},
		{"e", "e:export", "write the screen or the report to a file", (*Model).askExport},
		{"p", "", "pause: keep what is shown while the source goes on", (*Model).pause},
		{"r", "", "read the store again", (*Model).reread},
		{"T", "", "the next theme", (*Model).nextTheme},
		{"M", "", "mouse on or off; off leaves the selection of text to the terminal", (*Model).toggleMouse},
		{":", "", "the command bar: a screen's name, or q", (*Model).askCommand},
		{"?", "?:help", "this help", (*Model).askHelp},
		{"q", "q:back", "back to Overview; from there: leave", (*Model).back},
		{"Q ctrl+c", "", "leave now; what runs is stopped", (*Model).abort},
	}
}

// numbers are the keys that screens have.
func numbers(screens int) string {
	var keys []string
	for i := range screens {
		keys = append(keys, strconv.Itoa(i+1))
	}
	return strings.Join(keys, " ")
}

// bindings are the keys of the screen that is shown: its own before the general ones.
func (m *Model) bindings() []binding { return m.all[m.screen].bound }

// key does what a key asks for.
func (m *Model) key(msg tea.KeyPressMsg) tea.Cmd {
	name := msg.String()
	if m.asking.kind != noPrompt {
		return m.answer(name, msg.Text)
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 1 && n <= len(m.all) {
		m.open(n - 1)
		return nil
	}
	for _, b := range m.bindings() {
		if b.do != nil && slices.Contains(strings.Fields(b.keys), name) {
			return b.do(m)
		}
	}
	return nil
}

// move moves the cursor by n rows; on a map, by rows of cells.
func (m *Model) move(n int) tea.Cmd {
	l, p := m.focus()
	if l == nil {
		return nil
	}
	if per := m.cellsPerRow(); per > 1 && n > -1<<30 && n < 1<<30 {
		if to := p.cursor + n*per; to < 0 || to >= l.index.len() {
			return nil
		}
		n *= per
	}
	p.cursor = max(0, min(p.cursor+n, l.index.len()-1))
	m.dirty, m.view().scroll = true, 0
	return nil
}

// turnPage moves the cursor by half a screen, or the text of a finding that has the screen.
func (m *Model) turnPage(by int) tea.Cmd {
	n := by * max(1, m.height/2)
	if v := m.view(); v.detail && (m.all[m.screen].name == "findings" || m.all[m.screen].name == "triage") {
		v.scroll = max(0, v.scroll+n) // drawing sees to the end of it
		return nil
	}
	return m.move(n)
}

func (m *Model) nextPane(by int) tea.Cmd {
	m.refresh()
	if n := len(m.lists); n > 0 {
		m.turnTo((m.view().pane + by + n) % n)
	}
	return nil
}

// escape leaves the detail, or else takes the filter away, or else the marks.
func (m *Model) escape() tea.Cmd {
	_, p := m.focus()
	switch v := m.view(); {
	case v.detail:
		v.detail = false
	case p.filter.text != "":
		p.filter = filter{}
	default:
		p.marks = nil
	}
	m.changed()
	return nil
}

func (m *Model) sortNext() tea.Cmd {
	if l, p := m.focus(); l != nil {
		p.order = p.order.next(len(l.cols))
		m.changed()
	}
	return nil
}

func (m *Model) sortReverse() tea.Cmd {
	_, p := m.focus()
	p.order.reverse = !p.order.reverse
	m.changed()
	return nil
}

func (m *Model) copyName() tea.Cmd {
	l, p := m.focus()
	if l == nil || l.at(p) == nil {
		return nil
	}
	name := l.at(p).key
	if keys := l.markedKeys(p); len(keys) > 0 {
		m.say("copied "+humanize.Counted(int64(len(keys)), "name"), nil)
		return tea.SetClipboard(strings.Join(keys, "\n"))
	}
	m.say("copied "+clean(name, m.look.ascii), nil)
	return tea.SetClipboard(name)
}

// command is how the same is had without the dashboard; empty if it is not known.
func (m *Model) command() string {
	if m.o.Command == nil || m.doc == nil {
		return ""
	}
	s := &m.all[m.screen]
	return m.o.Command(s.name, m.section())
}

// section is the part of the report that the screen shows; empty is all of it.
func (m *Model) section() string {
	s := &m.all[m.screen]
	if m.doc == nil || s.lacks(m.doc) != "" {
		return ""
	}
	return s.section(m.doc)
}

func (m *Model) showCommand() tea.Cmd {
	m.say(m.command(), nil)
	return nil
}

func (m *Model) copyCommand() tea.Cmd {
	text := m.command()
	if text == "" {
		return nil
	}
	m.say("copied "+text, nil)
	return tea.SetClipboard(text)
}

func (m *Model) pause() tea.Cmd {
	if !m.o.Live {
		m.say("nothing moves: this is a saved report", nil)
		return nil
	}
	m.paused = !m.paused
	m.pull()
	return nil
}

func (m *Model) reread() tea.Cmd {
	switch {
	case m.o.Refresh == nil && m.o.Live:
		m.say("nothing to read again: a run shows what it measures by itself", nil)
		return nil
	case m.o.Refresh == nil:
		m.say("nothing to read again: this is a saved report", nil)
		return nil
	}
	m.o.Refresh()
	return nil
}

func (m *Model) nextTheme() tea.Cmd {
	all := Themes()
	at := slices.IndexFunc(all, func(t Theme) bool { return t.Name == m.look.theme.Name })
	m.look.theme = all[(at+1)%len(all)]
	m.changed()
	m.say("theme "+m.look.theme.Name, nil)
	return nil
}

func (m *Model) toggleMouse() tea.Cmd {
	m.mouse = !m.mouse
	m.say(map[bool]string{true: "mouse on", false: "mouse off"}[m.mouse], nil)
	return nil
}

// back leads to Overview, and from there out.
func (m *Model) back() tea.Cmd {
	switch v := m.view(); {
	case v.detail:
		v.detail = false
		m.changed()
		return nil
	case m.screen > 0:
		m.open(0)
		return nil
	case m.snap != nil && m.snap.Busy != "":
		m.asking = prompt{kind: quitPrompt}
		return nil
	}
	return m.quit()
}

// quit leaves. The last frame is empty: a terminal that was resized meanwhile may keep parts of what it last showed (tmux does).
func (m *Model) quit() tea.Cmd {
	m.left = true
	return tea.Quit
}

func (m *Model) abort() tea.Cmd {
	m.leaving = Left
	if m.snap != nil && m.snap.Busy != "" {
		m.leaving = Aborted
	}
	return m.quit()
}

// What screens have of their own.

func (m *Model) openFromOverview() tea.Cmd {
	l, p := m.focus()
	if l == nil || l.at(p) == nil {
		return nil
	}
	if m.view().pane == 1 {
		at := p.cursor
		m.open(m.screenNamed("findings"))
		m.view().panes[0] = pane{cursor: at, filter: p.filter, order: p.order}
		return nil
	}
	return m.openTemplate(l.at(p).key)
}

// openTemplate shows a template in Keyspace, if the report has it.
func (m *Model) openTemplate(template string) tea.Cmd {
	if t := m.doc.templates; t == nil || !slices.ContainsFunc(t.Rows, func(r []report.Value) bool { name, _ := r[0].Text(); return name == template }) {
		m.say(clean(template, m.look.ascii)+" is no template of this report", nil)
		return nil
	}
	m.open(m.screenNamed("keyspace"))
	v := m.view()
	v.panes[0].filter = filter{}
	for n := m.doc.tree.root; n != nil; {
		v.open[n.path] = true
		at := slices.IndexFunc(n.children, func(c *node) bool { return strings.HasPrefix(template, c.path) })
		if at < 0 || n.path == template {
			break
		}
		n = n.children[at]
	}
	m.changed()
	l, p := m.focus()
	if l == nil {
		return nil
	}
	for i := range l.index.len() {
		if l.row(l.index.at(i)).key == template {
			p.cursor = i
			break
		}
	}
	return nil
}

// openSubject shows in Keyspace what a row is about; of a key its template.
func (m *Model) openSubject() tea.Cmd {
	l, p := m.focus()
	if l == nil || l.at(p) == nil {
		return nil
	}
	name := l.at(p).key
	if c := l.column("template"); c > 0 {
		name, _ = l.value(l.index.at(p.cursor), c).Text()
	}
	return m.openTemplate(name)
}

// nodeAt returns the node under the cursor, nil if there is none.
func (m *Model) nodeAt() *node {
	l, p := m.focus()
	if l == nil || p.cursor >= l.index.len() || len(l.nodes) == 0 {
		return nil
	}
	return l.nodes[l.index.at(p.cursor)]
}

func (m *Model) openNode() tea.Cmd {
	n := m.nodeAt()
	switch {
	case n == nil:
	case len(n.children) > 0 && !m.view().open[n.path]:
		m.view().open[n.path] = true
	default:
		m.view().detail = true
	}
	m.changed()
	return nil
}

// shutNode shuts a node, or goes to the one that it is in.
func (m *Model) shutNode() tea.Cmd {
	v, n := m.view(), m.nodeAt()
	switch {
	case v.detail:
		v.detail = false
	case n == nil:
	case v.isOpen(n) && v.open[n.path]:
		delete(v.open, n.path)
	default:
		l, p := m.focus()
		for i := p.cursor - 1; i >= 0; i-- {
			if l.row(l.index.at(i)).indent < l.row(l.index.at(p.cursor)).indent {
				p.cursor = i
				break
			}
		}
	}
	m.changed()
	return nil
}

func (m *Model) nextMark() tea.Cmd     { return m.seekMark(1) }
func (m *Model) previousMark() tea.Cmd { return m.seekMark(-1) }

// seekMark goes to the next row that a finding is about, of those that show.
func (m *Model) seekMark(by int) tea.Cmd {
	l, p := m.focus()
	if l == nil {
		return nil
	}
	for i := p.cursor + by; i >= 0 && i < l.index.len(); i += by {
		if rankOf(l.row(l.index.at(i)).mark) > 0 {
			p.cursor = i
			return nil
		}
	}
	m.say("no more findings in this list", nil)
	return nil
}

// cellsPerRow is how many cells a row of the map has that has the keys; 1 for a list.
func (m *Model) cellsPerRow() int {
	if m.all[m.screen].name != "slots" || m.view().pane != 0 {
		return 1
	}
	t := heatTable(m.doc)
	if t == nil {
		return 1
	}
	return perRow(m.width-2, len(t.Rows))
}

func (m *Model) cellLeft() tea.Cmd  { return m.cell(-1) }
func (m *Model) cellRight() tea.Cmd { return m.cell(1) }

func (m *Model) cell(by int) tea.Cmd {
	l, p := m.focus()
	if l != nil && m.cellsPerRow() > 1 {
		p.cursor = max(0, min(p.cursor+by, l.index.len()-1))
	}
	return nil
}

func (m *Model) nextMetric() tea.Cmd {
	if t := heatTable(m.doc); t != nil {
		m.view().metric = (m.view().metric + 1) % len(metricsOf(t))
	}
	return nil
}

// nextHot goes to the fullest cell, and from one of the full ones to the next fullest.
func (m *Model) nextHot() tea.Cmd {
	t := heatTable(m.doc)
	if t == nil {
		return nil
	}
	ms := metricsOf(t)
	c := ms[m.view().metric%len(ms)]
	v := m.view()
	m.turnTo(0)
	value := func(i int) float64 { x, _ := t.Rows[i][c].Number(); return x }
	order := make([]int, len(t.Rows))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compare(t.Rows[a][c], t.Rows[b][c], false) })
	at := slices.Index(order, v.panes[0].cursor)
	if at+1 >= len(order) || at > 15 || value(order[at+1]) == 0 {
		at = -1
	}
	v.panes[0].cursor = order[at+1]
	return nil
}

func (m *Model) toggleDetail() tea.Cmd {
	m.view().detail = !m.view().detail
	return nil
}

func (m *Model) toggleAll() tea.Cmd {
	m.view().all = !m.view().all
	m.changed()
	return nil
}
