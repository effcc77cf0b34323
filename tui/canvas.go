package tui

import (
	"strings"

	"github.com/kvtool/kvtool/report/render"
)

// A block is a rectangle of a frame: lines that all take the same number of columns, escape codes not counted. Blocks are put
// beside and below each other; nobody measures a line that was made before.
type block []string

// A look is how a frame is written.
type look struct {
	theme Theme
	ascii bool
	units units
}

// A pen writes one line of a block. What does not fit is cut where it is put, so that escape codes are never cut.
type pen struct {
	look  *look
	width int // columns of the line
	used  int
	over  style // the style of the whole line, if it is not plain
	b     strings.Builder
}

func (k *look) pen(width int) *pen {
	p := &pen{look: k, width: width}
	p.b.Grow(width + width/2) // for text, and some of it wider than a byte
	return p
}

// put adds text that was cleaned.
func (p *pen) put(st style, s string) *pen {
	s = render.Cut(s, p.width-p.used, p.look.ascii)
	if p.over != plain {
		st = p.over
	}
	p.b.WriteString(p.look.theme.paint(st, s))
	p.used += render.Columns(s)
	return p
}

// name adds a name of hostile bytes in exactly so many columns.
func (p *pen) name(st style, s string, columns int) *pen {
	columns = min(columns, p.width-p.used)
	return p.field(st, render.CutMiddle(render.Clean(s, p.look.ascii), columns, p.look.ascii), columns, false)
}

// field adds cleaned text in exactly so many columns.
func (p *pen) field(st style, s string, columns int, right bool) *pen {
	columns = max(0, min(columns, p.width-p.used))
	s = render.Cut(s, columns, p.look.ascii)
	blank := blanks(columns - render.Columns(s))
	if right {
		return p.put(plain, blank).put(st, s)
	}
	return p.put(st, s).put(plain, blank)
}

// right adds text that ends with the line, if there is room for it.
func (p *pen) right(st style, s string) *pen {
	if n := render.Columns(s); n > 0 && p.used+n < p.width {
		p.put(plain, blanks(p.width-p.used-n)).put(st, s)
	}
	return p
}

// line returns the line, filled with blanks.
func (p *pen) line() string {
	p.put(plain, blanks(p.width-p.used))
	return p.b.String()
}

func blanks(n int) string {
	switch {
	case n <= 0:
		return ""
	case n <= len(blankRule):
		return blankRule[:n]
	}
	return strings.Repeat(" ", n)
}

// Blanks and lines to be cut from, rather than made for each line of each frame.
const (
	blankRule = "                                                                                                                        "
	lineRule  = "────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────"
	dashRule  = "------------------------------------------------------------------------------------------------------------------------"
)

// rule is a horizontal line.
func (k *look) rule(n int) string {
	r, size := lineRule, len("─")
	if k.ascii {
		r, size = dashRule, 1
	}
	switch {
	case n <= 0:
		return ""
	case n*size <= len(r):
		return r[:n*size]
	}
	return strings.Repeat(k.edges().h, n)
}

// empty returns a block of blanks.
func empty(width, height int) block {
	b := make(block, max(0, height))
	for i := range b {
		b[i] = blanks(width)
	}
	return b
}

// tall returns b with exactly height lines.
func (b block) tall(width, height int) block {
	if len(b) >= height {
		return b[:max(0, height)]
	}
	return append(b[:len(b):len(b)], empty(width, height-len(b))...)
}

// filled returns b with exactly height lines, the last of which are blank.
func (b block) filled(blank string, height int) block {
	for len(b) < height {
		b = append(b, blank)
	}
	return b[:max(0, height)]
}

// beside puts blocks of equal height side by side.
func beside(bs ...block) block {
	out := make(block, len(bs[0]))
	for i := range out {
		var b strings.Builder
		n := 0
		for _, x := range bs {
			n += len(x[i])
		}
		b.Grow(n)
		for _, x := range bs {
			b.WriteString(x[i])
		}
		out[i] = b.String()
	}
	return out
}

// edges of a frame: corners from the upper left, clockwise; horizontal, vertical.
type edges struct{ nw, ne, se, sw, h, v string }

func (k *look) edges() edges {
	if k.ascii {
		return edges{"+", "+", "+", "+", "-", "|"}
	}
	return edges{"┌", "┐", "┘", "└", "─", "│"}
}

// frame draws a frame around a block that is two columns and two lines smaller than it; title and note stand in its upper edge.
// The one that has the keys is told from the others by its colour, and by its title in brackets.
func (k *look) frame(width int, title, note string, inner block, focus bool) block {
	return k.framed(width, title, note, inner, focus, false)
}

// side is the edge of a frame at its left and its right.
func (k *look) side(focus bool) string {
	if focus {
		return k.theme.paint(accent, k.edges().v)
	}
	return k.theme.paint(faint, k.edges().v)
}

// framed is frame; the lines of a block that is sided have their edges already.
func (k *look) framed(width int, title, note string, inner block, focus, sided bool) block {
	e, st := k.edges(), faint
	if focus {
		st = accent
	}
	top := k.pen(width).put(st, e.nw+e.h)
	switch {
	case title == "":
	case focus:
		top.put(st, "[").put(strong, render.Cut(title, width-6, k.ascii)).put(st, "]")
	default:
		top.put(plain, " ").put(strong, render.Cut(title, width-6, k.ascii)).put(plain, " ")
	}
	if n := render.Columns(note); n > 0 && top.used+n+5 <= width {
		top.put(st, k.rule(width-top.used-n-4)).put(plain, " "+note+" ").put(st, e.h)
	} else {
		top.put(st, k.rule(width-top.used-1))
	}
	top.put(st, e.ne)
	out := make(block, 0, len(inner)+2)
	out = append(out, top.line())
	side := k.side(focus)
	for _, s := range inner {
		if sided {
			out = append(out, s)
			continue
		}
		out = append(out, side+s+side)
	}
	return append(out, k.theme.paint(st, e.sw+k.rule(width-2)+e.se))
}

// A part is a piece of a column of a screen: it gets its least where there is room, and up to its most of what is left.
type part struct {
	least, most int // lines
	draw        func(height int) block
}

// stack puts parts below each other in exactly so many lines. Parts that do not fit are left out, the last ones first.
func stack(width, height int, parts ...part) block {
	var sizes []int
	left := height
	for _, p := range parts {
		if p.least > left {
			sizes = append(sizes, 0)
			continue
		}
		sizes = append(sizes, p.least)
		left -= p.least
	}
	for i, p := range parts {
		if more := min(left, p.most-sizes[i]); sizes[i] > 0 && more > 0 {
			sizes[i] += more
			left -= more
		}
	}
	out := make(block, 0, max(0, height))
	for i, p := range parts {
		if sizes[i] > 0 {
			out = append(out, p.draw(sizes[i]).tall(width, sizes[i])...)
		}
	}
	return out.tall(width, height)
}
