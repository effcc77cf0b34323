package infer

import (
	"slices"
	"strings"

	"github.com/axiomhq/hyperloglog"

	"github.com/kvtool/kvtool/internal/saved"
)

// Form writes or reads t. A tree that is read must be fresh, of the same
// options; it then goes on as the one that was written. Leaves are written in
// the order of their shapes, so that the order of the keys does not show.
func (t *Tree[S]) Form(f *saved.Form) {
	saved.Count(f, &t.keys)
	f.Bool(&t.pruned)
	f.Bool(&t.full)
	if f.Reading() {
		t.readLeaves(f)
	} else {
		t.writeLeaves(f)
	}
	t.formRules(f)
}

func (t *Tree[S]) writeLeaves(f *saved.Form) {
	order := make([]int32, len(t.table.leaves))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		return strings.Compare(t.table.leaves[a].shape, t.table.leaves[b].shape)
	})
	f.Len(len(order))
	for _, i := range order {
		t.table.leaves[i].form(f)
		t.stats[i].Form(f)
	}
}

func (t *Tree[S]) readLeaves(f *saved.Form) {
	last := ""
	for i := range f.Len(0) {
		var l leaf
		l.form(f)
		f.Check(i == 0 || last < l.shape, "leaves out of order")
		if !f.OK() {
			return
		}
		last = l.shape
		j := t.insert(l.shape, shapeHash([]byte(l.shape)), len(l.slots))
		t.table.leaves[j].keys, t.table.leaves[j].slots = l.keys, l.slots
		for k := range l.slots {
			if l.slots[k].sketch != nil {
				t.table.sketches--
			}
		}
		// One shape more than the budget allows may be there, and it may be long.
		f.Check(t.table.bytes <= 2*t.budget || i == 0, "more shapes than are kept")
		t.stats[j].Form(f)
	}
}

// form writes or reads l but for its hash, which follows.
func (l *leaf) form(f *saved.Form) {
	saved.String(f, &l.shape)
	saved.Count(f, &l.keys)
	f.Check(validShape(l.shape), "a shape with bytes that none has")
	if f.Reading() && f.OK() {
		l.slots = make([]slot, marks(l.shape))
	}
	for i := range l.slots {
		if l.slots[i].form(f); !f.OK() {
			return
		}
	}
}

// validShape reports whether the control bytes in s are marks and hash tags.
func validShape(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < 0x20 && (c == 0 || int(c) >= len(typeNames) && c < mOpen) {
			return false
		}
	}
	return true
}

// How a slot knows its distinct values.
const (
	keptFew = iota
	keptSketch
	keptNothing
)

func (s *slot) form(f *saved.Form) {
	saved.Count(f, &s.n, &s.lead0, &s.secs, &s.millis, &s.micros, &s.ymd)
	saved.Uint(f, &s.min, &s.max)
	saved.Uint(f, &s.lo, &s.hi)
	kept := uint8(keptFew)
	if s.lost {
		kept = keptNothing
	} else if s.sketch != nil {
		kept = keptSketch
	}
	switch saved.Uint(f, &kept); kept {
	case keptFew:
		s.formFew(f)
	case keptSketch:
		s.formSketch(f)
	default:
		f.Check(kept == keptNothing, "values kept in way %d", kept)
		s.lost = true
	}
}

func (s *slot) formFew(f *saved.Form) {
	few := slices.Sorted(slices.Values(s.few))
	saved.Slice(f, exactValues, &few, func(h *uint64) { saved.Uint(f, h) })
	for i := range few {
		f.Check(i == 0 || few[i-1] < few[i], "values out of order")
	}
	if f.Reading() {
		s.few = few
	}
}

// formSketch writes or reads the sketch, which is its registers: one form for
// equal sketches.
func (s *slot) formSketch(f *saved.Form) {
	var b []byte
	if !f.Reading() {
		b, _ = s.sketch.AppendBinary(nil) // fails without precision only
	}
	f.Bytes(&b)
	if !f.Reading() || !f.OK() {
		return
	}
	dense := len(b) > 3 && b[1] == precision && b[3] == 0
	f.Check(dense, "a sketch of another kind")
	if dense {
		s.sketch = &hyperloglog.Sketch{}
		err := s.sketch.UnmarshalBinary(b)
		f.Check(err == nil, "reading a sketch: %w", err)
	}
}

// formRules writes or reads the rules: their shapes are all there is to them.
func (t *Tree[S]) formRules(f *saved.Form) {
	has := t.rules != nil
	if f.Bool(&has); !has || !f.OK() {
		return
	}
	r := t.rules
	if f.Reading() {
		r = &rules{matcher: matcher{strict: true}}
	}
	saved.Uint(f, &r.share)
	saved.Slice(f, len(t.table.leaves), &r.shapes, func(s *string) { saved.String(f, s) })
	f.Check(r.share > 0, "a share of nothing")
	if !f.Reading() || !f.OK() {
		return
	}
	t.rules = r
	root := &state{template: noLeaf}
	for i, shape := range r.shapes {
		f.Check(validShape(shape), "a rule with bytes that no shape has")
		leaf := t.table.find([]byte(shape), shapeHash([]byte(shape)))
		f.Check(leaf >= 0, "a rule without its leaf")
		r.leaves = append(r.leaves, int32(leaf))
		root.add(pathOf(shape), int32(i))
	}
	r.matcher.root = root
	root.forget()
}

// pathOf returns a pattern that reads as the shape.
func pathOf(shape string) pattern {
	path := pattern{newNode(piece{})}
	for shape != "" {
		var p piece
		p, shape = next(shape)
		path = append(path, newNode(p))
	}
	return path
}
