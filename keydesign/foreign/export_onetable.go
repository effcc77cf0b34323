package foreign

import (
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// writeOneTable writes a schema of OneTable. The attributes that are keys are pk, sk, and for an index its name with _pk and _sk.
func (x *exporter) writeOneTable() any {
	indexes := object{{"primary", object{{"hash", "pk"}, {"sort", "sk"}}}}
	var models object
	x.each(func(t *schema.Template) {
		for _, i := range t.Item.Indexes {
			if i.Local {
				indexes.set(i.Name, object{{"type", "local"}, {"sort", i.Name + "_sk"}})
			} else {
				indexes.set(i.Name, object{{"hash", i.Name + "_pk"}, {"sort", i.Name + "_sk"}})
			}
		}
		models.set(t.Name, x.model(t))
	})
	return object{
		{"format", "onetable:1.1.0"}, {"version", "0.0.1"}, {"indexes", indexes}, {"models", models}, {"params", object{{"isoDates", true}}},
	}
}

// model writes a template: its keys, and the attributes that they and the value have.
func (x *exporter) model(t *schema.Template) object {
	var model, fields object
	use := func(name string, of schema.Type) { fields.set(name, x.oneType(t, name, of)) }
	put := func(attribute string, k schema.Key) {
		if k != nil {
			model.set(attribute, object{{"type", "string"}, {"value", x.template(t, k, use)}})
		}
	}
	for _, f := range t.Value.Fields {
		use(f.Name, f.Type)
	}
	put("pk", t.Item.PK)
	put("sk", t.Item.SK)
	for _, i := range t.Item.Indexes {
		if !i.Local {
			put(i.Name+"_pk", i.PK)
		}
		put(i.Name+"_sk", i.SK)
	}
	fields = x.restore(t, fields)
	for _, f := range fields {
		if model.has(f.name) {
			x.note("%s: the field %s is left out, as a key has its name", t.Name, f.name)
			continue
		}
		model.set(f.name, f.value)
	}
	return model
}

// restore puts back what an import has kept of attributes.
func (x *exporter) restore(t *schema.Template, fields object) object {
	kept, ok := extension(t, "x-onetable")
	if !ok {
		return fields
	}
	for i, f := range fields {
		attribute := f.value.(object)
		if props, ok := kept.Get(f.name); ok && props.IsMapping() {
			_ = props.Each(func(p yamlfile.Node) error { // what is kept was read once
				attribute.set(p.Name(), toJSON(p))
				return nil
			})
		}
		fields[i].value = attribute
	}
	return fields
}

// toJSON returns a value as encoding/json writes it.
func toJSON(n yamlfile.Node) any {
	switch {
	case n.IsMapping():
		o := object{}
		_ = n.Each(func(v yamlfile.Node) error {
			o.set(v.Name(), toJSON(v))
			return nil
		})
		return o
	case n.IsList():
		items, _ := n.Items() // it is a list
		all := make([]any, len(items))
		for i, item := range items {
			all[i] = toJSON(item)
		}
		return all
	}
	return n.Value()
}

// oneType returns the attribute of a type.
func (x *exporter) oneType(t *schema.Template, name string, of schema.Type) object {
	switch of.Kind {
	case schema.TypeULID:
		return object{{"type", "string"}, {"generate", "ulid"}}
	case schema.TypeUUID:
		return object{{"type", "string"}, {"generate", "uuid"}}
	case schema.TypeEnum:
		return object{{"type", "string"}, {"enum", of.Values}}
	case schema.TypeRE:
		body, flags := of.Pattern, ""
		if rest, ok := strings.CutPrefix(body, "(?i)"); ok {
			body, flags = rest, "i"
		}
		return object{{"type", "string"}, {"validate", "/^" + body + "$/" + flags}}
	case schema.TypeDate:
		if of.Layout == "" {
			return object{{"type", "date"}}
		}
	}
	x.becomes(t, name, of)
	return object{{"type", simple(of)}}
}
