package keydesign

import (
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func tailTemplates() rule {
	return rule{&report.Rule{
		ID: "KD014", Name: "tail-templates", Title: "Keys of too many shapes", Severity: report.Info,
		Doc: `The keyspace has very many templates, or many of its keys are in templates of hardly any keys. Either the names follow no
scheme, or they hold identifiers of a form that kvtool does not recognise; what it says of single templates is worth less then.`,
		Fix:  "put identifiers of one form behind a name, each in a segment of its own",
		Bad:  []string{"dev:kitchen-lamp-left, dev:0x7f/alpha, dev:B.17.x …"},
		Good: []string{"dev:17, dev:18"},
		Limits: []report.Limit{
			{Name: "templates", Value: tailMost, Unit: report.UnitCount, Source: report.OwnDefault},
			{Name: "share", Value: tailKeys, Unit: report.UnitRatio, Source: report.OwnDefault + ": keys in templates of less than 0.01 % of them"},
		},
	}, kv.FieldName, checkTail}
}

const (
	tailMost  = 1000   // templates
	tailKeys  = 0.05   // share of keys in small templates
	tailShare = 0.0001 // of the keys: a template with less is part of the tail
)

// keyspaceSubject is the subject of findings on the whole.
const keyspaceSubject = "keyspace"

// serverSubject is that of findings on how the server is set up.
const serverSubject = "server"

func checkTail(ks *keyspace, emit func(report.Finding)) {
	var all, keys, n int64
	for _, t := range ks.templates {
		if t.promise != nil {
			continue
		}
		if all++; ks.inTail(t) {
			keys += t.keys
			n++
		}
	}
	if all <= tailMost && float64(keys) <= tailKeys*float64(ks.keys) {
		return
	}
	measure := countMetric("templates", all)
	emit(report.Finding{
		Severity: report.Info, Subject: keyspaceSubject, Measure: &measure,
		Message:  "templates of less than 0.01% of the keys each hold " + percent(float64(keys)/float64(ks.keys)) + " of them",
		Evidence: []report.Metric{countMetric("tail_templates", n), countMetric("tail_keys", keys)},
	})
}

// inTail reports whether t is so small that it says little.
func (ks *keyspace) inTail(t *template) bool { return float64(t.keys) < tailShare*float64(ks.keys) }
