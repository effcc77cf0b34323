package keydesign

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func slots() *audit.Analyzer {
	return &audit.Analyzer{
		Name:  slotsName,
		Title: "SLOTS",
		Doc: `How evenly keys and bytes are spread over the slots of a cluster, beside what chance alone would do; and the hash tags that
keep keys together.`,
		Needs:   kv.FieldSlot | kv.FieldName,
		Uses:    kv.FieldSize,
		Rules:   []*report.Rule{slotSkew(), giantTag(), AccidentalTags()},
		Version: slotsVersion,
		New:     func(time.Time) audit.Collector { return &slotsOf{tags: newTags()} },
	}
}

const slotsName = "slots"

// slotsOf has a load for each slot, from the first record on.
type slotsOf struct {
	slots []load
	all   load
	// sampled says that only some keys were asked for their size. A slot has too few keys for that: what one of them stands
	// for is not there.
	sampled bool
	tags    *tags
	braces  Accidents
}

func (s *slotsOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldSlot | kv.FieldName) {
		return
	}
	if s.slots == nil {
		s.slots = make([]load, slot.Count)
	}
	l := loadOf(r)
	if r.Others != 0 {
		s.sampled, l.bytes, l.sized = true, 0, 0
	}
	s.all.add(l)
	s.slots[r.Slot%slot.Count].add(l)
	s.tags.observe(r.Key, &l)
	s.braces.Observe(r.Key)
}

func (s *slotsOf) Merge(c audit.Collector) {
	o := c.(*slotsOf)
	s.all.add(o.all)
	s.sampled = s.sampled || o.sampled
	s.tags.merge(o.tags)
	s.braces.Merge(&o.braces)
	if s.slots == nil {
		s.slots = o.slots
		return
	}
	for i := range o.slots {
		s.slots[i].add(o.slots[i])
	}
}

// slotsVersion is 2 since braces are counted.
const slotsVersion = 2

// AppendBinary saves s.
func (s *slotsOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, slotsVersion, s.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (s *slotsOf) UnmarshalBinary(b []byte) error { return saved.Read(b, slotsVersion, s.form) }

func (s *slotsOf) form(f *saved.Form) {
	s.all.Form(f)
	s.tags.Form(f)
	s.braces.Form(f)
	f.Bool(&s.sampled)
	some := s.slots != nil
	if f.Bool(&some); !some {
		return
	}
	if f.Reading() {
		s.slots = make([]load, slot.Count)
	}
	for i := range s.slots {
		s.slots[i].Form(f)
	}
}

// Report says nothing where no key told its slot.
func (s *slotsOf) Report(out *audit.Output) {
	if s.all.keys == 0 {
		return
	}
	if s.sampled {
		s = s.withoutBytes()
	}
	used := s.used()
	keys := spreadOf(s.slots, used, func(l *load) int64 { return l.keys })
	out.Metrics = []report.Metric{
		countMetric("used", int64(used)),
		{Name: "keys_max_over_mean", Value: report.Number(keys.peak), Unit: report.UnitFactor},
		{Name: "by_chance", Value: report.Number(s.baseline(used)), Unit: report.UnitFactor},
		{Name: "effect", Value: report.Number(twoDigits(keys.effect)), Unit: report.UnitText},
	}
	if s.all.sized > 0 {
		bytes := spreadOf(s.slots, used, func(l *load) int64 { return l.bytes })
		out.Metrics = append(out.Metrics,
			report.Metric{Name: "bytes_max_over_mean", Value: report.Number(bytes.peak), Unit: report.UnitFactor},
			report.Metric{Name: "top_slot_bytes", Value: quotient(bytes.most, s.all.bytes), Unit: report.UnitRatio})
	}
	out.Metrics = append(out.Metrics, ratioMetric("tagged", s.tags.tagged.keys, s.all.keys))
	if s.tags.tagged.keys > 0 {
		out.Metrics = append(out.Metrics, s.tags.names())
	}
	if t := s.tags.table(&s.all); len(t.Rows) > 0 {
		out.Tables = append(out.Tables, t)
	}
	out.Tables = append(out.Tables, s.table(used))
	s.check(used, &keys, out)
}

// withoutBytes returns a copy in which no bytes are known.
func (s *slotsOf) withoutBytes() *slotsOf {
	c := *s
	c.slots = slices.Clone(s.slots)
	for i := range c.slots {
		c.slots[i].bytes, c.slots[i].sized = 0, 0
	}
	c.all.bytes, c.all.sized = 0, 0
	return &c
}

func (s *slotsOf) used() (n int) {
	for i := range s.slots {
		if s.slots[i].keys > 0 {
			n++
		}
	}
	return n
}

// A spread says how unevenly something lies over the slots that are used.
type spread struct {
	most    int64
	fullest int     // the slot that holds most; the first of several
	peak    float64 // how many times the mean that is
	effect  float64 // Cohen's w
}

// spreadOf returns the spread over the used slots. Cohen's w is what stays of χ² when the number of keys is taken out: about 0
// where chance alone places them, and the same for the same unevenness whatever their number:
//
//	w = √( max(0, χ² - (used-1)) / N ),  χ² = Σ (x-λ)²/λ
func spreadOf(slots []load, used int, of func(*load) int64) spread {
	var s spread
	total := int64(0)
	for i := range slots {
		x := of(&slots[i])
		total += x
		if x > s.most {
			s.most, s.fullest = x, i
		}
	}
	if total == 0 || used == 0 {
		return s
	}
	n, mean := float64(total), float64(total)/float64(used)
	s.peak = float64(s.most) / mean
	chi := 0.0
	for i := range slots {
		if slots[i].keys > 0 {
			d := float64(of(&slots[i])) - mean
			chi += d * d / mean
		}
	}
	s.effect = math.Sqrt(max(0, chi-float64(used-1)) / n)
	return s
}

// baseline returns how many times the mean the fullest slot would hold by chance. Keys with the same hash tag are placed
// together, so that chance has fewer things to place.
func (s *slotsOf) baseline(used int) float64 {
	return chancePeak(float64(used), float64(s.all.keys)/float64(used)/s.tags.together(&s.all))
}

func (s *slotsOf) table(used int) report.Table {
	const most = 10
	order := make([]int, 0, used)
	for i := range s.slots {
		if s.slots[i].keys > 0 {
			order = append(order, i)
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		x, y := &s.slots[a], &s.slots[b]
		return cmp.Or(cmp.Compare(y.bytes, x.bytes), cmp.Compare(y.keys, x.keys), cmp.Compare(a, b))
	})
	table := report.Table{Name: "top_slots", Columns: []report.Column{
		{Name: "slot", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "times_mean", Title: "× mean", Unit: report.UnitFactor},
	}}
	for _, i := range order[:min(most, len(order))] {
		l := &s.slots[i]
		share := l.weight(&s.all)
		table.Rows = append(table.Rows, []report.Value{
			report.Number(i), report.Number(l.keys), sum(l.bytes, l.sized), report.Number(share), times(share, used),
		})
	}
	return table
}

// The limits of KD025.
const (
	slotTimes  = 1.5
	slotChance = 1.25
	slotKeys   = 5 // a slot, in the mean
)

func slotSkew() *report.Rule {
	return &report.Rule{
		ID: "KD025", Name: "slot-skew", Title: "A slot that holds far more keys than others", Severity: report.Warning, Stores: redisFamily(),
		Doc: `A slot is the smallest thing that a cluster can move. One that holds many times the keys of the others cannot be divided: the
node that has it takes the load of all of them. Chance alone makes some slots fuller than others, the more so the fewer keys there
are; only what is well above that counts. Where one hash tag is the reason, the finding is about that tag.`,
		Fix:  "put what differs from key to key into the hash tag, or leave the tag out",
		Bad:  []string{"{app}:u:1, {app}:u:2, …"},
		Good: []string{"{u:1}:app, {u:2}:app, …"},
		Limits: []report.Limit{
			{Name: "times_mean", Value: slotTimes, Unit: report.UnitFactor, Source: report.OwnDefault},
			{Name: "times_chance", Value: slotChance, Unit: report.UnitFactor, Source: report.OwnDefault + ": 1.25 times what chance does"},
			{Name: "keys_a_slot", Value: slotKeys, Unit: report.UnitCount, Source: report.OwnDefault + ": with fewer in the mean chance does anything"},
		},
	}
}

func (s *slotsOf) check(used int, keys *spread, out *audit.Output) {
	emit := func(rule *report.Rule, f report.Finding) {
		f.Rule = rule.ID
		out.Findings = append(out.Findings, f)
	}
	s.tags.check(&s.all, func(f report.Finding) { emit(giantTag(), f) })
	out.Findings = append(out.Findings, s.braces.Findings(s.all.keys)...)
	mean, chance := float64(s.all.keys)/float64(used), s.baseline(used)
	limit := max(slotTimes, slotChance*chance)
	if mean < slotKeys || keys.peak <= limit {
		return
	}
	f := report.Finding{
		Severity: report.Warning,
		Subject:  keyspaceSubject,
		Message:  "one slot holds " + factor(keys.peak) + " times the keys of the mean; chance alone would make it " + factor(chance),
		Measure:  &report.Metric{Name: "keys_max_over_mean", Value: report.Number(keys.peak), Unit: report.UnitFactor},
		Evidence: []report.Metric{
			countMetric("keys_of_the_slot", keys.most),
			{Name: "by_chance", Value: report.Number(chance), Unit: report.UnitFactor},
			{Name: "effect", Value: report.Number(keys.effect), Unit: report.UnitFactor},
		},
	}
	if t, ok := s.tags.heaviestOf(uint16(keys.fullest)); ok && float64(keys.most-t.high) <= limit*mean {
		f.Subject = t.text()
		f.Evidence = append(f.Evidence, countMetric("keys_of_the_tag", t.keys))
	}
	emit(slotSkew(), f)
}
