package audit

import (
	"errors"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A track remembers how a shard's scan can be continued: the store's last mark, and the keys that have come since. A
// continued scan yields these once more, and they are left out then; so it counts what one scan would have counted. A track
// that is off remembers nothing.
type track struct {
	on    bool
	from  []byte       // nil is the beginning
	since []report.Key // observed behind it
	bytes int          // of the keys in since
	lost  bool         // more than can be kept has come since
	// again holds what was observed behind from before the interruption, and whether it has come again.
	again map[report.Key]bool
}

// Bounds of what is kept between two marks of a shard. A store that marks more seldom is read anew.
const (
	maxSince      = 1 << 16
	maxSinceBytes = 4 << 20
)

// watches reports whether every record is to be shown to t.
func (t *track) watches() bool { return t.on || len(t.again) > 0 }

// mark takes the store's word for where a later scan can go on.
func (t *track) mark(s kv.Shard) {
	t.from = append([]byte{}, s.From...)
	t.since, t.bytes, t.lost = t.since[:0], 0, false
	for k, came := range t.again {
		if came {
			delete(t.again, k)
		}
	}
}

// observe reports whether r is to be counted: whether it has not been before the interruption.
func (t *track) observe(r *kv.Record) bool {
	k := report.Key{DB: r.DB, Key: r.Key}
	if len(t.again) > 0 {
		if _, known := t.again[k]; known {
			t.again[k] = true
			return false
		}
	}
	if t.lost || !t.on {
		return true
	}
	t.since = append(t.since, k)
	if t.bytes += len(k.Key); len(t.since) > maxSince || t.bytes > maxSinceBytes {
		t.since, t.lost = nil, true
	}
	return true
}

// state returns the mark of a shard whose scan ended, early or not.
func (t *track) state(h *handover) report.Mark {
	switch {
	case h.err == nil:
		return report.Mark{State: report.MarkDone}
	case !t.on || t.lost || errors.Is(h.err, kv.ErrRestart):
		return report.Mark{State: report.MarkAnew}
	}
	m := report.Mark{State: report.MarkHere, From: t.from, Since: t.since}
	for k := range t.again {
		m.Since = append(m.Since, k)
	}
	return m
}

// resume returns what a later run needs to go on with this one, or nil if it has read everything or would have to begin from
// the beginning.
func (r *run) resume(scanErr error) *report.Resume {
	if scanErr == nil || !r.opt.Save {
		return nil
	}
	out := &report.Resume{Match: r.opt.Match, Depth: r.opt.Depth.String()}
	worth := false
	for i := range r.folds {
		f := &r.folds[i]
		m := f.mark
		m.Shard, m.Keys, m.Asked, m.Lacking = r.shards[i].Name, f.keys, f.asked, f.lacking
		worth = worth || m.State != report.MarkAnew && m.Keys > 0
		out.Marks = append(out.Marks, m)
	}
	if !worth {
		return nil
	}
	return out
}

// restore has the shards go on where those of an interrupted run ended.
func (r *run) restore(old *report.Report) error {
	if err := r.sameRun(old); err != nil {
		return kv.WithHint(err, "begin anew, without --resume")
	}
	r.taken, r.before = old.Taken, old.Coverage.Elapsed
	for i := range old.Resume.Marks {
		m := &old.Resume.Marks[i]
		if m.State == report.MarkAnew {
			continue
		}
		f := &r.folds[i]
		f.keys, f.asked, f.lacking = m.Keys, m.Asked, m.Lacking
		for _, a := range r.as {
			p := find(old.Parts, a.Name, i)
			if p == nil {
				return kv.Usagef("the file has no part %s of shard %q", a.Name, m.Shard)
			}
			c, err := a.load(p, r.taken)
			if err != nil {
				return err
			}
			f.collectors, f.forms = append(f.collectors, c), append(f.forms, p.Data)
		}
		f.mark = *m
	}
	return nil
}

// sameRun returns an error that says why r is not the rest of an interrupted run.
func (r *run) sameRun(old *report.Report) error {
	switch {
	case old.Resume == nil && old.Coverage.Complete:
		return kv.Usagef("the audit in the file is complete: there is nothing to resume")
	case old.Resume == nil:
		return kv.Usagef("the audit in the file does not say where to go on: this kind of target cannot continue a scan")
	case old.Target.URL != r.info.Target:
		return kv.Usagef("the file is of %s, not of %s", old.Target.URL, r.info.Target)
	case old.Resume.Match != r.opt.Match:
		return kv.Usagef("the interrupted audit read keys that match %q, not %q", old.Resume.Match, r.opt.Match)
	case old.Resume.Depth != r.opt.Depth.String():
		return kv.Usagef("the interrupted audit was of depth %s, not %s", old.Resume.Depth, r.opt.Depth)
	case len(old.Resume.Marks) != len(r.shards):
		return kv.Usagef("the store had %d shards and has %d now", len(old.Resume.Marks), len(r.shards))
	}
	for i, s := range r.shards {
		if m := old.Resume.Marks[i]; m.Shard != s.Name {
			return kv.Usagef("the store is divided otherwise now: shard %d was %q and is %q", i+1, m.Shard, s.Name)
		}
	}
	return r.sameAnalyzers(old.Parts)
}

// sameAnalyzers returns an error if the parts are not those of the analyzers of this run.
func (r *run) sameAnalyzers(parts []report.Part) error {
	for _, a := range r.as {
		if !hasPart(parts, a.Name) {
			return kv.Usagef("the interrupted audit did not run %s", a.Name)
		}
	}
	for i := range parts {
		p := &parts[i]
		a := byName(r.as, p.Analyzer)
		switch {
		case p.Analyzer == report.StorePart:
		case a == nil:
			return kv.Usagef("the interrupted audit ran %s, and this one does not", p.Analyzer)
		case a.Config != p.Config:
			return kv.Usagef("%s was configured otherwise: give the same flags", a.Name)
		case a.Version != p.Version:
			return kv.Usagef("%s was saved by another version of kvtool", a.Name)
		}
	}
	return nil
}

func hasPart(parts []report.Part, name string) bool {
	for i := range parts {
		if parts[i].Analyzer == name {
			return true
		}
	}
	return false
}

func byName(as []*Analyzer, name string) *Analyzer {
	for _, a := range as {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// trackOf returns the track of a shard from its mark on. A run that asks some keys only does not go on within a shard: one
// key stands for many there, among them such as have been read before.
func (r *run) trackOf(m *report.Mark) track {
	t := track{on: r.opt.Save && r.opt.Depth != DepthAdaptive}
	if m.State != report.MarkHere {
		return t
	}
	t.from = m.From
	for _, k := range m.Since {
		if t.again == nil {
			t.again = make(map[report.Key]bool, len(m.Since))
		}
		t.again[k] = false
	}
	return t
}
