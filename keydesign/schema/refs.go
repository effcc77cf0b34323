package schema

import (
	"github.com/kvtool/kvtool/internal/spell"
	"github.com/kvtool/kvtool/internal/yamlfile"
)

// templateName is the name of a template, which may be declared later or in another file.
func (p *parser) templateName(name *string) yamlfile.Value {
	return checked(yamlfile.Text(name), func(n yamlfile.Node) error {
		text := *name
		p.later = append(p.later, func() error {
			if _, ok := p.index[text]; ok {
				return nil
			}
			return unknown(n, "no template "+text, text, p.names())
		})
		return nil
	})
}

func (p *parser) names() []string {
	names := make([]string, 0, len(p.index))
	for _, t := range p.s.Templates {
		names = append(names, t.Name)
	}
	return names
}

// unknown returns the error that a name means nothing.
func unknown(n yamlfile.Node, text, typed string, known []string) error {
	e := n.Errorf("%s: %s", n.Path(), text)
	e.Typed, e.Known, e.Meant = typed, known, spell.Nearest(typed, known)
	return e
}

// known refuses a field that none of the keys has, of which the first is that of a template: if it could not be read, that was said.
func known(n yamlfile.Node, name string, keys ...Key) error {
	if keys[0] == nil {
		return nil
	}
	var names []string
	for _, k := range keys {
		if k.Has(name) {
			return nil
		}
		names = append(names, k.names()...)
	}
	return unknown(n, "no field "+name, name, names)
}

func (p *parser) keyOf(id int) Key { return p.s.Templates[id].Key }

func (k Key) names() []string {
	var names []string
	for _, p := range k {
		if name := p.Name(); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// asks checks a field that an access knows: a part of the template's key, of its indexes or of its value, or a shared field.
func (p *parser) asks(n yamlfile.Node, id int, name string) error {
	t := &p.s.Templates[id]
	shared := Key{}
	for _, f := range t.Value.Fields {
		shared = append(shared, Piece{Field: f.Name, Type: &f.Type})
	}
	if f := p.population[name]; f != nil {
		return nil
	}
	keys := []Key{t.Key, shared}
	for _, x := range t.Item.Indexes {
		keys = append(keys, x.PK, x.SK)
	}
	return known(n, name, keys...)
}

func (p *parser) refs(id int, refs *[]Ref) yamlfile.Value {
	return yamlfile.List(refs, func(r *Ref) yamlfile.Value {
		v := yamlfile.Keys{
			{Name: "kind", Doc: "parent: the key belongs to another. index: the value names another. member: its members or a field do.", Required: true, Value: yamlfile.OneOf(&r.Kind, RefParent, RefIndex, RefMember)},
			{Name: "to", Doc: "The template it leads to.", Required: true, Value: p.templateName(&r.To)},
			{Name: "on", Doc: "The field that both have.", Value: yamlfile.Text(&r.On)},
			{Name: "from", Doc: "What names the other key: value, value.FIELD, member.", Value: yamlfile.Match(&r.From, `^(value(\..+)?|member)$`, "value, value.FIELD or member")},
			{Name: "target", Doc: "The other key, with {value} for what names it.", Value: p.target(&r.Target)},
			{Name: "backref", Doc: "Field of the other value that leads back.", Value: yamlfile.Text(&r.Backref)},
		}.Value()
		return placed(&r.Pos, checked(v, func(n yamlfile.Node) error {
			if on := *r; on.On != "" {
				p.later = append(p.later, func() error { return p.shared(n.Child("on"), id, on) })
			}
			return nil
		}))
	})
}

// target reads the key that a reference leads to. In it, {value} stands for the value of the key that refers.
func (p *parser) target(k *Key) yamlfile.Value {
	return checked(yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			was := p.population["value"]
			p.population["value"] = &Field{Name: "value", Type: Type{Kind: TypeStr, Span: true}}
			defer func() {
				if delete(p.population, "value"); was != nil {
					p.population["value"] = was
				}
			}()
			return p.key(k, nil).Read(n)
		},
		Form: p.key(k, nil).Form,
	}, func(n yamlfile.Node) error {
		if !k.Has("value") {
			return n.Errorf("%s: has no {value}", n.Path())
		}
		return nil
	})
}

// shared checks the field over which a reference goes: the other template's key has it, and a child's own key too.
func (p *parser) shared(n yamlfile.Node, id int, r Ref) error {
	to, ok := p.index[r.To]
	if !ok {
		return nil // as templateName has said
	}
	if err := known(n, r.On, p.keyOf(to)); err != nil {
		return err
	}
	if r.Kind == RefParent && r.From == "" {
		return known(n, r.On, p.keyOf(id))
	}
	return nil
}

func (p *parser) accesses(id int, all *[]Access) yamlfile.Value {
	return yamlfile.List(all, func(a *Access) yamlfile.Value {
		return placed(&a.Pos, yamlfile.Keys{
			{Name: "name", Doc: "What the application calls it.", Value: yamlfile.Text(&a.Name)},
			{Name: "op", Doc: "The command: HGETALL.", Value: yamlfile.Text(&a.Op)},
			{Name: "query", Doc: "What kind of question it is.", Value: yamlfile.OneOf(&a.Query, queries()...)},
			{Name: "by", Doc: "The fields that are known.", Value: p.by(id, &a.By)},
			{Name: "order", Doc: "The order that is wanted.", Value: yamlfile.Text(&a.Order)},
			{Name: "keys", Doc: "The templates, where it touches several.", Value: yamlfile.List(&a.Keys, p.templateName)},
			{Name: "rate", Doc: "How often.", Value: yamlfile.Rate(&a.Rate)},
			{Name: "dist", Doc: "How it spreads over the keys.", Value: dist(&a.Dist)},
			{Name: "miss", Doc: "Share of reads that find nothing.", Value: yamlfile.Percent(&a.Miss)},
			{Name: "on_miss", Doc: "What happens then.", Value: yamlfile.Keys{
				{Name: "op", Doc: "The command that fills the hole: SETEX.", Value: yamlfile.Text(&a.OnMiss.Op)},
				{Name: "cost", Doc: "How long the origin takes.", Value: yamlfile.Duration(&a.OnMiss.Cost)},
				{Name: "single_flight", Doc: "true: one caller computes, the others wait.", Value: yamlfile.Bool(&a.OnMiss.SingleFlight)},
			}.Value()},
			{Name: "consistency", Doc: "What it needs: eventual, strong, serializable.", Value: yamlfile.Text(&a.Consistency)},
			{Name: "request_path", Doc: "true: a user waits for it.", Value: yamlfile.Bool(&a.RequestPath)},
		}.Value())
	})
}

func queries() []string {
	return []string{"get", "multi_get", "range", "prefix_scan", "filter", "text", "aggregate", "join", "tx", "scan"}
}

func (p *parser) by(id int, by *[]string) yamlfile.Value {
	return yamlfile.List(by, func(name *string) yamlfile.Value {
		return checked(yamlfile.Text(name), func(n yamlfile.Node) error {
			text := *name
			p.later = append(p.later, func() error { return p.asks(n, id, text) })
			return nil
		})
	})
}
