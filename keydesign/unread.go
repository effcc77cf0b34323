package keydesign

import (
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD092.
const (
	unreadShare = 0.5  // of the template's bytes
	unreadAll   = 0.05 // of all bytes
	unreadKeys  = 100
)

func neverRead() rule {
	return rule{&report.Rule{
		ID: "KD092", Name: "never-read", Title: "Values that are written and never read", Severity: report.Warning, Stores: []string{"memcached"},
		Doc: `More than half of what this template holds was never read since it was written, an hour ago or longer, and it takes memory
that other keys are evicted for. Usual reasons: a writer that fills the cache for readers that there are no more; a key that is
written under another name than it is read; a TTL that is shorter than the time until somebody asks.

Reading a key and writing it anew makes it unread again: a template that is written more often than it is read shows here as well.`,
		Fix:  "stop writing it, write it when it is first asked for, or mend the name under which it is read",
		Bad:  []string{"page:v1:1, page:v1:2, … written on each change, while readers ask for page:v2:…"},
		Good: []string{"page:v2:1, page:v2:2, … written when somebody has asked for them"},
		Limits: []report.Limit{
			{Name: "share", Value: unreadShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the template's bytes"},
			{Name: "bytes_share", Value: unreadAll, Unit: report.UnitRatio, Source: report.OwnDefault + ": of all bytes"},
			{Name: "keys", Value: unreadKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": of fewer nothing is said"},
		},
	}, kv.FieldRead | kv.FieldSize, checkUnread}
}

func checkUnread(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if t.deep == nil || t.deep.reads == nil {
			continue
		}
		r := t.deep.reads
		if r.unread.keys < unreadKeys || r.share() <= unreadShare || float64(r.unread.bytes) <= unreadAll*float64(ks.bytes) {
			continue
		}
		f := t.finding(report.Warning, bytesMetric("unread_bytes", r.unread.bytes), "%s of its bytes were written and never read", percent(r.share()))
		f.Evidence = []report.Metric{ratioMetric("unread_keys", r.unread.keys, r.told.keys), countMetric("of_keys", r.told.keys)}
		emit(f)
	}
}
