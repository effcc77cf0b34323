package audit

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func idle() *Analyzer {
	return &Analyzer{
		Name:    "idle",
		Title:   "IDLE TIME",
		Doc:     "How long keys have not been used: the share of keys, and the bytes that lie cold.",
		Needs:   kv.FieldIdle,
		Uses:    kv.FieldSize,
		Version: idleVersion,
		New:     func(time.Time) Collector { return &idleOf{times: sketch.NewQuantiles(fineBins)} },
	}
}

// idleSteps are the upper ends of the histogram's buckets; a key is cold from the last three on.
var idleSteps = [...]struct {
	below time.Duration
	name  string
}{
	{time.Minute, "<1m"},
	{time.Hour, "1-60m"},
	{day, "1-24h"},
	{7 * day, "1-7d"},
	{30 * day, "7-30d"},
}

// coldFrom is the bucket from which on keys count as cold, and the names of what they are then.
const coldFrom = 3

var coldNames = [...]string{"cold_1d", "cold_7d", "cold_30d"}

type idleOf struct {
	sample
	times   sketch.Quantiles // seconds
	buckets [len(idleSteps) + 1]part
}

func (i *idleOf) Observe(r *kv.Record) {
	told := r.Has(kv.FieldIdle)
	i.observe(r, told)
	if !told {
		return
	}
	i.times.Add(int64(r.Idle / time.Second))
	n := 0
	for n < len(idleSteps) && r.Idle >= idleSteps[n].below {
		n++
	}
	i.buckets[n].observe(r)
}

func (i *idleOf) Merge(c Collector) {
	o := c.(*idleOf)
	i.merge(&o.sample)
	i.times.Merge(&o.times)
	for n := range i.buckets {
		i.buckets[n].merge(&o.buckets[n])
	}
}

const idleVersion = 1

// AppendBinary saves i.
func (i *idleOf) AppendBinary(b []byte) ([]byte, error) { return saved.Append(b, idleVersion, i.form) }

// UnmarshalBinary reads what AppendBinary saved.
func (i *idleOf) UnmarshalBinary(b []byte) error { return saved.Read(b, idleVersion, i.form) }

func (i *idleOf) form(f *saved.Form) {
	i.sample.Form(f)
	i.times.Form(f)
	for n := range i.buckets {
		i.buckets[n].Form(f)
	}
}

// Report says nothing where no key told its idle time.
func (i *idleOf) Report(out *Output) {
	if i.told.keys == 0 {
		return
	}
	for _, q := range []struct {
		name string
		p    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"max", 1}} {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: q.name, Value: quantile(&i.times, q.p), Unit: report.UnitDuration, How: i.how()})
	}
	for n, name := range coldNames {
		cold := i.cold(n)
		out.Metrics = append(out.Metrics, i.share(name, &cold))
	}
	for n, name := range coldNames {
		cold := i.cold(n)
		out.Metrics = append(out.Metrics, i.bytes(name+"_bytes", &cold))
	}
	out.Metrics = append(out.Metrics, i.asked()...)
	out.Tables = []report.Table{i.histogram()}
}

// cold returns the keys that were idle for at least the n-th limit of a cold key.
func (i *idleOf) cold(n int) part {
	var p part
	for b := coldFrom + n; b < len(i.buckets); b++ {
		p.merge(&i.buckets[b])
	}
	return p
}

func (i *idleOf) histogram() report.Table {
	table := i.table("idle_histogram", "idle")
	for n := range i.buckets {
		name := ">30d"
		if n < len(idleSteps) {
			name = idleSteps[n].name
		}
		i.row(&table, name, &i.buckets[n])
	}
	return table
}

// asked says how many keys the fact is known of, where these are not all.
func (s *sample) asked() []report.Metric {
	if s.exact() {
		return nil
	}
	return []report.Metric{{Name: "asked_keys", Value: report.Number(s.told.keys), Unit: report.UnitCount}}
}

// table begins a histogram of a sample.
func (s *sample) table(name, what string) report.Table {
	return report.Table{Name: name, Columns: []report.Column{
		{Name: what, Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
	}}
}

// row adds p to a histogram, scaled to all keys, unless it is empty.
func (s *sample) row(t *report.Table, name string, p *part) {
	if p.keys > 0 {
		t.Rows = append(t.Rows, []report.Value{
			report.Text(name), s.keys(p), ratio(p.keys, s.told.keys), s.bytesValue(p),
		})
	}
}
