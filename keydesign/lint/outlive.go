package lint

import (
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func outlivesParent(doc *report.Rule) rule {
	return rule{
		Rule:  doc,
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
		if r.Kind != schema.RefParent || parent == nil || d.inherits(t, parent) || !keydesign.Outlives(t.life.max, parent.life.min) {
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

func outlivesPrimary(doc *report.Rule) rule {
	return rule{
		Rule:  doc,
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
		if keydesign.Outlives(t.life.min, primary.life.min) || keydesign.Outlives(t.life.max, primary.life.max) {
			emit(t.finding(report.Warning, "it lives %s; %s, which it leads to, %s", t.lasting(), primary.text, primary.lasting()))
		}
	}
}
