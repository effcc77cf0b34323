package foreign

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// electroDB reads an entity, a list of them, or a mapping of names to them, as JSON has them: without their functions.
//
// ElectroDB puts the names of service, entity and attributes into the keys, in small letters unless casing says otherwise:
//
//	pk  $service#attr_{attr}                            isolated; with a clustered index the entity stands at the end
//	sk  $entity_version#attr_{attr}      or, in a collection, $collection#entity_version#attr_{attr}
func (m *importer) electroDB(root yamlfile.Node) error {
	if root.IsList() {
		items, err := root.Items()
		if err != nil {
			return err
		}
		for _, n := range items {
			if err := m.entity(n); err != nil {
				return err
			}
		}
		return nil
	}
	if _, ok := root.Get("indexes"); ok {
		return m.entity(root)
	}
	if entities, ok := root.Get("entities"); ok {
		return m.electroDB(entities)
	}
	return root.Each(m.entity)
}

// An entity is one of ElectroDB's.
type entity struct {
	*importer
	n                      yamlfile.Node
	name, service, version string
	beta                   bool // a model of before version 1.0: the version is in the pk
	attributes             yamlfile.Node
}

func (m *importer) entity(n yamlfile.Node) error {
	indexes, ok := n.Get("indexes")
	if !n.IsMapping() || !ok {
		return n.Errorf("%s: no ElectroDB entity: it has no indexes", where(n))
	}
	e := &entity{importer: m, n: n, version: "1", attributes: n.Child("attributes")}
	if err := few(indexes); err != nil {
		return err
	}
	model, ok := n.Get("model")
	if e.beta = !ok; e.beta {
		model = n
	}
	e.name, e.service = text(model, "entity"), text(model, "service")
	if v := text(model, "version"); v != "" {
		e.version = v
	}
	if e.name == "" || e.service == "" {
		return n.Errorf("%s: no ElectroDB entity: want a model with entity and service", where(n))
	}
	t := schema.Template{KeyVersion: e.version, Extensions: kept(n, "x-electrodb", "model", "table")}
	if err := indexes.Each(func(x yamlfile.Node) error { return e.index(x, &t.Item) }); err != nil {
		return err
	}
	if t.Item.PK == nil {
		m.note("%s: not imported, as it has no index of the table itself", e.name)
		return nil
	}
	e.values(&t)
	m.add(e.name, t)
	return nil
}

func where(n yamlfile.Node) string {
	if n.Path() == "" {
		return "the file"
	}
	return n.Path()
}

// index adds an access pattern: the one without the name of an index is the table itself.
func (e *entity) index(x yamlfile.Node, item *schema.Item) error {
	if !x.IsMapping() {
		return x.Wantf("an index")
	}
	name := text(x, "index")
	if text(x, "type") == "composite" {
		e.note("%s.indexes.%s: lost, as its keys are several attributes each", e.name, x.Name())
		return nil
	}
	pk, ok := x.Get("pk")
	if !ok {
		return x.Errorf("%s has no pk", x.Path())
	}
	if c, ok := x.Get("condition"); ok && name != "" {
		e.note("%s: kept as if it held for every item", c.Path())
	}
	sk, hasSK := x.Get("sk")
	fix := e.fixings(x, hasSK)
	i := schema.ItemIndex{Name: name, PK: e.key(pk, fix.pk, "")}
	if i.PK == nil {
		return pk.Wantf("composite or template, and the attributes of it under attributes")
	}
	if hasSK {
		if i.SK = e.key(sk, fix.sk, fix.postfix); i.SK == nil {
			e.note("%s: lost", sk.Path())
		}
	}
	if name == "" {
		item.PK, item.SK = i.PK, i.SK
		return nil
	}
	i.Local = i.SK != nil && item.PK != nil && i.PK.String() == item.PK.String()
	item.Indexes = append(item.Indexes, i)
	return nil
}

// fixings are what ElectroDB puts before and behind the attributes of an index.
type fixings struct{ pk, sk, postfix string }

func (e *entity) fixings(x yamlfile.Node, hasSK bool) fixings {
	f := fixings{pk: "$" + e.service}
	entity := "$" + e.name
	if collections := collections(x); len(collections) > 0 {
		f.sk = "$" + strings.Join(collections, "#")
		entity = "#" + e.name
	}
	if e.beta {
		f.pk += "_" + e.version
	} else {
		entity += "_" + e.version
	}
	if text(x, "type") == "clustered" {
		f.postfix = entity
	} else {
		f.sk += entity
	}
	if !hasSK {
		f.pk += f.sk + f.postfix
	}
	if scope := text(x, "scope"); scope != "" {
		f.pk += "_" + scope
	}
	return f
}

func collections(x yamlfile.Node) []string {
	if c := text(x, "collection"); c != "" {
		return []string{c}
	}
	return texts(x, "collection")
}

// key returns the key of one part of an index, nil if it names no attributes.
func (e *entity) key(part yamlfile.Node, prefix, postfix string) schema.Key {
	cased := casing(text(part, "casing"))
	lit := func(s string) schema.Piece { return literal(cased(s)) }
	attribute := func(name string) schema.Piece {
		t := e.typeOf(name)
		if t.Kind == schema.TypeEnum {
			values := slices.Clone(t.Values)
			for i, v := range values {
				values[i] = cased(v)
			}
			t = enum(values)
		}
		return placeholder(name, t)
	}
	if template := text(part, "template"); template != "" {
		return braces(template, lit, attribute)
	}
	composite, ok := part.Get("composite")
	if !ok {
		composite, ok = part.Get("facets") // as it was called before version 1.0
	}
	if !ok || !composite.IsList() || composite.Len() > maxIndexes {
		return nil
	}
	pieces := []schema.Piece{lit(prefix)}
	for _, name := range list(composite) {
		pieces = append(pieces, lit("#"+e.label(name)+"_"), attribute(name))
	}
	return key(append(pieces, lit(postfix))...)
}

// casing returns what happens to the letters of a key.
func casing(name string) func(string) string {
	switch name {
	case "upper":
		return strings.ToUpper
	case "none":
		return func(s string) string { return s }
	}
	return strings.ToLower
}

func (e *entity) label(name string) string {
	if l := text(e.attributes.Child(name), "label"); l != "" {
		return l
	}
	return name
}

// typeOf returns the type of an attribute: "string", {type: string} or {type: [a, b]}.
func (e *entity) typeOf(name string) schema.Type {
	a, ok := e.attributes.Get(name)
	if !ok {
		e.note("%s: %s is no attribute, taken for any text", e.name, name)
		return schema.Type{Kind: schema.TypeStr}
	}
	return electroType(a)
}

func electroType(a yamlfile.Node) schema.Type {
	if a.IsMapping() {
		a = a.Child("type")
	}
	if values := list(a); values != nil {
		return enum(values)
	}
	name, _ := a.Scalar()
	return basic(name)
}

// values declares all attributes as fields of the value, since ElectroDB keeps them beside the keys they are part of.
func (e *entity) values(t *schema.Template) {
	_ = e.attributes.Each(func(a yamlfile.Node) error { // that it is a mapping was seen above
		t.Value.Fields = append(t.Value.Fields, schema.ValueField{Name: a.Name(), Type: electroType(a)})
		var lost []string
		for _, p := range properties(a) {
			if !slices.Contains([]string{"type", "label"}, p) {
				lost = append(lost, p)
			}
		}
		if lost != nil {
			e.note("%s.%s: %s lost", e.name, a.Name(), strings.Join(lost, ", "))
		}
		return nil
	})
}

func properties(a yamlfile.Node) []string {
	var names []string
	if a.IsMapping() {
		_ = a.Each(func(p yamlfile.Node) error { // a key that comes twice is lost twice
			names = append(names, p.Name())
			return nil
		})
	}
	return names
}
