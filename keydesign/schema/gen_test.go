package schema

import (
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"
)

// A gen draws parts of schemas that Parse accepts.
type gen struct{ t *rapid.T }

func (g gen) n(lo, hi int) int { return rapid.IntRange(lo, hi).Draw(g.t, "n") }
func (g gen) yes() bool        { return rapid.Bool().Draw(g.t, "yes") }

// some is a number that is often 0, sometimes round, and sometimes any.
func (g gen) some() int64 {
	switch g.n(0, 3) {
	case 0:
		return 0
	case 1:
		return int64(g.n(1, 9)) * 1000
	case 2:
		return int64(g.n(1, 9)) << 20
	}
	return rapid.Int64Range(1, 1<<62).Draw(g.t, "some")
}

func (g gen) real() float64 {
	if g.yes() {
		return float64(g.n(0, 40)) / 8
	}
	return rapid.Float64Range(0, 1e12).Draw(g.t, "real")
}

func (g gen) share() float64 { return rapid.Float64Range(0, 1).Draw(g.t, "share") }

func (g gen) duration() time.Duration {
	if g.yes() {
		return time.Duration(g.n(1, 100)) * []time.Duration{time.Second, time.Minute, time.Hour, 24 * time.Hour}[g.n(0, 3)]
	}
	return time.Duration(rapid.Int64Range(1, 1<<62).Draw(g.t, "duration"))
}

// text is empty, or anything that YAML can hold but NUL.
func (g gen) text() string {
	return rapid.StringOf(rapid.RuneFrom([]rune("ab:#{}[],&*!|>'\"%@`? -~=<0.\\/\n\t\u0085\u2028\u00e9\u4e16\U0001F600yn"))).Draw(g.t, "text")
}

func (g gen) reason() string { return "r" + g.text() }

func pick[T any](g gen, from ...T) T { return from[g.n(0, len(from)-1)] }

func (g gen) typ() Type {
	t := Type{Kind: pick(g, TypeKinds()...)}
	switch t.Kind {
	case TypeUint:
		if g.yes() {
			t.Min = int64(g.n(0, 500))
			t.Max = t.Min + int64(g.n(1, 5000))
		}
	case TypeHex, TypeStr, TypeBin, TypeOpaque, TypeGeohash:
		t.N = int64(g.n(0, 1000))
	case TypeTSs, TypeTSms:
		t.Step = g.some() % (1 << 50)
	case TypeDate:
		t.Layout = pick(g, "", "yyyymmdd", "yyyy-mm-dd", "yyyy/mm", "yyyymmddhhmmss", "yyyy-mm-dd hh")
	case TypeHash:
		t.Algo, t.N, t.Of = pick(g, "md5", "sha1", "sha256", "xxh3", "crc32"), int64(g.n(0, 8)), pick(g, "", "email")
	case TypeBucket:
		t.N, t.Of = int64(g.n(1, 1000)), pick(g, "", "uid")
	case TypeRE:
		t.Pattern = pick(g, `[a-z]+`, `a"b`, `\"`, `[\]}"]{2}`, `(a|b(c))x`, `(?i)abc`, `\\`)
	case TypeEnum:
		for range g.n(1, 4) {
			if v := g.text(); v != "" && !slices.Contains(t.Values, v) {
				t.Values = append(t.Values, v)
			}
		}
		t.Values = append(t.Values, "last")
	}
	if t.Kind == TypeRE { // as it is written
		t.Pattern = quotePattern(t.Pattern)
	}
	return t
}

// key draws a key that fields has the shared fields of.
func (g gen) key(fields []Field) Key {
	k := Key{{Literal: "k" + g.text()}}
	for i := range g.n(0, 3) {
		p := Piece{Field: "p" + strconv.Itoa(i)}
		switch t := g.typ(); {
		case t.Kind == TypeJSON:
			continue
		case len(fields) > 0 && g.yes():
			f := pick(g, fields...)
			p = Piece{Field: f.Name, Shared: true, Type: &f.Type}
		case g.yes():
			p = Piece{Type: &t}
		default:
			p.Type = &t
		}
		k = append(k, p)
		if g.yes() {
			k = append(k, Piece{Literal: ":" + g.text()})
		}
	}
	settled, err := ParseKey(k.String(), fields...)
	if err != nil {
		g.t.Fatalf("%q: %v", k, err)
	}
	return settled
}

func (g gen) dist() Dist {
	switch g.n(0, 6) {
	case 1:
		return Dist{Kind: pick(g, Uniform, Sequential)}
	case 2:
		return Dist{Kind: Zipf, A: g.real()}
	case 3:
		return Dist{Kind: Latest, A: g.real()}
	case 4:
		return Dist{Kind: Hot, Share: g.share(), Keys: g.some()}
	case 5:
		return Dist{Kind: Exponential, Share: float64(g.n(1, 99)) / 100, Within: float64(g.n(1, 999)) / 1000}
	}
	return Dist{}
}

func (g gen) dim() Dim {
	sizes := []int64{g.some(), g.some(), g.some()}
	slices.Sort(sizes)
	if g.yes() {
		sizes[1] = 0
	}
	return Dim{sizes[0], sizes[1], sizes[2]}
}

func (g gen) ttl(names []string) TTL {
	var j Jitter
	switch g.n(0, 2) {
	case 1:
		j.HighShare = float64(g.n(1, 99)) / 100
		j.LowShare = -j.HighShare
	case 2:
		j.Low = g.duration()
		j.High = j.Low + g.duration()/2
	}
	if j.High < j.Low {
		j = Jitter{}
	}
	switch g.n(0, 4) {
	case 0:
		return TTL{Policy: TTLNone}
	case 1:
		return TTL{Policy: TTLFixed, Value: g.duration(), Jitter: j}
	case 2:
		d := g.duration()
		return TTL{Policy: TTLSliding, Idle: d, MaxAge: max(d, g.duration()), Jitter: j}
	case 3:
		if len(names) > 0 {
			return TTL{Policy: TTLInherit, Of: pick(g, names...)}
		}
	}
	return TTL{}
}

func (g gen) field(name string) Field {
	f := Field{Name: name, Type: g.typ(), Cardinality: g.some(), Growth: g.real() / 86400, Dist: g.dist()}
	if f.Type.Kind == TypeJSON {
		f.Type.Kind = TypeInt
	}
	if f.Type.Kind == TypeStr || f.Type.Kind == TypeOpaque {
		f.Span = g.yes()
		f.Type.Span = f.Span
	}
	if g.yes() {
		f.Extensions = []Extension{{"x-a", `{b: [1, "2"]}`}}
	}
	return f
}

func (g gen) value(fields []Field) Value {
	v := Value{Size: g.dim(), Elements: g.dim(), ElementSize: g.some(), Format: g.text(), MaxLen: g.some(), Trim: g.text()}
	for i := range g.n(0, 2) {
		f := ValueField{Name: "f " + strconv.Itoa(i), Type: g.typ()}
		if len(fields) > 0 && g.yes() {
			shared := pick(g, fields...)
			f.Field, f.Type = shared.Name, shared.Type
		}
		v.Fields = append(v.Fields, f)
	}
	if g.yes() {
		v.Members = g.key(fields)
	}
	return v
}

func (g gen) access(t *Template, names []string) Access {
	a := Access{
		Name: g.text(), Op: g.text(), Query: pick(g, append(queries(), "")...), Order: g.text(), Rate: g.real(), Dist: g.dist(),
		Miss: g.share(), Consistency: g.text(), RequestPath: g.yes(),
		OnMiss: OnMiss{Op: g.text(), Cost: pick(g, 0, g.duration()), SingleFlight: g.yes()},
	}
	if by := t.Key.names(); len(by) > 0 && g.yes() {
		a.By = []string{pick(g, by...)}
	}
	if g.yes() {
		a.Keys = names
	}
	return a
}

func (g gen) ref(t *Template, to Template, fields []Field) Ref {
	r := Ref{Kind: pick(g, RefParent, RefIndex, RefMember), To: to.Name, Backref: g.text(), From: pick(g, "", "value", "value.a b", "member")}
	if on := to.Key.names(); len(on) > 0 && r.Kind != RefParent {
		r.On = pick(g, on...)
	}
	if g.yes() {
		value := Type{Kind: TypeStr, Span: true}
		r.Target = append(slices.Clip(g.key(fields)), Piece{Literal: "|"}, Piece{Field: "value", Shared: true, Type: &value})
		r.Target = merged(r.Target)
	}
	return r
}

func (g gen) item(fields []Field) Item {
	i := Item{PK: g.key(fields)}
	if g.yes() {
		i.SK = g.key(fields)
	}
	if g.yes() {
		i.Indexes = append(i.Indexes, ItemIndex{Name: "gsi 1", PK: g.key(fields), SK: pick(g, nil, g.key(fields))})
	}
	if g.yes() {
		i.Indexes = append(i.Indexes, ItemIndex{Name: "lsi", Local: true, PK: i.PK, SK: g.key(fields)})
	}
	return i
}

func (g gen) ignores(names []string) []Ignore {
	var all []Ignore
	for range g.n(0, 2) {
		i := Ignore{Rule: "KD043", Reason: g.reason(), On: pick(g, append(names, "")...)}
		if g.yes() {
			i.Expires = time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
		}
		all = append(all, i)
	}
	return all
}

// template draws a template that refers only to those before it, so that there are no cycles.
func (g gen) template(name string, s *Schema, names []string) Template {
	t := Template{
		Name: name, Kind: pick(g, "", Cache, Record), Value: g.value(s.Fields), TTL: g.ttl(names), Owner: g.text(), KeyVersion: g.text(),
		Description: g.text(),
	}
	if g.yes() {
		t.Type, t.Item = item, g.item(s.Fields)
		t.Key = t.Item.Key()
	} else {
		t.Type, t.Key = pick(g, "", "hash", "zset"), g.key(s.Fields)
	}
	if t.Cardinality.Live = g.some(); g.yes() {
		t.Cardinality.Max = max(t.Cardinality.Live, g.some())
	}
	if by := t.Key.names(); len(by) > 0 && g.yes() {
		t.Cardinality.Per = []PerField{{pick(g, by...), g.real()}}
	}
	if len(s.Templates) > 0 && g.yes() {
		t.Refs = append(t.Refs, g.ref(&t, pick(g, s.Templates...), s.Fields))
	}
	for range g.n(0, 2) {
		t.Access = append(t.Access, g.access(&t, append(names[:len(names):len(names)], name)))
	}
	if g.yes() {
		t.Pattern = Pattern{Name: pick(g, patterns()...), Source: g.text(), Refresh: pick(g, 0, g.duration())}
		t.Writers = []string{g.reason(), "b"}
	}
	if g.yes() {
		t.Inferred = &Inferred{Keys: g.some(), Share: g.share(), Confidence: "high", Examples: []string{g.text()}}
		t.Extensions = []Extension{{"x-b", "null"}}
	}
	t.Ignores = g.ignores(append(names[:len(names):len(names)], name))
	return t
}

func (g gen) schema() *Schema {
	s := &Schema{Files: []string{"keys.yaml"}}
	if g.yes() {
		s.Store = Store{
			Kind: pick(g, Redis, DynamoDB), Version: pick(g, "", "7.10"), Nodes: g.n(0, 9), MaxMemory: g.some(), Policy: pick(g, append(policies(), "")...),
			Durable: g.yes(), P99: pick(g, 0, g.duration()), Capacity: Capacity{g.real(), g.real(), g.real(), g.real()},
		}
		s.Defaults = Defaults{Owner: g.text(), Separator: pick(g, "", ":", "|"), Namespace: g.text(), TTL: g.ttl(nil)}
		s.Extensions = []Extension{{"x-c", `{"a b": [true]}`}}
	}
	for i := range g.n(0, 3) {
		s.Fields = append(s.Fields, g.field("f"+strconv.Itoa(i)))
	}
	var names []string
	for i := range g.n(0, 4) {
		name := pick(g, "t.", "no", "7-") + strconv.Itoa(i)
		s.Templates = append(s.Templates, g.template(name, s, names))
		names = append(names, name)
	}
	s.Ignores = g.ignores(names)
	return s
}
