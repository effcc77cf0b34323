package keydesign

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func noNamespace() rule {
	return rule{&report.Rule{
		ID: "KD001", Name: "no-namespace", Title: "Keys without a namespace", Severity: report.Warning,
		Doc: `The first segment of these keys is an identifier, or the whole key is one segment with an identifier in it. Nothing in the
name says what the key is or whose.

- Two programs that count from 1 overwrite each other's keys.
- No pattern, access rule or dashboard can select what belongs together: ` + "`SCAN MATCH order:*`" + ` needs the prefix.
- What nobody can name, nobody dares to delete.`,
		Fix:  "begin every key with the kind of thing it holds: order:184467",
		Bad:  []string{"184467", "1234:cart"},
		Good: []string{"order:184467", "cart:1234"},
		Limits: []report.Limit{
			fewestLimit(),
			{Name: "share", Value: strayShare, Unit: report.UnitRatio, Source: report.OwnDefault + ": of a small keyspace also fewer"},
		},
	}, kv.FieldName, checkNamespace}
}

// strayShare is the share of a keyspace from which on even a few keys are no strays.
const strayShare = 0.01

func checkNamespace(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		few := t.keys < fewest && float64(t.keys) < strayShare*float64(ks.keys)
		if few || len(t.segments) == 0 || !anonymous(t.segments) {
			continue
		}
		emit(t.finding(report.Warning, countMetric("keys", t.keys), "%d keys begin with an identifier, not with a name", t.keys))
	}
}

// anonymous reports whether nothing names the keys: the first segment is a placeholder, or there is one segment only, and a
// placeholder in it.
func anonymous(segments []infer.Segment) bool {
	if segments[0].Type != "" {
		return true
	}
	typed := false
	for i, s := range segments {
		if i > 0 && s.Sep != "" {
			return false
		}
		typed = typed || s.Type != ""
	}
	return typed
}

func mixedSeparators() rule {
	return rule{&report.Rule{
		ID: "KD002", Name: "mixed-separators", Title: "More than one separator", Severity: report.Warning,
		Doc: `Keys that belong together are split by different separators (` + "`:` `/` `|` `#`" + `), within one key or between keys of one
prefix. A pattern such as ` + "`user:17:*`" + ` silently misses the others, and every program that takes keys apart must know both forms.

A separator inside a value, such as a path or an address, counts as part of that value where it can be recognised as one.`,
		Fix:    "choose one separator, write new keys with it, and rename the old ones",
		Bad:    []string{"user:1/orders", "user:1:cart beside user/1/prefs"},
		Good:   []string{"user:1:orders", "user:1:cart beside user:1:prefs"},
		Limits: []report.Limit{fewestLimit()},
	}, kv.FieldName, checkSeparators}
}

// strongSeparators split a key wherever they stand.
const strongSeparators = ":/|#"

// separators returns the strong separators of the segments, each once, in the order of strongSeparators.
func separators(segments []infer.Segment) string {
	seen := ""
	for _, sep := range strongSeparators {
		for _, s := range segments {
			if s.Sep == string(sep) {
				seen += s.Sep
				break
			}
		}
	}
	return seen
}

func checkSeparators(ks *keyspace, emit func(report.Finding)) {
	groups := map[string][]*template{}
	for _, t := range ks.templates {
		if t.keys >= fewest && t.segments[0].Type == "" && t.segments[0].Literal != "" {
			groups[t.segments[0].Literal] = append(groups[t.segments[0].Literal], t)
		} else if t.keys >= fewest && len(t.separators()) > 1 {
			emit(separatorFinding([]*template{t}))
		}
	}
	for _, first := range slices.Sorted(maps.Keys(groups)) {
		usual := usualSeparator(groups[first])
		odd := slices.DeleteFunc(groups[first], func(t *template) bool {
			s := t.separators()
			return s == "" || s == usual
		})
		if len(odd) > 0 {
			emit(separatorFinding(odd))
		}
	}
}

// separators returns the strong separators of a template's keys. What joins the parts of an item's key is none of their names'.
func (t *template) separators() string {
	all := separators(t.segments)
	if len(t.types) > 0 && t.types[0].typ == kv.TypeItem {
		all = strings.ReplaceAll(all, "|", "")
	}
	return all
}

// usualSeparator returns the separator that most keys of the templates have, the first of several.
func usualSeparator(ts []*template) string {
	usual, most := "", int64(0)
	for _, sep := range strongSeparators {
		var keys int64
		for _, t := range ts {
			if strings.Contains(t.separators(), string(sep)) {
				keys += t.keys
			}
		}
		if keys > most {
			usual, most = string(sep), keys
		}
	}
	return usual
}

// separatorFinding is on the template with the most keys, of several that differ from their group.
func separatorFinding(odd []*template) report.Finding {
	worst, keys := odd[0], int64(0)
	for _, t := range odd {
		keys += t.keys
		if t.keys > worst.keys || t.keys == worst.keys && t.text < worst.text {
			worst = t
		}
	}
	seps := worst.separators()
	form := "%d keys are split by %s, unlike others of their prefix"
	if len(seps) > 1 {
		form = "%d keys are each split by %s"
	}
	f := worst.finding(report.Warning, countMetric("keys", keys), form, keys, strings.Join(strings.Split(seps, ""), " and "))
	f.Evidence = []report.Metric{countMetric("templates", int64(len(odd)))}
	return f
}

func unescapedInput() rule {
	return rule{&report.Rule{
		ID: "KD006", Name: "unescaped-user-input", Title: "Text of users in keys as it came", Severity: report.Warning,
		Doc: `Some of these keys hold spaces, control bytes, braces, a URL or JSON where the others hold a plain value: text that somebody
typed or sent was put into the key as it is.

- Who can choose the text can choose the key, and with separators in it reach keys that were meant for others.
- A brace changes the hash tag, and with it the slot that a cluster keeps the key in.
- Line-based tools, logs and shells take such keys apart.

A schema says so itself with a placeholder of type url, json or bin, or with a field of text that may hold separators (span).`,
		Fix:    "put a hash of the text into the key, or percent-encode it",
		Bad:    []string{"search:a:b{x}", "search:red shoes", `q:{"page":1}`},
		Good:   []string{"search:9f86d081884c7d65", "search:red%20shoes"},
		Limits: []report.Limit{{Name: "keys", Value: 0, Unit: report.UnitCount, Source: report.OwnDefault + ": any"}},
	}, kv.FieldName, checkInput}
}

func checkInput(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		keys, what := t.spaced, "spaces or control bytes"
		if t.literalHas(" ") {
			keys = 0 // the name itself has spaces: nobody's input
		}
		if braced := t.braced; braced > keys && !t.literalHas("{}") {
			keys, what = braced, "braces"
		}
		for _, s := range t.segments {
			if s.Type == "url" || s.Type == "json" {
				keys, what = t.keys, "a "+strings.ToUpper(s.Type)
				if s.Type == "json" {
					what = "JSON"
				}
				break
			}
		}
		if keys == 0 {
			continue
		}
		f := t.finding(report.Warning, countMetric("keys", keys), "%d keys hold %s", keys, what)
		if k := cmp.Or(t.spaceKey, t.braceKey); k != "" {
			f.Samples = keyValues(k)
		}
		f.Evidence = []report.Metric{ratioMetric("share", keys, t.keys)}
		emit(f)
	}
}

// literalHas reports whether a literal or a separator of t holds one of the bytes.
func (t *template) literalHas(bytes string) bool {
	return slices.ContainsFunc(t.segments, func(s infer.Segment) bool {
		tag := s.Sep == "{" || s.Sep == "}"
		return strings.ContainsAny(s.Literal, bytes) || !tag && strings.ContainsAny(s.Sep, bytes)
	})
}

func longKeys() rule {
	return rule{&report.Rule{
		ID: "KD007", Name: "key-too-long", Title: "Long keys", Severity: report.Error,
		Doc: `One in a hundred of these keys, or more, is longer than the limit. A key is stored with every entry, sent with every command,
hashed and compared on each access, and once more in indexes that refer to it. A URL, a query or a list of parameters belongs
into the value, or is replaced by its hash. memcached, DynamoDB and Cassandra refuse keys beyond a length of their own.

Of a schema, the longest key counts that the declared types allow; a type without a declared length counts as one byte.`,
		Fix:  "replace the long part by a hash of it",
		Bad:  []string{"page:https://shop.example/… (900 bytes)"},
		Good: []string{"page:3fdba35f04dc8c462986c992bcf87554"},
		Limits: []report.Limit{
			{Name: "warning", Value: nameWarning, Unit: report.UnitBytes, Source: report.OwnDefault + ", for the 99th percentile"},
			{Name: "error", Value: nameError, Unit: report.UnitBytes, Source: "advice of the Redis documentation: 1,024 bytes are too many"},
			{Name: "memcached", Value: 250, Unit: report.UnitBytes, Source: "protocol of memcached: an error beyond"},
			{Name: "dynamodb_partition_key", Value: 2048, Unit: report.UnitBytes, Source: "quotas of DynamoDB: an error beyond"},
			{Name: "dynamodb_sort_key", Value: 1024, Unit: report.UnitBytes, Source: "quotas of DynamoDB: an error beyond"},
			{Name: "cassandra_partition_key", Value: 65_535, Unit: report.UnitBytes, Source: "limits of Cassandra: an error beyond"},
			fewestLimit(),
		},
	}, kv.FieldName, checkLength}
}

// The limits of KD007, in bytes.
const (
	nameWarning = 128
	nameError   = 1024
)

func checkLength(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		p99, ok := t.name.At(0.99)
		if !ok || t.keys < fewest && t.promise == nil || p99 <= nameWarning {
			continue
		}
		severity := report.Warning
		if p99 > nameError {
			severity = report.Error
		}
		f := t.finding(severity, bytesMetric("p99_name", p99), "one key in a hundred is longer than %d bytes", limitOver(p99))
		f.Evidence = []report.Metric{bytesMetric("max_name", t.name.Max())}
		emit(f)
	}
}

func limitOver(p99 int64) int {
	if p99 > nameError {
		return nameError
	}
	return nameWarning
}

func keyOverhead() rule {
	return rule{&report.Rule{
		ID: "KD008", Name: "key-overhead-ratio", Title: "Keys longer than their values", Severity: report.Info, Stores: redisFamily(),
		Doc: `Half of these keys, or more, have a name that is longer than the value. Most of the memory goes into names and into what each
key costs besides. Small values of one kind can share a key: the fields of a hash cost a tenth of keys as long as the hash is
small.

What a value takes is estimated: the size less the name and less 56 bytes, which is the least that Redis keeps for a key besides
(dictionary entry 24, object 16, headers and rounding of two allocations).`,
		Fix:  "put many of them into one hash: HSET clicks:page 17 5",
		Bad:  []string{"app:prod:counter:clicks:page:17 = 5"},
		Good: []string{"HSET clicks:page 17 5"},
		Limits: []report.Limit{
			{Name: "keys", Value: overheadKeys, Unit: report.UnitCount, Source: report.OwnDefault},
		},
	}, kv.FieldSize, checkOverhead}
}

const (
	overheadKeys  = 100_000 // KD008 is for templates of more keys
	leastOverhead = 56      // bytes that a key costs besides name and value: see the rule
)

func checkOverhead(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		size, ok := t.size.At(0.5)
		if !ok || t.keys <= overheadKeys {
			continue
		}
		name, _ := t.name.At(0.5)
		value := max(0, size-name-leastOverhead)
		if name <= value {
			continue
		}
		f := t.finding(report.Info, countMetric("keys", t.keys), "%d names of %d bytes for values of about %d", t.keys, name, value)
		f.Evidence = []report.Metric{bytesMetric("p50_name", name), bytesMetric("p50_bytes", size)}
		emit(f)
	}
}

func redisFamily() []string { return []string{"redis", "redis-cluster", "valkey"} }

func personalData() rule {
	return rule{&report.Rule{
		ID: "KD009", Name: "pii-in-key", Title: "Personal data in keys", Severity: report.Warning,
		Doc: `E-mail addresses, telephone numbers, IP addresses or numbers of payment cards are part of these keys. Keys are treated as
harmless: they show in logs, slow logs, MONITOR, metrics, error messages and support tickets, and they cannot be encrypted or
masked there. Whoever asks for their data to be erased means these places, too.

A number counts as a card's if it has 13 to 19 digits, begins with 2 to 6 and its check digit is right, in more than half of the
keys.`,
		Fix:    "put a keyed hash of it into the key",
		Bad:    []string{"user:email:x@y.example"},
		Good:   []string{"user:email:8f434346648f6b96"},
		Limits: []report.Limit{{Name: "keys", Value: 0, Unit: report.UnitCount, Source: report.OwnDefault + ": any"}},
	}, kv.FieldName, checkPersonal}
}

func checkPersonal(ks *keyspace, emit func(report.Finding)) {
	for _, t := range ks.templates {
		if what := personal(t); what != "" {
			emit(t.finding(report.Warning, countMetric("keys", t.keys), "%d keys hold %s", t.keys, what))
		}
	}
}

func personal(t *template) string {
	for _, s := range t.segments {
		switch s.Type {
		case "email":
			return "e-mail addresses"
		case "phone":
			return "telephone numbers"
		case "ip", "ipv6":
			return "IP addresses"
		}
	}
	if t.keys >= fewest && 2*t.cards > t.keys {
		return "what look like numbers of payment cards"
	}
	return ""
}

func mixedIDs() rule {
	return rule{&report.Rule{
		ID: "KD010", Name: "mixed-id-format", Title: "Two kinds of identifier in one place", Severity: report.Warning,
		Doc: `Keys of one shape hold identifiers of different kinds in the same position, such as numbers and UUIDs. Usually a migration
stopped half way: every reader must try both forms, nothing can be sorted or checked by its form, and one thing may exist twice.

Dates, times and words do not count as kinds of identifier.`,
		Fix:  "finish the migration: rewrite the rarer kind",
		Bad:  []string{"order:17 beside order:9f1c2b34-5d6e-4f70-8a9b-0c1d2e3f4a5b"},
		Good: []string{"order:17", "order:18"},
		Limits: []report.Limit{
			{Name: "share", Value: mixedShare, Unit: report.UnitRatio, Source: report.OwnDefault + ", for each kind"},
			fewestLimit(),
		},
	}, kv.FieldName, checkIDs}
}

const mixedShare = 0.01

// idKind returns the kind of identifier that a placeholder's values are, or "" if they are none, and whether values of it are
// never values of another kind.
func idKind(s *infer.Segment) (kind string, hard bool) {
	name, _, _ := strings.Cut(s.Type, "(")
	switch name {
	case "uuid", "ulid", "mac", "email", "phone":
		return name, true
	case "ip", "ipv6":
		return "ip", true
	case "int", "hex", "opaque":
		return name, false
	}
	return "", false
}

// frame is the text of the segments with position i left open.
func frame(segments []infer.Segment, open int) string {
	var b strings.Builder
	for i, s := range segments {
		b.WriteString(s.Sep)
		switch {
		case i == open:
			b.WriteByte(0)
		case s.Type != "":
			b.WriteString("\x01" + s.Type + "\x01")
		default:
			b.WriteString(s.Literal)
		}
	}
	return b.String()
}

// siblings are templates that differ in one position, by the kind of identifier there.
type siblings struct {
	kinds map[string]int64 // keys
	keys  int64
	first *template // the first by text
}

func checkIDs(ks *keyspace, emit func(report.Finding)) {
	frames := map[string]*siblings{} // only those with a hard kind: there are few
	each := func(visit func(t *template, i int, kind string, hard bool)) {
		for _, t := range ks.templates {
			for i := range t.segments {
				if kind, hard := idKind(&t.segments[i]); kind != "" && t.keys >= fewest {
					visit(t, i, kind, hard)
				}
			}
		}
	}
	each(func(t *template, i int, _ string, hard bool) {
		if hard {
			frames[frame(t.segments, i)] = &siblings{kinds: map[string]int64{}}
		}
	})
	each(func(t *template, i int, kind string, _ bool) {
		if g := frames[frame(t.segments, i)]; g != nil {
			g.kinds[kind] += t.keys
			g.keys += t.keys
			if g.first == nil || t.text < g.first.text {
				g.first = t
			}
		}
	})
	for _, f := range slices.Sorted(maps.Keys(frames)) {
		if g := frames[f]; g.mixed() {
			emit(g.finding())
		}
	}
}

// mixed reports whether at least two kinds, one of them hard, have their share of the keys. Those with less do not count.
func (g *siblings) mixed() bool {
	maps.DeleteFunc(g.kinds, func(_ string, keys int64) bool { return float64(keys) < mixedShare*float64(g.keys) })
	hard := false
	for k := range g.kinds {
		hard = hard || k != "int" && k != "hex" && k != "opaque"
	}
	return hard && len(g.kinds) > 1
}

func (g *siblings) finding() report.Finding {
	names := slices.SortedFunc(maps.Keys(g.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(g.kinds[b], g.kinds[a]), cmp.Compare(a, b))
	})
	var rarer int64
	var parts []string
	var evidence []report.Metric
	for i, k := range names {
		if i > 0 {
			rarer += g.kinds[k]
		}
		parts = append(parts, k+" "+percent(float64(g.kinds[k])/float64(g.keys)))
		evidence = append(evidence, countMetric(k+"_keys", g.kinds[k]))
	}
	f := g.first.finding(report.Warning, ratioMetric("rarer_share", rarer, g.keys), "identifiers of several kinds: %s", strings.Join(parts, ", "))
	f.Evidence = evidence
	return f
}

func binaryKeys() rule {
	return rule{&report.Rule{
		ID: "KD012", Name: "non-utf8-or-binary-key", Title: "Keys that are not text", Severity: report.Info,
		Doc: `Some of these keys are not valid UTF-8 or hold a NUL byte. Redis takes any bytes, but JSON, dashboards, logs and many clients
do not: keys come back altered, and then they cannot be found any more.`,
		Fix:    "write binary parts as base64url or hexadecimal",
		Bad:    []string{`tok:\x00\xff\x17`},
		Good:   []string{"tok:AP8X"},
		Limits: []report.Limit{{Name: "keys", Value: 0, Unit: report.UnitCount, Source: report.OwnDefault + ": any"}},
	}, kv.FieldName, func(ks *keyspace, emit func(report.Finding)) {
		for _, t := range ks.templates {
			if t.binary == 0 {
				continue
			}
			f := t.finding(report.Info, countMetric("keys", t.binary), "%d keys are not text", t.binary)
			f.Samples = keyValues(t.binaryKey)
			emit(f)
		}
	}}
}
