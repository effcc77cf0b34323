package audit

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// fineBins keeps the relative error under 0.5 % over 30 octaves: there is one such summary in an analysis.
const fineBins = 8192

func sizes() *Analyzer {
	return &Analyzer{
		Name:    "sizes",
		Title:   "SIZE OF A KEY",
		Doc:     "Quantiles of the bytes that a key and its value take.",
		Needs:   kv.FieldSize,
		Version: spreadVersion,
		New: func(time.Time) Collector {
			return &spread{
				quantiles: sketch.NewQuantiles(fineBins),
				value: func(r *kv.Record) (v, keys int64) {
					if r.Has(kv.FieldSize) {
						keys = r.Stands()
					}
					return r.Size, keys
				},
			}
		},
	}
}

func names() *Analyzer {
	return &Analyzer{
		Name:    "names",
		Title:   "KEY NAMES",
		Doc:     "Quantiles of the length of a key's name in bytes.",
		Needs:   kv.FieldName,
		Version: spreadVersion,
		New: func(time.Time) Collector {
			return &spread{
				quantiles: sketch.NewQuantiles(fineBins),
				value: func(r *kv.Record) (v, keys int64) {
					if r.Has(kv.FieldName) {
						keys = 1
					}
					return int64(len(r.Key)), keys
				},
			}
		},
	}
}

// A spread summarises one number of each record.
type spread struct {
	quantiles sketch.Quantiles
	value     func(*kv.Record) (v, keys int64) // and for how many keys it stands; 0: it is not known
}

func (s *spread) Observe(r *kv.Record) {
	if v, keys := s.value(r); keys > 0 {
		s.quantiles.AddN(v, keys)
	}
}

func (s *spread) Merge(c Collector) { s.quantiles.Merge(&c.(*spread).quantiles) }

const spreadVersion = 1

// AppendBinary saves s.
func (s *spread) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, spreadVersion, s.quantiles.Form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (s *spread) UnmarshalBinary(b []byte) error {
	return saved.Read(b, spreadVersion, s.quantiles.Form)
}

func (s *spread) Report(out *Output) {
	for _, q := range []struct {
		name string
		p    float64
	}{{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}} {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: q.name, Value: quantile(&s.quantiles, q.p), Unit: report.UnitBytes})
	}
}
