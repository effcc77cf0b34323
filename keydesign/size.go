package keydesign

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The limits of KD040 and KD041.
const (
	stringWarning = 10 << 10  // bytes
	stringError   = 256 << 10 // bytes
	groupWarning  = 5000      // elements
	groupError    = 1_000_000 // elements
	groupBytes    = 50 << 20
)

func largeValues() rule {
	return rule{&report.Rule{
		ID: "KD040", Name: "large-value", Title: "Large values", Severity: report.Error,
		Stores: append(redisFamily(), "memcached", "dynamodb", "aerospike", "ordered"),
		Doc: `A string is read and written whole. One of a megabyte fills the network card of its server for milliseconds, and as the
server does one thing at a time, every other client waits. It also takes its whole size again in each buffer on the way: of the
client, of the replica, of the append-only file.

The size is what the key takes in memory: its value, its name and what Redis adds. Of a schema, the largest declared size of the
value counts; and there the limits of other stores do, too, in which a value of any type is read whole.`,
		Fix:  "keep it in an object store and a pointer here, split it, or compress it",
		Bad:  []string{"report:9 = 3 MB of JSON"},
		Good: []string{"report:9 = s3://reports/9", "report:9:{0..11}"},
		Limits: []report.Limit{
			{Name: "warning", Value: stringWarning, Unit: report.UnitBytes, Source: "guides of cloud vendors: strings below 10 KB"},
			{Name: "error", Value: stringError, Unit: report.UnitBytes, Source: ours},
			{Name: "memcached", Value: 1 << 20, Unit: report.UnitBytes, Source: "default of memcached (-I): an error beyond"},
			{Name: "dynamodb_warning", Value: 64 << 10, Unit: report.UnitBytes, Source: ours},
			{Name: "dynamodb_error", Value: 400 << 10, Unit: report.UnitBytes, Source: "quotas of DynamoDB: the largest item"},
			{Name: "aerospike", Value: 1 << 20, Unit: report.UnitBytes, Source: "default write block of Aerospike: an error beyond"},
			{Name: "ordered", Value: 1536 << 10, Unit: report.UnitBytes, Source: "default of etcd, for a request: an error beyond"},
		},
	}, kv.FieldType | kv.FieldSize, checkStrings}
}

func checkStrings(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		l := &t.strings
		if l.warning == 0 {
			continue
		}
		severity, n, limit := report.Warning, l.warning, "10 KiB"
		if l.failure > 0 {
			severity, n, limit = report.Error, l.failure, "256 KiB"
		}
		f := t.finding(severity, bytesMetric("max_bytes", l.biggest.value), "%s over %s", plural(n, "string"), limit)
		f.Evidence = []report.Metric{countMetric("keys_over_10_kib", l.warning), countMetric("keys_over_256_kib", l.failure)}
		f.Samples = keyValues(l.biggest.key)
		emit(f)
	}
}

// plural writes a count of things: "1 string", "3 strings".
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func largeCollections() rule {
	return rule{&report.Rule{
		ID: "KD041", Name: "large-collection", Title: "Large collections", Severity: report.Error, Stores: redisFamily(),
		Doc: `A collection of many elements is one key: it stays in one slot and on one node, however large it gets. Commands that touch
all of it (` + "`HGETALL`, `SMEMBERS`, `LRANGE 0 -1`, `SORT`" + `) and, without lazy freeing, its deletion and its expiry hold up all clients.
Most such collections were never meant to be large: nothing trims them.`,
		Fix:  "trim it where it is written, or spread it over buckets",
		Bad:  []string{"followers:7 with 4 M members", "LPUSH feed:global … forever"},
		Good: []string{"followers:7:{0..63}", "LPUSH feed:global …, LTRIM feed:global 0 999"},
		Limits: []report.Limit{
			{Name: "warning", Value: groupWarning, Unit: report.UnitCount, Source: "guides of cloud vendors: at most 5,000 elements"},
			{Name: "error", Value: groupError, Unit: report.UnitCount, Source: ours},
			{Name: "error_bytes", Value: groupBytes, Unit: report.UnitBytes, Source: "guides of cloud vendors: at most 50 MB"},
		},
	}, kv.FieldType, checkCollections}
}

func checkCollections(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		l := &t.groups
		if l.warning == 0 {
			continue
		}
		severity, n, limit := report.Warning, l.warning, "5,000 elements"
		if l.failure > 0 {
			severity, n, limit = report.Error, l.failure, "1,000,000 elements or 50 MiB"
		}
		f := t.finding(severity, countMetric("max_elements", t.longest.value), "%s over %s", plural(n, "collection"), limit)
		f.Evidence = []report.Metric{
			countMetric("collections_over_warning", l.warning), countMetric("collections_over_error", l.failure),
			bytesMetric("max_bytes", l.biggest.value),
		}
		f.Samples = keyValues(cmp.Or(t.longest.key, l.biggest.key))
		if t.longest.value <= groupWarning { // only bytes are known to be too many
			f.Measure = &f.Evidence[2]
			f.Samples = keyValues(l.biggest.key)
		}
		emit(f)
	}
}

func typeMismatch() rule {
	return rule{&report.Rule{
		ID: "KD049", Name: "type-mismatch", Title: "Values of several types under one template", Severity: report.Error, Stores: redisFamily(),
		Doc: `Keys of one template hold values of different types. A command for one type answers WRONGTYPE on the others, so some reads of
this template fail at run time: usually two versions of a program write different things.

Where a word is part of what varies, as in ` + "`job:{str}`" + `, different types may well be meant: then at least nine in ten keys must agree
before the others are held against it.`,
		Fix:  "migrate the rarer type, or give it a template of its own",
		Bad:  []string{"user:1 is a hash, user:2 a string"},
		Good: []string{"user:1 and user:2 are hashes"},
		Limits: []report.Limit{
			{Name: "keys", Value: mismatchKeys, Unit: report.UnitCount, Source: ours + ": of fewer one cannot say that they belong together"},
			{Name: "agreement", Value: mismatchWords, Unit: report.UnitRatio, Source: ours + ", where words vary"},
		},
	}, kv.FieldType, checkTypes}
}

const (
	mismatchKeys  = 20
	mismatchWords = 0.9
)

func checkTypes(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if len(t.types) < 2 || t.keys < mismatchKeys {
			continue
		}
		var typed int64
		var names, samples []string
		for i, c := range t.types {
			typed += c.keys
			if i > 0 {
				names = append(names, fmt.Sprintf("%d %s", c.keys, c.typ))
				samples = append(samples, c.sample)
			}
		}
		usual := t.types[0]
		if ragBag(t.segments) && float64(usual.keys) < mismatchWords*float64(typed) {
			continue
		}
		f := t.finding(report.Error, countMetric("keys", typed-usual.keys), "%s among %d of type %s",
			strings.Join(names, ", "), usual.keys, usual.typ)
		f.Evidence = []report.Metric{ratioMetric("share", typed-usual.keys, typed)}
		f.Samples = keyValues(samples[:min(len(samples), maxSamples)]...)
		emit(f)
	}
}

// ragBag reports whether words vary in the template: then its keys may be of kinds that have nothing to do with each other.
func ragBag(segments []infer.Segment) bool {
	for _, s := range segments {
		if s.Type == "str" || s.Type == "path" {
			return true
		}
	}
	return false
}
