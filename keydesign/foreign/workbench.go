package foreign

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// workbench reads a data model of NoSQL Workbench. It says which attributes are keys and has sample items; what the values of
// a key look like can only be seen from those, so that items whose keys look alike are one template:
//
//	PK User:UserA  SK 2023-04-01T12:00:00Z   ──▶  pk: User:{user:str}  sk: {sk:date}
//	PK Room:Music  SK meta                   ──▶  pk: Room:{room:str}  sk: meta
func (m *importer) workbench(root yamlfile.Node) error {
	model, ok := root.Get("DataModel")
	if !ok {
		return root.Errorf("no model of NoSQL Workbench: it has no DataModel")
	}
	tables, err := model.Items()
	if err != nil {
		return err
	}
	if len(tables) > 1 {
		m.note("DataModel: %d tables, whose templates stand side by side", len(tables))
	}
	for _, n := range tables {
		t := &table{importer: m, shaper: newShaper(), n: n, name: text(n, "TableName")}
		if err := t.read(); err != nil {
			return err
		}
	}
	return nil
}

// A table is one of a data model.
type table struct {
	*importer
	shaper
	n      yamlfile.Node
	name   string
	types  map[string]string // S, N, B, … of attributes
	keys   pair
	groups []*group

	indexes []yamlfile.Node
}

// A pair is the attributes that are a key. There may be no second.
type pair struct{ pk, sk string }

// A group is items whose keys look alike.
type group struct {
	name  string
	look  [2]string
	items []yamlfile.Node
}

func (t *table) read() error {
	keys, ok := t.n.Get("KeyAttributes")
	if !ok {
		return t.n.Errorf("%s has no KeyAttributes", where(t.n))
	}
	t.types = map[string]string{}
	t.keys = t.pair(keys)
	if t.keys.pk == "" {
		return keys.Errorf("%s has no PartitionKey", keys.Path())
	}
	for _, a := range items(t.n, "NonKeyAttributes") {
		t.types[text(a, "AttributeName")] = text(a, "AttributeType")
	}
	for _, name := range []string{"GlobalSecondaryIndexes", "LocalSecondaryIndexes"} {
		if list, ok := t.n.Get(name); ok {
			if err := few(list); err != nil {
				return err
			}
			t.indexes = append(t.indexes, items(t.n, name)...)
		}
	}
	t.sample("", t.n)
	for _, f := range items(t.n, "TableFacets") {
		t.sample(text(f, "FacetName"), f)
	}
	if len(t.groups) == 0 {
		t.note("%s: has no items, so that keys are taken for any value", t.name)
		t.groups = []*group{{name: t.name}}
	}
	t.capacity()
	for _, g := range t.groups {
		t.template(g)
	}
	return nil
}

// pair reads the attributes of a key, and their types.
func (t *table) pair(n yamlfile.Node) pair {
	read := func(name string) string {
		part, ok := n.Get(name)
		if !ok {
			return ""
		}
		t.types[text(part, "AttributeName")] = text(part, "AttributeType")
		return text(part, "AttributeName")
	}
	return pair{read("PartitionKey"), read("SortKey")}
}

func items(n yamlfile.Node, name string) []yamlfile.Node {
	v, ok := n.Get(name)
	if !ok {
		return nil
	}
	all, err := v.Items()
	if err != nil {
		return nil
	}
	return all
}

// sample puts the items of the table, or of a facet of it, into groups.
func (t *table) sample(facet string, n yamlfile.Node) {
	for _, item := range items(n, "TableData") {
		look := [2]string{t.shape(value(item, t.keys.pk)).look(), t.shape(value(item, t.keys.sk)).look()}
		i := slices.IndexFunc(t.groups, func(g *group) bool { return g.look == look })
		if i < 0 {
			if len(t.groups) == maxGroups {
				t.note("%s: more than %d kinds of keys: the others are lost", t.name, maxGroups)
				return
			}
			i, t.groups = len(t.groups), append(t.groups, &group{name: t.groupName(facet, item), look: look})
		}
		t.groups[i].items = append(t.groups[i].items, item)
	}
}

// maxGroups is how many templates are made of one table.
const maxGroups = 200

// groupName names a group by its facet, or by the words that its keys begin with.
func (t *table) groupName(facet string, item yamlfile.Node) string {
	if facet != "" {
		return facet
	}
	name := t.name
	for _, part := range []string{t.keys.pk, t.keys.sk} {
		if w := t.shape(value(item, part)).word(); w != "" {
			name += "_" + w
		}
	}
	return name
}

// value returns an attribute of an item: {"PK": {"S": "User:UserA"}}.
func value(item yamlfile.Node, name string) string {
	v, ok := item.Get(name)
	if !ok || name == "" {
		return ""
	}
	s := ""
	if v.IsMapping() {
		_ = v.Each(func(typed yamlfile.Node) error { // an attribute has one type
			s, _ = typed.Scalar()
			return nil
		})
	}
	return s
}

// template makes a template of a group.
func (t *table) template(g *group) {
	var x schema.Template
	x.Item.PK, x.Item.SK = t.key(g, t.keys.pk), t.key(g, t.keys.sk)
	for _, n := range t.indexes {
		t.index(g, n, &x.Item)
	}
	has, seen := g.attributes(), map[string]bool{"": true}
	for _, a := range items(t.n, "NonKeyAttributes") {
		if name := text(a, "AttributeName"); !seen[name] && (g.items == nil || has[name]) {
			seen[name] = true
			x.Value.Fields = append(x.Value.Fields, schema.ValueField{Name: name, Type: basic(t.types[name])})
		}
	}
	t.add(g.name, x)
}

// attributes returns which attributes the items of the group have.
func (g *group) attributes() map[string]bool {
	all := map[string]bool{}
	for _, item := range g.items {
		for _, name := range properties(item) {
			all[name] = true
		}
	}
	return all
}

// index adds a secondary index, if the items have its attributes.
func (t *table) index(g *group, n yamlfile.Node, item *schema.Item) {
	keys, ok := n.Get("KeyAttributes")
	if !ok {
		return
	}
	p, local := t.pair(keys), strings.Contains(n.Path(), "Local")
	x := schema.ItemIndex{Name: text(n, "IndexName"), Local: local, PK: t.key(g, p.pk), SK: t.key(g, p.sk)}
	if local {
		x.PK = item.PK
	}
	if x.Name == "" || x.PK == nil || p.sk != "" && x.SK == nil {
		return
	}
	item.Indexes = append(item.Indexes, x)
}

// key returns what an attribute looks like in a group, nil if no item of it has the attribute.
func (t *table) key(g *group, attribute string) schema.Key {
	if attribute == "" {
		return nil
	}
	var all []shaped
	for _, item := range g.items {
		if v := value(item, attribute); v != "" {
			all = append(all, t.shape(v))
		}
	}
	switch {
	case g.items == nil:
		return key(placeholder(attribute, basic(t.types[attribute])))
	case all == nil:
		return nil
	}
	for _, s := range all[1:] {
		if s.look() != all[0].look() {
			return key(placeholder(attribute, schema.Type{Kind: schema.TypeStr}))
		}
	}
	return keyOf(attribute, all)
}

// capacity adds up what is provisioned.
func (t *table) capacity() {
	settings, _ := t.n.Get("ProvisionedCapacitySettings")
	p, ok := settings.Get("ProvisionedThroughput")
	if !ok || !strings.EqualFold(text(t.n, "BillingMode"), "PROVISIONED") {
		return
	}
	rcu, _ := yamlfile.ParseNumber(text(p, "ReadCapacityUnits"))
	wcu, _ := yamlfile.ParseNumber(text(p, "WriteCapacityUnits"))
	t.s.Store.Capacity.RCU += rcu
	t.s.Store.Capacity.WCU += wcu
}
