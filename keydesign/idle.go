package keydesign

import (
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD084.
const (
	idleShare    = 0.10
	idleTemplate = 0.10 // of all that is idle
	idleKeys     = 100  // that told their idle time
	idleMonth    = 2    // in coldAfter
)

func idleKeysRule() rule {
	return rule{&report.Rule{
		ID: "KD084", Name: "idle-keys", Title: "Memory that nobody has used for a month", Severity: report.Info, Stores: redisFamily(),
		Doc: `More than a tenth of the bytes were neither read nor written for 30 days, and much of that lies in this template. Memory is
the dearest place for what nobody asks for. A server that was restarted counts idle times anew, and one that evicts by frequency
does not tell them.`,
		Fix:  "give the keys a TTL, or keep what is that old in a store on disk",
		Bad:  []string{"report:2019-… in memory, last read in spring"},
		Good: []string{"report:2019-… with a TTL of a week after each read"},
		Limits: []report.Limit{
			{Name: "bytes_share", Value: idleShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of all bytes, idle for 30 days"},
			{Name: "template_share", Value: idleTemplate, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the idle bytes"},
			{Name: "keys", Value: idleKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": of a sample; of fewer nothing is said"},
		},
	}, kv.FieldIdle | kv.FieldSize, checkIdle}
}

func checkIdle(ks *keyspace, emit func(report.Finding)) {
	cold := func(t *template) float64 {
		if t.deep == nil || t.deep.idle == nil || t.deep.idle.bytes == 0 {
			return 0
		}
		if i := t.deep.idle; i.keys < idleKeys && i.keys < t.keys {
			return 0
		}
		return t.deep.idle.coldShare(idleMonth) * float64(t.bytes())
	}
	all := 0.0
	for _, t := range ks.templates {
		all += cold(t)
	}
	if all <= idleShare*float64(ks.bytes) {
		return
	}
	for _, t := range ks.templates {
		bytes := cold(t)
		if bytes <= 0 || bytes < idleTemplate*all {
			continue
		}
		i := t.deep.idle
		low, high := wilson(i.cold[idleMonth].keys, i.keys)
		share := ratioMetric("cold_keys", i.cold[idleMonth].keys, i.keys)
		measure := bytesMetric("cold_bytes", int64(bytes))
		if i.keys < t.keys {
			share.How, measure.How = "sampled", "sampled"
			share.Interval = &report.Interval{Low: low, High: high}
		}
		f := t.finding(report.Info, measure, "%s of the bytes idle for 30 days", percent(i.coldShare(idleMonth)))
		f.Evidence = []report.Metric{share, countMetric("of_keys", i.keys)}
		emit(f)
	}
}
