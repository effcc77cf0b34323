package audit

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func ttls() *Analyzer {
	return &Analyzer{
		Name:    "ttl",
		Title:   "TTL, KEYS",
		Doc:     "How much time the keys have left: the share of keys, and the bytes that their expiry frees.",
		Needs:   kv.FieldTTL,
		Uses:    kv.FieldSize,
		Version: ttlsVersion,
		New:     func(now time.Time) Collector { return &ttlsOf{now: now} },
	}
}

// ttlSteps are the upper ends of the histogram's buckets.
var ttlSteps = [...]struct {
	below time.Duration
	name  string
}{
	{time.Minute, "<1m"},
	{10 * time.Minute, "1-10m"},
	{time.Hour, "10-60m"},
	{6 * time.Hour, "1-6h"},
	{day, "6-24h"},
	{7 * day, "1-7d"},
	{30 * day, "7-30d"},
	{365 * day, "30-365d"},
}

const day = 24 * time.Hour

// Buckets besides those of ttlSteps.
const (
	beyond = len(ttlSteps) + iota
	persistent
	expired
	untold
	ttlBuckets
)

type ttlsOf struct {
	now     time.Time
	all     census
	buckets [ttlBuckets]sums
}

func (t *ttlsOf) Observe(r *kv.Record) {
	if t.all.count(r) > 0 {
		t.buckets[t.bucket(r)].observe(r)
	}
}

func (t *ttlsOf) bucket(r *kv.Record) int {
	switch {
	case !r.Has(kv.FieldTTL):
		return untold
	case r.TTL == kv.TTLNone:
		return persistent
	case r.TTL == kv.TTLExpired, r.ExpireAt.Before(t.now): // the latter where the store has no time of its own
		return expired
	}
	left := r.ExpireAt.Sub(t.now)
	for i, s := range ttlSteps {
		if left < s.below {
			return i
		}
	}
	return beyond
}

func (t *ttlsOf) Merge(c Collector) {
	o := c.(*ttlsOf)
	t.all.merge(&o.all)
	for i := range t.buckets {
		t.buckets[i].merge(&o.buckets[i])
	}
}

const ttlsVersion = 1

// AppendBinary saves t.
func (t *ttlsOf) AppendBinary(b []byte) ([]byte, error) { return saved.Append(b, ttlsVersion, t.form) }

// UnmarshalBinary reads what AppendBinary saved.
func (t *ttlsOf) UnmarshalBinary(b []byte) error { return saved.Read(b, ttlsVersion, t.form) }

func (t *ttlsOf) form(f *saved.Form) {
	t.all.Form(f)
	for i := range t.buckets {
		t.buckets[i].Form(f)
	}
}

// Report gives shares of the keys whose TTL is known, and the whole histogram as a table.
func (t *ttlsOf) Report(out *Output) {
	var told, within sums
	for i := range untold {
		told.merge(&t.buckets[i])
	}
	share := func(name string, s *sums) {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: name, Value: ratio(s.stands, told.stands), Unit: report.UnitRatio, How: t.all.how()})
	}
	share("none", &t.buckets[persistent])
	if t.buckets[expired].keys > 0 {
		share("expired", &t.buckets[expired])
	}
	for i := range beyond {
		within.merge(&t.buckets[i])
		switch ttlSteps[i].below {
		case time.Hour:
			share("<1h", &within)
		case day:
			share("1-24h", &within)
		case 7 * day:
			share("1-7d", &within)
		default:
			continue
		}
		within = sums{}
	}
	within.merge(&t.buckets[beyond])
	share(">7d", &within)
	out.Tables = []report.Table{t.histogram(&told)}
}

func (t *ttlsOf) histogram(told *sums) report.Table {
	table := report.Table{Name: "ttl_histogram", Columns: []report.Column{
		{Name: "left", Title: "TTL left", Unit: report.UnitText},
		{Name: "keys", Unit: report.UnitCount, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
	}}
	row := func(name string, s *sums) {
		if s.keys > 0 {
			table.Rows = append(table.Rows, []report.Value{
				report.Text(name), report.Number(t.all.scale(s.stands)), ratio(s.stands, told.stands), known(t.all.scale(s.bytes), s.sized),
			})
		}
	}
	row("none", &t.buckets[persistent])
	row("expired", &t.buckets[expired])
	for i, s := range ttlSteps {
		row(s.name, &t.buckets[i])
	}
	row(">365d", &t.buckets[beyond])
	row("unknown", &t.buckets[untold])
	return table
}
