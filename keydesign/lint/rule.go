package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// A rule is a documented rule with what it holds against a design.
type rule struct {
	*report.Rule
	stores []schema.StoreKind // for which it is judged; nil is all
	// lacks returns what the file would have to say for the rule to be judged, or "".
	lacks func(d *design) string
	// check emits what it finds. It need not set the rule.
	check func(d *design, emit emitter)
	// bad and good are whole files: bad breaks this rule once, and neither breaks any other.
	bad, good string
}

type emitter func(report.Finding)

// rules lists the rules by their number. Those that are also held against keys have their documentation in keydesign.
func rules() []rule {
	shared := keydesign.Rules()
	doc := func(id string) *report.Rule {
		i := slices.IndexFunc(shared, func(r *report.Rule) bool { return r.ID == id })
		if i < 0 {
			return nil
		}
		return shared[i]
	}
	return []rule{
		noNamespace(doc("KD001")), mixedSeparators(doc("KD002")), inconsistentCase(), nearDuplicate(), ambiguous(),
		unescapedInput(doc("KD006")), longKeys(doc("KD007")), personalData(doc("KD009")), unversioned(),
		monotonicPrefix(doc("KD020")), timeBucket(), fewPartitions(), hotKey(), slotSkew(doc("KD025")), giantTag(doc("KD027")),
		crossSlot(), unnecessaryTag(),
		largeValues(doc("KD040")), unbounded(), hotIndex(),
		missingTTL(), persistentLocks(doc("KD062")), noJitter(), outlivesParent(doc("KD066")), outlivesPrimary(doc("KD067")),
		evictionMismatch(doc("KD068")), longExpiry(),
		indexWithoutRef(), scanAsQuery(), prefixScan(), unservedAccess(), amplifiedIndex(), infeasible(), noOwner(),
		viewHole(), staleView(), noBackstop(), stampede(),
	}
}

// Rules lists the rules that Run may raise, by their number, with their documentation.
func Rules() []*report.Rule {
	all := rules()
	docs := make([]*report.Rule, len(all))
	for i := range all {
		docs[i] = all[i].Rule
		if docs[i].Bad == nil { // keydesign shows keys; a rule that only a schema can break shows schemas
			docs[i].Bad, docs[i].Good = lines(all[i].bad), lines(all[i].good)
		}
	}
	return docs
}

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

func (r *rule) appliesTo(kind schema.StoreKind) bool {
	return r.stores == nil || slices.Contains(r.stores, kind)
}

// each makes a check of one template that of a design.
func each(check func(d *design, t *template, emit emitter)) func(*design, emitter) {
	return func(d *design, emit emitter) {
		for _, t := range d.templates {
			check(d, t, emit)
		}
	}
}

// finding returns a finding on t. A message holds numbers as it likes: it is no part of the finding's identity.
func (t *template) finding(s report.Severity, message string, args ...any) report.Finding {
	return report.Finding{Severity: s, Subject: t.text, Pos: t.Pos, Message: fmt.Sprintf(message, args...)}
}

// measured is a finding whose number was judged: the larger, the worse.
func (t *template) measured(s report.Severity, m report.Metric, message string, args ...any) report.Finding {
	f := t.finding(s, message, args...)
	f.Measure = &m
	return f
}

// The subjects of findings on no template: the store, and all keys together.
const (
	serverSubject   = "server"
	keyspaceSubject = "keyspace"
)

// onServer returns a finding on the store as it is declared.
func (d *design) onServer(message string, args ...any) report.Finding {
	return report.Finding{Severity: report.Error, Subject: serverSubject, Pos: d.Store.Pos, Message: fmt.Sprintf(message, args...)}
}

func bytesMetric(name string, n float64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitBytes}
}

func countMetric(name string, n float64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
}

func ratioMetric(name string, share float64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(share), Unit: report.UnitRatio}
}

func secondsMetric(name string, s float64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(s), Unit: report.UnitDuration}
}

// The kinds of store that rules are for.

func redisFamily() []schema.StoreKind {
	return []schema.StoreKind{schema.Redis, schema.RedisCluster, schema.Valkey}
}

func cluster() []schema.StoreKind { return []schema.StoreKind{schema.RedisCluster} }

// wideFamily are the stores that keep rows in partitions.
func wideFamily() []schema.StoreKind {
	return []schema.StoreKind{schema.DynamoDB, schema.Cassandra, schema.Scylla}
}

func inRedis(k schema.StoreKind) bool { return slices.Contains(redisFamily(), k) }

// names writes kinds of store for the documentation.
func names(kinds []schema.StoreKind) []string {
	out := make([]string, len(kinds))
	for i, k := range kinds {
		out[i] = string(k)
	}
	return out
}
