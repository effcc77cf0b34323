package lint

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func missingTTL() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD060", Name: "missing-ttl-policy", Title: "Passing things without an end", Severity: report.Error,
			Doc: `A cache, a session, a lock, a rate limit or something temporary is meant to pass, and its TTL is not declared, or is declared to
be none. Then whoever writes the program decides, and usually nothing is set; what nobody reads any more stays for ever.

A cache without TTL is no finding where the store may evict any key (allkeys-*) and the file says policy: none. Locks of Redis are
for KD062.`,
			Fix: "declare a TTL: ttl: {policy: fixed, value: 10m, jitter: ±20%}",
		},
		check: each(checkEnd),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{pid:int}", kind: cache, type: string}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{pid:int}", kind: cache, type: string, ttl: {policy: fixed, value: 10m}}
  user: {key: "user:{uid:int}", kind: record, type: hash}`,
	}
}

func checkEnd(d *design, t *template, emit emitter) {
	passing := []schema.Kind{schema.Cache, schema.Session, schema.RateLimit, schema.Temp}
	if !inRedis(d.store) {
		passing = append(passing, schema.Lock)
	}
	evicted := t.Kind == schema.Cache && t.ttl.Policy == schema.TTLNone && evictsAny(d.Store.Policy)
	if t.expires() || evicted || !slices.Contains(passing, t.Kind) {
		return
	}
	if t.ttl.Policy == schema.TTLNone {
		emit(t.finding(report.Error, "a %s is declared to have no TTL", t.Kind))
		return
	}
	emit(t.finding(report.Error, "a %s without a declared TTL", t.Kind))
}

func evictsAny(policy string) bool { return strings.HasPrefix(policy, "allkeys-") }

func immortalLocks(doc *report.Rule) rule {
	return rule{
		Rule: doc, stores: redisFamily(),
		check: each(func(_ *design, t *template, emit emitter) {
			if isLock(t) && !t.expires() {
				emit(t.finding(report.Error, "a lock without a TTL: when its holder dies, nobody can take it again"))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  pay: {key: "lock:order:{oid:int}", kind: lock, type: string, ttl: {policy: none}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  pay:   {key: "lock:order:{oid:int}", kind: lock, type: string, ttl: {policy: fixed, value: 10s}}
  clock: {key: "clock:{host:word}", type: string}`,
	}
}

// lockWords are the names of locks, as in keydesign.
const lockWords = " lock locks mutex mutexes sem semaphore semaphores "

// isLock reports whether a template is declared as a lock or, where its kind is not declared, named as one.
func isLock(t *template) bool {
	if t.Kind != "" || t.Type != "" && t.Type != "string" && t.Type != "hash" {
		return t.Kind == schema.Lock
	}
	return slices.ContainsFunc(t.segments, func(s segment) bool {
		return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(s.text), func(r rune) bool { return strings.ContainsRune(weakSeparators+hole, r) }),
			func(w string) bool { return strings.Contains(lockWords, " "+w+" ") })
	})
}

// The limits of KD064.
const (
	jitterLeast = 0.05 // of the TTL
	jitterTTL   = time.Minute
	jitterKeys  = 100_000
)

func noJitter() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD064", Name: "no-jitter", Title: "Many keys with exactly one TTL", Severity: report.Warning,
			Stores: names(append(redisFamily(), schema.Memcached)),
			Doc: `Very many keys have the same TTL, or a program that loads in bulk writes them. What is written together then expires together:
after a deployment, a warm-up or an outage, all of it is missed in the same second, and once more a TTL later.

A writer loads in bulk if its name says so: bulk, batch, import, load, warm-up, etl or cron.`,
			Fix: "add a random part to the TTL: EX 3600 ± 15 %, and declare jitter: ±15%",
			Limits: []report.Limit{
				{Name: "jitter", Value: jitterLeast, Unit: report.UnitRatio, Source: ours + ": less is none"},
				{Name: "ttl", Value: jitterTTL.Seconds(), Unit: report.UnitDuration, Source: ours + ": shorter ones spread by themselves"},
				{Name: "keys", Value: jitterKeys, Unit: report.UnitCount, Source: ours + ": of fewer nobody notices"},
			},
		},
		stores: append(redisFamily(), schema.Memcached),
		check:  each(checkJitter),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{pid:int}", kind: cache, type: string, ttl: {policy: fixed, value: 1h}, cardinality: {live: 300k}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{pid:int}", kind: cache, type: string, ttl: {policy: fixed, value: 1h, jitter: ±15%}, cardinality: {live: 300k}}
  menu: {key: "menu:{pid:int}", kind: cache, type: string, ttl: {policy: fixed, value: 1h}, cardinality: {live: 200}}`,
	}
}

func checkJitter(_ *design, t *template, emit emitter) {
	if t.ttl.Policy != schema.TTLFixed || t.ttl.Value < jitterTTL || jittered(&t.ttl) {
		return
	}
	switch {
	case t.keys > jitterKeys:
		emit(t.measured(report.Warning, countMetric("keys", t.keys), "%s keys all have a TTL of %s", humanize.Count(t.keys), span(t.ttl.Value.Seconds())))
	case slices.ContainsFunc(t.Writers, loadsInBulk):
		emit(t.finding(report.Warning, "they are loaded in bulk, and all have a TTL of %s", span(t.ttl.Value.Seconds())))
	}
}

// jittered reports whether the random part of a TTL is enough to spread the expiries.
func jittered(t *schema.TTL) bool { return t.Jitter.Spread(t.Value) >= jitterLeast }

func loadsInBulk(writer string) bool {
	parts := strings.FieldsFunc(strings.ToLower(writer), func(r rune) bool { return strings.ContainsRune("-_./ ", r) })
	return slices.ContainsFunc(parts, func(p string) bool {
		return strings.Contains(" bulk batch import importer load loader warmup warmer etl cron ", " "+p+" ")
	})
}

// slackLimits documents slack.
func slackLimits() []report.Limit {
	return []report.Limit{
		{Name: "slack", Value: 0.1, Unit: report.UnitRatio, Source: ours + ": of the shorter life"},
		{Name: "least_slack", Value: 60, Unit: report.UnitDuration, Source: ours},
	}
}

func outlivesParent() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD066", Name: "child-outlives-parent", Title: "Keys that outlive what they belong to", Severity: report.Warning,
			Doc: `These keys belong to a parent, and may live longer than it. What is left then is an orphan: it takes memory, and whoever finds
it must guess what it was about.

Lives are intervals. A fixed TTL lasts value ± jitter; a sliding one from idle to max_age, or for ever without one; inherit is the
life of the other template. The longest life of the child is held against the shortest of the parent. No declared TTL is none.`,
			Fix:    "inherit the TTL of the parent and set both in one transaction; or refer to something that lives longer",
			Limits: slackLimits(),
		},
		check: each(checkParents),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  session: {key: "session:{sid:uuid}", kind: session, type: hash, ttl: {policy: sliding, idle: 30m, max_age: 24h}}
  cart:
    key: "cart:{sid:uuid}"
    type: hash
    ttl: {policy: sliding, idle: 14d, max_age: 60d}
    refs: [{kind: parent, to: session, on: sid}]`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  session: {key: "session:{sid:uuid}", kind: session, type: hash, ttl: {policy: sliding, idle: 30m, max_age: 24h}}
  cart:
    key: "cart:{sid:uuid}"
    type: hash
    ttl: {policy: inherit, of: session}
    refs: [{kind: parent, to: session, on: sid}]`,
	}
}

func checkParents(d *design, t *template, emit emitter) {
	for i := range t.Refs {
		r := &t.Refs[i]
		parent := d.find(r.To)
		if r.Kind != schema.RefParent || parent == nil || d.inherits(t, parent) || !longer(t.life.max, parent.life.min) {
			continue
		}
		f := t.finding(report.Warning, "it lives %s; its parent %s may be gone after %s", t.lasting(), parent.text, span(parent.life.min))
		if t.life.ends() {
			m := secondsMetric("outlives_by", t.life.max-parent.life.min)
			f.Measure = &m
		}
		emit(f)
	}
}

func outlivesPrimary() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD067", Name: "index-outlives-primary", Title: "Index entries that outlive what they lead to", Severity: report.Warning,
			Doc: `These keys lead to others, which expire before them or at all. The entries that are left lead nowhere: each look-up through
them costs two steps and finds nothing, and there are more of them every day.

An index may not live longer than its primary, neither at the least nor at the most. No declared TTL is none.`,
			Fix:    "give the entry the TTL of what it leads to, and set both in one transaction",
			Limits: slackLimits(),
		},
		check: each(checkPrimaries),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:{uid:int}", type: hash, ttl: {policy: fixed, value: 1d}}
  mail:
    key: "idx:mail:{h:hash(sha256,32)}"
    kind: index
    type: string
    ttl: {policy: none}
    refs: [{kind: index, to: user, from: value}]`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:{uid:int}", type: hash, ttl: {policy: fixed, value: 1d}}
  mail:
    key: "idx:mail:{h:hash(sha256,32)}"
    kind: index
    type: string
    ttl: {policy: fixed, value: 1d}
    refs: [{kind: index, to: user, from: value}]`,
	}
}

func checkPrimaries(d *design, t *template, emit emitter) {
	for i := range t.Refs {
		r := &t.Refs[i]
		primary := d.find(r.To)
		if r.Kind != schema.RefIndex || primary == nil || d.inherits(t, primary) {
			continue
		}
		if longer(t.life.min, primary.life.min) || longer(t.life.max, primary.life.max) {
			emit(t.finding(report.Warning, "it lives %s; %s, which it leads to, %s", t.lasting(), primary.text, primary.lasting()))
		}
	}
}

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

// longestRelative is the longest time that memcached takes as a duration (protocol.txt, expiration times).
const longestRelative = 30 * 24 * time.Hour

func longExpiry() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD069", Name: "memcached-ttl-over-30d", Title: "A TTL that memcached takes for a date", Severity: report.Error,
			Stores: []string{"memcached"},
			Doc: `memcached takes an expiration time of more than 30 days as seconds since 1970. A TTL of 60 days is a day in 1970: the value is
gone as soon as it is written, and nothing says so.`,
			Fix: "send the point in time, now + 60 days, or use a shorter TTL",
			Limits: []report.Limit{
				{Name: "longest", Value: longestRelative.Seconds(), Unit: report.UnitDuration, Source: "protocol of memcached, expiration times"},
			},
		},
		stores: []schema.StoreKind{schema.Memcached},
		check: each(func(_ *design, t *template, emit emitter) {
			ttl := t.ttl.Idle.Seconds()
			if t.ttl.Policy == schema.TTLFixed {
				_, ttl = jitter(&t.ttl)
			}
			if ttl > longestRelative.Seconds() {
				emit(t.measured(report.Error, secondsMetric("ttl", ttl), "a TTL of %s is more than 30 days", span(ttl)))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
store: {kind: memcached}
templates:
  page: {key: "page:{pid:int}", kind: cache, ttl: {policy: fixed, value: 60d}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
store: {kind: memcached}
templates:
  page: {key: "page:{pid:int}", kind: cache, ttl: {policy: fixed, value: 30d}}`,
	}
}
