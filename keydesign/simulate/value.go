package simulate

import (
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Value is what stands under a key, as far as its size goes. All elements are alike.
type Value struct {
	Type     string   // string, hash, list, set, zset, stream, json, item
	Bytes    int64    // of all elements with their names
	Number   bool     // a string that is a number
	Elements int64    // of a collection
	Fields   []string // names of the first elements of a hash; the others have names of FieldName bytes
	Element  int64    // bytes of an element, without its name
}

// FieldName is the length of the names that fields have where nobody declares any.
const FieldName = 8

// What counts where a schema does not say.
const (
	assumedString  = 100 // bytes
	assumedElement = 32
	assumedMember  = 16 // of a set, sorted set or list
	assumedNumber  = 5
	assumedToken   = 36 // a UUID, of who holds a lock
	assumedFlag    = 16
)

// A value makes the Values of a template.
type value struct {
	kind     string
	number   bool
	size     quantiles
	elements quantiles
	element  int64 // 0: the size is divided among the elements
	named    []string
	names    int64 // bytes of all of named
	most     int64 // bytes
}

func (p *population) newValue() value {
	v := value{kind: p.kind(), most: p.t.Value.Size.Max}
	if v.kind == "string" || v.kind == "json" || v.kind == "item" {
		p.scalar(&v)
		return v
	}
	p.collection(&v)
	return v
}

// kind returns the type of the values: the declared one, or what follows from the rest.
func (p *population) kind() string {
	d := &p.t.Value
	switch {
	case p.t.Type != "":
		return p.t.Type
	case !p.w.store.redisFamily():
		return "item"
	case len(d.Fields) > 0:
		return "hash"
	}
	return "string"
}

func (p *population) scalar(v *value) {
	size := p.t.Value.Size
	length, isNumber := p.target()
	v.number = isNumber
	if size.Typical() > 0 {
		v.size = quantilesOf(size)
		if limit(size) {
			p.assume("the maximum of %s", humanize.Bytes(float64(size.Max)))
		}
		return
	}
	n := int64(assumedString)
	switch p.t.Kind {
	case schema.Counter, schema.RateLimit:
		v.number, n = true, assumedNumber
	case schema.Lock:
		n = assumedToken
	case schema.Config:
		n = assumedFlag
	}
	if len(p.t.Value.Fields) > 0 {
		n = p.fieldBytes()
	}
	if length > 0 {
		n = length
	}
	v.size = quantiles{Median: float64(n), Most: float64(n)}
	if v.number {
		p.assume("%d digits", n)
		return
	}
	p.assume("%d B", n)
}

// target returns the length of what an index holds, a value of the field by which it leads on, and whether it is a number.
func (p *population) target() (length int64, isNumber bool) {
	for _, r := range p.t.Refs {
		to := p.w.s.Template(r.To)
		if r.Kind != schema.RefIndex || to == nil {
			continue
		}
		for i := range to.Key {
			if t := to.Key[i].Type; t != nil {
				g := schema.NewGenerator(*t, p.w.o.Now)
				isNumber = t.Kind == schema.TypeInt || t.Kind == schema.TypeUint || t.Kind == schema.TypeSeq
				return int64(len(g.Append(nil, max(1, p.w.cardinality(to.Key[i].Field))/2))), isNumber
			}
		}
	}
	return 0, false
}

// fieldBytes returns what the declared fields of a value take together, names and all.
func (p *population) fieldBytes() int64 {
	n := int64(0)
	for i := range p.t.Value.Fields {
		f := &p.t.Value.Fields[i]
		g := schema.NewGenerator(f.Type, p.w.o.Now)
		n += int64(len(f.Name) + len(g.Append(nil, 1_000_000)))
	}
	return n
}

func (p *population) collection(v *value) {
	d := &p.t.Value
	v.element = d.ElementSize
	elements := d.Elements
	if elements.Typical() == 0 {
		elements.Max = d.MaxLen
	}
	sized := d.Size.Typical() > 0 && !(limit(d.Size) && elements.Typical() > 0)
	if sized && limit(elements) { // the size says more: most collections are far from the longest
		v.elements.Most, elements = float64(elements.Max), schema.Dim{}
	} else {
		v.elements = quantilesOf(elements)
	}
	if v.kind == "hash" {
		for i := range d.Fields {
			v.named = append(v.named, d.Fields[i].Name)
			v.names += int64(len(d.Fields[i].Name))
		}
	}
	if limit(elements) {
		p.assume("the maximum of %s elements", humanize.Exact(elements.Max))
	}
	if sized {
		v.size = quantilesOf(d.Size)
	}
	if v.elements.Median == 0 {
		p.countElements(v, sized)
	}
	if v.element == 0 && !sized {
		v.element = p.assumedElement(v)
		p.assume("elements of %d B", v.element)
	}
}

// countElements is for a collection of which nobody says how many elements it has.
func (p *population) countElements(v *value, sized bool) {
	switch {
	case len(v.named) > 0:
		v.elements = quantiles{Median: float64(len(v.named)), Most: float64(len(v.named))}
	case sized:
		if v.element == 0 {
			v.element = p.assumedElement(v)
			p.assume("elements of %d B", v.element)
		}
		// As many as the size has room for: draw divides.
	default:
		v.elements = quantiles{Median: 10, Most: 10}
		p.assume("10 elements")
	}
}

func (p *population) assumedElement(v *value) int64 {
	if len(v.named) > 0 {
		return max(1, (p.fieldBytes()-v.names)/int64(len(v.named)))
	}
	if v.kind == "hash" || v.kind == "stream" {
		return assumedElement
	}
	return assumedMember
}

// largest bounds what one value is taken to have, in bytes, so that sums stay numbers.
const largest = 1 << 44

// draw returns the value that chance h makes.
func (v *value) draw(h uint64) Value {
	out := Value{Type: v.kind, Number: v.number, Fields: v.named}
	if v.size.Median > 0 {
		out.Bytes = v.size.At(random.Unit(h))
	}
	if v.kind == "string" || v.kind == "json" || v.kind == "item" {
		return out
	}
	name := int64(0)
	if v.kind == "hash" {
		name = FieldName
	}
	switch {
	case v.elements.Median > 0:
		out.Elements = v.elements.At(random.Unit(random.Hash(h)))
	default:
		out.Elements = max(1, out.Bytes/(v.element+name))
	}
	few := v.elements.Median == 0 && v.elements.Most > 0 && float64(out.Elements) > v.elements.Most
	if few {
		out.Elements = int64(v.elements.Most)
	}
	names := v.nameBytes(out.Elements)
	out.Element = v.element
	if out.Element == 0 || few || v.size.Median > 0 && v.elements.Median > 0 {
		out.Element = max(1, (out.Bytes-names)/out.Elements)
	}
	if v.most > 0 && v.size.Median == 0 {
		out.Elements = max(1, min(out.Elements, v.most/(out.Element+name)))
		names = v.nameBytes(out.Elements)
	}
	out.Element = min(out.Element, largest)
	if n := largest / out.Element; out.Elements > n {
		out.Elements, names = n, v.nameBytes(n)
	}
	out.Bytes = names + out.Elements*out.Element
	if out.Elements < int64(len(out.Fields)) {
		out.Fields = out.Fields[:out.Elements]
	}
	return out
}

// nameBytes returns what the names of so many fields take.
func (v *value) nameBytes(n int64) int64 {
	if v.kind != "hash" {
		return 0
	}
	if n <= int64(len(v.named)) {
		sum := int64(0)
		for _, s := range v.named[:n] {
			sum += int64(len(s))
		}
		return sum
	}
	return v.names + (n-int64(len(v.named)))*FieldName
}
