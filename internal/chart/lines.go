package chart

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// A Point is a place of a line, with what it says in words. X and Y are in whatever scale the axes are.
type Point struct {
	X, Y float64
	Text string
}

// A Line joins points, which go to the right. A NaN interrupts it.
type Line struct {
	Name   string
	Points []Point
}

// A Tick is a place on an axis with its text.
type Tick struct {
	At   float64
	Text string
}

// A Mark is something that happened at a place of the x axis.
type Mark struct {
	At   float64
	Text string
}

// A Plot is what Lines draws. The axes reach as far as the ticks and the points.
type Plot struct {
	Title  string
	Lines  []Line
	XTicks []Tick
	YTicks []Tick
	Marks  []Mark
}

// Parts of a plot, in pixels.
const (
	plotLeft   = 76
	plotRight  = 150 // for the names of lines
	plotHeight = 220
	plotWidth  = Width - 2*margin - plotLeft - plotRight
	dots       = 240 // points of a line that say what they are, at most
	styles     = 6   // of lines, which differ in dashes as well as in colour
)

// Lines draws lines over a common axis. Each is named at its end, by its greatest point too; marks are vertical lines that are
// named below. What a point says is its title.
func Lines(p Plot) Drawing {
	var b strings.Builder
	label(&b, "h", 0, 0, p.Title)
	const top = line / 2
	f := newFrame(p, top)
	for _, t := range p.YTicks {
		y := f.y(t.At)
		fmt.Fprintf(&b, "<line class=\"a\" x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\"/>\n", plotLeft, y, plotLeft+plotWidth, y)
		fmt.Fprintf(&b, "<text class=\"d\" text-anchor=\"end\" x=\"%d\" y=\"%.1f\">%s</text>\n", plotLeft-6, y+4, html.EscapeString(t.Text))
	}
	for _, t := range p.XTicks {
		x := f.x(t.At)
		fmt.Fprintf(&b, "<line class=\"a\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n", x, top, x, top+plotHeight)
		fmt.Fprintf(&b, "<text class=\"d\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%s</text>\n", x, top+plotHeight+line-2, html.EscapeString(t.Text))
	}
	y := top + plotHeight + 2*line
	for i, m := range p.Marks {
		x := f.x(m.At)
		fmt.Fprintf(&b, "<g><title>%s</title><line class=\"e\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>", html.EscapeString(m.Text), x, top, x, top+plotHeight)
		fmt.Fprintf(&b, "<text class=\"n\" text-anchor=\"middle\" x=\"%.1f\" y=\"%d\">%d</text></g>\n", x, top+10, i+1)
		label(&b, "d", plotLeft, y, fmt.Sprintf("%d  %s", i+1, m.Text))
		y += line
	}
	for i := range p.Lines {
		f.line(&b, &p.Lines[i], i)
	}
	return Drawing{height: max(y, top+len(p.Lines)*2*line) + line/2, title: p.Title, body: b.String(), lines: true}
}

// A frame maps numbers to pixels.
type frame struct {
	top                    float64
	left, right, low, high float64
}

func newFrame(p Plot, top float64) *frame {
	f := &frame{top: top, left: math.Inf(1), right: math.Inf(-1), low: math.Inf(1), high: math.Inf(-1)}
	across := func(x float64) { f.left, f.right = min(f.left, x), max(f.right, x) }
	up := func(y float64) {
		if !math.IsNaN(y) && !math.IsInf(y, 0) {
			f.low, f.high = min(f.low, y), max(f.high, y)
		}
	}
	for _, t := range p.XTicks {
		across(t.At)
	}
	for _, t := range p.YTicks {
		up(t.At)
	}
	for _, l := range p.Lines {
		for _, at := range l.Points {
			across(at.X)
			up(at.Y)
		}
	}
	return f
}

func (f *frame) x(v float64) float64 { return plotLeft + plotWidth*share(v, f.left, f.right) }
func (f *frame) y(v float64) float64 { return f.top + plotHeight*(1-share(v, f.low, f.high)) }

// share is how far v lies between two ends; 0 where they are one.
func share(v, low, high float64) float64 {
	if !(high > low) {
		return 0
	}
	return min(max((v-low)/(high-low), 0), 1)
}

// line draws line i.
func (f *frame) line(b *strings.Builder, l *Line, i int) {
	var path strings.Builder
	pen, greatest := "M", -1
	for j, at := range l.Points {
		if math.IsNaN(at.Y) || math.IsInf(at.Y, 0) {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, f.x(at.X), f.y(at.Y))
		pen = "L"
		if greatest < 0 || at.Y > l.Points[greatest].Y {
			greatest = j
		}
	}
	if greatest < 0 {
		return
	}
	said := fmt.Sprintf("%s, at most %s", l.Name, l.Points[greatest].Text)
	fmt.Fprintf(b, "<g><title>%s</title><path class=\"l l%d\" d=\"%s\"/>\n", html.EscapeString(said), i%styles, path.String())
	f.dots(b, l, greatest)
	y := int(f.top) + 12 + i*2*line
	x := plotLeft + plotWidth + 8
	fmt.Fprintf(b, "<path class=\"l l%d\" d=\"M%d %dh20\"/>", i%styles, x, y-4)
	label(b, "n", x+24, y, shortenTo(l.Name, plotRight/8))
	label(b, "d", x+24, y+line-4, shortenTo("max "+l.Points[greatest].Text, plotRight/8))
	b.WriteString("</g>\n")
}

// dots gives points their titles: each of a stretch of a long line has that of its greatest.
func (f *frame) dots(b *strings.Builder, l *Line, greatest int) {
	stretch := (len(l.Points) + dots - 1) / dots
	for from := 0; from < len(l.Points); from += stretch {
		best := -1
		for j := from; j < min(from+stretch, len(l.Points)); j++ {
			if y := l.Points[j].Y; !math.IsNaN(y) && !math.IsInf(y, 0) && (best < 0 || y > l.Points[best].Y) {
				best = j
			}
		}
		if best < 0 {
			continue
		}
		class := "o"
		if best == greatest {
			class = "m"
		}
		at := l.Points[best]
		fmt.Fprintf(b, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"3\"><title>%s: %s</title></circle>\n", class, f.x(at.X), f.y(at.Y),
			html.EscapeString(l.Name), html.EscapeString(at.Text))
	}
}
