package keydesign

import (
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// longerRatio is how many times the longest declared TTL one may be.
const longerRatio = 1.1

// TTLDrift is the rule about TTLs other than declared, for who estimates the TTL that was set.
const TTLDrift = "KD071"

func longerTTL() rule { return rule{TTLDriftRule(), kv.FieldTTL, checkLonger} }

// TTLDriftRule returns the rule TTLDrift. Who compares two states of a keyspace has limits beside those of one.
func TTLDriftRule(limits ...report.Limit) *report.Rule {
	return &report.Rule{
		ID: TTLDrift, Name: "ttl-drift", Title: "TTLs other than declared, or than before", Severity: report.Error,
		Doc: `Keys live longer than the schema says, or end where it says that they stay. Usually a TTL was changed where it is set and not
in the schema, or the other way round: memory was planned for the one and is used for the other.

One scan sees what is left of TTLs and not what was set, so of a single key it can tell that its TTL is too long and not that it is
too short. Of a template with 200 keys or more kvtool drift ttl estimates the TTL that was set, with its interval, and by which law
it is set; then one that is too short, that is set anew where that is not declared, or that is several, is found too. What keys have
left is held against the declared TTL with its jitter, or the idle time of one that slides; keys that were written while
the scan ran may have as much more as the scan took. TTLs in a wrong unit are KD063. Of one state and without a schema this rule says
nothing.

Of two snapshots, the keys of a template expire by another law: what they have left is spread otherwise, the TTL that they are given is
another, more of them have none, or some live far longer than the others. Each of the four has a limit, and has to exceed what chance
does with so many keys: of templates with fewer than 200 nothing is said.`,
		Fix:  "set the TTL that is declared, or declare the one that is meant; then repair the keys that are there: kvtool drift clean --what ttl",
		Bad:  []string{"ttl: {policy: fixed, value: 1h}, and SET k v EX 86400", "ttl: {policy: none}, and EXPIRE k 3600", "SET k v EX 3600 yesterday, SET k v EX 86400 today"},
		Good: []string{"ttl: {policy: fixed, value: 1h, jitter: 0-10m}, and SET k v EX 3900"},
		Limits: append([]report.Limit{
			{Name: "ratio", Value: longerRatio, Unit: report.UnitFactor, Source: report.OwnDefault + ": of what is left to the longest declared"},
			{Name: "keys", Value: 1, Unit: report.UnitCount, Source: report.OwnDefault + ": any"},
		}, limits...),
	}
}

func checkLonger(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		p := t.promise
		switch {
		case p == nil || t.expiring == 0:
		case p.life.policy == schema.TTLNone:
			f := t.finding(report.Warning, countMetric("keys", t.expiring), "%s a TTL, where none is declared",
				verb(t.expiring, "key has", "keys have"))
			f.Evidence = []report.Metric{ratioMetric("share", t.expiring, t.timed)}
			emit(f)
		case p.life.longest > 0:
			checkLongest(ks, t, emit)
		}
	}
}

// checkLongest holds what keys have left against the longest that they may have.
func checkLongest(ks *keyspace, t *template, emit func(report.Finding)) {
	limit := t.promise.life.longest.Seconds()*longerRatio + ks.scanned.Seconds()
	longest := float64(t.left.Max()) / 1000
	if longest <= limit {
		return
	}
	if _, unit := unitBug(t, ks.now.Unix()); unit {
		return
	}
	var keys int64
	for _, s := range remaining(&t.left) {
		if s.low > limit {
			keys += s.keys
		}
	}
	keys = max(keys, 1) // the bin of the longest may begin below the limit
	f := t.finding(report.Warning, secondsMetric("longest", longest), "%s more left than the declared TTL of %s",
		verb(keys, "key has", "keys have"), t.promise.life)
	f.Evidence = []report.Metric{countMetric("keys", keys), secondsMetric("declared", t.promise.life.longest.Seconds())}
	f.Samples = keyValues(t.latest.key)
	emit(f)
}
