package tui

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// The smallest terminal that a screen fits on.
const (
	LeastWidth  = 60
	LeastHeight = 15
)

// frame returns the screen as text, which is kept until something changes.
func (m *Model) frame() string {
	if !m.dirty && m.drawn != "" {
		return m.drawn
	}
	m.dirty = false
	m.drawn = strings.Join(m.draw(), "\n")
	return m.drawn
}

func (m *Model) draw() block {
	w, h := m.width, m.height
	if w < LeastWidth || h < LeastHeight {
		return m.look.paragraph(max(1, w), max(1, h), fmt.Sprintf("terminal %dx%d, need %dx%d", w, h, LeastWidth, LeastHeight))
	}
	m.refresh()
	tabs := m.stills.once("tabs", w, m.screen, func() block { return block{m.tabLine()} })
	out := append(make(block, 0, h), m.head(), tabs[0])
	body := h - 3
	switch {
	case m.asking.kind == helpPrompt:
		out = append(out, m.help(w, body)...)
	case m.asking.kind == confirmPrompt:
		out = append(out, m.diff(w, body)...)
	case m.doc == nil:
		out = append(out, m.waiting(w, body)...)
	default:
		out = append(out, m.body(w, body)...)
	}
	return append(out, m.foot())
}

// body draws the screen.
func (m *Model) body(w, h int) block {
	s := &m.all[m.screen]
	view := &sight{
		look: &m.look, d: m.doc, v: m.view(), lists: m.lists, stills: m.stills, rules: m.rules, width: w, height: h,
		note: func(f *report.Finding) string { return m.accepted[f.Fingerprint()] },
	}
	if why := s.lacks(m.doc); why != "" {
		return view.sayLack(s.title, why)
	}
	return s.draw(view).tall(w, h)
}

// waiting is shown until there is a report.
func (m *Model) waiting(w, h int) block {
	text := "opening " + clean(m.o.Name, m.look.ascii)
	if m.snap != nil && m.snap.Trouble != "" {
		text = m.snap.Trouble
	}
	return m.look.frame(w, m.all[m.screen].title, "", m.look.paragraph(w-2, h-2, text), false)
}

// head says what is looked at and how it stands.
func (m *Model) head() string {
	p := m.look.pen(m.width)
	state, st := m.state(), plain
	if m.snap != nil && m.snap.Trouble != "" {
		state, st = clean(m.snap.Trouble, m.look.ascii), bad
	}
	if m.paused {
		state = join("PAUSED", state)
	}
	state = render.Cut(state, m.width*3/5, m.look.ascii)
	room := m.width - render.Columns(state) - 2
	p.put(strong, "kvtool")
	left := []string{clean(m.o.Name, m.look.ascii), m.product(), m.o.Banner}
	for i, s := range left {
		switch {
		case s == "":
		case i == 0:
			p.put(plain, "  ").put(plain, render.CutMiddle(s, max(8, room-p.used-2), m.look.ascii))
		case p.used+2+render.Columns(s) <= room:
			p.put(plain, "  ").put(faint, s)
		}
	}
	return p.right(st, state).line()
}

func (m *Model) product() string {
	if m.doc == nil {
		return ""
	}
	t := &m.doc.r.Target
	return clean(strings.TrimSpace(t.Product+" "+t.Version), m.look.ascii)
}

// state says how the source stands, or of a report that does not change what it covers.
func (m *Model) state() string {
	if m.snap == nil || m.doc == nil {
		return ""
	}
	if m.snap.State != "" {
		return clean(m.snap.State, m.look.ascii)
	}
	c := &m.doc.r.Coverage
	var parts []string
	if c.Keys > 0 {
		parts = append(parts, humanize.Counted(c.Keys, "key"))
	}
	if v := m.doc.metric("totals", "bytes"); v != nil {
		parts = append(parts, render.Human(v.Value, v.Unit, m.look.ascii))
	}
	if !m.doc.r.Taken.IsZero() && m.width >= 100 {
		parts = append(parts, "of "+humanize.Time(float64(m.doc.r.Taken.Unix())))
	}
	switch {
	case !c.Complete:
		parts = append(parts, "INCOMPLETE")
	case m.width >= 100:
		parts = append(parts, "complete")
	}
	return strings.Join(parts, "  ")
}

// tabs are the names of the screens as they stand in the second line: as long as there is room for. Where there is little, those that
// are not shown have their numbers alone.
func (m *Model) tabs() []string {
	var names []string
	room := m.width - max(tallyRoom, len(m.tally())+1)
	for _, form := range []func(i int, s *screen) string{
		func(i int, s *screen) string { return fmt.Sprintf("%d %s", i+1, s.title) },
		func(i int, s *screen) string { return fmt.Sprintf("%d%s", i+1, s.title) },
		func(i int, s *screen) string { return fmt.Sprintf("%d%s", i+1, s.short) },
		func(i int, s *screen) string {
			if i == m.screen {
				return fmt.Sprintf("%d%s", i+1, s.short)
			}
			return fmt.Sprint(i + 1)
		},
	} {
		names = names[:0]
		total := 0
		for i := range m.all {
			name := " " + form(i, &m.all[i]) + " "
			if i == m.screen {
				name = "[" + form(i, &m.all[i]) + "]"
			}
			names = append(names, name)
			total += len(name)
		}
		if total <= room {
			break
		}
	}
	return names
}

// tallyRoom is what is left behind the tabs at least, so that they do not change with each finding of a scan.
const tallyRoom = 10

// tally is how many findings there are of each severity: 2E 1W 0I; empty where nothing was found.
func (m *Model) tally() string {
	if m.doc == nil || len(m.doc.r.Findings) == 0 {
		return ""
	}
	n := render.Tally(m.doc.r)
	return fmt.Sprintf("%dE %dW %dI", n[0], n[1], n[2])
}

func (m *Model) tabLine() string {
	p := m.look.pen(m.width)
	for i, name := range m.tabs() {
		st := faint
		if i == m.screen {
			st = strong
		}
		p.put(st, name)
	}
	if n := m.tally(); n != "" {
		p.right(tallyStyle(render.Tally(m.doc.r)), n)
	}
	return p.line()
}

// mostLabels is how many keys stand at the foot.
const mostLabels = 9

// foot shows the keys, or what is asked or was done.
func (m *Model) foot() string {
	p := m.look.pen(m.width).put(plain, " ")
	switch {
	case m.asking.kind != noPrompt && m.message != "":
		return p.put(bad, clean(m.message, m.look.ascii)).line()
	case m.asking.kind != noPrompt:
		return p.put(strong, cleanInput(m.question(), m.look.ascii)).line()
	case m.message != "":
		st := strong
		if strings.HasPrefix(m.message, "error: ") {
			st = bad
		}
		return p.put(st, clean(m.message, m.look.ascii)).line()
	}
	labels := []string{"?:help"}
	for _, b := range m.bindings() {
		if b.label != "" && b.label != "?:help" && b.label != "q:back" && (b.label != paneLabel || len(m.lists) > 1) {
			labels = append(labels, b.label)
		}
	}
	labels = labels[:min(len(labels), mostLabels-1)]
	last := "q:back"
	if m.screen == 0 {
		last = "q:quit"
	}
	for _, l := range labels {
		if p.used+len(l)+2+len(last) <= m.width {
			p.put(faint, l).put(plain, "  ")
		}
	}
	return p.put(faint, last).line()
}

// cleanInput is clean for what the user types, which is no name: a text that begins with :: is shown as it is.
func cleanInput(s string, ascii bool) string { return clean(" "+s, ascii)[1:] }

// help lists the keys of the screen.
func (m *Model) help(w, h int) block {
	s := &m.all[m.screen]
	lines := m.helpLines(w - 2)
	from := min(m.asking.scroll, max(0, len(lines)-(h-2)))
	note := ""
	if len(lines) > h-2 {
		note = fmt.Sprintf("%d-%d of %d lines", from+1, from+h-2, len(lines))
	}
	return m.look.frame(w, s.title+": "+s.doc, note, lines[from:].tall(w-2, h-2), false)
}

// helpKeys is how wide the names of keys are in the help.
const helpKeys = 16

// helpLines are the lines of the help; what does not fit beside its keys goes on below.
func (m *Model) helpLines(w int) block {
	s := &m.all[m.screen]
	var out block
	add := func(bs []binding) {
		for _, b := range bs {
			keys := strings.ReplaceAll(b.keys, " ", "  ")
			if b.do == nil {
				keys = "1 to " + b.keys[len(b.keys)-1:]
			}
			for _, line := range render.Wrap(b.doc, w-helpKeys-4) {
				out = append(out, m.look.pen(w).put(plain, " ").field(faint, keys, helpKeys, false).put(plain, "  "+line).line())
				keys = ""
			}
		}
	}
	add(s.keys)
	if len(s.keys) > 0 {
		out = append(out, blanks(w))
	}
	add(general(len(m.all)))
	return out
}

// helpScroll is by how many lines the help can be scrolled.
func (m *Model) helpScroll() int {
	return max(0, len(m.helpLines(m.width-2))-(m.height-5)) // the head, the tabs, the foot, and the frame
}

// diff shows what would be written to the file of what was accepted.
func (m *Model) diff(w, h int) block {
	var out block
	for _, line := range strings.Split(strings.TrimRight(m.asking.diff, "\n"), "\n") {
		st := plain
		if strings.HasPrefix(line, "+") {
			st = good
		}
		out = append(out, m.look.pen(w-2).put(st, " "+clean(line, m.look.ascii)).line())
	}
	return m.look.frame(w, "To be written", "", out.tall(w-2, h-2), false)
}

// nan is a value that is not known.
func nan() float64 { return math.NaN() }

// greatest is what stands for a stretch of a series: spikes survive.
func greatest(part []float64) float64 {
	most := nan()
	for _, v := range part {
		if math.IsNaN(most) || v > most {
			most = v
		}
	}
	return most
}

// Progress says how far a scan has come, for the state of a snapshot.
func Progress(c *report.Coverage, elapsed time.Duration) string {
	s := max(elapsed.Seconds(), 1e-3)
	rate := float64(c.Keys) / s
	if c.Of == nil || *c.Of <= 0 || c.Keys > *c.Of || rate <= 0 {
		return fmt.Sprintf("scan  %s keys  %s keys/s", humanize.Count(float64(c.Keys)), humanize.Count(rate))
	}
	left := float64(*c.Of-c.Keys) / rate
	return fmt.Sprintf("scan %s  %s/%s  %s keys/s  ETA %s", humanize.Ratio(float64(c.Keys)/float64(*c.Of)),
		humanize.Count(float64(c.Keys)), humanize.Count(float64(*c.Of)), humanize.Count(rate), humanize.Duration(float64(int64(left+1))))
}
