package infer

import (
	"cmp"
	"iter"
	"slices"
)

// Confidence of a template.
const (
	High   = "high"   // 200 keys or more, and no pruning
	Medium = "medium" // neither
	Low    = "low"    // fewer than 20 keys
)

const (
	highKeys = 200
	lowKeys  = 20
)

// Result is what Templates found, and how it classifies keys.
type Result[S any] struct {
	// Templates are sorted by keys, descending, then by text. No two have the
	// same Text.
	Templates []Template[S]

	// Pruned says that the memory budget was spent, so that the result may
	// depend on the order of the keys; Degraded that even that was not
	// enough, so that keys of new shapes went to `{path}`.
	Pruned, Degraded bool

	// Match returns the index of the template that key belongs to. Keys that
	// were added always match, if nothing was pruned. It is for one goroutine
	// at a time.
	Match func(key string) (int, bool)

	// Matcher returns a Match for another goroutine.
	Matcher func() func(key string) (int, bool)

	// Populations returns the values that the placeholders of template i have
	// in its own keys, beside its segments: nil for literals, for folded words
	// and where nothing is known. Good until the tree changes.
	Populations func(i int) []*Population

	// Likenesses yields made-up keys of the form of those of template i, two at
	// most for each shape that it was folded from. Good until the tree changes.
	Likenesses func(i int) iter.Seq[string]
}

// Template is the shape of a group of keys.
type Template[S any] struct {
	Text       string    // user:{int}:cart, literal braces doubled
	Segments   []Segment // the pieces of Text, in order
	Keys       int64
	Confidence string // High, Medium or Low
	Stats      S      // those of all leaves of the group, merged into a clone
}

// Templates returns the templates of the keys so far. It changes nothing in t.
func (t *Tree[S]) Templates() Result[S] {
	p := infer(t.table.leaves)
	r := Result[S]{Pruned: t.pruned, Degraded: t.full}
	r.Templates = make([]Template[S], len(p.ends))
	seen := make([]bool, len(p.ends))
	for i := range t.table.leaves {
		j := p.of[i]
		out := &r.Templates[j]
		if seen[j] {
			out.Stats.Merge(t.stats[i])
		} else {
			out.Stats, seen[j] = t.stats[i].Clone(), true
		}
		out.Keys += t.table.leaves[i].keys
	}
	for j := range r.Templates {
		out := &r.Templates[j]
		out.Segments = p.ends[j].segments()
		out.Text = Render(out.Segments)
		out.Confidence = confidence(out.Keys, r.Pruned)
	}
	r.Templates = sortTemplates(p, r.Templates)
	m := newMatcher(p, t.table.leaves)
	r.Match = m.match
	r.Matcher = func() func(string) (int, bool) { return m.another().match }
	r.lookInto(p, t.table.leaves)
	return r
}

// lookInto sets what tells more of a template than its text. Who does not ask
// pays nothing.
func (r *Result[S]) lookInto(p *partition, leaves []leaf) {
	var members [][]int32
	of := func(i int) []int32 {
		if members == nil {
			members = p.members()
		}
		return members[i]
	}
	r.Populations = func(i int) []*Population { return populations(r.Templates[i].Segments, leaves, of(i)) }
	r.Likenesses = func(i int) iter.Seq[string] { return likenesses(leaves, of(i)) }
}

func confidence(keys int64, pruned bool) string {
	switch {
	case keys < lowKeys:
		return Low
	case keys >= highKeys && !pruned:
		return High
	}
	return Medium
}

// A partition is the leaves in groups.
type partition struct {
	ends []pattern // one for each group
	of   []int32   // leaf to group
}

// A pattern is the path of a template through the folded trie.
type pattern []*node

// infer groups the leaves.
func infer(leaves []leaf) *partition {
	root := plant(leaves)
	f := newFolder(root, len(leaves))
	f.fold(root)
	f.floor(root)
	return f.partition(root)
}

// partition numbers the groups in the order of the trie. Groups that read the
// same are one.
func (f *folder) partition(root *node) *partition {
	p := &partition{of: make([]int32, len(f.group))}
	number := make([]int32, len(f.group))
	texts := map[string]int32{}
	root.each(nil, func(path pattern) {
		text := Render(path.segments())
		i, ok := texts[text]
		if !ok {
			i = int32(len(p.ends))
			texts[text] = i
			p.ends = append(p.ends, slices.Clone(path))
		}
		number[f.find(path[len(path)-1].leaf)] = i
	})
	for i := range f.group {
		p.of[i] = number[f.find(int32(i))]
	}
	return p
}

// each yields the path to each node in which a leaf ends. The root has a path
// of one node without piece: that of the empty key.
func (n *node) each(path pattern, yield func(pattern)) {
	path = append(path, n)
	if n.leaf != noLeaf {
		yield(path)
	}
	for _, k := range n.kids {
		k.each(path, yield)
	}
}

// sortTemplates returns the templates by keys, and renumbers p to match.
func sortTemplates[S any](p *partition, in []Template[S]) []Template[S] {
	order := make([]int, len(in))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(in[b].Keys, in[a].Keys), cmp.Compare(in[a].Text, in[b].Text))
	})
	out, rank, ends := make([]Template[S], len(in)), make([]int32, len(in)), make([]pattern, len(in))
	for to, from := range order {
		out[to], ends[to], rank[from] = in[from], p.ends[from], int32(to)
	}
	p.ends = ends
	for i := range p.of {
		p.of[i] = rank[p.of[i]]
	}
	return out
}
