package lint

import (
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

const lastingShare = 0.5 // KD068: of the memory, by keys that cannot be evicted

func evictionMismatch() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD068", Name: "eviction-mismatch", Title: "An eviction policy against what the keys are for", Severity: report.Error,
			Stores: names(redisFamily()),
			Doc: `The declared policy does not go with the declared keys.

- noeviction with a cache: when the memory is full, writes fail, although there is something to throw away.
- allkeys-* with records, queues or locks: when the memory is full, they are thrown away.
- volatile-* where keys without TTL take more than half of the memory: what may be evicted is too little, and is all gone soon.`,
			Fix:    "keep what may be lost and what may not in two instances, each with its policy",
			Limits: []report.Limit{{Name: "no_ttl", Value: lastingShare, Unit: report.UnitRatio, Source: ours + ", of maxmemory"}},
		},
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
	switch policy := d.Store.Policy; {
	case policy == "noeviction":
		if ts := d.ofKind(schema.Cache); ts != "" {
			emit(d.onServer("noeviction: when the memory is full, writes fail, although %s could go", ts))
		}
	case evictsAny(policy):
		if ts := d.ofKind(schema.Record, schema.Queue, schema.Lock); ts != "" {
			emit(d.onServer("%s may evict %s", policy, ts))
		}
	case strings.HasPrefix(policy, "volatile-") && d.Store.MaxMemory > 0:
		lasting := 0.0
		for _, t := range d.templates {
			if math.IsInf(t.life.max, 1) && t.ttl.Policy != schema.TTLSliding {
				lasting += t.bytes()
			}
		}
		if share := lasting / float64(d.Store.MaxMemory); share > lastingShare {
			f := d.onServer("%s may evict only keys with a TTL; those without take %s of the memory", policy, humanize.Ratio(share))
			m := ratioMetric("no_ttl", share)
			f.Measure = &m
			emit(f)
		}
	}
}

// ofKind lists the templates of some kinds by name, or as many as fit into a line.
func (d *design) ofKind(kinds ...schema.Kind) string {
	var names []string
	for _, t := range d.templates {
		if slices.Contains(kinds, t.Kind) {
			names = append(names, t.Name)
		}
	}
	const most = 4
	if more := len(names) - most; more > 0 {
		names = append(names[:most], humanize.Count(float64(more))+" more")
	}
	return strings.Join(names, ", ")
}
