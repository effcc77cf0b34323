package keydesign

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
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
value counts; and there the limits of other stores do, too, in which a value of any type is read whole. Where keys are held
against a schema, the declared maximum stands for the warning, and for the error if it is greater than that; then it is the value
alone that counts, at least: memory less the name, the key's own cost and what allocations are rounded by.`,
		Fix:  "keep it in an object store and a pointer here, split it, or compress it",
		Bad:  []string{"report:9 = 3 MB of JSON"},
		Good: []string{"report:9 = s3://reports/9", "report:9:{0..11}"},
		Limits: []report.Limit{
			{Name: "warning", Value: stringWarning, Unit: report.UnitBytes, Source: "guides of cloud vendors: strings below 10 KB"},
			{Name: "error", Value: stringError, Unit: report.UnitBytes, Source: report.OwnDefault},
			{Name: "memcached", Value: 1 << 20, Unit: report.UnitBytes, Source: "default of memcached (-I): an error beyond"},
			{Name: "dynamodb_warning", Value: 64 << 10, Unit: report.UnitBytes, Source: report.OwnDefault},
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
		severity, n, limit := report.Warning, l.warning, t.bounds.stringWarning()
		if l.failure > 0 {
			severity, n, limit = report.Error, l.failure, t.bounds.stringError()
		}
		f := t.finding(severity, bytesMetric("max_bytes", l.biggest.value), "%s over %s", humanize.Counted(n, "string"), sizeText(limit))
		f.Evidence = []report.Metric{countMetric("keys_over_10_kib", l.warning), countMetric("keys_over_256_kib", l.failure)}
		if t.bounds.bytes > 0 {
			f.Message += " of value"
			f.Evidence = []report.Metric{countMetric("keys_over_declared", l.warning), bytesMetric("declared", t.bounds.bytes)}
		}
		f.Samples = keyValues(l.biggest.key)
		emit(f)
	}
}

// string reports whether a string of so many bytes is over the limits.
func (b *bounds) string(size int64, o *observation) (warning, failure bool) {
	if b.bytes > 0 {
		size = leastValue(o)
	}
	return size > b.stringWarning(), size > b.stringError()
}

func (b *bounds) stringWarning() int64 { return cmp.Or(b.bytes, stringWarning) }

func (b *bounds) stringError() int64 { return max(b.bytes, stringError) }

// collection reports whether a collection of so many bytes and elements is over the limits.
func (b *bounds) collection(size, elements int64, o *observation) (warning, failure bool) {
	if b.bytes > 0 {
		size = leastValue(o)
	}
	warning = elements > b.elementsWarning() || b.bytes > 0 && size > b.bytes
	return warning, elements > b.elementsError() || size > max(b.bytes, groupBytes)
}

func (b *bounds) elementsWarning() int64 { return cmp.Or(b.elements, groupWarning) }

func (b *bounds) elementsError() int64 { return max(b.elements, groupError) }

// sizeText writes a limit: "600 B", "10 KiB", "1.5 MiB".
func sizeText(n int64) string {
	for _, u := range [...]struct {
		bytes int64
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if n >= u.bytes {
			return strconv.FormatFloat(float64(n)/float64(u.bytes), 'f', -1, 64) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " B"
}

func largeCollections() rule {
	return rule{&report.Rule{
		ID: "KD041", Name: "large-collection", Title: "Large collections", Severity: report.Error, Stores: redisFamily(),
		Doc: `A collection of many elements is one key: it stays in one slot and on one node, however large it gets. Commands that touch
all of it (` + "`HGETALL`, `SMEMBERS`, `LRANGE 0 -1`, `SORT`" + `) and, without lazy freeing, its deletion and its expiry hold up all clients.
Most such collections were never meant to be large: nothing trims them.

Where a schema declares ` + "`value.elements`, `max_len` or `value.size`" + `, these stand for the warning, and for the error if they are greater
than that. Lists and streams may hold a hundred more than ` + "`max_len`" + `, since what trims them works by blocks.`,
		Fix:  "trim it where it is written, or spread it over buckets",
		Bad:  []string{"followers:7 with 4 M members", "LPUSH feed:global … forever"},
		Good: []string{"followers:7:{0..63}", "LPUSH feed:global …, LTRIM feed:global 0 999"},
		Limits: []report.Limit{
			{Name: "warning", Value: groupWarning, Unit: report.UnitCount, Source: "guides of cloud vendors: at most 5,000 elements"},
			{Name: "error", Value: groupError, Unit: report.UnitCount, Source: report.OwnDefault},
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
		severity, n, limit := report.Warning, l.warning, thousands(t.bounds.elementsWarning())+" elements"
		if t.bounds.bytes > 0 {
			limit += " or " + sizeText(t.bounds.bytes)
		}
		if l.failure > 0 {
			severity, n = report.Error, l.failure
			limit = thousands(t.bounds.elementsError()) + " elements or " + sizeText(max(t.bounds.bytes, groupBytes))
		}
		f := t.finding(severity, countMetric("max_elements", t.longest.value), "%s over %s", humanize.Counted(n, "collection"), limit)
		f.Evidence = []report.Metric{
			countMetric("collections_over_warning", l.warning), countMetric("collections_over_error", l.failure),
			bytesMetric("max_bytes", l.biggest.value),
		}
		f.Samples = keyValues(cmp.Or(t.longest.key, l.biggest.key))
		if t.longest.value <= t.bounds.elementsWarning() { // only bytes are known to be too many
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
before the others are held against it. Where a schema declares the type, every key of another one counts.`,
		Fix:  "migrate the rarer type, or give it a template of its own",
		Bad:  []string{"user:1 is a hash, user:2 a string"},
		Good: []string{"user:1 and user:2 are hashes"},
		Limits: []report.Limit{
			{Name: "keys", Value: mismatchKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": of fewer one cannot say that they belong together"},
			{Name: "agreement", Value: mismatchWords, Unit: report.UnitRatio, Source: report.OwnDefault + ", where words vary"},
		},
	}, kv.FieldType, checkTypes}
}

const (
	mismatchKeys  = 20
	mismatchWords = 0.9
)

func checkTypes(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if p := t.promise; p != nil && p.types != nil {
			checkDeclaredType(t, emit)
			continue
		}
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

// checkDeclaredType holds the types of the keys against the declared one.
func checkDeclaredType(t *template, emit func(report.Finding)) {
	var typed, other int64
	var names, samples []string
	for _, c := range t.types {
		if typed += c.keys; !slices.Contains(t.promise.types, c.typ) {
			other += c.keys
			names = append(names, fmt.Sprintf("%d %s", c.keys, c.typ))
			samples = append(samples, c.sample)
		}
	}
	if other == 0 {
		return
	}
	f := t.finding(report.Error, countMetric("keys", other), "%s where %s is declared", strings.Join(names, ", "), t.promise.typ)
	f.Evidence = []report.Metric{ratioMetric("share", other, typed)}
	f.Samples = keyValues(samples[:min(len(samples), maxSamples)]...)
	emit(f)
}

// thousands writes a count with separators: "5,000".
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
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
