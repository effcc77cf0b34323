package lint

import (
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// The patterns: how keys relate to the source of truth behind them.
const (
	cacheAside   = "cache-aside"
	writeThrough = "write-through"
	view         = "view"
)

// needPattern is what rules on a pattern lack where no template declares it.
func needPattern(name string) func(d *design) string {
	return func(d *design) string {
		for _, t := range d.templates {
			if t.Pattern.Name == name {
				return ""
			}
		}
		return "no template declares pattern " + name
	}
}

// of makes a check of the templates of one pattern.
func of(pattern string, check func(t *template, emit emitter)) func(*design, emitter) {
	return each(func(_ *design, t *template, emit emitter) {
		if t.Pattern.Name == pattern {
			check(t, emit)
		}
	})
}

func viewHole() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD100", Name: "view-hole", Title: "A view that ends before it is made anew", Severity: report.Error,
			Doc: `A view is made anew at intervals, and its readers expect to find it. Here its TTL may be shorter than the interval: from its
expiry to the next refresh there is nothing, again and again. A refresh that is late makes the hole wider.`,
			Fix: "make the TTL several times the refresh, so that one or two may fail",
		},
		lacks: needPattern(view),
		check: of(view, func(t *template, emit emitter) {
			if hole := t.Pattern.Refresh.Seconds() - t.life.min; hole > 0 {
				emit(t.measured(report.Error, secondsMetric("hole", hole),
					"it may be gone after %s, and is made anew every %s", span(t.life.min), span(t.Pattern.Refresh.Seconds())))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  top: {key: "top:{game:word}", type: zset, pattern: view, source: scores, refresh: 10m, ttl: {policy: fixed, value: 5m}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  top: {key: "top:{game:word}", type: zset, pattern: view, source: scores, refresh: 10m, ttl: {policy: fixed, value: 1h}}`,
	}
}

func staleView() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD101", Name: "view-without-refresh", Title: "A view that is never made anew", Severity: report.Warning,
			Doc: `A view shows what its source was when it was made. It neither expires nor is it made anew, so nothing ever brings it up to
date, and its readers cannot tell.`,
			Fix: "declare how often it is made anew (refresh: 10m), or a TTL after which readers make it",
		},
		lacks: needPattern(view),
		check: of(view, func(t *template, emit emitter) {
			if t.Pattern.Refresh == 0 && !t.life.mayEnd() {
				emit(t.finding(report.Warning, "it has neither a refresh nor a TTL"))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  top: {key: "top:{game:word}", type: hash, pattern: view, source: scores}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  top: {key: "top:{game:word}", type: hash, pattern: view, source: scores, refresh: 10m}
  low: {key: "low:{game:word}", type: hash, pattern: view, source: scores, ttl: {policy: fixed, value: 10m}}`,
	}
}

func noBackstop() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD102", Name: "write-through-without-ttl", Title: "A written-through copy without an end", Severity: report.Warning,
			Doc: `Each write goes to the source and to this copy. One of the two fails some day, or somebody changes the source by hand; the copy
is wrong from then on, and without a TTL it stays wrong. What nobody reads any more stays as well.`,
			Fix: "give it a TTL as a backstop, as long as a wrong value may be shown: ttl: {policy: fixed, value: 1d}",
		},
		lacks: needPattern(writeThrough),
		check: of(writeThrough, func(t *template, emit emitter) {
			if !t.life.mayEnd() {
				emit(t.finding(report.Warning, "a copy that is once wrong stays so: it has no TTL"))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  price: {key: "price:{sku:int}", type: string, pattern: write-through, source: prices}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  price: {key: "price:{sku:int}", type: string, pattern: write-through, source: prices, ttl: {policy: fixed, value: 1d}}`,
	}
}

const costlyMiss = 20 * time.Millisecond // KD103

func stampede() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD103", Name: "cache-stampede", Title: "A costly miss that many make at once", Severity: report.Warning,
			Doc: `To fill this cache costs much, and neither does the TTL have a random part nor does one caller compute for all. When a key that
is in demand expires, all its readers miss it together and each computes the same; keys that were filled together are missed
together.`,
			Fix: "let one caller compute while the others wait (single_flight: true), or add a random part to the TTL (jitter: ±20%)",
			Limits: []report.Limit{
				{Name: "cost", Value: costlyMiss.Seconds(), Unit: report.UnitDuration, Source: report.OwnDefault + ": of one miss"},
				{Name: "jitter", Value: jitterLeast, Unit: report.UnitRatio, Source: report.OwnDefault + ": less is none"},
			},
		},
		lacks: needPattern(cacheAside),
		check: of(cacheAside, func(t *template, emit emitter) {
			for i := range t.Access {
				a := &t.Access[i]
				if a.OnMiss.Cost >= costlyMiss && !a.OnMiss.SingleFlight && t.ttl.Policy == schema.TTLFixed && !jittered(&t.ttl) {
					cost := a.OnMiss.Cost.Seconds()
					emit(t.measured(report.Warning, secondsMetric("cost", cost), "a miss costs %s, and many are made at once", humanize.Duration(cost)))
				}
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  page:
    key: "page:{pid:int}"
    type: string
    pattern: cache-aside
    source: pages
    ttl: {policy: fixed, value: 10m}
    access: [{op: GET, on_miss: {op: SETEX, cost: 40ms}}]`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  page:
    key: "page:{pid:int}"
    type: string
    pattern: cache-aside
    source: pages
    ttl: {policy: fixed, value: 10m}
    access: [{op: GET, on_miss: {op: SETEX, cost: 40ms, single_flight: true}}]`,
	}
}
