package tui

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// A node is a part of a keyspace: all templates that begin alike, or one template.
//
//	session:         4.61M keys   3.91 GiB
//	  {uid}          4.60M keys   3.90 GiB   a template
//	  anon           11.2k keys   8.40 MiB   a template
type node struct {
	path     string // from the root on
	name     string // behind the parent's path
	children []*node
	index    map[string]*node // children by name
	row      []report.Value   // of the template; nil of what only templates begin with
	sums     []float64        // of the columns that a tree adds up
	unknown  []bool           // of these: something in it is not known
	keep     bool             // the filter takes it, or something in it
}

// maxNodes bounds how many templates a tree is made of; a report has fewer unless somebody asked for all.
const maxNodes = 50_000

// separators end a part of a name, which has so many parts at most: what is behind them is the last one.
const (
	separators = ":/|.#"
	maxParts   = 16
)

// parts divides a template behind its separators. A placeholder is one part, whatever it has inside.
func parts(template string) []string {
	var out []string
	depth, from := 0, 0
	for i := range len(template) {
		switch c := template[i]; {
		case c == '{':
			depth++
		case c == '}':
			depth = max(0, depth-1)
		case len(out) == maxParts-1:
			return append(out, template[from:])
		case depth == 0 && strings.IndexByte(separators, c) >= 0 && i+1 < len(template):
			out = append(out, template[from:i+1])
			from = i + 1
		}
	}
	return append(out, template[from:])
}

// A keytree is the templates of a report by what they begin with.
type keytree struct {
	root *node
	cols []report.Column // of a list of it: the name, and what adds up
	at   []int           // columns of the table that are added up
	dull int64           // templates that are not in it
}

// treeOf makes a tree of a table whose first column has templates.
func treeOf(t *report.Table) *keytree {
	k := &keytree{root: &node{}, cols: []report.Column{{Name: "prefix", Unit: report.UnitKey}}}
	if t == nil {
		return k
	}
	for c := range t.Columns {
		if t.Columns[c].Sum && known(t, c) {
			k.at = append(k.at, c)
			k.cols = append(k.cols, t.Columns[c])
		}
	}
	rows := t.Rows[:min(len(t.Rows), maxNodes)]
	k.dull = t.Omitted + int64(len(t.Rows)-len(rows))
	for _, r := range rows {
		if name, ok := r[0].Text(); ok {
			k.add(name, r)
		}
	}
	k.root.join()
	return k
}

func (k *keytree) add(name string, r []report.Value) {
	n, path := k.root, 0
	k.count(n, r)
	for _, part := range parts(name) {
		path += len(part)
		n = n.child(name[:path], part)
		k.count(n, r)
	}
	n.row = r
}

// child returns the child of a name, which may be new.
func (n *node) child(path, name string) *node {
	if c := n.index[name]; c != nil {
		return c
	}
	if n.index == nil {
		n.index = map[string]*node{}
	}
	c := &node{path: path, name: name}
	n.children, n.index[name] = append(n.children, c), c
	return c
}

// count adds a row to what a node holds.
func (k *keytree) count(n *node, r []report.Value) {
	if n.sums == nil {
		n.sums, n.unknown = make([]float64, len(k.at)), make([]bool, len(k.at))
	}
	for i, c := range k.at {
		v, ok := r[c].Number()
		n.sums[i] += v
		n.unknown[i] = n.unknown[i] || !ok
	}
}

// join makes one node of those that have a single child and are no template: user: and {uid}: become user:{uid}:.
func (n *node) join() {
	for i, c := range n.children {
		for c.row == nil && len(c.children) == 1 {
			only := c.children[0]
			only.name = c.name + only.name
			c = only
		}
		n.children[i] = c
		c.join()
	}
}

// value is a sum of a node.
func (n *node) value(i int) report.Value {
	if n.unknown[i] {
		return report.Null
	}
	return report.Number(n.sums[i])
}

// choose marks what a filter takes, with all that it is in.
func (n *node) choose(f *filter) bool {
	n.keep = n.row != nil && f.takes(n.path)
	for _, c := range n.children {
		if c.choose(f) {
			n.keep = true
		}
	}
	return n.keep
}

// list returns the nodes that are open, as a list. With a filter all that leads to what it takes is open.
func (k *keytree) list(v *view, marks map[string]style, ascii bool) *list {
	l := &list{title: "Keyspace", cols: k.cols, bar: -1, fixed: true, more: k.dull, none: "no template"}
	for i := range k.cols {
		if k.cols[i].Unit == report.UnitRatio {
			l.bar = i
		}
	}
	if v.panes[0].filter.text != "" {
		k.root.choose(&v.panes[0].filter)
		l.none = "nothing like " + v.panes[0].filter.text + " (esc: all)"
	}
	k.walk(k.root, 0, v, func(n *node, depth int) {
		sign := "  "
		if len(n.children) > 0 {
			sign = treeSign(v.isOpen(n), ascii)
		}
		r := row{key: n.path, sign: sign, indent: 2 * depth, mark: marks[n.path], cells: []report.Value{report.Text(n.name)}}
		for i := range k.at {
			r.cells = append(r.cells, n.value(i))
		}
		l.rows, l.nodes = append(l.rows, r), append(l.nodes, n)
	})
	l.sums = append([]float64{0}, k.root.sums...)
	return l
}

func treeSign(open, ascii bool) string {
	switch {
	case ascii && open:
		return "- "
	case ascii:
		return "+ "
	case open:
		return "▾ "
	}
	return "▸ "
}

func (k *keytree) walk(n *node, depth int, v *view, visit func(*node, int)) {
	for _, c := range k.sorted(n.children, v.panes[0].orderOf(k.cols)) {
		if v.panes[0].filter.text != "" && !c.keep {
			continue
		}
		visit(c, depth)
		if v.isOpen(c) {
			k.walk(c, depth+1, v, visit)
		}
	}
}

// sorted returns siblings in an order; as the report has them, by their first size.
func (k *keytree) sorted(ns []*node, o order) []*node {
	by := o.by - 2 // the first column is the name
	if o.by == 0 {
		by = max(0, slices.IndexFunc(k.cols[1:], func(c report.Column) bool { return c.Unit == report.UnitBytes }))
	}
	ns = slices.Clone(ns)
	slices.SortStableFunc(ns, func(a, b *node) int {
		if by < 0 || by >= len(k.at) {
			if o.reverse {
				return strings.Compare(b.name, a.name)
			}
			return strings.Compare(a.name, b.name)
		}
		return cmp.Or(compare(a.value(by), b.value(by), o.reverse), strings.Compare(a.name, b.name))
	})
	return ns
}
