package infer

import (
	"cmp"
	"slices"
	"strings"
)

// How many times the keys of a light template a heavier one must have to take
// it.
const (
	heavier     = 10
	muchHeavier = 200 // for weaker evidence,
	strayKeys   = 3   // unless there are only so many of them
)

// floor sweeps up what folding left: templates in ascending order of keys are
// matched against the others, and a light one whose shape a much heavier one
// accepts joins it.
func (f *folder) floor(root *node) {
	var paths []pattern
	root.each(nil, func(p pattern) { paths = append(paths, slices.Clone(p)) })
	shapes := make([]string, len(paths))
	keys := make([]int64, len(paths))
	order := make([]int, len(paths))
	for i, p := range paths {
		shapes[i], keys[i], order[i] = p.shape(), p.keys(), i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(keys[a], keys[b]), cmp.Compare(shapes[a], shapes[b]))
	})
	m := matcher{root: compile(paths), keys: keys}
	for _, i := range order {
		j := m.heavy(shapes[i], keys[i])
		if j == noLeaf {
			continue
		}
		light, heavy := paths[i][len(paths[i])-1], paths[j][len(paths[j])-1]
		if light.leaf == noLeaf || heavy.leaf == noLeaf {
			continue
		}
		heavy.leaf = f.same(heavy.leaf, light.leaf)
		light.leaf = noLeaf
		keys[j] += keys[i]
		m.root.remove(paths[i])
	}
}

// heavy returns a template that takes the shape of one with so many keys, or
// noLeaf.
// Random text that the lexer cut, as it looked like a word and a number, is
// put together again when there is much more of it uncut.
func (m *matcher) heavy(shape string, keys int64) int32 {
	for _, far := range [...]bool{false, true} {
		m.steps, m.far = maxSteps, far
		times := int64(heavier)
		if far && keys > strayKeys {
			times = muchHeavier
		}
		m.least = times * max(keys, 1)
		if j := m.walk(m.root, shape); j != noLeaf {
			return j
		}
	}
	return noLeaf
}

// remove takes the template of the path out of the trie.
func (s *state) remove(path pattern) {
	for _, n := range path[1:] {
		if s = s.kids[n.piece]; s == nil {
			return
		}
	}
	s.template = noLeaf
}

// shape returns the pattern as a shape.
func (p pattern) shape() string {
	var b strings.Builder
	for _, n := range p {
		if n.sep != 0 {
			b.WriteByte(n.sep)
		}
		if n.kind != 0 {
			b.WriteByte(n.kind)
		}
		b.WriteString(n.text)
	}
	return b.String()
}

// keys returns how many keys end where the pattern does.
func (p pattern) keys() int64 {
	n := p[len(p)-1]
	keys := n.keys
	for _, k := range n.kids {
		keys -= k.keys
	}
	return keys
}
