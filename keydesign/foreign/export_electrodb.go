package foreign

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// writeElectroDB writes a list of entities. Their keys are given as templates, so that ElectroDB adds nothing of its own.
func (x *exporter) writeElectroDB() any {
	var all []any
	x.each(func(t *schema.Template) {
		version := t.KeyVersion
		if version == "" {
			version = "1"
		}
		var attributes, indexes object
		use := func(name string, of schema.Type) {
			if !attributes.has(name) {
				attributes.set(name, x.electroAttribute(t, name, of))
			}
		}
		for _, f := range t.Value.Fields {
			use(f.Name, f.Type)
		}
		indexes.set("primary", x.access(t, schema.ItemIndex{PK: t.Item.PK, SK: t.Item.SK}, use))
		for _, i := range t.Item.Indexes {
			indexes.set(i.Name, x.access(t, i, use))
		}
		model := object{{"entity", t.Name}, {"version", version}, {"service", serviceOf(t)}}
		all = append(all, object{{"model", model}, {"attributes", attributes}, {"indexes", indexes}})
	})
	return all
}

// serviceOf returns the service that an import has kept, or a word that stands for none.
func serviceOf(t *schema.Template) string {
	if kept, ok := extension(t, "x-electrodb"); ok {
		if model, ok := kept.Get("model"); ok && text(model, "service") != "" {
			return text(model, "service")
		}
	}
	return "keys"
}

// access writes an index, or with no name the table itself, as an access pattern.
func (x *exporter) access(t *schema.Template, i schema.ItemIndex, use func(string, schema.Type)) object {
	prefix := ""
	var o object
	if i.Name != "" {
		prefix = i.Name + "_"
		o.set("index", i.Name)
	}
	pk := prefix + "pk"
	if i.Local {
		pk = "pk"
	}
	o.set("pk", x.part(t, pk, i.PK, use))
	if i.SK != nil {
		o.set("sk", x.part(t, prefix+"sk", i.SK, use))
	}
	return o
}

func (x *exporter) part(t *schema.Template, field string, k schema.Key, use func(string, schema.Type)) object {
	composite := []string{}
	template := x.template(t, k, func(name string, of schema.Type) {
		composite = append(composite, name)
		use(name, of)
	})
	return object{{"field", field}, {"casing", casingOf(t, k)}, {"composite", composite}, {"template", template}}
}

// casingOf returns what is to happen to the letters of a key: nothing, but to those of a key that came from ElectroDB and has
// only small ones, which is what ElectroDB makes of a key if nobody says otherwise.
func casingOf(t *schema.Template, k schema.Key) string {
	if _, ok := extension(t, "x-electrodb"); !ok {
		return "none"
	}
	small := func(s string) bool { return s == strings.ToLower(s) }
	for _, p := range k {
		if !small(p.Literal) || p.Type != nil && slices.ContainsFunc(p.Type.Values, func(v string) bool { return !small(v) }) {
			return "none"
		}
	}
	return "lower"
}

func (x *exporter) electroAttribute(t *schema.Template, name string, of schema.Type) object {
	if of.Kind == schema.TypeEnum {
		return object{{"type", of.Values}}
	}
	x.becomes(t, name, of)
	if kind := simple(of); kind == "number" || kind == "string" {
		return object{{"type", kind}}
	}
	return object{{"type", "any"}}
}
