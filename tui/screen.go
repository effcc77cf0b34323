package tui

import (
	"fmt"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// A screen is one way to look at a report: a value in a list, with all that is its own. To add one, write its file and its line in
// screens.
type screen struct {
	name  string // of --screen, and in the command bar
	title string
	short string // where there is little room
	doc   string // one line of help
	keys  []binding
	bound []binding // its keys before those that all screens have
	// lacks says why the report has nothing for the screen, and what would change that; empty if it has.
	lacks func(d *doc) string
	// lists are what the keys move in; the first has them when the screen is entered.
	lists func(d *doc, v *view, k *look) []*list
	draw  func(s *sight) block
	// section is what report show calls what the screen shows.
	section func(d *doc) string
}

// screens lists them, in the order of their numbers.
func screens() []screen {
	return []screen{overview(), keyspace(), hotKeys(), ttls(), slots(), loads(), findings(), triages(), fleets()}
}

// ScreenNames lists what --screen takes.
func ScreenNames() []string {
	var names []string
	for _, s := range screens() {
		names = append(names, s.name)
	}
	return names
}

// maxPanes is how many lists a screen has at most.
const maxPanes = 3

// A view is what the user has chosen of one screen.
type view struct {
	pane   int // that has the keys
	panes  [maxPanes]pane
	open   map[string]bool // nodes of a tree that were opened or shut, by their paths
	detail bool            // the detail has the whole screen
	scroll int             // lines of the detail that were passed
	all    bool            // findings that are known or accepted as well
	metric int             // which of several numbers is drawn
	part   int             // which of several parts is: a group of places, an operation
}

// A pane is what was chosen of one list.
type pane struct {
	cursor int
	filter filter
	order  order
	metric int             // which number the list is about; 0 is as the report has it
	marks  map[string]bool // rows, by their ids
}

// isOpen reports whether a node of a tree shows its children.
func (v *view) isOpen(n *node) bool {
	if len(n.children) == 0 {
		return false
	}
	return v.open[n.path] || v.panes[0].filter.text != ""
}

// A shown is a list with which of its rows show.
type shown struct {
	*list
	index  index
	marked int       // how many rows are
	sums   []float64 // of each column, over what is marked
}

// at returns the row under the cursor, nil if there is none.
func (s *shown) at(p *pane) *row {
	if p.cursor < 0 || p.cursor >= s.index.len() {
		return nil
	}
	r := s.row(s.index.at(p.cursor))
	return &r
}

// A sight is all that a screen is drawn from.
type sight struct {
	*look
	d     *doc
	v     *view
	lists []shown
	stills
	note          func(f *report.Finding) string // what was done about a finding meanwhile
	rules         map[string]*report.Rule
	width, height int
}

// list draws a list in its frame, whose note says what was chosen of the list; before anything was, it may say something else.
func (s *sight) list(i, width, height int, note string) block {
	if i == s.v.pane {
		return s.drawList(i, width, height, note)
	}
	return s.once(s.lists[i].list, width, height, func() block { return s.drawList(i, width, height, note) })
}

func (s *sight) drawList(i, width, height int, note string) block {
	l, p := &s.lists[i], &s.v.panes[i]
	focus := s.v.pane == i && len(s.lists) > 1
	at := -1
	if s.v.pane == i {
		at = p.cursor
	}
	if note == "" || p.filter.text != "" || p.order != (order{}) || p.metric > 0 || l.marked > 0 {
		note = s.listNote(l, p, width-render.Columns(l.title)-10)
	}
	inner := l.draw(s.look, width-2, height-2, l.index, at, p.marks, s.side(focus))
	return s.framed(width, l.title, note, inner, focus, true)
}

// listNote says how a list is filtered and sorted, and where the cursor is, as far as there is room.
func (s *sight) listNote(l *shown, p *pane, room int) string {
	var says []string
	if p.filter.text != "" {
		says = append(says, "filter: "+render.Clean(p.filter.text, s.ascii))
	}
	if note := l.markNote(s.look); note != "" {
		says = append(says, note)
	}
	if word := p.order.word(l.cols); word != "" {
		says = append(says, word)
	} else if c := p.metricOf(l.cols); c >= 0 {
		says = append(says, "by "+render.Clean(metricName(l.cols, c), s.ascii))
	}
	if l.index.len() > 0 {
		says = append(says, fmt.Sprintf("%d/%d", min(p.cursor+1, l.index.len()), l.index.len()))
	}
	if l.more > 0 {
		says = append(says, humanize.Exact(l.more)+" more not listed")
	}
	note := ""
	for _, x := range says {
		if longer := join(note, x); render.Columns(longer) <= room {
			note = longer
		}
	}
	return note
}

// metricName is what a column is called that a list is about: a change by what has changed.
func metricName(cols []report.Column, c int) string {
	if isChange(&cols[c]) && c > 0 {
		return "change of " + heading(&cols[c-1])
	}
	return heading(&cols[c])
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "   " + b
}

// box draws a pane that has no keys.
func (s *sight) box(width, height int, title, note string, draw func(width, height int) block) block {
	return s.frame(width, title, note, draw(width-2, height-2).tall(width-2, height-2), false)
}

// stills are blocks that depend on nothing the user moves: they are drawn once as long as the lists and the pane stay, so that a key
// press costs what it changes. What is thrown away at each key is paid for twice: the collector then goes over the whole report.
type stills map[stillKey]block

type stillKey struct {
	what          any // a list, a table of the report, or a title
	width, height int
}

// mostStill is how many such blocks are kept; each size has its own.
const mostStill = 64

// once returns such a block.
func (s stills) once(what any, width, height int, draw func() block) block {
	if s == nil {
		return draw()
	}
	key := stillKey{what, width, height}
	b, known := s[key]
	if !known {
		if len(s) >= mostStill {
			clear(s)
		}
		b = draw()
		b = b[:len(b):len(b)] // who puts more below it does so in a copy
		s[key] = b
	}
	return b
}

// wide and wider say where there is room for a detail beside a list, and for charts beside both.
func (s *sight) wide() bool  { return s.width >= 100 }
func (s *sight) wider() bool { return s.width >= 120 }

// sayLack draws why a screen has nothing.
func (s *sight) sayLack(title, why string) block {
	return s.box(s.width, s.height, title, "", func(w, h int) block {
		return s.paragraph(w, h, why)
	})
}

// paragraph draws text, which was not cleaned.
func (k *look) paragraph(width, height int, text string) block {
	var out block
	for _, line := range render.Wrap(render.Clean(text, k.ascii), max(1, width-2)) {
		out = append(out, k.pen(width).put(plain, " "+line).line())
	}
	return out.tall(width, height)
}
