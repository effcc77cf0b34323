package keydesign

import (
	"sync"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// A binding is what all collectors of a run know of the schema that their keys are bound to.
type binding struct {
	promises []promise // beside the schema's templates
	file     string    // the first that the schema is from
	config   uint64    // tells schemas apart
	matchers sync.Pool // of *bind.Matcher: one that has met many keys is fast
}

// bindingOf returns what binds keys to s, or nil if there is no schema. s must bind (bind.New).
func bindingOf(s *schema.Schema) *binding {
	if s == nil {
		return nil
	}
	m, err := bind.New(s)
	if err != nil {
		panic(err)
	}
	b := &binding{promises: promises(s)}
	if len(s.Files) > 0 {
		b.file = s.Files[0]
	}
	b.config = configOf(s, b.promises)
	b.matchers.New = func() any { return m.Another() }
	return b
}

// declared are the leaves of the keys that a template of the schema takes. The nil pointer takes none.
type declared struct {
	*binding
	matcher *bind.Matcher // nil until the first key comes
	leaves  []*leaf       // beside promises
	keys    int64         // that came
}

func (b *binding) declared(p *pool) *declared {
	if b == nil {
		return nil
	}
	d := &declared{binding: b, leaves: make([]*leaf, len(b.promises))}
	for i := range d.leaves {
		d.leaves[i] = &leaf{pool: p, bounds: &b.promises[i].bounds}
	}
	return d
}

// leaf returns the leaf of a key, or nil if no template takes it.
func (d *declared) leaf(key string) *leaf {
	if d == nil {
		return nil
	}
	if d.matcher == nil {
		d.matcher = d.matchers.Get().(*bind.Matcher)
	}
	i, ok := d.matcher.Match(key)
	if !ok {
		return nil
	}
	d.keys++
	return d.leaves[i]
}

// merge adds what o has seen. o is not used again.
func (d *declared) merge(o *declared) {
	if d == nil {
		return
	}
	d.keys += o.keys
	for i, l := range o.leaves {
		d.leaves[i].Merge(l)
	}
	if o.matcher != nil {
		d.matchers.Put(o.matcher)
		o.matcher = nil
	}
}

func (d *declared) form(f *saved.Form) {
	if d == nil {
		return
	}
	n := f.Len(len(d.leaves))
	f.Check(n == len(d.leaves), "%d declared templates where there are %d", n, len(d.leaves))
	saved.Count(f, &d.keys)
	for _, l := range d.leaves {
		if !f.OK() {
			return
		}
		l.Form(f)
	}
}

// templates returns the declared templates that have keys.
func (d *declared) templates() (ts []*template) {
	if d == nil {
		return nil
	}
	for i, l := range d.leaves {
		p := &d.promises[i]
		if s := l.Clone().stats(); s.keys > 0 {
			ts = append(ts, &template{text: p.text, segments: p.segments, stats: s, promise: p})
		}
	}
	return ts
}

// segmentsOf returns a declared key as the pieces that inference would make of it, for rules that look at names.
func segmentsOf(k schema.Key) (out []infer.Segment) {
	cur, tag := infer.Segment{}, false
	flush := func() {
		if cur.Sep != "" || cur.Literal != "" || cur.Type != "" {
			out = append(out, cur)
		}
		cur = infer.Segment{Tag: tag}
	}
	for _, p := range k {
		if p.Type != nil {
			placeholder(&out, &cur, p.Type)
			flush()
			continue
		}
		for i := range len(p.Literal) {
			switch c := p.Literal[i]; c {
			case ':', '/', '|', '#', '{', '}':
				tag = c == '{' || tag && c != '}'
				flush()
				cur.Sep = string(c)
			default:
				cur.Literal += string([]byte{c})
			}
		}
	}
	flush()
	return out
}

// placeholder makes a placeholder of cur. A literal that stands directly before it is a piece of its own, but for a weak
// separator at its end.
func placeholder(out *[]infer.Segment, cur *infer.Segment, t *schema.Type) {
	if n := len(cur.Literal); n > 0 {
		word, sep := cur.Literal, ""
		switch last := word[n-1]; last {
		case '-', '_', '.':
			word, sep = word[:n-1], string(last)
		}
		if cur.Literal = word; word != "" || cur.Sep != "" {
			*out = append(*out, *cur)
		}
		*cur = infer.Segment{Sep: sep, Tag: cur.Tag}
	}
	cur.Type, cur.Hard = inferredType(t)
	if t.Kind == schema.TypeSeq {
		cur.Detail = "seq"
	}
	if t.Kind == schema.TypeEnum {
		cur.Values = t.Values
	}
}

// inferredType returns the type that package infer would name, and whether its values are never those of another.
func inferredType(t *schema.Type) (name string, hard bool) {
	switch t.Kind {
	case schema.TypeUint, schema.TypeSeq, schema.TypeBucket:
		return "int", false
	case schema.TypeObjectID, schema.TypeHash:
		return "hex", false
	case schema.TypeWord, schema.TypeSlug, schema.TypeEnum, schema.TypeRE:
		return "str", false
	case schema.TypeGeohash:
		return "opaque", false
	case schema.TypeISOWeek:
		return "week", true
	case schema.TypeInt, schema.TypeHex, schema.TypeStr, schema.TypeOpaque:
		return string(t.Kind), false
	}
	return string(t.Kind), true
}

// typesOf returns the types of a declared type's values, in the words of stores; nil is any.
func typesOf(declared string) []kv.Type {
	switch declared {
	case "", "item":
		return nil
	case "json":
		return []kv.Type{"ReJSON-RL", "json"}
	}
	return []kv.Type{kv.Type(declared)}
}
