package audit

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func compression() *Analyzer {
	return &Analyzer{
		Name:  "compression",
		Title: "STRINGS IN FILE",
		Doc: `What string values take in the file against what they hold: the file compresses long ones with LZF, which is a cautious
estimate of what a client would save that compresses them before it writes.`,
		Needs:   kv.FieldStored,
		Version: compressionVersion,
		New:     func(time.Time) Collector { return &compressionOf{} },
	}
}

type compressionOf struct {
	strings, compressed, logical, stored int64
}

func (s *compressionOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldStored) {
		return
	}
	s.strings++
	s.logical += r.Logical
	s.stored += r.Stored
	if r.Stored < r.Logical {
		s.compressed++
	}
}

func (s *compressionOf) Merge(c Collector) {
	o := c.(*compressionOf)
	s.strings += o.strings
	s.compressed += o.compressed
	s.logical += o.logical
	s.stored += o.stored
}

const compressionVersion = 1

// AppendBinary saves s.
func (s *compressionOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, compressionVersion, s.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (s *compressionOf) UnmarshalBinary(b []byte) error {
	return saved.Read(b, compressionVersion, s.form)
}

func (s *compressionOf) form(f *saved.Form) {
	saved.Count(f, &s.strings, &s.compressed, &s.logical, &s.stored)
}

// Report says nothing where the file compresses nothing: then it says nothing of what could be compressed.
func (s *compressionOf) Report(out *Output) {
	if s.compressed == 0 {
		return
	}
	out.Metrics = []report.Metric{
		{Name: "strings", Value: report.Number(s.strings), Unit: report.UnitCount},
		{Name: "compressed", Value: ratio(s.compressed, s.strings), Unit: report.UnitRatio},
		{Name: "bytes", Value: report.Number(s.logical), Unit: report.UnitBytes},
		{Name: "stored", Value: report.Number(s.stored), Unit: report.UnitBytes},
		{Name: "stored_share", Value: ratio(s.stored, s.logical), Unit: report.UnitRatio},
	}
}
