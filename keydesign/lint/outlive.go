package lint

import (
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

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
		parent := d.byName[r.To]
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
		primary := d.byName[r.To]
		if r.Kind != schema.RefIndex || primary == nil || d.inherits(t, primary) {
			continue
		}
		if longer(t.life.min, primary.life.min) || longer(t.life.max, primary.life.max) {
			emit(t.finding(report.Warning, "it lives %s; %s, which it leads to, %s", t.lasting(), primary.text, primary.lasting()))
		}
	}
}
