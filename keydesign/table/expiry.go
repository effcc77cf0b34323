package table

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func expiryAttribute() *audit.Analyzer {
	return &audit.Analyzer{
		Name:    "ttl_attribute",
		Title:   "TTL ATTRIBUTE",
		Doc:     "What the attribute that items expire by holds, and which values of it never make an item expire.",
		Needs:   kv.FieldFault | kv.FieldParts,
		Kind:    kv.FieldParts,
		Uses:    kv.FieldSize | kv.FieldTTL,
		Rules:   documented(ineffectiveTTLID, ttlUnit),
		Version: expiryVersion,
		New:     func(time.Time) audit.Collector { return &expiryOf{faults: map[faulty]*faultSums{}} },
	}
}

// A faulty is a kind of item with a fault of its expiry; an empty fault is none.
type faulty struct {
	prefix string
	fault  kv.Fault
}

func (f faulty) compare(o faulty) int {
	return cmp.Or(cmp.Compare(f.prefix, o.prefix), cmp.Compare(f.fault, o.fault))
}

type faultSums struct {
	items, bytes int64
	sample       string // the smallest key
}

// maxFaults bounds the table: prefixes times faults.
const (
	maxFaults     = 1024
	otherPrefixes = "others"
)

type expiryOf struct {
	items, expiring, expired int64
	expiredBytes             int64
	faults                   map[faulty]*faultSums
}

func (e *expiryOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldFault | kv.FieldParts) {
		return
	}
	e.items++
	switch r.TTL {
	case kv.TTLAt:
		e.expiring++
	case kv.TTLExpired:
		e.expired++
		e.expiredBytes += r.Size
	}
	if r.Fault == "" {
		return
	}
	e.sums(faulty{prefix(r), r.Fault}).add(&faultSums{1, r.Size, r.Key})
}

func (e *expiryOf) sums(k faulty) *faultSums {
	s := e.faults[k]
	if s == nil && len(e.faults) >= maxFaults {
		k.prefix = otherPrefixes
		s = e.faults[k]
	}
	if s == nil {
		s = &faultSums{}
		e.faults[k] = s
	}
	return s
}

func (s *faultSums) add(o *faultSums) {
	if s.items == 0 || o.sample < s.sample {
		s.sample = o.sample
	}
	s.items += o.items
	s.bytes += o.bytes
}

func (e *expiryOf) Merge(c audit.Collector) {
	o := c.(*expiryOf)
	e.items += o.items
	e.expiring += o.expiring
	e.expired += o.expired
	e.expiredBytes += o.expiredBytes
	for k, s := range o.faults {
		e.sums(k).add(s)
	}
}

const expiryVersion = 1

// AppendBinary saves e.
func (e *expiryOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, expiryVersion, e.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (e *expiryOf) UnmarshalBinary(b []byte) error { return saved.Read(b, expiryVersion, e.form) }

func (e *expiryOf) form(f *saved.Form) {
	saved.Count(f, &e.items, &e.expiring, &e.expired, &e.expiredBytes)
	saved.Map(f, e.faults, faulty.compare, func(k *faulty, s **faultSums) {
		saved.String(f, &k.prefix)
		saved.String(f, &k.fault)
		if f.Reading() {
			*s = &faultSums{}
		}
		saved.Count(f, &(*s).items, &(*s).bytes)
		saved.String(f, &(*s).sample)
	})
	f.Check(len(e.faults) <= maxFaults+16, "%d faults", len(e.faults))
}

// Report says nothing where no item has anything to do with expiry.
func (e *expiryOf) Report(out *audit.Output) {
	faults := int64(0)
	for _, s := range e.faults {
		faults += s.items
	}
	if e.expiring+e.expired+faults == 0 {
		return
	}
	out.Metrics = []report.Metric{ratio("expiring", e.expiring, e.items), count("without_effect", faults)}
	if e.expired > 0 {
		out.Metrics = append(out.Metrics, count("expired_pending", e.expired), bytes("expired_bytes", e.expiredBytes))
	}
	e.table(out)
	e.judge(out)
}

// judge makes a finding of each rule and prefix: how many items, and what is wrong with the most of them first.
func (e *expiryOf) judge(out *audit.Output) {
	type subject struct{ rule, prefix string }
	found := map[subject][]faulty{}
	for k := range e.faults {
		if k.fault != kv.FaultFar { // KD063 is judged of expiries, too, with the keys' templates
			s := subject{ruleOf(k.fault), k.prefix}
			found[s] = append(found[s], k)
		}
	}
	byName := func(a, b subject) int { return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.prefix, b.prefix)) }
	for _, s := range slices.SortedFunc(maps.Keys(found), byName) {
		ks := found[s]
		slices.SortFunc(ks, func(a, b faulty) int { return cmp.Or(cmp.Compare(e.faults[b].items, e.faults[a].items), a.compare(b)) })
		sum, parts := &faultSums{}, make([]string, len(ks))
		for i, k := range ks {
			sum.add(e.faults[k])
			parts[i] = faultText(k.fault)
			if len(ks) > 1 {
				parts[i] = humanize.Exact(e.faults[k].items) + " " + parts[i]
			}
		}
		f := report.Finding{
			Rule: s.rule, Severity: report.Error, Subject: s.prefix,
			Message:  humanize.Counted(sum.items, "item") + " never to expire: the TTL is " + strings.Join(parts, ", "),
			Measure:  &report.Metric{Name: "items", Value: report.Number(sum.items), Unit: report.UnitCount},
			Evidence: []report.Metric{ratio("share", sum.items, e.items), bytes("bytes", sum.bytes)}, Samples: samples(sum.sample),
		}
		if s.rule == ttlUnit {
			f.Fix = "write the TTL attribute as seconds of Unix time, and rewrite that of the items that are there"
		}
		out.Findings = append(out.Findings, f)
	}
}

// ruleOf returns the rule of a fault: KD063 for one of units.
func ruleOf(f kv.Fault) string {
	switch f {
	case kv.FaultMilliseconds, kv.FaultMicroseconds, kv.FaultRelative:
		return ttlUnit
	}
	return ineffectiveTTLID
}

func (e *expiryOf) table(out *audit.Output) {
	if len(e.faults) == 0 {
		return
	}
	t := report.Table{Name: "ttl_faults", Columns: []report.Column{
		{Name: "prefix", Unit: report.UnitText},
		{Name: "fault", Unit: report.UnitText},
		{Name: "items", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "size", Unit: report.UnitBytes, Sum: true},
	}}
	for _, k := range slices.SortedFunc(maps.Keys(e.faults), faulty.compare) {
		s := e.faults[k]
		t.Rows = append(t.Rows, []report.Value{
			report.Text(k.prefix), report.Text(string(k.fault)), report.Number(s.items), report.Number(s.bytes),
		})
	}
	out.Tables = []report.Table{t}
}

// faultText says what a TTL with the fault is.
func faultText(f kv.Fault) string {
	switch f {
	case kv.FaultMilliseconds:
		return "in milliseconds"
	case kv.FaultMicroseconds:
		return "in microseconds or less"
	case kv.FaultRelative:
		return "a duration, not a time"
	case kv.FaultType:
		return "no number"
	case kv.FaultOld:
		return "more than five years past"
	case kv.FaultNested:
		return "within a map"
	case kv.FaultOff:
		return "off for the table"
	}
	return string(f)
}

const ineffectiveTTLID = "KD072"

func ineffectiveTTL() *report.Rule {
	return &report.Rule{
		ID: ineffectiveTTLID, Name: "ttl-without-effect", Title: "A TTL that DynamoDB does not see", Severity: report.Error,
		Stores: []string{"dynamodb"},
		Doc: `Items carry an expiry that never makes one expire. DynamoDB looks for a number of seconds in one attribute at the top of the item,
and passes by whatever else it finds there, without an error: a string of digits, a time more than five years past, an attribute
within a map, any value while TTL is off. The items stay and are billed, and what was to be forgotten is not.`,
		Fix:  "write seconds of Unix time as a number, at the top of the item, and switch TTL on for that attribute",
		Bad:  []string{`{"expires": {"S": "1790000000"}}`, `{"meta": {"M": {"ttl": {"N": "1790000000"}}}}`},
		Good: []string{`{"ttl": {"N": "1790000000"}}`},
		Limits: []report.Limit{
			{Name: "too_old", Value: 5 * 365 * 86400, Unit: report.UnitDuration, Source: "developer guide of DynamoDB: a time further past is not deleted"},
		},
	}
}
