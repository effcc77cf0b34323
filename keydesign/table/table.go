// Package table says what is wrong with a table of items and what it takes to read and write it: how items lie among partition
// keys, what their TTL attribute does, how many capacity units they are, and which limits of DynamoDB that comes near.
//
// The one idea is that these are folds over the same records as any other: an item is a key of two named parts, a size, and a
// fault of its expiry. What the table itself says (its indexes, its capacity) comes with the store's Info, and an export that
// says nothing of them is still judged by its items.
package table

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/place"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Analyzers lists the analyses of tables. A store that is none has not the facts that they need.
func Analyzers() []*audit.Analyzer {
	return []*audit.Analyzer{description(), partitionKeys(), indexKeys(), expiryAttribute(), capacity()}
}

// Rules lists the rules that are judged here alone.
func Rules() []*report.Rule { return []*report.Rule{ineffectiveTTL(), itemCollection()} }

// Rules that are judged elsewhere, too, of schemas or of keys of any store.
const (
	fewPartitionKeys = "KD022"
	largeItem        = "KD040"
	hotIndex         = "KD048"
	ttlUnit          = "KD063"
	manyIndexes      = "KD088"
)

// documented returns the rules of those numbers, wherever they are documented.
func documented(ids ...string) (rules []*report.Rule) {
	for _, r := range slices.Concat(Rules(), keydesign.Rules(), lint.Rules()) {
		if slices.Contains(ids, r.ID) && !slices.ContainsFunc(rules, func(x *report.Rule) bool { return x.ID == r.ID }) {
			rules = append(rules, r)
		}
	}
	return rules
}

// storageOverhead is what DynamoDB bills for each item besides its size, in bytes (developer guide, "DynamoDB item sizes").
const storageOverhead = 100

const gib = 1 << 30

// prefix returns the first segment of a partition key with its separator, which names the kind of thing that the item is.
func prefix(r *kv.Record) string {
	if len(r.Parts) == 0 {
		return ""
	}
	pk := r.Parts[0].Value
	if i := strings.IndexAny(pk, "#:/|"); i >= 0 {
		return pk[:i+1]
	}
	return r.Parts[0].Name
}

// units returns the capacity units that reading and writing an item of so many bytes takes.
func units(size int64) (read, write int64) {
	return int64(place.ReadUnits(size, false)), int64(place.WriteUnits(size))
}

func count(name string, n int64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitCount}
}

func bytes(name string, n int64) report.Metric {
	return report.Metric{Name: name, Value: report.Number(n), Unit: report.UnitBytes}
}

func ratio(name string, part, whole int64) report.Metric {
	v := report.Null
	if whole > 0 {
		v = report.Number(float64(part) / float64(whole))
	}
	return report.Metric{Name: name, Value: v, Unit: report.UnitRatio}
}

func samples(keys ...string) (vs []report.Value) {
	for _, k := range keys {
		vs = append(vs, report.Text(k))
	}
	return vs
}
