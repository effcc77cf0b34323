package audit

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func expiredKeys() *Analyzer {
	return &Analyzer{
		Name:  "expired",
		Title: "EXPIRED, STILL THERE",
		Doc: `Keys that are past their expiry and still take memory: a server removes them when somebody asks for them, or when its
sampling comes to them; a replica keeps them until its primary says so.`,
		Needs:   kv.FieldTTL,
		Uses:    kv.FieldSize,
		Version: expiredVersion,
		New:     func(now time.Time) Collector { return &expiredOf{now: now} },
	}
}

type expiredOf struct {
	now       time.Time
	all, past sums
	longest   time.Duration // past its expiry
}

func (e *expiredOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldTTL) {
		return
	}
	e.all.observe(r)
	if r.TTL == kv.TTLExpired || r.TTL == kv.TTLAt && r.ExpireAt.Before(e.now) {
		e.past.observe(r)
		if !r.ExpireAt.IsZero() { // a server that answers "gone" does not say since when
			e.longest = max(e.longest, e.now.Sub(r.ExpireAt))
		}
	}
}

func (e *expiredOf) Merge(c Collector) {
	o := c.(*expiredOf)
	e.all.merge(&o.all)
	e.past.merge(&o.past)
	e.longest = max(e.longest, o.longest)
}

const expiredVersion = 1

// AppendBinary saves e.
func (e *expiredOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, expiredVersion, e.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (e *expiredOf) UnmarshalBinary(b []byte) error { return saved.Read(b, expiredVersion, e.form) }

func (e *expiredOf) form(f *saved.Form) {
	e.all.Form(f)
	e.past.Form(f)
	saved.Count(f, &e.longest)
}

// Report says nothing where no key is past its expiry.
func (e *expiredOf) Report(out *Output) {
	if e.past.keys == 0 {
		return
	}
	out.Metrics = []report.Metric{
		{Name: "keys", Value: report.Number(e.past.stands), Unit: report.UnitCount},
		{Name: "share", Value: ratio(e.past.stands, e.all.stands), Unit: report.UnitRatio},
		{Name: "bytes", Value: known(e.past.bytes, e.past.sized), Unit: report.UnitBytes},
	}
	if e.longest > 0 {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: "longest_past", Value: report.Seconds(e.longest), Unit: report.UnitDuration})
	}
}
