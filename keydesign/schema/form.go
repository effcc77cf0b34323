package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

// fieldNames is what fields may be called.
func fieldNames() yamlfile.NameForm {
	return yamlfile.NameForm{Expr: `^[a-z][A-Za-z0-9_]*$`, Want: "a small letter, then letters, digits and _"}
}

// templateNames is what templates may be called.
func templateNames() yamlfile.NameForm {
	return yamlfile.NameForm{Expr: `^[A-Za-z0-9_][A-Za-z0-9_.-]*$`, Want: "letters, digits, _, . and -"}
}

// anyNames is for names of what the application or its store names.
func anyNames() yamlfile.NameForm { return yamlfile.NameForm{Expr: `.`, Want: "a name"} }

// JSONSchema returns the JSON Schema of keys.yaml, for editors.
func JSONSchema() map[string]any {
	f := newParser().top().Form()
	f["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	f["title"] = "keys.yaml"
	f["description"] = "The keys of an application: their templates, and what is promised of each."
	return f
}

// typeForm matches whatever begins like a type.
func typeForm() yamlfile.Form {
	return yamlfile.Form{"pattern": `^(` + strings.Join(kindNames(), "|") + `)([(\[].*[)\]])?$`}
}

func (p *parser) top() yamlfile.Keys {
	return yamlfile.Keys{
		{Name: "kvschema", Doc: "Version of this format.", Required: true, Value: version()},
		{Name: "store", Doc: "What the keys are kept in.", Value: p.once(&p.s.Store.Pos, store(&p.s.Store))},
		{Name: "defaults", Doc: "What holds for templates that say nothing else.", Value: p.once(&p.s.Defaults.Pos, p.defaults(&p.s.Defaults))},
		{Name: "fields", Doc: "Populations that templates share: all that use one draw the same ids.", Value: collected(&p.fields, p.fieldMap())},
		{Name: "templates", Doc: "The shapes of keys, by name.", Value: collected(&p.templates, p.templateMap())},
		{Name: "lint", Doc: "What is accepted.", Value: p.lint(&p.s.Ignores)},
	}
}

func version() yamlfile.Value {
	return yamlfile.Value{
		Read: func(n yamlfile.Node) error {
			if text, tag := n.Scalar(); tag != "!!int" || text != fmt.Sprint(Version) {
				return n.Wantf("%d, the version that this release reads", Version)
			}
			return nil
		},
		Form: func() yamlfile.Form { return yamlfile.Form{"const": Version} },
	}
}

// policies are the eviction policies of the Redis family.
func policies() []string {
	var all []string
	for _, of := range [...]string{"allkeys", "volatile"} {
		for _, how := range [...]string{"lru", "lfu", "lrm", "random"} {
			all = append(all, of+"-"+how)
		}
	}
	return append(all, "volatile-ttl", "noeviction")
}

func store(s *Store) yamlfile.Value {
	kinds := []StoreKind{Redis, RedisCluster, Valkey, Memcached, DynamoDB, Cassandra, Scylla, Aerospike, Riak, Ordered}
	nodes := int64(0)
	v := yamlfile.Keys{
		{Name: "kind", Doc: "Kind of store.", Value: yamlfile.OneOf(&s.Kind, kinds...)},
		{Name: "version", Doc: "Its version.", Value: yamlfile.Version(&s.Version)},
		{Name: "nodes", Doc: "How many nodes, replicas apart.", Value: yamlfile.Count(&nodes)},
		{Name: "maxmemory", Doc: "Memory of all nodes together.", Value: yamlfile.Size(&s.MaxMemory)},
		{Name: "policy", Doc: "Which keys it evicts when memory is full.", Value: yamlfile.OneOf(&s.Policy, policies()...)},
		{Name: "durable", Doc: "true: what is written must survive a restart.", Value: yamlfile.Bool(&s.Durable)},
		{Name: "p99", Doc: "How long 99 of 100 requests may take, as the application needs it.", Value: yamlfile.Duration(&s.P99)},
		{Name: "capacity", Doc: "What was bought.", Value: yamlfile.Keys{
			{Name: "rcu", Doc: "Read capacity units of DynamoDB.", Value: yamlfile.Number(&s.Capacity.RCU)},
			{Name: "wcu", Doc: "Write capacity units of DynamoDB.", Value: yamlfile.Number(&s.Capacity.WCU)},
			{Name: "gb", Doc: "Storage, in gigabytes.", Value: yamlfile.Number(&s.Capacity.GB)},
			{Name: "ops_per_node", Doc: "Operations a second that one node serves.", Value: yamlfile.Number(&s.Capacity.OpsPerNode)},
		}.Value()},
	}.Value()
	return checked(v, func(n yamlfile.Node) error {
		if nodes > maxNodes {
			return n.Child("nodes").Wantf("at most %d", maxNodes)
		}
		s.Nodes = int(nodes)
		return nil
	})
}

// maxNodes is more than any store has.
const maxNodes = 100_000

func (p *parser) defaults(d *Defaults) yamlfile.Value {
	v := yamlfile.Keys{
		{Name: "owner", Doc: "Team that owns a template.", Value: yamlfile.Text(&d.Owner)},
		{Name: "separator", Doc: "What stands between the parts of a key.", Value: yamlfile.Text(&d.Separator)},
		{Name: "namespace", Doc: "What every key begins with.", Value: yamlfile.Text(&d.Namespace)},
		{Name: "ttl", Doc: "How long keys live.", Value: p.ttl(&d.TTL)},
	}.Value()
	return checked(v, func(n yamlfile.Node) error {
		if d.TTL.Policy == TTLInherit {
			return n.Child("ttl").Child("policy").Errorf("defaults.ttl.policy: inherit is for a template, which has another to inherit from")
		}
		return nil
	})
}

func (p *parser) fieldMap() yamlfile.Value {
	return yamlfile.Named(&p.s.Fields, fieldNames(), func(f *Field) yamlfile.Value {
		v := yamlfile.Keys{
			{Name: "type", Doc: "What values it has: int, uuid, enum[a,b], …", Required: true, Value: p.typ(&f.Type)},
			{Name: "cardinality", Doc: "How many values there are.", Value: yamlfile.Count(&f.Cardinality)},
			{Name: "growth", Doc: "How fast new ones come.", Value: yamlfile.Rate(&f.Growth)},
			{Name: "dist", Doc: "How accesses spread over them.", Value: dist(&f.Dist)},
			{Name: "span", Doc: "true: a value may hold separators.", Value: yamlfile.Bool(&f.Span)},
		}.Value()
		return p.once(&f.Pos, named(&f.Name, checked(v, func(n yamlfile.Node) error {
			f.Extensions = extensions(n)
			if f.Span && f.Type.Kind != TypeStr && f.Type.Kind != TypeOpaque {
				return n.Child("span").Errorf("%s.span: %s says itself what it holds; span is for str and opaque", n.Path(), f.Type)
			}
			f.Type.Span = f.Span
			return nil
		})))
	})
}

func (p *parser) templateMap() yamlfile.Value {
	return yamlfile.Named(&p.s.Templates, templateNames(), func(t *Template) yamlfile.Value {
		id := len(p.s.Templates) - 1
		v := formed(p.template(id, t).Value(), templateForm)
		return p.once(&t.Pos, yamlfile.Value{
			Read: func(n yamlfile.Node) error {
				t.Name, t.Extensions, p.index[n.Name()] = n.Name(), extensions(n), id
				if err := v.Read(n); err != nil {
					return err
				}
				return settle(t, n)
			},
			Form: v.Form,
		})
	})
}

func (p *parser) template(id int, t *Template) yamlfile.Keys {
	kinds := []Kind{Record, Cache, Session, Lock, RateLimit, Queue, Stream, Index, Counter, Config, Leaderboard, Blob, Temp}
	return yamlfile.Keys{
		{Name: "key", Doc: "Its shape: user:{uid}:cart. {{ and }} are braces of the key itself.", Value: p.key(&t.Key, &t.KeyPos)},
		{Name: "kind", Doc: "What it is for.", Value: yamlfile.OneOf(&t.Kind, kinds...)},
		{Name: "type", Doc: "What stands under a key.", Value: yamlfile.OneOf(&t.Type, "string", "hash", "list", "set", "zset", "stream", "json", item)},
		{Name: "pk", Doc: "Partition key of an item.", Value: p.key(&t.Item.PK, &t.KeyPos)},
		{Name: "sk", Doc: "Sort key of an item.", Value: p.key(&t.Item.SK, nil)},
		{Name: "indexes", Doc: "Secondary indexes of an item, by name.", Value: p.indexes(&t.Item)},
		{Name: "value", Doc: "How large the value is.", Value: p.value(&t.Value)},
		{Name: "ttl", Doc: "How long keys live.", Value: p.ttl(&t.TTL)},
		{Name: "cardinality", Doc: "How many keys there are.", Value: p.cardinality(id, &t.Cardinality)},
		{Name: "refs", Doc: "Which other keys it leads to.", Value: p.refs(id, &t.Refs)},
		{Name: "access", Doc: "How the application uses it.", Value: p.accesses(id, &t.Access)},
		{Name: "pattern", Doc: "How it relates to the source of truth.", Value: placed(&t.Pattern.Pos, yamlfile.OneOf(&t.Pattern.Name, patterns()...))},
		{Name: "source", Doc: "The source of truth: a template, or a name of something outside.", Value: yamlfile.Text(&t.Pattern.Source)},
		{Name: "refresh", Doc: "How often a view is made anew.", Value: yamlfile.Duration(&t.Pattern.Refresh)},
		{Name: "owner", Doc: "Team that owns it.", Value: yamlfile.Text(&t.Owner)},
		{Name: "version", Doc: "Version of its keys.", Value: yamlfile.Version(&t.KeyVersion)},
		{Name: "writers", Doc: "Programs that write it.", Value: yamlfile.Texts(&t.Writers)},
		{Name: "description", Doc: "What the next developer should know.", Value: yamlfile.Text(&t.Description)},
		{Name: "lint", Doc: "What is accepted here.", Value: p.lint(&t.Ignores)},
		{Name: "inferred", Doc: "What keydesign infer saw.", Value: inferred(&t.Inferred)},
	}
}

func patterns() []string { return []string{"cache-aside", "write-through", "write-behind", "view"} }

// item is the type of what DynamoDB keeps.
const item = "item"

// templateForm says in JSON Schema what settle does: that an item has a pk, and anything else a key.
func templateForm() yamlfile.Form {
	isItem := yamlfile.Form{"properties": yamlfile.Form{"type": yamlfile.Form{"const": item}}, "required": []string{"type"}}
	var none []any
	for _, k := range [...]string{"pk", "sk", "indexes"} {
		none = append(none, yamlfile.Form{"required": []string{k}})
	}
	return yamlfile.Form{
		"if":                isItem,
		"then":              yamlfile.Form{"required": []string{"pk"}, "not": yamlfile.Form{"required": []string{"key"}}},
		"else":              yamlfile.Form{"required": []string{"key"}, "not": yamlfile.Form{"anyOf": none}},
		"dependentRequired": yamlfile.Form{"source": []string{"pattern"}, "refresh": []string{"pattern"}},
	}
}

// settle derives the key of an item, and refuses what contradicts the type.
func settle(t *Template, n yamlfile.Node) error {
	name := n.Path()
	switch {
	case t.Type == item && t.Key != nil:
		return n.Child("key").Errorf("%s: an item has a pk, and may have a sk, instead of a key", name)
	case t.Type == item && t.Item.PK == nil:
		return n.Errorf("%s has no pk", name)
	case t.Type != item && t.Key == nil:
		return n.AtKey("%s has no key", name)
	case t.Type != item && (t.Item.PK != nil || t.Item.SK != nil || t.Item.Indexes != nil):
		return n.AtKey("%s: pk, sk and indexes are for type: item", name)
	case t.Pattern.Name == "" && (t.Pattern.Source != "" || t.Pattern.Refresh != 0):
		return n.AtKey("%s: source and refresh are of a pattern, and it has none", name)
	}
	if t.Type == item {
		t.Key = t.Item.Key()
		for i := range t.Item.Indexes {
			if x := &t.Item.Indexes[i]; x.Local {
				x.PK = t.Item.PK
			}
		}
	}
	return nil
}

// Key returns the key that kv.Join makes of the parts of an item: with | between them, and \ before | and \ inside one.
func (i Item) Key() Key {
	k := joined(nil, i.PK)
	if i.SK != nil {
		k = joined(append(k, Piece{Literal: "|"}), i.SK)
	}
	return slices.Clip(merged(k))
}

func joined(k, part Key) Key {
	for _, p := range part {
		if p.Type == nil {
			p.Literal = strings.NewReplacer(`\`, `\\`, `|`, `\|`).Replace(p.Literal)
		}
		k = append(k, p)
	}
	return k
}

// merged joins literals that stand beside each other.
func merged(k Key) Key {
	var out Key
	for _, p := range k {
		if last := len(out) - 1; last >= 0 && p.Type == nil && out[last].Type == nil {
			out[last].Literal += p.Literal
			continue
		}
		out = append(out, p)
	}
	return out
}

// indexForm says in JSON Schema that a local index has the pk of the table, and any other one of its own.
func indexForm() yamlfile.Form {
	return yamlfile.Form{
		"if":   yamlfile.Form{"properties": yamlfile.Form{"local": yamlfile.Form{"const": true}}, "required": []string{"local"}},
		"then": yamlfile.Form{"required": []string{"sk"}, "not": yamlfile.Form{"required": []string{"pk"}}},
		"else": yamlfile.Form{"required": []string{"pk"}},
	}
}

func (p *parser) indexes(i *Item) yamlfile.Value {
	return yamlfile.Named(&i.Indexes, anyNames(), func(x *ItemIndex) yamlfile.Value {
		v := yamlfile.Keys{
			{Name: "pk", Doc: "Its partition key; a local one has that of the table.", Value: p.key(&x.PK, nil)},
			{Name: "sk", Doc: "Its sort key.", Value: p.key(&x.SK, nil)},
			{Name: "local", Doc: "true: a local secondary index.", Value: yamlfile.Bool(&x.Local)},
		}.Value()
		return placed(&x.Pos, checked(formed(v, indexForm), func(n yamlfile.Node) error {
			x.Name = n.Name()
			switch {
			case x.Local && (x.PK != nil || x.SK == nil):
				return n.AtKey("%s: a local index has a sk, and the pk of the table", n.Path())
			case !x.Local && x.PK == nil:
				return n.AtKey("%s has no pk", n.Path())
			}
			return nil
		}))
	})
}

func (p *parser) lint(ignores *[]Ignore) yamlfile.Value {
	ignore := func(i *Ignore) yamlfile.Value {
		return placed(&i.Pos, yamlfile.Keys{
			{Name: "rule", Doc: "Which rule: KD043.", Required: true, Value: yamlfile.Match(&i.Rule, `^[A-Z]{2}[0-9]{3}$`, "a rule, such as KD043")},
			{Name: "on", Doc: "Which template.", Value: p.templateName(&i.On)},
			{Name: "reason", Doc: "Why it is accepted.", Required: true, Value: yamlfile.Text(&i.Reason)},
			{Name: "expires", Doc: "Until when, as 2026-12-31.", Value: yamlfile.Date(&i.Expires)},
		}.Value())
	}
	return yamlfile.Keys{{Name: "ignore", Doc: "Findings that are accepted.", Value: appended(ignores, ignore)}}.Value()
}

// appended is a list of which several files may have a part.
func appended[T any](all *[]T, of func(*T) yamlfile.Value) yamlfile.Value {
	var part []T
	return checked(yamlfile.List(&part, of), func(yamlfile.Node) error {
		*all = append(*all, part...)
		return nil
	})
}

func inferred(i **Inferred) yamlfile.Value {
	in := &Inferred{}
	v := yamlfile.Keys{
		{Name: "keys", Doc: "How many keys.", Value: yamlfile.Count(&in.Keys)},
		{Name: "share", Doc: "Their share of all.", Value: yamlfile.Percent(&in.Share)},
		{Name: "confidence", Doc: "How sure the inference is.", Value: yamlfile.Text(&in.Confidence)},
		{Name: "examples", Doc: "Some of the keys.", Value: yamlfile.List(&in.Examples, yamlfile.Bytes)},
	}.Value()
	return checked(v, func(yamlfile.Node) error {
		*i = in
		return nil
	})
}
