package lint

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func evictionMismatch(doc *report.Rule) rule {
	return rule{
		Rule:   doc,
		stores: redisFamily(),
		lacks: func(d *design) string {
			if d.Store.Policy == "" {
				return "store.policy is not declared"
			}
			return ""
		},
		check: checkEviction,
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis, policy: allkeys-lru}
templates:
  page:  {key: "page:{pid:int}", kind: cache, type: string, ttl: {policy: fixed, value: 10m}}
  queue: {key: "q:{name:word}", kind: queue, type: list, value: {trim: consumer}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: redis, policy: volatile-lru}
templates:
  page:  {key: "page:{pid:int}", kind: cache, type: string, ttl: {policy: fixed, value: 10m}}
  queue: {key: "q:{name:word}", kind: queue, type: list, value: {trim: consumer}}`,
	}
}

func checkEviction(d *design, emit emitter) {
	lasting := 0.0
	for _, t := range d.templates {
		if math.IsInf(t.life.max, 1) && t.ttl.Policy != schema.TTLSliding {
			lasting += t.bytes()
		}
	}
	message, measure := keydesign.EvictionMismatch(d.Store.Policy, lasting, float64(d.Store.MaxMemory), d.ofKind)
	if message != "" {
		f := d.onServer("%s", message)
		f.Measure = &measure
		emit(f)
	}
}

// ofKind lists the templates of some kinds by name.
func (d *design) ofKind(kinds ...schema.Kind) []string {
	var names []string
	for _, t := range d.templates {
		if slices.Contains(kinds, t.Kind) {
			names = append(names, t.Name)
		}
	}
	return names
}
