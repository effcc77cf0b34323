package keydesign

import (
	"strings"

	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func monotonicPrefix() rule {
	return rule{&report.Rule{
		ID: "KD020", Name: "monotonic-prefix", Title: "Keys that grow at one end", Severity: report.Error,
		Stores: append(redisFamily(), "ordered"),
		Doc: `What decides where a key is kept is a time or a counter: it is what the key begins with, or what the hash tag holds. In an
ordered store all new keys then go to the last range; on Redis Cluster all keys of one hour or one day go to one slot, if the time
is the hash tag. Without a hash tag Redis hashes the whole key, and only listing and reading by prefix suffer.

An error in an ordered store, where one range takes all writes; an information elsewhere. Stores that hash a partition key spread
it whatever it begins with: there a key that is nothing but a time is for KD021.`,
		Fix:    "put what the keys are about first, or a bucket number before the time",
		Bad:    []string{"2026-01-02:evt:1", "{2026-01-02}:evt:1"},
		Good:   []string{"evt:{17}:2026-01-02"},
		Limits: []report.Limit{fewestLimit()},
	}, kv.FieldName, checkMonotonic}
}

func checkMonotonic(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if t.keys < fewest {
			continue
		}
		if s := placing(t.segments); s != nil {
			emit(t.finding(report.Info, countMetric("keys", t.keys), "the place of %d keys follows from %s", t.keys, s.Type))
		}
	}
}

// placing returns the placeholder whose values only grow and decide where a key is kept, if there is one: a time in the hash
// tag; without a tag a time or a counter at the beginning. A counter in a tag, such as a user's number, spreads well.
func placing(segments []infer.Segment) *infer.Segment {
	tagged := false
	for i := range segments {
		if s := &segments[i]; s.Tag {
			tagged = true
			if isTime(s.Type) {
				return s
			}
		}
	}
	if len(segments) > 0 && !tagged {
		if s := &segments[0]; isTime(s.Type) || s.Detail == "seq" {
			return s
		}
	}
	return nil
}

// isTime reports whether values of a placeholder of this type are points or spans of time.
func isTime(typ string) bool {
	name, _, _ := strings.Cut(typ, "(")
	switch name {
	case "date", "week", "month", "ts_s", "ts_ms", "ts_us":
		return true
	}
	return false
}
