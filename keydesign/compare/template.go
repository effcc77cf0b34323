package compare

import (
	"cmp"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// template compares the two of a pair.
func (c *comparison) template(p pair) {
	switch {
	case p.old == nil:
		c.add(Compatible, p, "added", "", p.new.Key.String())
		return
	case p.new == nil:
		c.add(Breaking, p, "removed", p.old.Key.String(), "")
		return
	}
	if !c.sides.observed() {
		c.differ(Compatible, p, "renamed", p.old.Name, p.new.Name)
	}
	c.key(p)
	c.item(p)
	if p.old.Type != "" && p.new.Type != "" {
		c.differ(Breaking, p, "type", p.old.Type, p.new.Type)
	} else if !c.sides.observed() {
		c.differ(Compatible, p, "type", p.old.Type, p.new.Type)
	}
	c.ttl(p)
	c.value(p)
	c.limit(p, "cardinality.max", p.old.Cardinality.Max, p.new.Cardinality.Max, count)
	if !c.sides.observed() {
		c.declared(p)
	}
}

// item compares what is partition and sort key in DynamoDB.
func (c *comparison) item(p pair) {
	a, b := &p.old.Item, &p.new.Item
	if c.sides.observed() || a.PK == nil && b.PK == nil {
		return
	}
	c.differ(Breaking, p, "partition key", a.PK.String(), b.PK.String())
	c.differ(Breaking, p, "sort key", a.SK.String(), b.SK.String())
	for _, x := range a.Indexes {
		y := index(b.Indexes, x.Name)
		if y == nil {
			c.add(Breaking, p, "index removed", x.Name, "")
			continue
		}
		c.differ(Breaking, p, "index "+x.Name, x.PK.String()+" "+x.SK.String(), y.PK.String()+" "+y.SK.String())
	}
	for _, y := range b.Indexes {
		if index(a.Indexes, y.Name) == nil {
			c.add(Compatible, p, "index added", "", y.Name)
		}
	}
}

func index(all []schema.ItemIndex, name string) *schema.ItemIndex {
	for i := range all {
		if all[i].Name == name {
			return &all[i]
		}
	}
	return nil
}

// ttl compares how long keys live, whether a template says so itself, inherits it or has the default. A keyspace does not tell a
// fixed TTL from a sliding one for sure.
func (c *comparison) ttl(p pair) {
	a, b := c.lives[p.old], c.lives[p.new]
	if a.Policy == "" || b.Policy == "" {
		if !c.sides.observed() {
			c.differ(Compatible, p, "ttl", ttlText(a), ttlText(b))
		}
		return
	}
	switch lasts, will := life(a), life(b); {
	case (lasts == 0) != (will == 0), a.Policy != b.Policy && !c.sides.observed():
		c.add(Risky, p, "ttl.policy", ttlText(a), ttlText(b))
	case c.sides.observed() && alike(int64(lasts), int64(will)):
	case will < lasts:
		c.add(Risky, p, "ttl shorter", ttlText(a), ttlText(b))
	case will > lasts:
		c.add(Compatible, p, "ttl longer", ttlText(a), ttlText(b))
	case !c.sides.observed():
		c.capped(p, a, b)
	}
}

// capped compares what else there is to TTLs that are equally long.
func (c *comparison) capped(p pair, a, b schema.TTL) {
	class := Compatible
	if b.MaxAge > 0 && (a.MaxAge == 0 || b.MaxAge < a.MaxAge) {
		class = Risky
	}
	c.differ(class, p, "ttl", ttlText(a), ttlText(b))
}

// life is how long a key lives without being used; 0 is for ever.
func life(t schema.TTL) time.Duration {
	switch t.Policy {
	case schema.TTLFixed:
		return t.Value
	case schema.TTLSliding:
		return cmp.Or(t.Idle, t.MaxAge)
	}
	return 0
}

// value compares how large values may be, and what is in them.
func (c *comparison) value(p pair) {
	a, b := &p.old.Value, &p.new.Value
	c.limit(p, "value.size", a.Size.Largest(), b.Size.Largest(), size)
	c.limit(p, "value.elements", a.Elements.Largest(), b.Elements.Largest(), count)
	if c.sides.observed() {
		return
	}
	c.limit(p, "value.element_size", a.ElementSize, b.ElementSize, size)
	c.limit(p, "value.max_len", a.MaxLen, b.MaxLen, count)
	class := Risky
	if a.Format == "" {
		class = Compatible
	}
	c.differ(class, p, "value.format", a.Format, b.Format)
	c.differ(Compatible, p, "value.trim", a.Trim, b.Trim)
	c.fields(p)
}

// fields compares the named parts of values.
func (c *comparison) fields(p pair) {
	types := func(v schema.Value) map[string]string {
		m := map[string]string{}
		for _, f := range v.Fields {
			m[f.Name] = f.Type.String()
		}
		return m
	}
	before, after := types(p.old.Value), types(p.new.Value)
	for _, f := range p.old.Value.Fields {
		what := "value.fields." + f.Name
		if t, ok := after[f.Name]; !ok {
			c.add(Risky, p, what+" removed", before[f.Name], "")
		} else {
			c.differ(Risky, p, what, before[f.Name], t)
		}
	}
	for _, f := range p.new.Value.Fields {
		if _, ok := before[f.Name]; !ok {
			c.add(Compatible, p, "value.fields."+f.Name+" added", "", after[f.Name])
		}
	}
}

// limit compares what may be at most; 0 is no limit. Sizes of keys that happened to be there are not limits: they are compared
// only where they differ beyond chance.
func (c *comparison) limit(p pair, what string, before, after int64, text func(int64) string) {
	if before == after {
		return
	}
	if c.sides.observed() && (before == 0 || after == 0 || alike(before, after)) {
		return
	}
	if after != 0 && (before == 0 || after < before) {
		c.add(Risky, p, what+" lower", text(before), text(after))
		return
	}
	c.add(Compatible, p, what+" higher", text(before), text(after))
}

// declared compares what only a schema says.
func (c *comparison) declared(p pair) {
	a, b := p.old, p.new
	c.refs(p)
	c.differ(Compatible, p, "kind", string(a.Kind), string(b.Kind))
	c.differ(Compatible, p, "cardinality.live", count(a.Cardinality.Live), count(b.Cardinality.Live))
	c.differ(Compatible, p, "pattern", a.Pattern.Name, b.Pattern.Name)
	c.differ(Compatible, p, "version", a.KeyVersion, b.KeyVersion)
	c.differ(Compatible, p, "owner", cmp.Or(a.Owner, c.before.Defaults.Owner), cmp.Or(b.Owner, c.after.Defaults.Owner))
	c.differ(Compatible, p, "writers", list(a.Writers), list(b.Writers))
	c.differ(Compatible, p, "description", a.Description, b.Description)
	c.differ(Compatible, p, "access", accessText(a.Access), accessText(b.Access))
}

// refs compares references: what leads nowhere any more was relied upon.
func (c *comparison) refs(p pair) {
	before, after := map[string]bool{}, map[string]bool{}
	for i := range p.new.Refs {
		after[oneRef(&p.new.Refs[i], nil)] = true
	}
	for i := range p.old.Refs {
		r := oneRef(&p.old.Refs[i], c.renamed)
		if before[r] = true; !after[r] {
			c.add(Risky, p, "ref removed", r, "")
		}
	}
	for i := range p.new.Refs {
		if r := oneRef(&p.new.Refs[i], nil); !before[r] {
			c.add(Compatible, p, "ref added", "", r)
		}
	}
}

// storeName stands for the store in the place of a template's name.
const storeName = "(store)"

// store compares what the keys are kept in.
func (c *comparison) store() {
	if c.sides.observed() {
		return
	}
	a, b := &c.before.Store, &c.after.Store
	p := pair{new: &schema.Template{Name: storeName}}
	c.differ(Breaking, p, "kind", string(a.Kind), string(b.Kind))
	c.differ(Compatible, p, "version", a.Version, b.Version)
	c.differ(Risky, p, "policy", a.Policy, b.Policy)
	c.limit(p, "maxmemory", a.MaxMemory, b.MaxMemory, size)
	class := Compatible
	if a.Durable {
		class = Risky
	}
	c.differ(class, p, "durable", yes(a.Durable), yes(b.Durable))
	c.differ(Compatible, p, "nodes", count(int64(a.Nodes)), count(int64(b.Nodes)))
}
