package audit

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func freq() *Analyzer {
	return &Analyzer{
		Name:  "lfu",
		Title: "USE (LFU)",
		Doc: `How often keys are used, by the counter that a server keeps under an LFU policy: logarithmic, from 0 to 255. A new key
begins with 5, and one that nobody uses falls by 1 a minute, unless the server is set otherwise.`,
		Needs:   kv.FieldFreq,
		Uses:    kv.FieldSize,
		Version: freqVersion,
		New:     func(time.Time) Collector { return &freqOf{} },
	}
}

// freqSteps are the highest counters of the histogram's buckets.
var freqSteps = [...]struct {
	upTo int
	name string
}{{0, "0"}, {5, "1-5"}, {10, "6-10"}, {50, "11-50"}, {100, "51-100"}, {254, "101-254"}, {math.MaxUint8, "255"}}

type freqOf struct {
	sample
	counters [math.MaxUint8 + 1]part
}

func (f *freqOf) Observe(r *kv.Record) {
	told := r.Has(kv.FieldFreq)
	f.observe(r, told)
	if told {
		f.counters[r.Freq].observe(r)
	}
}

func (f *freqOf) Merge(c Collector) {
	o := c.(*freqOf)
	f.merge(&o.sample)
	for i := range f.counters {
		f.counters[i].merge(&o.counters[i])
	}
}

const freqVersion = 1

// AppendBinary saves f.
func (f *freqOf) AppendBinary(b []byte) ([]byte, error) { return saved.Append(b, freqVersion, f.form) }

// UnmarshalBinary reads what AppendBinary saved.
func (f *freqOf) UnmarshalBinary(b []byte) error { return saved.Read(b, freqVersion, f.form) }

func (f *freqOf) form(s *saved.Form) {
	f.sample.Form(s)
	for i := range f.counters {
		f.counters[i].Form(s)
	}
}

// Report says nothing where no key told its counter.
func (f *freqOf) Report(out *Output) {
	if f.told.keys == 0 {
		return
	}
	for _, q := range []struct {
		name string
		p    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}} {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: q.name, Value: report.Number(f.at(q.p)), Unit: report.UnitCount, How: f.how()})
	}
	cold := &f.counters[0]
	out.Metrics = append(out.Metrics, f.share("unused", cold), f.bytes("unused_bytes", cold))
	out.Metrics = append(out.Metrics, f.asked()...)
	out.Tables = []report.Table{f.histogram()}
}

// at returns the counter that the share p of the keys does not exceed.
func (f *freqOf) at(p float64) int {
	rank := int64(math.Ceil(p * float64(f.told.keys)))
	for i := range f.counters {
		if rank -= f.counters[i].keys; rank <= 0 {
			return i
		}
	}
	return math.MaxUint8
}

func (f *freqOf) histogram() report.Table {
	table := f.table("lfu_histogram", "counter")
	from := 0
	for _, s := range freqSteps {
		var p part
		for ; from <= s.upTo; from++ {
			p.merge(&f.counters[from])
		}
		f.row(&table, s.name, &p)
	}
	return table
}
