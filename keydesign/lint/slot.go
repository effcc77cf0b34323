package lint

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD025 and KD027, those that keydesign holds against keys.
const (
	slots      = 16384
	slotTimes  = 1.5
	slotChance = 1.25
	slotKeys   = 5 // a slot, in the mean
	tagShare   = 0.01
	tagKeys    = 1000
	tagBytes   = 1 << 30
)

func slotSkew(doc *report.Rule) rule {
	return rule{
		Rule: doc, stores: cluster(), lacks: needTags,
		check: each(checkSlots),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
fields:
  shop: {type: int, cardinality: 1k}
  sku:  {type: int, cardinality: 100k}
templates:
  stock: {key: "{{shop:{shop}}}:stock:{sku}", type: string, cardinality: {live: 10M}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
fields:
  shop: {type: int, cardinality: 1k}
  sku:  {type: int, cardinality: 100k}
templates:
  stock: {key: "{{sku:{sku}}}:stock:{shop}", type: string, cardinality: {live: 10M}}`,
	}
}

// checkSlots compares the fullest slot with the mean, if the tags of t are few and its keys many. Which slots the tags fall
// into is chance; that each falls into one is not.
func checkSlots(d *design, t *template, emit emitter) {
	tags := d.distinct(t.tagged)
	if t.tag == "" || tags == 0 || t.keys == 0 || d.giant(t, tags) != "" {
		return
	}
	mean := d.keys / slots
	fullest := t.keys/tags + (d.keys-t.keys)/slots
	chance := 1 + math.Sqrt(2*math.Log(slots)/mean)
	if times := fullest / mean; mean >= slotKeys && times > max(slotTimes, slotChance*chance) {
		emit(t.measured(report.Warning, report.Metric{Name: "keys_max_over_mean", Value: report.Number(times), Unit: report.UnitFactor},
			"%s tags hold %s keys: one slot has %s of the mean", humanize.Count(tags), humanize.Count(t.keys), humanize.Factor(times)))
	}
}

func needTags(d *design) string {
	if slices.ContainsFunc(d.templates, func(t *template) bool { return t.tag != "" }) {
		return ""
	}
	return "no template has a hash tag"
}

func giantTag(doc *report.Rule) rule {
	return rule{
		Rule: doc, stores: cluster(), lacks: needTags,
		check: each(func(d *design, t *template, emit emitter) {
			if t.tag == "" {
				return
			}
			if what := d.giant(t, d.distinct(t.tagged)); what != "" {
				emit(t.finding(report.Error, "%s", what))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
templates:
  profile: {key: "{{app}}:user:{uid:int}", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
templates:
  profile: {key: "{{user:{uid:int}}}:profile", type: hash}`,
	}
}

// giant says what one tag of t keeps together, if that is too much. A template of one key keeps nothing together.
func (d *design) giant(t *template, tags float64) string {
	switch {
	case len(placeholders(t.Key)) == 0:
		return ""
	case len(placeholders(t.tagged)) == 0:
		return "the hash tag {" + t.tag + "} is always the same: all its keys are in one slot"
	case tags == 0 || t.keys == 0:
		return ""
	}
	each := t.keys / tags
	switch {
	case each >= tagKeys && each > tagShare*d.keys:
		return "each of " + humanize.Count(tags) + " hash tags keeps " + humanize.Ratio(each/d.keys) + " of the declared keys in one slot"
	case t.bytes()/tags > tagBytes:
		return "each hash tag keeps " + humanize.Bytes(t.bytes()/tags) + " in one slot"
	}
	return ""
}

func crossSlot() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD029", Name: "crossslot-access", Title: "One command, keys in several slots", Severity: report.Error,
			Stores: names(append(cluster(), schema.Valkey)),
			Doc: `An access needs several keys at once, and these do not hash to the same slot. A cluster refuses it with CROSSSLOT; as long as
there is one server nobody notices.

Keys are in one slot if their hash tags are the same bytes: the same text around the same field. Several keys of one template
are, if their tag leaves out what tells them apart. Several nodes of Valkey count as a cluster.`,
			Fix: "give the keys one hash tag: {user:1}:cart and {user:1}:profile; or read them one by one",
		},
		stores: cluster(), lacks: needAccess,
		check: checkCrossSlot,
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
templates:
  cart:
    key: "user:{uid:int}:cart"
    type: hash
    access: [{op: MULTI, query: tx, keys: [cart, profile]}]
  profile: {key: "user:{uid:int}:profile", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
templates:
  cart:
    key: "{{user:{uid:int}}}:cart"
    type: hash
    access: [{op: MULTI, query: tx, keys: [cart, profile]}]
  profile: {key: "{{user:{uid:int}}}:profile", type: hash}`,
	}
}

func checkCrossSlot(d *design, emit emitter) {
	for _, t := range d.templates {
		for i := range t.Access {
			a := &t.Access[i]
			keys := d.together(t, a)
			if keys == nil {
				continue
			}
			if why := apart(keys); why != "" {
				emit(t.finding(report.Error, "%s needs keys of %s", a.Op, why))
			}
		}
	}
}

// together returns the templates whose keys an access needs at once, a template twice if it needs two of its keys; nil if it
// needs one key.
func (d *design) together(t *template, a *schema.Access) []*template {
	ts := d.named(a.Keys)
	switch several := a.Query == "multi_get" || does(a.Op, multiKey); {
	case len(ts) > 1:
		return ts
	case several && len(ts) == 1:
		return append(ts, ts[0])
	case several:
		return []*template{t, t}
	}
	return nil
}

// apart says why keys may be in different slots, or "".
func apart(ts []*template) string {
	for i, t := range ts {
		switch {
		case t.tag == "" && len(placeholders(t.Key)) == 0 && slices.IndexFunc(ts, func(o *template) bool { return o != t }) < 0:
			return "" // one key, again and again
		case t.tag == "":
			return t.text + ", which has no hash tag"
		case t.tag != ts[0].tag:
			return ts[0].text + " and " + t.text + ", whose hash tags differ"
		case slices.Contains(ts[:i], t) && len(placeholders(t.tagged)) == len(placeholders(t.Key)):
			return t.text + ", each with a hash tag of its own"
		}
	}
	return ""
}

func unnecessaryTag() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD030", Name: "unnecessary-tag", Title: "A hash tag that no access needs", Severity: report.Info,
			Stores: names(append(cluster(), schema.Valkey)),
			Doc: `These keys have a hash tag, and no declared access needs several of them at once. A tag costs: what has it can only be moved
together, and keys that are hashed by one field spread worse than keys that are hashed whole.`,
			Fix: "leave the tag out, or declare the access that it is for",
		},
		stores: cluster(), lacks: needTags,
		check: checkTags,
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
templates:
  icon: {key: "{{user:{uid:int}}}:icon", type: string, access: [{op: GET}]}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis-cluster, nodes: 6}
templates:
  icon: {key: "user:{uid:int}:icon", type: string, access: [{op: GET}]}
  name: {key: "{{user:{uid:int}}}:name", type: string, access: [{op: MGET, keys: [name, mail]}]}
  mail: {key: "{{user:{uid:int}}}:mail", type: string, access: [{op: GET}]}`,
	}
}

// checkTags leaves out templates that declare no access: what they need is not known.
func checkTags(d *design, emit emitter) {
	needed := map[*template]bool{}
	for _, t := range d.templates {
		for i := range t.Access {
			for _, at := range d.together(t, &t.Access[i]) {
				needed[at] = true
			}
		}
	}
	for _, t := range d.templates {
		if t.tag != "" && len(t.uses) > 0 && !needed[t] {
			emit(t.finding(report.Info, "no declared access needs two keys of the tag {%s}", t.tag))
		}
	}
}
