package lint

import (
	"regexp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func unescapedInput(doc *report.Rule) rule {
	return rule{
		Rule: doc,
		check: each(func(_ *design, t *template, emit emitter) {
			for _, p := range placeholders(t.Key) {
				if what := unescaped(p.Type); what != "" {
					emit(t.finding(report.Warning, "{%s} puts %s into the key as it comes", p.Name(), what))
				}
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{address:url}", type: string}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{address:hash(sha256,32)}", type: string}`,
	}
}

// unescaped says what values of a type may hold separators, spaces or braces, if they may.
func unescaped(t *schema.Type) string {
	switch t.Kind {
	case schema.TypeURL:
		return "a URL"
	case schema.TypeJSON:
		return "JSON"
	case schema.TypeBin:
		return "raw bytes"
	case schema.TypeStr: // opaque is random text, which nobody typed
		if t.Span {
			return "text with separators"
		}
	}
	return ""
}

// A keyLimit is how long a part of a key may be in a kind of store.
type keyLimit struct {
	stores   []schema.StoreKind
	severity report.Severity
	bytes    int64
}

func longKeys(doc *report.Rule) rule {
	return rule{
		Rule:   doc,
		stores: append(append(redisFamily(), wideFamily()...), schema.Memcached),
		check:  each(checkLength),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{path:str(1000)}", type: string}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  page: {key: "page:{path:hash(sha256,32)}", type: string}
  name: {key: "name:{name:str(100)}", type: string}`,
	}
}

func checkLength(d *design, t *template, emit emitter) {
	pk, sk := t.partitionKey()
	for _, part := range []struct {
		what string
		n    int64
		of   []keyLimit
	}{
		{"a key", mostLength(t.Key), []keyLimit{
			{redisFamily(), report.Error, 1024},
			{redisFamily(), report.Warning, 128},
			{[]schema.StoreKind{schema.Memcached}, report.Error, 250},
		}},
		{"a partition key", mostLength(pk), []keyLimit{
			{[]schema.StoreKind{schema.DynamoDB}, report.Error, 2048},
			{[]schema.StoreKind{schema.Cassandra, schema.Scylla}, report.Error, 65_535},
		}},
		{"a sort key", mostLength(sk), []keyLimit{{[]schema.StoreKind{schema.DynamoDB}, report.Error, 1024}}},
	} {
		for _, l := range part.of {
			if slices.Contains(l.stores, d.store) && part.n > l.bytes {
				emit(t.measured(l.severity, bytesMetric("max_name", float64(part.n)),
					"%s may have %s bytes, more than %s", part.what, humanize.Exact(part.n), humanize.Exact(l.bytes)))
				break
			}
		}
	}
}

func personalData(doc *report.Rule) rule {
	return rule{
		Rule: doc,
		check: each(func(_ *design, t *template, emit emitter) {
			for _, p := range placeholders(t.Key) {
				if what := personal(p.Type.Kind); what != "" {
					emit(t.finding(report.Warning, "{%s} puts %s into the key", p.Name(), what))
				}
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  login: {key: "login:{mail:email}", type: string}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  login: {key: "login:{mail:hash(sha256,32)}", type: string}`,
	}
}

func personal(k schema.TypeKind) string {
	switch k {
	case schema.TypeEmail:
		return "e-mail addresses"
	case schema.TypePhone:
		return "telephone numbers"
	case schema.TypeIP:
		return "IP addresses"
	}
	return ""
}

func unversioned() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD011", Name: "unversioned-serialised-value", Title: "Serialised values without a version", Severity: report.Info,
			Doc: `A program writes an object of its own here, as JSON or in a binary format, and nothing says in which version. On the day
that the object changes, old and new programs run side by side and read what the other has written. A version in the key keeps
them apart: each reads its own, and the old keys expire.`,
			Fix: "put a version into the key (v2:user:1), declare version:, or give the value a field of that name",
		},
		check: each(func(_ *design, t *template, emit emitter) {
			if serialised(t.Template) && !versioned(t) {
				emit(t.finding(report.Info, "neither key nor value says in which version the value is written"))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:{uid:int}", type: string, value: {format: protobuf}}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "v2:user:{uid:int}", type: string, value: {format: protobuf}}
  icon: {key: "icon:{uid:int}", kind: blob, type: string, value: {format: png}}`,
	}
}

// serialFormats are the formats in which programs write their own objects.
const serialFormats = " json bson cbor msgpack messagepack protobuf proto avro thrift flatbuffers pickle java marshal php gob "

func serialised(t *schema.Template) bool {
	format := strings.ToLower(t.Value.Format)
	if format != "" {
		return strings.Contains(serialFormats, " "+format+" ")
	}
	return t.Kind == schema.Blob || t.Type == "json"
}

var versionName = regexp.MustCompile(`^(v|version)?[0-9]+$`)

func versioned(t *template) bool {
	if t.KeyVersion != "" {
		return true
	}
	for i := range t.segments {
		if s, ok := t.segments[i].literal(); ok && versionName.MatchString(s) {
			return true
		}
	}
	return slices.ContainsFunc(t.Value.Fields, func(f schema.ValueField) bool {
		return strings.Contains(" v version schema schema_version ", " "+f.Name+" ")
	})
}
