package keydesign

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A rule is a documented rule with its condition.
type rule struct {
	*report.Rule
	// needs are the facts without which the rule cannot be judged: then it is listed as not evaluated.
	needs kv.Field
	// check emits what it finds: at most one finding a subject. It need not set the rule.
	check func(ks *keyspace, emit func(report.Finding))
}

// rules lists the rules that are held against templates.
func rules() []rule {
	return []rule{
		noNamespace(), mixedSeparators(), unescapedInput(), longKeys(), keyOverhead(), personalData(), mixedIDs(), binaryKeys(),
		tailTemplates(), monotonicPrefix(), largeValues(), largeCollections(), encodingSpill(), typeMismatch(), lostTTL(),
		persistentLocks(), ttlUnits(), synchronisedExpiry(), evictionMismatch(), idleKeysRule(), neverRead(),
	}
}

// schemaRules lists those that say nothing without a schema.
func schemaRules() []rule {
	return []rule{unmatchedKeys(), tooManyKeys(), outlivesParent(), outlivesPrimary(), slidingForever(), longerTTL()}
}

// Rules lists the rules that the analyses of key design may raise, by their number, with their documentation.
func Rules() []*report.Rule {
	all := documented(schemaRules())
	for _, a := range Analyzers(nil) {
		all = append(all, a.Rules...)
	}
	slices.SortFunc(all, func(a, b *report.Rule) int { return cmp.Compare(a.ID, b.ID) })
	return all
}

// documented returns the documentation of rules.
func documented(rules []rule) []*report.Rule {
	docs := make([]*report.Rule, len(rules))
	for i := range rules {
		docs[i] = rules[i].Rule
	}
	return docs
}

// fewest is how many keys a template must have before its naming is worth a warning: strays are for KD014.
const fewest = 10

// fewestLimit documents fewest.
func fewestLimit() report.Limit {
	return report.Limit{Name: "keys", Value: fewest, Unit: report.UnitCount, Source: report.OwnDefault + ": fewer are strays"}
}

// finding returns a finding on t with its first keys as samples.
func (t *template) finding(s report.Severity, measure report.Metric, message string, args ...any) report.Finding {
	return report.Finding{
		Severity: s,
		Subject:  t.text,
		Message:  fmt.Sprintf(message, args...),
		Measure:  &measure,
		Samples:  keyValues(t.samples[:]...),
	}
}

// keyValues returns the keys that are not empty as values.
func keyValues(keys ...string) []report.Value {
	var vs []report.Value
	for _, k := range keys {
		if k != "" {
			vs = append(vs, report.Text(k))
		}
	}
	return vs
}

func countMetric(name string, n int64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
}

func bytesMetric(name string, n int64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitBytes}
}

func ratioMetric(name string, part, whole int64) report.Metric {
	v := report.Null
	if whole > 0 {
		v = report.Number(float64(part) / float64(whole))
	}
	return report.Metric{Name: name, Value: v, Unit: report.UnitRatio}
}

func secondsMetric(name string, s float64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(s), Unit: report.UnitDuration}
}

// percent writes a share with two digits: "7.1%", "38%", "0.42%".
func percent(share float64) string { return factor(100*share) + "%" }

// factor writes a number with two digits: "7.1", "38", "0.42".
func factor(x float64) string { return strconv.FormatFloat(twoDigits(x), 'f', -1, 64) }

// twoDigits rounds to two significant digits, and to whole numbers from 10 on.
func twoDigits(x float64) float64 {
	digits := 2
	if x >= 100 {
		digits = 3
	}
	r, _ := strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	return r
}
