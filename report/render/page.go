package render

import (
	"bufio"
	"io"
	"strings"
)

// A style is how a span of a line is drawn. Colour never carries a meaning alone, so plain loses nothing.
type style uint8

const (
	plain style = iota
	bold
	dim
	red
	yellow
	cyan
)

// escapes are the SGR parameters of the styles.
var escapes = [...]string{bold: "1", dim: "2", red: "31;1", yellow: "33", cyan: "36"}

// A span is text in one style. Its text is clean already.
type span struct {
	text  string
	style style
}

// A page writes lines that never exceed its width.
type page struct {
	w       *bufio.Writer
	width   int
	color   bool
	ascii   bool
	mark    string // stands for what was cut out
	wrote   bool   // something has been written
	pending bool   // an empty line is due before the next
	err     error
}

func newPage(w io.Writer, o Options) *page {
	return &page{w: bufio.NewWriter(w), width: o.width(), color: o.Color, ascii: o.ASCII, mark: clean("…", o.ASCII)}
}

// clean is the sanitiser for what the page shows.
func (p *page) clean(s string) string { return clean(s, p.ascii) }

// gap asks for an empty line before the next one. Two gaps are one.
func (p *page) gap() { p.pending = p.wrote }

// line writes spans as one line. What is beyond the width is cut: the last guard, not the layout.
func (p *page) line(spans ...span) {
	if p.pending {
		p.w.WriteByte('\n')
	}
	p.pending, p.wrote = false, true
	used := 0
	disarmLine(spans)
	for i, s := range trimEnd(spans) {
		w := columns(s.text)
		if used+w > p.width {
			spans[i].text = cutEnd(s.text, p.width-used, p.mark)
			p.span(spans[i])
			break
		}
		used += w
		p.span(s)
	}
	if err := p.w.WriteByte('\n'); err != nil && p.err == nil {
		p.err = err
	}
}

// disarmLine breaks a line that wrapping has made begin with "::".
func disarmLine(spans []span) {
	text := ""
	for _, s := range spans {
		text += s.text
	}
	if !strings.HasPrefix(strings.TrimLeft(text, " "), "::") {
		return
	}
	for i := range spans {
		if at := strings.IndexByte(spans[i].text, ':'); at >= 0 {
			spans[i].text = spans[i].text[:at] + `\x3a` + spans[i].text[at+1:]
			return
		}
	}
}

// trimEnd drops spaces at the end of a line.
func trimEnd(spans []span) []span {
	for len(spans) > 0 {
		last := &spans[len(spans)-1]
		last.text = strings.TrimRight(last.text, " ")
		if last.text != "" {
			break
		}
		spans = spans[:len(spans)-1]
	}
	return spans
}

func (p *page) span(s span) {
	if !p.color || s.style == plain || s.text == "" {
		p.w.WriteString(s.text)
		return
	}
	p.w.WriteString("\x1b[" + escapes[s.style] + "m" + s.text + "\x1b[0m")
}

func (p *page) close() error {
	if err := p.w.Flush(); err != nil && p.err == nil {
		p.err = err
	}
	return p.err
}

// between is the space between two items of a line: wider where there is room.
func (p *page) between() int {
	if p.width >= 100 {
		return 3
	}
	return 2
}

// labelWidth is the column at which the text behind the labels of the page's head and foot begins.
const labelWidth = 9

// items writes a label and, behind it, items that go on below each other when they do not fit. An item that is longer
// than a line is wrapped.
func (p *page) items(label string, items ...string) {
	p.labelled(span{pad(label, labelWidth), bold}, p.between(), items)
}

// labelled is items with a label of any width.
func (p *page) labelled(label span, between int, items []string) {
	indent := columns(label.text)
	room := p.width - indent
	lead, line := label, ""
	flush := func() {
		if line != "" {
			p.line(lead, span{text: line})
			lead, line = span{text: strings.Repeat(" ", indent)}, ""
		}
	}
	for _, item := range items {
		switch {
		case item == "":
			continue
		case line != "" && columns(line)+between+columns(item) <= room:
			line += strings.Repeat(" ", between) + item
			continue
		}
		flush()
		if columns(item) <= room {
			line = item // not wrapped, which would fold the spaces that align things
			continue
		}
		for _, line = range wrap(item, room) {
			flush()
		}
		line = ""
	}
	flush()
}

// pad fills s with spaces to width columns.
func pad(s string, width int) string { return s + spaces(width-columns(s)) }

// padLeft puts s at the right end of width columns.
func padLeft(s string, width int) string { return spaces(width-columns(s)) + s }

func spaces(n int) string { return strings.Repeat(" ", max(0, n)) }
