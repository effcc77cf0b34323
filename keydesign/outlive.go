package keydesign

import (
	"math"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD066 and KD067.
const (
	slackShare  = 0.1 // of the shorter life
	slackLeast  = 60  // seconds
	outlivedBy  = 200 // keys of the other template that expire: of fewer the longest left is no measure of its TTL
	outlivesAll = 0.9 // of the keys, without TTL, that a template counts as one that has none
)

// Outlives reports whether a life is longer than another by more than slack, in seconds; +Inf has no end. Package lint asks it
// about what is declared, and the rules here about what is left.
func Outlives(one, other float64) bool {
	return !math.IsInf(other, 1) && one > other+max(slackLeast, slackShare*other)
}

func slackLimits() []report.Limit {
	return []report.Limit{
		{Name: "slack", Value: slackShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of the shorter life"},
		{Name: "least_slack", Value: slackLeast, Unit: report.UnitDuration, Source: report.OwnDefault},
		{Name: "keys", Value: outlivedBy, Unit: report.UnitCount, Source: report.OwnDefault + ": that expire, of the template that is outlived, where keys are judged"},
	}
}

func outlivesParent() rule {
	return rule{&report.Rule{
		ID: "KD066", Name: "child-outlives-parent", Title: "Keys that outlive what they belong to", Severity: report.Warning,
		Doc: `These keys belong to a parent, and may live longer than it. What is left then is an orphan: it takes memory, and whoever finds
it must guess what it was about.

Of a schema, lives are intervals. A fixed TTL lasts value ± jitter; a sliding one from idle to max_age, or for ever without one;
inherit is the life of the other template. The longest life of the child is held against the shortest of the parent. No declared TTL
is none. Of keys it is the longest that any child has left against the longest that any parent has, or may have by the schema.`,
		Fix:    "inherit the TTL of the parent and set both in one transaction; or refer to something that lives longer",
		Bad:    []string{"session:S1 with a TTL of 30 minutes, and cart:S1, which belongs to it, of 14 days"},
		Good:   []string{"session:S1 and cart:S1 of 30 minutes, and each use sets both anew"},
		Limits: slackLimits(),
	}, kv.FieldTTL, func(ks *keyspace, emit func(report.Finding)) { checkOutlives(ks, schema.RefParent, emit) }}
}

func outlivesPrimary() rule {
	return rule{&report.Rule{
		ID: "KD067", Name: "index-outlives-primary", Title: "Index entries that outlive what they lead to", Severity: report.Warning,
		Doc: `These keys lead to others, which expire before them or at all. The entries that are left lead nowhere: each look-up through
them costs two steps and finds nothing, and there are more of them every day.

An index may not live longer than its primary, neither at the least nor at the most. No declared TTL is none. Of keys it is the
longest that any entry has left against the longest that any primary has, or may have by the schema.`,
		Fix:    "give the entry the TTL of what it leads to, and set both in one transaction",
		Bad:    []string{"user:7 with a TTL of a day, and idx:mail:x = 7 without one"},
		Good:   []string{"user:7 and idx:mail:x = 7, both with a TTL of a day"},
		Limits: slackLimits(),
	}, kv.FieldTTL, func(ks *keyspace, emit func(report.Finding)) { checkOutlives(ks, schema.RefIndex, emit) }}
}

// checkOutlives holds what the keys of each template have left against what those have that it refers to.
func checkOutlives(ks *keyspace, kind schema.RefKind, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if t.promise == nil {
			continue
		}
		for _, r := range t.promise.refs {
			other := ks.subjects[r.to]
			if r.kind != kind || other == nil || other == t || other.promise == nil {
				continue
			}
			if f, ok := ks.outlives(t, other); ok {
				emit(f)
				break // one finding a template
			}
		}
	}
}

// outlives compares the longest that a key of t has left with the longest that one of other can have.
func (ks *keyspace) outlives(t, other *template) (report.Finding, bool) {
	if other.expiring < outlivedBy || float64(other.persistent) > (1-outlivesAll)*float64(other.timed) ||
		other.promise.life.policy == schema.TTLNone { // that one is KD061, or KD071
		return report.Finding{}, false
	}
	end := max(float64(other.left.Max())/1000, other.promise.life.longest.Seconds()) + ks.scanned.Seconds()
	switch {
	case t.timed > 0 && float64(t.persistent) > outlivesAll*float64(t.timed):
		f := t.finding(report.Warning, ratioMetric("no_ttl", t.persistent, t.timed), "they have no TTL; %s are gone after %s",
			other.text, humanize.Duration(end))
		return f, true
	case t.expiring > 0 && Outlives(float64(t.left.Max())/1000, end):
		longest := float64(t.left.Max()) / 1000
		f := t.finding(report.Warning, secondsMetric("longest", longest), "they have up to %s left; %s are gone after %s",
			humanize.Duration(longest), other.text, humanize.Duration(end))
		f.Samples = keyValues(t.latest.key)
		return f, true
	}
	return report.Finding{}, false
}
