package hotkeys

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A Decoder says what an LFU counter of Redis means: its two settings.
type Decoder struct {
	LogFactor int // lfu-log-factor
	DecayTime int // lfu-decay-time, in minutes
	Assumed   bool
}

// DefaultDecoder has the defaults of Redis, for who cannot be told the settings.
func DefaultDecoder() Decoder { return Decoder{LogFactor: 10, DecayTime: 1, Assumed: true} }

// The counter of a new key, and the greatest there is.
const (
	lfuFirst = 5
	lfuMost  = math.MaxUint8
)

// Rates reports whether a counter tells a rate, in hits a minute. Else it tells hits since the key was written: a key that is
// used once in lfu-decay-time never falls unless that is a minute.
func (d Decoder) Rates() bool { return d.DecayTime == 1 }

// An Estimate is what a counter tells, in hits a minute or hits since the key was written (Decoder.Rates). The interval holds
// the truth in at least nine of ten cases. At a saturated counter High is infinite; where nothing is told, Low and Value are 0.
type Estimate struct{ Value, Low, High float64 }

// Saturated reports whether there is no upper end.
func (e Estimate) Saturated() bool { return math.IsInf(e.High, 1) }

// Decode returns what a counter tells. A hit raises the counter c with the probability 1/((c-5)·factor + 1), and each minute
// without takes one away. With b = c-5:
//
//	a rate    b·factor + 1 hits a minute raise the counter once, as fast as it falls. It wanders about that: its variance is
//	          rate / (2·factor), since the force that pulls it back is factor/rate for each step that it is off
//	a number  b + factor·b(b-1)/2 hits lead there in the mean, with the variance Σ i·factor·(i·factor + 1), i < b
//
// Sources: evict.c of Redis (LFULogIncr, LFUDecrAndReturn); the variances follow from these. Whether the intervals hold is
// tested with the rule itself.
func (d Decoder) Decode(counter uint8) Estimate {
	f, b := float64(d.LogFactor), float64(counter)-lfuFirst
	switch {
	case b <= 0:
		return Estimate{High: d.least()}
	case d.Rates():
		rate := b*f + 1
		half := 2*math.Sqrt(rate*f/2) + 1.5*f + 1 // the counter is whole, and minutes are counted by their number
		return d.capped(counter, Estimate{rate, max(0, rate-half), rate + half})
	}
	hits, variance := b+f*b*(b-1)/2, 0.0
	for i := range int(b) {
		variance += float64(i) * f * (float64(i)*f + 1)
	}
	next := b*f + 1 // hits that the next step takes in the mean
	half := 2 * math.Sqrt(variance)
	return d.capped(counter, Estimate{hits + next/2, max(b, hits-half), hits + half + 2*next})
}

// least is the upper end of what is told by the counter of a new key.
func (d Decoder) least() float64 { return d.Decode(lfuFirst + 1).High }

func (d Decoder) capped(counter uint8, e Estimate) Estimate {
	if counter == lfuMost {
		e.High = math.Inf(1)
	}
	return e
}

// Unit says in words what counters tell.
func (d Decoder) Unit() string {
	if d.Rates() {
		return "hits a minute"
	}
	return "hits since the key was written"
}

// LFU is the analysis of LFU counters, of every key.
func LFU(d Decoder, s *schema.Schema) *audit.Analyzer {
	h := fnv.New64a()
	fmt.Fprint(h, d, s != nil)
	return &audit.Analyzer{
		Name: Section, Title: "HOT KEYS", Doc: "The keys that are used most, by the LFU counter that the server keeps.",
		Needs: kv.FieldFreq | kv.FieldName, Each: kv.FieldFreq, Version: lfuVersion, Config: h.Sum64(),
		New: func(time.Time) audit.Collector {
			return &lfuOf{decoder: d, names: newNaming(s), top: sketch.NewTop(maxKeys, hotter)}
		},
	}
}

const lfuVersion = 1

// An lfuKey is a key with its counter.
type lfuKey struct {
	key     string
	counter uint8
}

func hotter(a, b lfuKey) int {
	return cmp.Or(cmp.Compare(b.counter, a.counter), cmp.Compare(a.key, b.key))
}

type lfuOf struct {
	decoder  Decoder
	names    *naming
	counters [lfuMost + 1]int64
	keys     int64
	top      *sketch.Top[lfuKey]
}

// Observe counts a key that told its counter.
func (l *lfuOf) Observe(r *kv.Record) {
	l.keys++
	if !r.Has(kv.FieldFreq | kv.FieldName) {
		return
	}
	l.counters[r.Freq]++
	s := sums{unknown: int64(math.Round(l.decoder.Decode(r.Freq).Value))}
	l.names.of(r.Key).sums.add(&s)
	if last, full := l.top.Last(); !full || hotter(lfuKey{r.Key, r.Freq}, last) < 0 {
		l.top.Add(lfuKey{strings.Clone(r.Key), r.Freq})
	}
}

// Merge adds what c has seen.
func (l *lfuOf) Merge(c audit.Collector) {
	o := c.(*lfuOf)
	l.keys += o.keys
	l.names.merge(o.names)
	l.top.Merge(o.top)
	for i, n := range o.counters {
		l.counters[i] += n
	}
}

// AppendBinary saves l.
func (l *lfuOf) AppendBinary(b []byte) ([]byte, error) { return saved.Append(b, lfuVersion, l.form) }

// UnmarshalBinary reads what AppendBinary saved.
func (l *lfuOf) UnmarshalBinary(b []byte) error { return saved.Read(b, lfuVersion, l.form) }

func (l *lfuOf) form(f *saved.Form) {
	saved.Count(f, &l.keys)
	for i := range l.counters {
		saved.Count(f, &l.counters[i])
	}
	for _, x := range l.names.declared {
		x.Form(f)
	}
	l.names.tree.Form(f)
	l.top.Form(f, func(k *lfuKey) {
		saved.String(f, &k.key)
		saved.Uint(f, &k.counter)
	})
}

// saturatedMost is how many of the first lfuHead keys may be saturated before their order means nothing.
const (
	saturatedMost = 3
	lfuHead       = 20
)

// Report says nothing where no key told its counter.
func (l *lfuOf) Report(out *audit.Output) {
	told := int64(0)
	for _, n := range l.counters {
		told += n
	}
	if told == 0 {
		return
	}
	text := func(name, v string) report.Metric {
		return report.Metric{Name: name, Value: report.Text(v), Unit: report.UnitText}
	}
	about := fmt.Sprintf("lfu-log-factor %d, lfu-decay-time %d", l.decoder.LogFactor, l.decoder.DecayTime)
	if l.decoder.Assumed {
		about += " (assumed: the server does not tell them)"
	}
	out.Metrics = append(out.Metrics, text("source", "lfu"), text("about", about), text("counts", l.decoder.Unit()),
		report.Metric{Name: "keys", Value: report.Number(told), Unit: report.UnitCount},
		report.Metric{Name: "saturated", Value: report.Number(l.counters[lfuMost]), Unit: report.UnitCount})
	if l.saturated() {
		e := l.decoder.Decode(lfuMost)
		out.Notes = append(out.Notes, fmt.Sprintf("%d keys are at the greatest counter, 255, which is at least %.0f %s: their order says nothing. "+
			"To tell them apart, watch them: --source server or --source monitor.", l.counters[lfuMost], e.Low, l.decoder.Unit()))
	}
	templates, nameOf := l.names.templates()
	out.Tables = append(out.Tables, l.table(nameOf), l.ranges(), l.byTemplate(templates))
}

func (l *lfuOf) saturated() bool {
	n := 0
	for _, k := range l.top.Sorted()[:min(lfuHead, l.top.Len())] {
		if k.counter == lfuMost {
			n++
		}
	}
	return n > saturatedMost
}

// estimate returns the sum of all estimates.
func (l *lfuOf) estimate() (sum float64) {
	for c, n := range l.counters {
		sum += float64(n) * l.decoder.Decode(uint8(c)).Value
	}
	return sum
}

// lfuRows is how many keys are listed.
const lfuRows = 100

// table has the columns of Counter.keys: the truth is between count - error and count.
func (l *lfuOf) table(nameOf func(string) string) report.Table {
	t := New(Options{}).keys(1, sums{}, nameOf)
	keys := l.top.Sorted()
	next := 0.0
	if len(keys) > lfuRows {
		next, keys = l.decoder.Decode(keys[lfuRows].counter).High, keys[:lfuRows]
	}
	all := l.estimate()
	for _, k := range keys {
		e := l.decoder.Decode(k.counter)
		high, sure := e.High, 0
		if e.Low >= next && !e.Saturated() {
			sure = 1
		}
		row := []report.Value{
			report.Text(k.key), report.Null, report.Null, report.Null, report.Null, report.Null,
			report.Number(math.Round(high)), report.Number(math.Round(high - e.Low)), report.Number(sure), report.Number(share(e.Value,
				all)),
		}
		if name := nameOf(k.key); name != "" {
			row[1] = report.Text(name)
		}
		if e.Saturated() { // there is no more than a lower end
			row[6], row[7] = report.Number(math.Round(e.Low)), report.Null
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// ranges lists the counters of the same keys with what they tell.
func (l *lfuOf) ranges() report.Table {
	t := report.Table{Name: "counters", Title: "Counter", Columns: []report.Column{
		{Name: "key", Unit: report.UnitKey},
		{Name: "counter", Unit: report.UnitCount},
		{Name: "low", Unit: report.UnitCount},
		{Name: "estimate", Unit: report.UnitCount},
		{Name: "high", Unit: report.UnitCount},
	}}
	keys := l.top.Sorted()
	for _, k := range keys[:min(lfuRows, len(keys))] {
		e := l.decoder.Decode(k.counter)
		t.Rows = append(t.Rows, []report.Value{
			report.Text(k.key), report.Number(int64(k.counter)), report.Number(math.Round(e.Low)), report.Number(math.Round(e.Value)),
			report.Number(math.Round(e.High)),
		})
	}
	return t
}

func (l *lfuOf) byTemplate(all []template) report.Table {
	t := report.Table{Name: "templates", Title: "Template", Columns: []report.Column{
		{Name: "template", Unit: report.UnitKey},
		{Name: "estimate", Unit: report.UnitCount, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
	}}
	slices.SortFunc(all, func(a, b template) int {
		return cmp.Or(cmp.Compare(b.unknown, a.unknown), cmp.Compare(a.text, b.text))
	})
	sum := l.estimate()
	for i := range all[:min(maxTemplates, len(all))] {
		x := &all[i]
		t.Rows = append(t.Rows, []report.Value{
			report.Text(x.text), report.Number(x.unknown),
			report.Number(share(float64(x.unknown), sum)),
		})
	}
	t.Omitted = int64(len(all) - len(t.Rows))
	return t
}
