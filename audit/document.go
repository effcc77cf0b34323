package audit

import (
	"fmt"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// report makes the document of what has been merged so far. scanErr is what ended the scan early, if anything did; while
// it runs the coverage is incomplete without a reason.
func (r *run) report(merged []Collector, scanErr error) *report.Report {
	doc := &report.Report{
		Schema:   report.Schema,
		Kind:     report.KindAudit,
		Target:   target(r.info),
		Taken:    r.taken.UTC(),
		Coverage: r.coverage(scanErr),
		Sections: []report.Section{},
		Findings: []report.Finding{},
		Skipped:  append([]report.Skip{}, r.skipped...),
	}
	b := r.basis()
	fill(doc, r.as, merged, &b, doc.Coverage.Complete && r.opt.Match == "")
	burden(doc, r.info.Burdens)
	return doc
}

// elapsed returns how long after now the last key of a live store may have been read. A run that was interrupted has the time
// of its beginning for now.
func (r *run) elapsed() time.Duration {
	switch {
	case !r.info.Live:
		return 0
	case r.opt.Resume != nil:
		return max(0, r.opt.Now().Sub(r.taken))
	}
	return max(0, r.opt.Now().Sub(r.start))
}

func (r *run) basis() basis {
	info := *r.info
	if r.opt.Settings != nil {
		info.Server.Settings = r.opt.Settings
	}
	return basis{&info, r.opt.Depth, r.census(), r.elapsed()}
}

// fill adds to a report what the collectors say, one of each analyzer, on the given basis. Whole says that the whole store was
// read.
func fill(doc *report.Report, as []*Analyzer, merged []Collector, b *basis, whole bool) {
	var store *kv.Info
	if whole {
		store = b.info
	}
	for i, c := range merged {
		out := Output{Section: report.Section{Name: as[i].Name, Title: as[i].Title}, Store: store, Elapsed: b.elapsed}
		c.Report(&out)
		if len(out.Metrics)+len(out.Tables) > 0 {
			b.measured(as[i], &out.Section)
			doc.Sections = append(doc.Sections, filled(out.Section))
		}
		doc.Findings = append(doc.Findings, out.Findings...)
		doc.Target.Notes = append(doc.Target.Notes, out.Notes...)
	}
	b.sampled(doc)
	report.SortFindings(doc.Findings)
}

// filled replaces nil slices, which JSON would write as null, by empty ones.
func filled(s report.Section) report.Section {
	if s.Metrics == nil {
		s.Metrics = []report.Metric{}
	}
	if s.Tables == nil {
		s.Tables = []report.Table{}
	}
	for i := range s.Tables {
		if s.Tables[i].Rows == nil {
			s.Tables[i].Rows = [][]report.Value{}
		}
	}
	return s
}

func (r *run) coverage(scanErr error) report.Coverage {
	var keys, lacking int64
	for i := range r.folds {
		keys += r.folds[i].keys
		lacking += r.folds[i].lacking
	}
	c := report.Coverage{Keys: keys, Complete: r.ended && scanErr == nil && lacking == 0}
	if r.info.KeysKnown && r.opt.Match == "" {
		of := r.info.Keys
		c.Of = &of
	}
	if r.info.Live {
		c.Elapsed = r.before + report.Duration(r.opt.Now().Sub(r.start).Truncate(time.Millisecond))
	}
	if scanErr != nil {
		c.Why = append(c.Why, scanErr.Error())
	}
	if lacking > 0 {
		c.Why = append(c.Why, fmt.Sprintf("%d keys did not tell all that they were asked", lacking))
	}
	if r.opt.Match != "" {
		c.Why = append(c.Why, "only keys that match "+r.opt.Match)
	}
	return c
}

func target(i *kv.Info) report.Target {
	t := report.Target{
		Adapter: i.Adapter,
		URL:     i.Target,
		Product: i.Product,
		Version: i.Version,
		Facts:   make([]report.Fact, len(i.Facts)),
		Notes:   i.Notes,
	}
	if i.Memory > 0 {
		t.Memory = &i.Memory
	}
	for n, f := range i.Facts {
		t.Facts[n] = report.Fact{Name: f.Name, How: f.How.String(), Why: f.Why, Hint: f.Hint}
	}
	return t
}
