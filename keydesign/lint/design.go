package lint

import (
	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A design is a schema with what follows from it.
type design struct {
	*schema.Schema
	store     schema.StoreKind // what the rules go by
	fields    map[string]*schema.Field
	templates []*template // in the order of the file
	byName    map[string]*template
	keys      float64 // in all, as far as it is known
	rate      float64 // declared operations a second; one that touches two templates is two
}

// A template is a declared template with what follows from it.
type template struct {
	*schema.Template
	text     string // the canonical text of its key: the subject of its findings
	set      *automaton.Set
	segments []segment
	tag      string // what Redis Cluster hashes in place of the whole key, without its braces; empty is none
	tagged   schema.Key
	ttl      schema.TTL // its own or, failing that, the default
	life     life
	keys     float64          // how many there are; 0 is not known
	uses     []*schema.Access // that touch it, its own and those of others
}

func newDesign(s *schema.Schema) *design {
	d := &design{Schema: s, store: storeOf(&s.Store), fields: map[string]*schema.Field{}, byName: map[string]*template{}}
	for i := range s.Fields {
		d.fields[s.Fields[i].Name] = &s.Fields[i]
	}
	for i := range s.Templates {
		t := newTemplate(&s.Templates[i], &s.Defaults)
		d.templates = append(d.templates, t)
		d.byName[t.Name] = t
	}
	lives := s.Lives()
	for i, t := range d.templates {
		t.life = lifeOf(&lives[i])
		d.addUses(t)
	}
	for _, t := range d.templates {
		t.keys = d.keysOf(t)
		d.keys += t.keys
	}
	return d
}

// storeOf returns the kind of store that the rules go by: Redis if the file does not say, and the cluster that several nodes
// of Valkey are.
func storeOf(s *schema.Store) schema.StoreKind {
	switch {
	case s.Kind == "":
		return schema.Redis
	case s.Kind == schema.Valkey && s.Nodes > 1:
		return schema.RedisCluster
	}
	return s.Kind
}

func newTemplate(st *schema.Template, defaults *schema.Defaults) *template {
	t := &template{Template: st, text: st.Key.String(), set: automaton.SetOf(st.Key), segments: segmentsOf(st.Key), ttl: st.TTL}
	if t.ttl.Policy == "" {
		t.ttl = defaults.TTL
	}
	if tag, ok := tagOf(st.Key); ok {
		t.tagged, t.tag = tag, tag.String()
	}
	return t
}

// addUses notes each access of t at every template that it touches.
func (d *design) addUses(t *template) {
	for i := range t.Access {
		a := &t.Access[i]
		at := d.named(a.Keys)
		if at == nil {
			at = []*template{t}
		}
		for _, at := range at {
			at.uses = append(at.uses, a)
			d.rate += a.Rate
		}
	}
}

// named returns the templates of some names.
func (d *design) named(names []string) []*template {
	var ts []*template
	for _, name := range names {
		if t := d.byName[name]; t != nil {
			ts = append(ts, t)
		}
	}
	return ts
}

// owner returns who looks after t, or "".
func (d *design) owner(t *template) string {
	if t.Owner != "" {
		return t.Owner
	}
	return d.Defaults.Owner
}

// needAccess is what rules on accesses lack where the file declares none.
func needAccess(d *design) string {
	for _, t := range d.templates {
		if len(t.Access) > 0 {
			return ""
		}
	}
	return "no template declares access"
}

// needRates is what rules on load lack where the file declares none.
func needRates(d *design) string {
	if d.rate > 0 {
		return ""
	}
	return "no access declares a rate"
}

// partitionKey returns the keys that decide where an item of t is kept and how it is sorted there.
func (t *template) partitionKey() (pk, sk schema.Key) {
	if len(t.Item.PK) > 0 {
		return t.Item.PK, t.Item.SK
	}
	return t.Key, nil
}
