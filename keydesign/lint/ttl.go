package lint

import (
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

func persistentLocks(doc *report.Rule) rule {
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
				{Name: "jitter", Value: jitterLeast, Unit: report.UnitRatio, Source: report.OwnDefault + ": less is none"},
				{Name: "ttl", Value: jitterTTL.Seconds(), Unit: report.UnitDuration, Source: report.OwnDefault + ": shorter ones spread by themselves"},
				{Name: "keys", Value: jitterKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": of fewer nobody notices"},
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
				_, ttl = jitter(t.ttl.Value, t.ttl.Jitter)
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
