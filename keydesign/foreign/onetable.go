package foreign

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// oneTable reads a OneTable schema of the format onetable:1.x.
//
//	indexes: primary {hash: pk, sort: sk}       which attributes are keys
//	models.User.pk.value: account#${accountId}  what they are made of
func (m *importer) oneTable(root yamlfile.Node) error {
	indexes, ok := root.Get("indexes")
	models, ok2 := root.Get("models")
	if !ok || !ok2 || !strings.HasPrefix(text(root, "format")+"onetable:", "onetable:") {
		return root.Errorf("no OneTable schema: it has no indexes or no models")
	}
	if err := few(indexes); err != nil {
		return err
	}
	primary, ok := indexes.Get("primary")
	if !ok {
		return indexes.Errorf("indexes has no primary")
	}
	for _, name := range []string{"items", "queries", "process"} {
		if _, ok := root.Get(name); ok {
			m.note("%s: lost", name)
		}
	}
	m.s.Extensions = append(m.s.Extensions, kept(root, "x-onetable", "format", "version", "indexes", "params")...)
	dates := schema.Type{Kind: schema.TypeUint}
	if params, ok := root.Get("params"); ok && text(params, "isoDates") == "true" {
		dates = schema.Type{Kind: schema.TypeDate}
	}
	return models.Each(func(n yamlfile.Node) error {
		model := &oneModel{importer: m, n: n, dates: dates}
		return model.read(primary, indexes)
	})
}

// kept is an extension with some keys of a mapping.
func kept(n yamlfile.Node, name string, keys ...string) []schema.Extension {
	var parts []string
	for _, k := range keys {
		if v, ok := n.Get(k); ok {
			parts = append(parts, yamlfile.Quote(k)+": "+v.Flow())
		}
	}
	if parts == nil {
		return nil
	}
	return []schema.Extension{{Name: name, Text: "{" + strings.Join(parts, ", ") + "}"}}
}

// A oneModel is a model of OneTable.
type oneModel struct {
	*importer
	n     yamlfile.Node
	dates schema.Type
	keys  []string // physical names of the attributes that are keys
}

func (m *oneModel) read(primary, indexes yamlfile.Node) error {
	if !m.n.IsMapping() {
		return m.n.Wantf("the attributes of a model")
	}
	var t schema.Template
	if t.Item.PK = m.attribute(text(primary, "hash")); t.Item.PK == nil {
		m.note("%s: not imported, as it has no %s", m.n.Path(), text(primary, "hash"))
		return nil
	}
	t.Item.SK = m.attribute(text(primary, "sort"))
	err := indexes.Each(func(n yamlfile.Node) error {
		if n.Name() != "primary" {
			m.index(n, &t.Item)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := m.attributes(&t); err != nil {
		return err
	}
	m.add(m.n.Name(), t)
	return nil
}

// index adds a secondary index, if the model has attributes for it: items without them are not in it.
func (m *oneModel) index(n yamlfile.Node, item *schema.Item) {
	x := schema.ItemIndex{Name: n.Name(), Local: text(n, "type") == "local", SK: m.attribute(text(n, "sort"))}
	if x.Local {
		x.PK = item.PK
	} else {
		x.PK = m.attribute(text(n, "hash"))
	}
	if x.PK == nil || x.Local && x.SK == nil {
		return
	}
	item.Indexes = append(item.Indexes, x)
}

// attribute returns what the attribute of the given physical name holds.
func (m *oneModel) attribute(physical string) schema.Key {
	if physical == "" {
		return nil
	}
	var k schema.Key
	_ = m.n.Each(func(a yamlfile.Node) error { // a key that comes twice is told by attributes
		if k != nil || physicalName(a) != physical {
			return nil
		}
		m.keys = append(m.keys, a.Name())
		if v := text(a, "value"); v != "" {
			k = braces(v, literal, m.variable)
		} else {
			k = key(placeholder(a.Name(), m.typeOf(a)))
		}
		return nil
	})
	return k
}

func physicalName(a yamlfile.Node) string {
	if to := text(a, "map"); to != "" {
		return to
	}
	return a.Name()
}

// variable is what ${name:size:pad} stands for.
func (m *oneModel) variable(inside string) schema.Piece {
	name, size, padded := strings.Cut(inside, ":")
	if name == "_type" {
		return literal(m.n.Name())
	}
	a, ok := m.n.Get(name)
	if !ok {
		m.note("%s: ${%s} is no attribute of the model, taken for any text", m.n.Path(), name)
		return placeholder(name, schema.Type{Kind: schema.TypeStr})
	}
	if padded {
		m.note("%s: ${%s} is padded to %s, which is not kept", m.n.Path(), name, size)
	}
	return placeholder(name, m.typeOf(a))
}

// typeOf returns the type of an attribute.
func (m *oneModel) typeOf(a yamlfile.Node) schema.Type {
	if values := texts(a, "enum"); len(values) > 0 {
		return enum(values)
	}
	for _, name := range []string{"generate", "uuid"} {
		switch made := text(a, name); {
		case strings.HasPrefix(made, "ulid"):
			return schema.Type{Kind: schema.TypeULID}
		case strings.HasPrefix(made, "uuid"), made == "true":
			return schema.Type{Kind: schema.TypeUUID}
		}
	}
	if t, ok := pattern(text(a, "validate")); ok {
		return t
	}
	if kind := strings.ToLower(text(a, "type")); kind == "date" {
		return m.dates
	}
	return basic(text(a, "type"))
}

// basic are the types that all formats have, whatever their case.
func basic(name string) schema.Type {
	switch strings.ToLower(name) {
	case "number", "n":
		return schema.Type{Kind: schema.TypeFloat}
	case "boolean", "bool":
		return schema.Type{Kind: schema.TypeEnum, Values: []string{"true", "false"}}
	case "binary", "buffer", "arraybuffer", "b":
		return schema.Type{Kind: schema.TypeBin}
	case "object", "array", "set", "map", "list", "any", "m", "l", "ss", "ns", "bs":
		return schema.Type{Kind: schema.TypeJSON}
	}
	return schema.Type{Kind: schema.TypeStr}
}

// pattern reads an expression of JavaScript that is anchored on both sides, if RE2 has it too.
func pattern(s string) (schema.Type, bool) {
	body, flags := s, ""
	if i := strings.LastIndexByte(s, '/'); i > 0 && s[0] == '/' {
		body, flags = s[1:i], s[i+1:]
	}
	inner, anchored := strings.CutPrefix(body, "^")
	inner, anchored2 := strings.CutSuffix(inner, "$")
	if !anchored || !anchored2 || divided(inner) || strings.Trim(flags, "i") != "" {
		return schema.Type{}, false
	}
	if flags != "" {
		inner = "(?i)" + inner
	}
	t, err := schema.ParseType(schema.Type{Kind: schema.TypeRE, Pattern: inner}.String())
	return t, err == nil
}

// divided reports whether an expression is several, so that anchors hold for one of them only: ^a|b$.
func divided(expr string) bool {
	depth, class := 0, false
	for i := 0; i < len(expr); i++ {
		switch c := expr[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			return true
		}
	}
	return false
}

// attributes declares what is no key as a field of the value, and keeps what a schema has no word for.
func (m *oneModel) attributes(t *schema.Template) error {
	var rest []string
	err := m.n.Each(func(a yamlfile.Node) error {
		if !a.IsMapping() {
			m.note("%s: lost", a.Path())
			return nil
		}
		if !slices.Contains(m.keys, a.Name()) {
			t.Value.Fields = append(t.Value.Fields, schema.ValueField{Name: a.Name(), Type: m.typeOf(a)})
		}
		if text(a, "ttl") == "true" {
			m.note("%s: says when an item expires; declare the ttl", a.Path())
		}
		var props, parts []string
		err := a.Each(func(p yamlfile.Node) error {
			if !slices.Contains([]string{"type", "value", "enum", "generate", "uuid"}, p.Name()) {
				props = append(props, p.Name())
				parts = append(parts, yamlfile.Quote(p.Name())+": "+p.Flow())
			}
			return nil
		})
		if props != nil {
			m.note("%s: %s kept under x-onetable", a.Path(), strings.Join(props, ", "))
			rest = append(rest, yamlfile.Quote(a.Name())+": {"+strings.Join(parts, ", ")+"}")
		}
		return err
	})
	if rest != nil {
		t.Extensions = append(t.Extensions, schema.Extension{Name: "x-onetable", Text: "{" + strings.Join(rest, ", ") + "}"})
	}
	return err
}
