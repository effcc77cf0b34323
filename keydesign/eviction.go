package keydesign

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

const lastingShare = 0.5 // KD068: of the memory, by keys that cannot be evicted

// evictionRule is the number of the rule that asks the server and not only its keys.
const evictionRule = "KD068"

func evictionMismatch() rule {
	return rule{&report.Rule{
		ID: evictionRule, Name: "eviction-mismatch", Title: "An eviction policy against what the keys are for", Severity: report.Error,
		Stores: redisFamily(),
		Doc: `The eviction policy does not go with the keys.

- noeviction with a cache: when the memory is full, writes fail, although there is something to throw away.
- allkeys-* with records, queues or locks: when the memory is full, they are thrown away.
- volatile-* where keys without TTL take more than half of the memory: what may be evicted is too little, and is all gone soon.

The policy is that of the schema, or of the server where it has a limit of its memory. What keys are for only a schema says; a dump
does not tell the policy.`,
		Fix:    "keep what may be lost and what may not in two instances, each with its policy",
		Bad:    []string{"maxmemory-policy allkeys-lru, and a queue q:mail beside page:1, page:2, …"},
		Good:   []string{"maxmemory-policy volatile-lru, page:1 with a TTL, and q:mail without"},
		Limits: []report.Limit{{Name: "no_ttl", Value: lastingShare, Unit: report.UnitRatio, Source: report.OwnDefault + ", of maxmemory"}},
	}, kv.FieldName, checkEviction}
}

// EvictionMismatch says what is wrong with an eviction policy; "" is nothing. Lasting is what keys take that never expire, of most
// bytes; ofKind names the templates of some kinds. The measure is how many of these, or the share of what lasts.
func EvictionMismatch(policy string, lasting, most float64, ofKind func(...schema.Kind) []string) (message string, measure report.Metric) {
	switch {
	case policy == "noeviction":
		if ts := ofKind(schema.Cache); len(ts) > 0 {
			return "noeviction: when the memory is full, writes fail, although " + listed(ts) + " could go", countMetric("templates", int64(len(ts)))
		}
	case strings.HasPrefix(policy, "allkeys-"):
		if ts := ofKind(schema.Record, schema.Queue, schema.Lock); len(ts) > 0 {
			return policy + " may evict " + listed(ts), countMetric("templates", int64(len(ts)))
		}
	case strings.HasPrefix(policy, "volatile-") && most > 0 && lasting/most > lastingShare:
		return fmt.Sprintf("%s may evict only keys with a TTL; those without take %s of the memory", policy, humanize.Ratio(lasting/most)),
			report.Metric{Name: "no_ttl", Value: report.Number(lasting / most), Unit: report.UnitRatio}
	}
	return "", measure
}

// listed writes names, or as many as fit into a line.
func listed(names []string) string {
	const most = 4
	if more := len(names) - most; more > 0 {
		names = append(slices.Clone(names[:most]), humanize.Count(float64(more))+" more")
	}
	return strings.Join(names, ", ")
}

// checkEviction holds the policy of the server against its keys. Without a limit nothing is ever evicted, and no write fails for it.
func checkEviction(ks *keyspace, emit func(report.Finding)) {
	if ks.server.MaxMemory == 0 {
		return
	}
	lasting := 0.0
	for _, t := range ks.templates {
		if t.timed > 0 {
			lasting += float64(t.bytes()) * float64(t.persistent) / float64(t.timed)
		}
	}
	message, measure := EvictionMismatch(ks.server.Policy, lasting, float64(ks.server.MaxMemory), ks.ofKind)
	if message != "" {
		emit(report.Finding{Severity: report.Error, Subject: serverSubject, Message: message, Measure: &measure})
	}
}

// ofKind lists the templates that are declared to be of some kinds, and have keys.
func (ks *keyspace) ofKind(kinds ...schema.Kind) (texts []string) {
	for _, t := range ks.templates {
		if t.promise != nil && slices.Contains(kinds, t.promise.kind) {
			texts = append(texts, t.text)
		}
	}
	return texts
}

func slidingForever() rule {
	return rule{&report.Rule{
		ID: "KD070", Name: "sliding-forever", Title: "Keys that live for ever if only they are used", Severity: report.Info,
		Doc: `Each use of these keys sets their TTL anew, and nothing ends that: the schema declares no max_age. A session that is stolen is
good for as long as somebody uses it, and a cached value that is popular is never made anew.

That each use sets the TTL anew is seen where what a key has left and the time since it was used are the TTL together, of 10 keys or
more; a store that does not tell idle times does not tell it.`,
		Fix:    "end it: write when the key was made into it, refuse it when it is too old, and declare max_age: 24h",
		Bad:    []string{"ttl: {policy: sliding, idle: 30m}, and EXPIRE session:S1 1800 with each request"},
		Good:   []string{"ttl: {policy: sliding, idle: 30m, max_age: 24h}"},
		Limits: []report.Limit{{Name: "keys", Value: leaseKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": that told their idle time"}},
	}, kv.FieldTTL | kv.FieldIdle, func(ks *keyspace, emit func(report.Finding)) {
		for _, t := range ks.templates {
			if p := t.promise; p != nil && p.life.policy == schema.TTLSliding && !p.life.capped && t.lease().Slides() {
				emit(t.finding(report.Info, countMetric("keys", t.expiring), "each use sets the TTL of %s anew, and no max_age ends that", p.life))
			}
		}
	}}
}
