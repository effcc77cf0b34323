package kvr

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/report"
)

// framesOf returns the frames of a report.
func framesOf(r *report.Report) ([]frame, error) {
	doc, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	if err := report.Bounded(doc); err != nil {
		return nil, err
	}
	frames := []frame{{kind: kindReport, name: r.Kind, version: 1, data: doc}}
	for i := range r.Parts {
		p := &r.Parts[i]
		if p.Shard < 0 || p.Shard > math.MaxUint32 {
			return nil, fmt.Errorf("part %s of shard %d", p.Analyzer, p.Shard)
		}
		frames = append(frames, frame{kindPart, p.Analyzer, p.Version, p.Config, uint32(p.Shard), p.Data})
	}
	if r.Resume != nil {
		data, err := saved.Append(nil, resumeVersion, func(f *saved.Form) { formResume(f, r.Resume) })
		if err != nil {
			return nil, err
		}
		frames = append(frames, frame{kind: kindResume, version: resumeVersion, data: data})
	}
	return append(frames, frame{kind: kindEnd, shard: uint32(len(frames))}), nil
}

// assemble makes a report of frames.
func assemble(frames []frame) (*report.Report, error) {
	if len(frames) == 0 || frames[0].kind != kindReport {
		return nil, fmt.Errorf("%w: the report in it cannot be read", ErrDamaged)
	}
	if err := report.Bounded(frames[0].data); err != nil {
		return nil, fmt.Errorf("%w that this kvtool can read: its report is %w", ErrFormat, err)
	}
	r := &report.Report{}
	if err := json.Unmarshal(frames[0].data, r); err != nil {
		return nil, fmt.Errorf("%w: the report in it is no report: %w", ErrDamaged, err)
	}
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("%w that this kvtool can read: %w", ErrFormat, err)
	}
	for i := range frames[1:] {
		f := &frames[1+i]
		switch f.kind {
		case kindPart:
			r.Parts = append(r.Parts, report.Part{Analyzer: f.name, Shard: int(f.shard), Version: f.version, Config: f.config, Data: f.data})
		case kindResume:
			res := &report.Resume{}
			if err := saved.Read(f.data, resumeVersion, func(f *saved.Form) { formResume(f, res) }); err != nil {
				r.Skipped = append(r.Skipped, report.Skip{Name: "resume", Why: err.Error()})
				continue
			}
			r.Resume = res
		case kindReport, kindEnd:
		default:
			r.Skipped = append(r.Skipped, report.Skip{
				Name: fmt.Sprintf("frame %d", f.kind), Why: "this kvtool does not know frames of that kind",
			})
		}
	}
	return r, nil
}

const resumeVersion = 1

// Bounds of what a file may say of a run that can be gone on with: its shards, and the keys of each that are to be passed over.
const (
	maxMarks = 1 << 16
	maxSince = 1<<16 + 1
)

func formResume(f *saved.Form, r *report.Resume) {
	saved.String(f, &r.Match, &r.Depth)
	saved.Slice(f, maxMarks, &r.Marks, func(m *report.Mark) {
		saved.String(f, &m.Shard)
		saved.Uint(f, &m.State)
		f.Check(m.State <= report.MarkDone, "a mark of state %d", m.State)
		some := m.From != nil
		if f.Bool(&some); some {
			f.Bytes(&m.From)
		}
		saved.Count(f, &m.Keys, &m.Asked, &m.Lacking)
		saved.Slice(f, maxSince, &m.Since, func(k *report.Key) {
			saved.Int(f, &k.DB)
			saved.String(f, &k.Key)
		})
	})
}
