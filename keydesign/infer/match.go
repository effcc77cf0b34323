package infer

import (
	"strings"
)

// A matcher classifies keys. A shape that was seen belongs where it was put;
// another one is walked through the templates.
type matcher struct {
	lexer lexer
	seen  map[uint64]int32 // hash of a shape to template
	root  *state
	steps int
	far   bool // random text may go on over - and _ and letters

	keys  []int64 // of the templates; nil if they do not matter
	least int64   // keys that a template must have

	strict bool // folded words take words only, other placeholders nothing else
}

// A state is a node of the trie of templates.
type state struct {
	piece
	from     *node
	kids     map[piece]*state
	loose    []*state // the kids that are placeholders, which may take other pieces
	template int32    // or noLeaf
}

// maxSteps bounds the walk of one key: wildcards of any length make it
// exponential otherwise.
const maxSteps = 2000

func newMatcher(p *partition, leaves []leaf) *matcher {
	m := &matcher{seen: make(map[uint64]int32, len(leaves)), root: compile(p.ends)}
	for i := range leaves {
		m.seen[leaves[i].hash] = p.of[i]
	}
	return m
}

// another returns a matcher of the same templates that shares nothing that
// matching changes.
func (m *matcher) another() *matcher {
	return &matcher{seen: m.seen, root: m.root, keys: m.keys, least: m.least, strict: m.strict}
}

// compile builds the trie of the patterns.
func compile(ends []pattern) *state {
	root := &state{template: noLeaf}
	for i, path := range ends {
		root.add(path, int32(i))
	}
	return root
}

func (s *state) add(path pattern, template int32) {
	for _, n := range path[1:] {
		k := s.kids[n.piece]
		if k == nil {
			k = &state{piece: n.piece, from: n, template: noLeaf}
			if s.kids == nil {
				s.kids = map[piece]*state{}
			}
			s.kids[n.piece] = k
			if n.kind != 0 {
				s.loose = append(s.loose, k)
			}
		}
		s = k
	}
	if s.template == noLeaf {
		s.template = template
	}
}

func (m *matcher) match(key string) (int, bool) {
	m.lexer.lex(key)
	if i, ok := m.seen[shapeHash(m.lexer.shape)]; ok {
		return int(i), true
	}
	for _, m.far = range [...]bool{false, true} {
		m.steps = maxSteps
		if i := m.walk(m.root, string(m.lexer.shape)); i != noLeaf {
			return int(i), true
		}
	}
	return 0, false
}

// walk returns the template below s that accepts the shape, the most literal
// path first, or noLeaf.
func (m *matcher) walk(s *state, shape string) int32 {
	if shape == "" {
		if s.template == noLeaf || m.keys != nil && m.keys[s.template] < m.least {
			return noLeaf
		}
		return s.template
	}
	if m.steps--; m.steps < 0 {
		return noLeaf
	}
	p, rest := next(shape)
	if k := s.kids[p]; k != nil {
		if i := m.step(k, rest); i != noLeaf {
			return i
		}
	}
	for _, k := range s.loose {
		if k.sep != p.sep || k.piece == p || !m.accepts(k, &p) && !(m.far && k.begins(&p)) {
			continue
		}
		if i := m.step(k, rest); i != noLeaf {
			return i
		}
	}
	return noLeaf
}

// step takes a piece with the state k, and the shape rest behind it.
func (m *matcher) step(k *state, rest string) int32 {
	if k.kind == mRest {
		return m.walk(k, "")
	}
	i := m.walk(k, rest)
	if i != noLeaf || k.kind != mRun && (k.kind != mOpaque || !m.far) {
		return i
	}
	text := 0
	for rest != "" {
		var q piece
		q, rest = next(rest)
		if isStrong(q.sep) || hard(q.kind) {
			break
		}
		if text += len(q.text); k.kind == mOpaque && (q.sep != 0 && q.sep != '-' && q.sep != '_' || text > k.longest()) {
			break
		}
		if i := m.walk(k, rest); i != noLeaf {
			return i
		}
	}
	return noLeaf
}

// accepts reports whether a placeholder takes a piece that is not its own.
func (m *matcher) accepts(k *state, p *piece) bool {
	switch {
	case m.strict:
		return k.kind == mRest || wild(k.kind) && (wild(p.kind) || p.kind == 0 && p.text != "")
	case k.kind == 0 || hard(p.kind):
		return false
	case k.kind == mRest:
		return true
	case k.kind == mRun || k.kind == mStr:
		return p.kind != 0 || p.text != ""
	case hard(k.kind):
		return false
	case p.kind != 0:
		return p.kind < k.kind
	}
	return k.plausible(p.text)
}

// begins reports whether random text may begin with a word: jDHC in jDHC3xJe….
func (s *state) begins(p *piece) bool {
	return s.kind == mOpaque && (p.kind == mStr || p.kind == mRun || p.kind == 0 && p.text != "" && len(p.text) < s.longest())
}

// longest returns the length of the longest value of the placeholder.
func (s *state) longest() int {
	return int(s.from.hi)
}

// plausible reports whether a word may be a value of the placeholder that has
// by chance no digit: one of the same length and the same letters.
func (s *state) plausible(word string) bool {
	v := s.from.slot
	if v == nil || len(word) < int(v.lo) || len(word) > int(v.hi) || len(word) < 5 {
		return false
	}
	switch s.kind {
	case mHex:
		return strings.Trim(word, "0123456789abcdefABCDEF") == ""
	case mOpaque:
		return alnum(word)
	case mInt:
		return strings.Trim(word, "0123456789") == ""
	}
	return false
}
