package keydesign

import (
	"fmt"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD013.
const (
	unmatchedShare = 0.01
	unmatchedMost  = 1000
	unmatchedShown = 5 // templates
)

func unmatchedKeys() rule {
	return rule{&report.Rule{
		ID: "KD013", Name: "unmatched-keys", Title: "Keys that the schema does not know", Severity: report.Warning,
		Doc: `Keys are in the store that no template of the schema takes. Nobody has said what they hold, who owns them and when they go;
often they are left from an older version of a program, from a test, or from a key that was put together wrongly.

What kvtool makes of their names is listed with the finding, and in the table of templates beside those of the schema. Without a
schema this rule says nothing.`,
		Fix:  "declare a template and an owner for them, or delete them",
		Bad:  []string{"tmp2:x9 beside a schema of user:{uid} and cart:{uid}"},
		Good: []string{"user:17", "cart:17"},
		Limits: []report.Limit{
			{Name: "share", Value: unmatchedShare, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "keys", Value: unmatchedMost, Unit: report.UnitCount, Source: report.OwnDefault + ": or so many"},
		},
	}, kv.FieldName, checkUnmatched}
}

func checkUnmatched(ks *keyspace, emit func(report.Finding)) {
	keys, templates := ks.unmatched()
	if keys <= unmatchedMost && float64(keys) <= unmatchedShare*float64(ks.keys) {
		return
	}
	measure := ratioMetric("share", keys, ks.keys)
	f := report.Finding{
		Severity: report.Warning, Subject: keyspaceSubject, Measure: &measure,
		Message:  fmt.Sprintf("%d of %d %s no template of the schema", keys, ks.keys, number(keys, "keys fits", "keys fit")),
		Evidence: []report.Metric{countMetric("keys", keys), countMetric("templates", int64(len(templates)))},
		Samples:  keyValues(templates[0].samples[:]...),
		Pos:      report.Pos{File: ks.file, Line: 1}, // nothing in it is about these keys
	}
	for _, t := range templates[:min(len(templates), unmatchedShown)] {
		f.Evidence = append(f.Evidence,
			report.Metric{Name: "template", Value: report.Text(t.text), Unit: report.UnitKey}, countMetric("keys_of_it", t.keys))
	}
	emit(f)
}

// unmatched returns the templates that are not declared, most keys first, and how many keys they have.
func (ks *keyspace) unmatched() (keys int64, templates []*template) {
	for _, t := range ks.templates {
		if t.promise == nil {
			keys += t.keys
			templates = append(templates, t)
		}
	}
	return keys, templates
}

// matched says how many of the keys the schema knows.
func (ks *keyspace) matched() report.Metric {
	unmatched, _ := ks.unmatched()
	return ratioMetric("matched", ks.keys-unmatched, ks.keys)
}

func tooManyKeys() rule {
	return rule{&report.Rule{
		ID: "KD050", Name: "cardinality-exceeded", Title: "More keys than declared", Severity: report.Warning,
		Doc: `A template has more keys than the schema declares as its most (` + "`cardinality.max`" + `). Memory, backups and failover were planned
for fewer: something writes keys that should not be there, or nothing deletes those that should be gone.`,
		Fix:    "find out what writes them; give them a TTL, delete them where they end, or declare what is true",
		Bad:    []string{"flag:{name} with cardinality: {max: 200}, and 4,000 flags"},
		Good:   []string{"flag:{name} with cardinality: {max: 200}, and 120 flags"},
		Limits: []report.Limit{{Name: "keys", Value: 1, Unit: report.UnitFactor, Source: "the schema: more than cardinality.max"}},
	}, kv.FieldName, func(ks *keyspace, emit func(report.Finding)) {
		for _, t := range ks.templates {
			if p := t.promise; p != nil && p.most > 0 && t.keys > p.most {
				f := t.finding(report.Warning, countMetric("keys", t.keys), "%d keys, where %d are declared at most", t.keys, p.most)
				f.Evidence = []report.Metric{countMetric("declared", p.most)}
				emit(f)
			}
		}
	}}
}
