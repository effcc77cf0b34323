package lint

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func ambiguous() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD005", Name: "ambiguous-template", Title: "Keys that belong to two templates", Severity: report.Error,
			Doc: `Some key is of both templates, and the finding shows one. Nobody can tell whose it is: two programs overwrite each other's
values, a clean-up of one template deletes keys of the other, and no audit can hold such a key against what is declared of it.

The templates are compared as what they are, sets of byte strings, with the types of their placeholders. So the answer is exact:
without a finding there is no such key.`,
			Fix: "give one of them a name of its own before the placeholder, or its placeholder a narrower type",
		},
		check: checkAmbiguous,
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:{name:word}", type: hash}
  meta: {key: "user:meta", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:id:{name:word}", type: hash}
  meta: {key: "user:meta", type: hash}
  byid: {key: "user:{uid:int}", type: hash}`,
	}
}

// checkAmbiguous compares each template with those that it may share a key with. To walk two automata side by side is worth it
// only where nothing cheaper tells the two apart. A template that has its finding is not compared any more: one witness is
// enough to mend it.
func checkAmbiguous(d *design, emit emitter) {
	found := map[*template]bool{}
	compare := func(a, b *template) {
		if !meet(a.Key, b.Key) {
			return
		}
		wide, narrow := wider(a, b)
		if found[wide] {
			return
		}
		if witness, ok := a.set.Intersect(b.set); ok {
			found[wide] = true
			emit(wide.finding(report.Error, "%q is also a key of %s", witness, narrow.besides(wide)))
		}
	}
	var open, closed []*template // open are those whose values may hold separators
	tree := &branch{}
	for _, t := range slices.SortedStableFunc(slices.Values(d.templates), func(a, b *template) int { return cmp.Compare(a.text, b.text) }) {
		for _, o := range open {
			compare(t, o)
		}
		if !sealed(t.Key) {
			for _, o := range closed {
				compare(t, o)
			}
			open = append(open, t)
			continue
		}
		parts := split(t.Key, strongSeparators)
		tree.meeting(parts, func(o *template) { compare(t, o) })
		tree.add(parts, t)
		closed = append(closed, t)
	}
}

// besides is how a finding on another template names t.
func (t *template) besides(other *template) string {
	if t.text == other.text {
		return t.Name + ", which is the same"
	}
	return t.text
}

// meet reports whether two keys may begin and end alike.
func meet(a, b schema.Key) bool {
	x, y := literalEnd(a, 1), literalEnd(b, 1)
	if !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x) {
		return false
	}
	x, y = literalEnd(a, -1), literalEnd(b, -1)
	return strings.HasSuffix(x, y) || strings.HasSuffix(y, x)
}

// A branch is a tree of keys whose placeholders hold no strong separator, by what is between their separators. Two such keys
// have a key in common only if they have the same separators, and the same name wherever both have one:
//
//	user ─┬─ :{…} ─┬─ :cart
//	      │        └─ :{…}       meets user:{uid}:cart
//	      └─ :meta               meets user:{…}
type branch struct {
	names map[string]*branch // by separator and name
	holes map[string]*branch // by separator: a placeholder, or more than one
	ends  []*template
}

func (b *branch) add(parts []segment, t *template) {
	for i := range parts {
		s := &parts[i]
		if len(s.fields) > 0 {
			b = child(&b.holes, s.sep)
		} else {
			b = child(&b.names, s.sep+s.text)
		}
	}
	b.ends = append(b.ends, t)
}

func child(of *map[string]*branch, name string) *branch {
	if *of == nil {
		*of = map[string]*branch{}
	}
	if (*of)[name] == nil {
		(*of)[name] = &branch{}
	}
	return (*of)[name]
}

// meeting visits the templates of b that may have a key in common with one of these parts.
func (b *branch) meeting(parts []segment, visit func(*template)) {
	if len(parts) == 0 {
		for _, t := range b.ends {
			visit(t)
		}
		return
	}
	s, rest := &parts[0], parts[1:]
	if hole := b.holes[s.sep]; hole != nil {
		hole.meeting(rest, visit)
	}
	if len(s.fields) == 0 {
		if name := b.names[s.sep+s.text]; name != nil {
			name.meeting(rest, visit)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(b.names)) {
		if strings.HasPrefix(name, s.sep) {
			b.names[name].meeting(rest, visit)
		}
	}
}

// literalEnd returns the literals that a key begins with, or with step -1 those that it ends with.
func literalEnd(k schema.Key, step int) string {
	i := 0
	if step < 0 {
		i = len(k) - 1
	}
	text := ""
	for ; i >= 0 && i < len(k) && k[i].Type == nil; i += step {
		if step > 0 {
			text += k[i].Literal
		} else {
			text = k[i].Literal + text
		}
	}
	return text
}

// wider orders two templates: first the one that says less of its keys, which is the one to mend.
func wider(a, b *template) (wide, narrow *template) {
	order := cmp.Or(cmp.Compare(literalBytes(a.Key), literalBytes(b.Key)), cmp.Compare(listed(a.Key), listed(b.Key)), cmp.Compare(a.text, b.text))
	if order <= 0 {
		return a, b
	}
	return b, a
}

func literalBytes(k schema.Key) int {
	n := 0
	for _, p := range k {
		n += len(p.Literal)
	}
	return n
}

// listed returns how many placeholders have a list of their values.
func listed(k schema.Key) int {
	n := 0
	for _, p := range placeholders(k) {
		if p.Type.Kind == schema.TypeEnum {
			n++
		}
	}
	return n
}
