package recording

import (
	"errors"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/report"
)

// PartName is the name of the part of a snapshot file that holds a recording.
const PartName = "load"

const version = 1

// Bounds of what a file may say.
const (
	maxClasses = 1 << 10
	maxParts   = 1 << 12
	maxSeconds = 1 << 20 // twelve days
	maxEvents  = 1 << 16
)

// Save returns the part of a snapshot file that holds r.
func (r *Recording) Save() (report.Part, error) {
	data, err := saved.Append(nil, version, r.form)
	return report.Part{Analyzer: PartName, Version: version, Data: data}, err
}

// ErrNone says that a report holds no recording.
var ErrNone = errors.New("no recording of a load run")

// Load returns the recording in a report that was read from a snapshot file. Input is hostile: what was not saved as a recording
// is kv.ErrCorrupt.
func Load(rep *report.Report) (*Recording, error) {
	for i := range rep.Parts {
		p := &rep.Parts[i]
		if p.Analyzer != PartName {
			continue
		}
		r := &Recording{}
		switch err := saved.Read(p.Data, version, r.form); {
		case errors.Is(err, saved.ErrNewer):
			return nil, err
		case err != nil:
			return nil, kv.Corruptf("reading the recording: %w", err)
		}
		return r, nil
	}
	return nil, ErrNone
}

func (r *Recording) form(f *saved.Form) {
	m := &r.Meta
	saved.String(f, &m.Scenario, &m.Hash, &m.Version, &m.CPU, &m.Server, &m.Target, &m.Text)
	saved.Uint(f, &m.Seed)
	saved.Count(f, &m.Parts)
	f.Bool(&m.Closed)
	saved.Slice(f, maxClasses, &m.Classes, func(s *string) { saved.String(f, s) })
	f.Time(&r.Began)
	saved.Slice(f, maxParts, &r.Parts, func(p *Part) { p.form(f) })
	saved.Slice(f, maxEvents, &r.Events, func(e *Event) {
		saved.Int(f, (*int64)(&e.At))
		saved.String(f, &e.Name)
	})
	saved.Slice(f, maxSeconds, &r.Seconds, func(s *Second) { s.form(f, len(m.Classes)) })
	f.Check(m.Parts >= 1, "a run of %d parts", m.Parts)
	for i := range r.Parts {
		f.Check(r.Parts[i].Number < m.Parts && (i == 0 || r.Parts[i-1].Number < r.Parts[i].Number), "parts out of order")
	}
}

func (p *Part) form(f *saved.Form) {
	saved.Count(f, &p.Number, &p.Workers)
	saved.Uint(f, &p.Due, &p.Done, &p.Unsent)
	saved.String(f, &p.Verdict)
	saved.String(f, &p.Why)
	f.Float(&p.CPUShare)
	saved.Int(f, (*int64)(&p.Clock), (*int64)(&p.Took))
	f.Check(worse(p.Verdict, Valid) == p.Verdict && p.Verdict != "", "a verdict is %q", p.Verdict)
}

func (s *Second) form(f *saved.Form, classes int) {
	saved.Uint(f, &s.Due, &s.Done, &s.Unsent, &s.Violations)
	saved.Slice(f, classes, &s.Classes, func(c *Class) {
		saved.Uint(f, &c.Errors)
		for _, h := range []*latency.Packed{&c.Response, &c.Service, &c.Lag} {
			f.Bytes((*[]byte)(h))
			if f.Reading() && f.OK() {
				f.Check(new(latency.Histogram).AddPacked(*h) == nil, "no histogram")
			}
		}
	})
	if f.Reading() {
		s.Errors, s.Server = map[string]uint64{}, map[string]float64{}
	}
	saved.OrderedMap(f, s.Errors, func(k *string, n *uint64) {
		saved.String(f, k)
		saved.Uint(f, n)
	})
	saved.OrderedMap(f, s.Server, func(k *string, v *float64) {
		saved.String(f, k)
		f.Float(v)
	})
}
