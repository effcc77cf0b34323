package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/automaton"
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

// An outline is what can be told of all keys of a template without looking at any.
type outline struct {
	*template
	before, after string    // the literals that they begin and end with
	parts         []segment // what is between strong separators, if these are all there are
}

// checkAmbiguous compares each template with those that it may share a key with: that one's first letters begin the other's,
// one's last end the other's, and names stand in the same places. In the order of their first letters the candidates of one
// stand right behind it. Only what is left is worth an automaton.
func checkAmbiguous(d *design, emit emitter) {
	all := make([]outline, len(d.templates))
	for i, t := range d.templates {
		all[i] = outline{template: t, before: literalEnd(t.Key, 1), after: literalEnd(t.Key, -1)}
		if sealed(t.Key) {
			all[i].parts = split(t.Key, strongSeparators)
		}
	}
	slices.SortStableFunc(all, func(a, b outline) int { return cmp.Or(cmp.Compare(a.before, b.before), cmp.Compare(a.text, b.text)) })
	for i, a := range all {
		for _, b := range all[i+1:] {
			if !strings.HasPrefix(b.before, a.before) {
				break
			}
			if a.differs(&b) {
				continue
			}
			if witness, ok := automaton.Intersect(a.Key, b.Key); ok {
				wide, narrow := wider(a.template, b.template)
				emit(wide.finding(report.Error, "%q is also a key of %s", witness, narrow.text))
			}
		}
	}
}

// differs reports whether no key can have both outlines.
func (a *outline) differs(b *outline) bool {
	if a.parts != nil && b.parts != nil && disjoint(a.parts, b.parts) {
		return true
	}
	return !strings.HasSuffix(a.after, b.after) && !strings.HasSuffix(b.after, a.after)
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
