package lint

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func indexWithoutRef() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD080", Name: "index-without-ref", Title: "An index to nowhere", Severity: report.Warning,
			Doc: `A template is an index, or looks like one, and does not say to what it leads. So nothing can check that what it names is there:
entries that lead nowhere are found by users.

A template looks like an index if its key begins with idx or index, or holds a name and then a value of that kind, as in
user:email:{email}.`,
			Fix: "declare where it leads: refs: [{kind: index, to: user, from: value}]",
		},
		check: each(func(_ *design, t *template, emit emitter) {
			leads := slices.ContainsFunc(t.Refs, func(r schema.Ref) bool { return r.Kind == schema.RefIndex })
			switch {
			case leads:
			case t.Kind == schema.Index:
				emit(t.finding(report.Warning, "an index that does not say where it leads"))
			case t.Kind == "" && looksLikeIndex(t.segments):
				emit(t.finding(report.Warning, "it looks like an index and does not say where it leads"))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  mail: {key: "idx:mail:{h:hash(sha256,32)}", kind: index, type: string}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:{uid:int}", type: hash}
  mail: {key: "idx:mail:{h:hash(sha256,32)}", kind: index, type: string, refs: [{kind: index, to: user, from: value}]}`,
	}
}

func looksLikeIndex(segments []segment) bool {
	if first := segments[0].text; first == "idx" || first == "index" {
		return true
	}
	for i := 1; i < len(segments)-1; i++ {
		next := &segments[i+1]
		if name, ok := segments[i].literal(); ok && len(next.fields) == 1 && next.text == hole && name == string(next.fields[0].Type.Kind) {
			return true
		}
	}
	return false
}

func scanAsQuery() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD085", Name: "scan-as-query", Title: "A scan in place of a query", Severity: report.Error, Stores: names(redisFamily()),
			Doc: `The application looks for keys by walking through all of them: with KEYS or SCAN while a user waits, or by a filter that
nothing serves. The time it takes grows with the whole keyspace, not with the answer, and KEYS stops the server meanwhile.

HSCAN, SSCAN and ZSCAN walk through one key and are not meant; nor are the searches of a search module (FT.…).`,
			Fix: "keep a set or a sorted set of what is looked for, and read that",
		},
		stores: redisFamily(), lacks: needAccess,
		check: each(func(_ *design, t *template, emit emitter) {
			for i := range t.Access {
				if a := &t.Access[i]; scans(a) {
					emit(t.finding(report.Error, "%s walks through all keys", describe(a)))
				}
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  cart: {key: "cart:{uid:int}", type: hash, access: [{op: SCAN MATCH, request_path: true}]}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  cart: {key: "cart:{uid:int}", type: hash, access: [{op: HGETALL, query: get, by: [uid], request_path: true}]}`,
	}
}

// scans reports whether an access of Redis walks through the keyspace for somebody who waits.
func scans(a *schema.Access) bool {
	if does(a.Op, " hscan sscan zscan ") || strings.HasPrefix(strings.ToLower(a.Op), "ft.") {
		return false
	}
	return a.RequestPath && does(a.Op, listing) || a.Query == "scan" || a.Query == "filter"
}

// describe names an access as its owner would.
func describe(a *schema.Access) string {
	for _, s := range []string{a.Name, a.Op, a.Query} {
		if s != "" {
			return s
		}
	}
	return "an access"
}

func prefixScan() rule {
	stores := append(redisFamily(), schema.Memcached, schema.DynamoDB)
	return rule{
		Rule: &report.Rule{
			ID: "KD086", Name: "prefix-scan-unsupported", Title: "A range over hashed keys", Severity: report.Error, Stores: names(stores),
			Doc: `The application asks for all keys of a prefix, or of a range. These stores keep keys by their hash: neighbours by name are
nowhere near each other, and the only way to find them is to look at all.

A range within one sorted set, list or stream is served, and so is one over the sort key of DynamoDB where the access gives the
whole partition key.`,
			Fix: "keep the members in one key (ZADD user:1:orders), use a sort key, or a store that keeps keys in order",
		},
		stores: stores, lacks: needAccess,
		check: each(checkPrefix),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  order: {key: "order:{uid:int}:{oid:int}", type: hash, access: [{op: SCAN, query: prefix_scan, by: [uid]}]}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  order:  {key: "order:{oid:int}", type: hash, access: [{op: HGETALL, query: get, by: [oid]}]}
  orders: {key: "user:{uid:int}:orders", type: zset, value: {elements: {max: 1k}}, access: [{op: ZRANGE, query: range, by: [uid]}]}`,
	}
}

func checkPrefix(d *design, t *template, emit emitter) {
	for i := range t.Access {
		a := &t.Access[i]
		ranged := a.Query == "prefix_scan" || a.Query == "range"
		within := a.Query == "range" && slices.Contains([]string{"zset", "list", "stream"}, t.Type)
		switch {
		case !ranged, inRedis(d.store) && (within || scans(a)), d.store == schema.DynamoDB && t.serves(a):
		default:
			emit(t.finding(report.Error, "%s asks for a %s of keys that are kept by their hash", describe(a), strings.ReplaceAll(a.Query, "_scan", "")))
		}
	}
}

func unservedAccess() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD087", Name: "access-pattern-unserved", Title: "A query that no index serves", Severity: report.Error,
			Stores: names(wideFamily()),
			Doc: `The application looks for items by fields that no key and no index begins with. The store can only answer by reading the whole
table, and CQL refuses it without ALLOW FILTERING.

An index serves an access that gives all fields of its partition key, and of its sort key none or the first ones.`,
			Fix: "add an index with these fields, or make them the key",
		},
		stores: wideFamily(), lacks: needAccess,
		check: each(func(d *design, t *template, emit emitter) {
			for i := range t.Access {
				a := &t.Access[i]
				ranged := d.store == schema.DynamoDB && (a.Query == "prefix_scan" || a.Query == "range") // for KD086
				if len(a.By) > 0 && a.Query != "scan" && !ranged && !t.serves(a) {
					emit(t.finding(report.Error, "%s looks by %s, which no key or index begins with", describe(a), strings.Join(a.By, ", ")))
				}
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order:
    type: item
    pk: "{uid:int}"
    value: {fields: {email: email}}
    access: [{op: Query, query: get, by: [email]}]`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order:
    type: item
    pk: "{uid:int}"
    indexes: {by_mail: {pk: "{email:hash(sha256,32)}"}}
    access: [{op: Query, query: get, by: [email]}]`,
	}
}

// serves reports whether the key of t or one of its indexes serves an access.
func (t *template) serves(a *schema.Access) bool {
	pk, sk := t.partitionKey()
	if begins(pk, sk, a.By) {
		return true
	}
	for i := range t.Item.Indexes {
		x := &t.Item.Indexes[i]
		of := x.PK
		if x.Local {
			of = pk
		}
		if begins(of, x.SK, a.By) {
			return true
		}
	}
	return false
}

// begins reports whether fields are those of pk, and beyond them only the first ones of sk.
func begins(pk, sk schema.Key, fields []string) bool {
	left := slices.Clone(fields)
	take := func(p *schema.Piece) bool {
		i := slices.Index(left, p.Name())
		if i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
		return i >= 0
	}
	for _, p := range placeholders(pk) {
		if !take(p) {
			return false
		}
	}
	for _, p := range placeholders(sk) {
		if !take(p) {
			break
		}
	}
	return len(left) == 0
}

const mostIndexes = 5 // KD088

func amplifiedIndex() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD088", Name: "write-amplified-index", Title: "A write that touches many indexes", Severity: report.Info,
			Stores: []string{"dynamodb"},
			Doc: `The table has so many secondary indexes that each write is several: every index that holds the item is written, paid for and
may throttle the table.`,
			Fix:    "let one index serve several queries (the same attribute for several kinds of item), or index only the items that are looked for",
			Limits: []report.Limit{{Name: "indexes", Value: mostIndexes, Unit: report.UnitCount, Source: report.OwnDefault}},
		},
		stores: []schema.StoreKind{schema.DynamoDB},
		check: each(func(_ *design, t *template, emit emitter) {
			if n := len(t.Item.Indexes); n > mostIndexes {
				emit(t.measured(report.Info, countMetric("indexes", float64(n)), "each write touches up to %s indexes", humanize.Count(float64(n))))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order:
    type: item
    pk: "{oid:int}"
    indexes:
      by_user:    {pk: "{uid:int}"}
      by_sku:     {pk: "{sku:int}"}
      by_mail:    {pk: "{mail:hash(sha256,32)}"}
      by_parcel:  {pk: "{parcel:int}"}
      by_invoice: {pk: "{invoice:int}"}
      by_coupon:  {pk: "{coupon:int}"}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: dynamodb}
templates:
  order:
    type: item
    pk: "{oid:int}"
    indexes: {by_user: {pk: "{uid:int}"}, by_sku: {pk: "{sku:int}"}}`,
	}
}

func noOwner() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD091", Name: "no-owner", Title: "Keys that nobody looks after", Severity: report.Info,
			Doc: `Nobody is declared to own these keys. When they grow, break or leak, nobody is asked, and nobody dares to delete them.

A file that names no owner at all has one finding.`,
			Fix: "declare it: owner: checkout-team, at the template or under defaults",
		},
		check: checkOwners,
		bad: `
kvschema: 1
templates:
  user: {key: "user:{uid:int}", type: hash, owner: identity}
  cart: {key: "cart:{uid:int}", type: hash}`,
		good: `
kvschema: 1
templates:
  user: {key: "user:{uid:int}", type: hash, owner: identity}
  cart: {key: "cart:{uid:int}", type: hash, owner: checkout}`,
	}
}

// checkOwners has one finding on a file in which nobody owns anything, not one a template.
func checkOwners(d *design, emit emitter) {
	var lacking []*template
	for _, t := range d.templates {
		if d.owner(t) == "" {
			lacking = append(lacking, t)
		}
	}
	if n := len(lacking); n > 1 && n == len(d.templates) {
		f := lacking[0].finding(report.Info, "none of the %d templates has an owner", n)
		f.Subject = keyspaceSubject
		emit(f)
		return
	}
	for _, t := range lacking {
		emit(t.finding(report.Info, "nobody is declared to own it"))
	}
}
