// Package refs tells which key a key leads to: its parent, or what its value names. It owns the references of a schema and those
// that are written as text, compiled for a stream of keys.
//
// The one idea is that a reference is a way to write the other key. A key is cut where its template's placeholders begin and end,
// and the pieces, with what the value says, are put into the other template; nothing is looked up on the way:
//
//	order:{uid}:{n}          order:17:3     ─cut─▶ uid=17, n=3 ─┐
//	user:{uid}:profile                                          └─▶ user:17:profile
//
// Whether that key exists is package join's matter, and the store's.
package refs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A Reference leads from the keys of one template to those of another.
type Reference struct {
	Kind   schema.RefKind
	From   string // text of the template that refers
	To     string // and of the one that is referred to
	Child  int    // index of the former in the schema
	Parent int    // and of the latter
	Pos    report.Pos
	// Content is what of the value names the other key, and Field which field; ContentNone: the key does by itself.
	Content kv.Content
	Field   string
	// Backref is the field of the other value that leads back; empty: nothing is said of that.
	Backref string
	// Unproved is why Backref cannot be held against the keys, empty if it can.
	Unproved string
	// Missing is that the reference leads from a key to the index entry that should lead to it (Mirror).
	Missing bool

	key    *cutter // of the key that refers
	target *writer // the other key
	whole  *cutter // of the other key, to lead back from it
	own    *cutter // of the template of the other key, for a value that is one
	value  bool    // target has a place for the value
	index  *writer // the key that refers, from the other key and its backref
	to     schema.Key
	mirror *Reference // the one that this is the other way round
}

// Name returns what to call a reference: "order:{uid}:{n} → user:{uid}:profile", with the field that names the other if there
// is one.
func (r *Reference) Name() string {
	from := r.From
	switch r.Content {
	case kv.ContentValue:
		from += " value"
	case kv.ContentField:
		from += " ." + r.Field
	case kv.ContentMembers:
		from += " member"
	}
	return from + " → " + r.To
}

// Target appends the key that a key refers to, where its value says text; ok is false if it refers to none.
func (r *Reference) Target(dst []byte, key string, text []byte) (to []byte, ok bool) {
	if r.Content != kv.ContentNone && len(text) == 0 {
		return dst, false
	}
	if r.mirror != nil {
		return r.mirror.Back(dst, key, text)
	}
	var at [maxCuts]int
	if !r.key.cut(key, &at) {
		return dst, false
	}
	if r.value && r.own.matches(text) {
		return append(dst, text...), true
	}
	return r.target.write(dst, key, &at, text), true
}

// Back appends the key that refers to target, as the target's backref says it: the index entry that should be.
func (r *Reference) Back(dst []byte, target string, text []byte) (key []byte, ok bool) {
	var at [maxCuts]int
	if r.index == nil || len(text) == 0 || !r.whole.cut(target, &at) {
		return dst, false
	}
	return r.index.write(dst, target, &at, text), true
}

// Mirror returns the reference the other way round: from a key, by its field that leads back, to the index entry that should lead to
// it. It is nil where the field does not say which that is, and where the entry is one of many in a collection: that a collection
// is there says nothing of its members. It is of the kind of members: the key that lacks an entry is never the one to be deleted.
func (r *Reference) Mirror() *Reference {
	if r.index == nil || r.Kind != schema.RefIndex || r.Content == kv.ContentMembers {
		return nil
	}
	return &Reference{
		Kind: schema.RefMember, From: r.own.key.String(), To: r.From, Child: r.Parent, Parent: r.Child, Pos: r.Pos, Content: kv.ContentField, Field: r.Backref,
		Missing: true, to: r.key.key, mirror: r,
	}
}

// A Skipped is a reference that cannot be followed.
type Skipped struct{ Name, Why string }

// Of returns the references of a schema.
func Of(s *schema.Schema) (refs []*Reference, skipped []Skipped) {
	for i := range s.Templates {
		t := &s.Templates[i]
		for _, declared := range t.Refs {
			r, err := compile(s, i, declared)
			if err != nil {
				skipped = append(skipped, Skipped{r.Name(), err.Error()})
				continue
			}
			refs = append(refs, r)
		}
	}
	return refs, skipped
}

// compile makes a reference of the i-th template.
func compile(s *schema.Schema, i int, d schema.Ref) (*Reference, error) {
	child := &s.Templates[i]
	parent := slices.IndexFunc(s.Templates, func(t schema.Template) bool { return t.Name == d.To })
	to := &s.Templates[parent]
	r := &Reference{
		Kind: d.Kind, From: child.Key.String(), To: to.Key.String(), Child: i, Parent: parent, Pos: d.Pos, Backref: d.Backref,
	}
	if r.Pos.Line == 0 {
		r.Pos = child.Pos
	}
	r.content(d)
	target := d.Target
	if len(target) > 0 {
		r.To = target.String()
	} else {
		target = to.Key
	}
	return r, r.connect(child.Key, target, to.Key, d.On)
}

// content says what of the value names the other key.
func (r *Reference) content(d schema.Ref) {
	from := d.From
	if from == "" && d.Kind == schema.RefIndex {
		from = "value"
	}
	if from == "" && d.Kind == schema.RefMember {
		from = "member"
	}
	switch field, isField := strings.CutPrefix(from, "value."); {
	case isField:
		r.Content, r.Field = kv.ContentField, field
	case from == "value":
		r.Content = kv.ContentValue
	case from == "member":
		r.Content = kv.ContentMembers
	}
}

// connect finds out where the pieces of the other key come from: on is the field that the value stands for, empty where the key
// says which it is; own is the other template's, of which target may be a part.
func (r *Reference) connect(child, target, own schema.Key, on string) error {
	var err error
	if r.key, err = newCutter(child); err != nil {
		return err
	}
	stands, err := r.stands(child, target, on)
	if err != nil {
		return err
	}
	r.target, r.to = &writer{}, target
	for i := range target {
		p := &target[i]
		switch name := p.Name(); {
		case p.Type == nil:
			r.target.literal(p.Literal)
		case r.Content != kv.ContentNone && name == stands:
			r.target.value()
			r.value = true
		case r.key.place(name) >= 0:
			r.target.piece(r.key.place(name))
		default:
			return fmt.Errorf("%s has {%s}, which %s does not name: it leads to more than one key", r.To, name, r.From)
		}
	}
	if r.whole, err = newCutter(target); err != nil {
		return err
	}
	if r.own, err = newCutter(own); err != nil {
		return err
	}
	r.leadBack(child, stands)
	return nil
}

// stands returns the name of the placeholder of the other key that the value stands for.
func (r *Reference) stands(child, target schema.Key, on string) (string, error) {
	switch {
	case r.Content == kv.ContentNone:
		return "", nil
	case target.Has("value"):
		return "value", nil
	case on != "":
		return on, nil
	}
	var open []string
	for _, p := range target {
		if name := p.Name(); p.Type != nil && !child.Has(name) {
			open = append(open, name)
		}
	}
	if len(open) != 1 {
		return "", fmt.Errorf("which part of %s the value is, is not said: write on: FIELD, or target: with {value}", r.To)
	}
	return open[0], nil
}

// leadBack finds out how to write the key that refers from the other one: each of its placeholders is the backref's value, made
// from it, or in the other key as well.
func (r *Reference) leadBack(child schema.Key, stands string) {
	if r.Backref == "" {
		return
	}
	w := &writer{}
	for i := range child {
		p := &child[i]
		name := p.Name()
		switch {
		case p.Type == nil:
			w.literal(p.Literal)
		case p.Type.Of == r.Backref && p.Type.Kind == schema.TypeHash:
			w.digest(p.Type)
		case name == r.Backref && p.Type.Kind != schema.TypeHash:
			w.value()
		case name != stands && r.whole.place(name) >= 0:
			w.piece(r.whole.place(name))
		default:
			r.Unproved = fmt.Sprintf("backref %s: {%s} of %s is not made from it", r.Backref, name, r.From)
			return
		}
	}
	r.index = w
}

// Proves reports whether the entries can be held against the field that leads back.
func (r *Reference) Proves() bool { return r.index != nil }

// TargetKey returns the template of the keys that the reference leads to.
func (r *Reference) TargetKey() schema.Key { return r.to }

// Text writes the reference as Parse reads it.
func (r *Reference) Text() string {
	var to strings.Builder
	for i := range r.to {
		p := &r.to[i]
		switch {
		case p.Type == nil || !r.target.parts[i].value:
			to.WriteString(p.String())
		case r.Content == kv.ContentMembers:
			to.WriteString("{member}")
		case r.Content == kv.ContentField:
			to.WriteString("{value." + r.Field + "}")
		default:
			to.WriteString("{value}")
		}
	}
	return r.From + " needs " + to.String()
}
