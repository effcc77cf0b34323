package docs

import "fmt"

// A graph is the templates that lead to others as boxes in columns: what leads on stands to the left of where it leads.
//
//	┌──────┐      ┌─────────┐
//	│ cart │─────▶│ profile │
//	└──────┘  ┌──▶└─────────┘
//	┌───────┐ │
//	│ index │─┘
//	└───────┘
type graph struct {
	Width, Height int
	Boxes         []box
	Lines         []edge
}

type box struct {
	X, Y, W, H   int
	TextX, TextY int
	Name, Anchor string
	Owner        string
	column       int
}

// An edge is a link as a curve. Its class says how it is drawn; kinds differ in their dashes, not in colour alone.
type edge struct {
	Path, Class string
	Title       string
}

// Sizes of a graph, in pixels.
const (
	boxWidth   = 170
	boxHeight  = 40
	columnStep = boxWidth + 90
	rowStep    = boxHeight + 22
	margin     = 12
)

// mostBoxes bounds a picture that somebody is to look at; beyond there is the list.
const mostBoxes = 150

// newGraph lays out the linked templates of a page; nil if there are none, or too many to see anything.
func newGraph(p *page) *graph {
	index := map[string]int{}
	var boxes []box
	for _, l := range p.Links {
		for _, name := range []string{l.From, l.To} {
			if _, known := index[name]; !known {
				index[name] = len(boxes)
				boxes = append(boxes, box{Name: name, W: boxWidth, H: boxHeight})
			}
		}
	}
	if len(boxes) == 0 || len(boxes) > mostBoxes {
		return nil
	}
	for i := range p.Templates {
		if at, linked := index[p.Templates[i].Name]; linked {
			boxes[at].Anchor, boxes[at].Owner = p.Templates[i].Anchor, p.Templates[i].Owner
		}
	}
	columns(boxes, p.Links, index)
	g := &graph{Boxes: boxes}
	g.place()
	for _, l := range p.Links {
		g.Lines = append(g.Lines, line(&boxes[index[l.From]], &boxes[index[l.To]], l))
	}
	return g
}

// columns puts each box to the left of those it leads to. Each round moves what must move by one column; a circle would never
// end, and is left as it is after as many rounds as there are boxes.
func columns(boxes []box, ls []link, index map[string]int) {
	for range boxes {
		moved := false
		for _, l := range ls {
			from, to := &boxes[index[l.From]], &boxes[index[l.To]]
			if l.Kind != together && from != to && to.column <= from.column && from.column+1 < len(boxes) {
				to.column, moved = from.column+1, true
			}
		}
		if !moved {
			break
		}
	}
}

const together = "together"

// place gives each box its coordinates: columns from left to right, in each the order of the file.
func (g *graph) place() {
	rows := map[int]int{}
	used := map[int]int{}
	for i := range g.Boxes {
		c := g.Boxes[i].column
		if _, known := used[c]; !known {
			used[c] = 0
		}
	}
	next := 0
	for c := 0; len(used) > next; c++ {
		if _, known := used[c]; known {
			used[c] = next
			next++
		}
	}
	for i := range g.Boxes {
		b := &g.Boxes[i]
		b.X, b.Y = margin+used[b.column]*columnStep, margin+rows[b.column]*rowStep
		b.TextX, b.TextY = b.X+10, b.Y+17
		rows[b.column]++
		g.Width, g.Height = max(g.Width, b.X+boxWidth+margin), max(g.Height, b.Y+boxHeight+margin)
	}
}

// line draws a link as a curve from the right side of one box to the left of another; to one that is not further to the right,
// around its right side.
func line(from, to *box, l link) edge {
	x1, y1, x2, y2 := from.X+boxWidth, from.Y+boxHeight/2, to.X, to.Y+boxHeight/2
	out, in := x1+40, x2-40
	if to.X <= from.X {
		x2 += boxWidth
		out, in = x1+60, x2+60
	}
	return edge{
		Path:  fmt.Sprintf("M%d %dC%d %d %d %d %d %d", x1, y1, out, y1, in, y2, x2, y2),
		Class: class(l.Kind),
		Title: l.From + " → " + l.To + ": " + l.Kind + l.How,
	}
}

// class is the style of a kind of link.
func class(kind string) string {
	switch kind {
	case "parent", "index", "member", together:
		return kind
	}
	return "life"
}
