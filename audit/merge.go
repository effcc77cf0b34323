package audit

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Saved is the report of a run that was saved, and what to call it in an error: the name of its file.
type Saved struct {
	Name string
	*report.Report
	Damaged bool // not all of its parts may be there
}

// ConfigOf returns the configuration that the general analyses had in a saved run. The configuration of a list is its length.
func ConfigOf(r *report.Report) Config {
	for _, a := range Analyzers(Config{}) {
		if p := find(r.Parts, a.Name, 0); a.Config != 0 && p != nil && p.Config <= maxTop {
			return Config{Top: int(p.Config)}
		}
	}
	return Config{}
}

// maxTop bounds what a file can make a list hold.
const maxTop = 1 << 20

// Merge adds saved runs together: it returns the report of one run that has read all that they have read, with its parts.
// They must be of the same analyses in the same configuration, and of stores that share no key. An analysis that as does not
// list, or lists in an older version, is skipped, and so is one that is missing from a damaged file. With parts taken at
// several times the report is of the earliest.
func Merge(as []*Analyzer, runs ...Saved) (*report.Report, error) {
	if err := mergeable(runs); err != nil {
		return nil, err
	}
	m := merging{runs: runs, taken: runs[0].Taken}
	for _, r := range runs[1:] {
		if r.Taken.Before(m.taken) {
			m.taken = r.Taken
		}
	}
	if err := m.analyses(as); err != nil {
		return nil, err
	}
	b, err := m.bases()
	if err != nil {
		return nil, err
	}
	doc := m.document(b)
	if doc.Parts, err = save(m.as, m.merged, 0); err != nil {
		return nil, err
	}
	store, err := saveStore(b)
	doc.Parts = append(doc.Parts, store)
	return doc, err
}

// mergeable refuses what holds no parts, and the same run twice.
func mergeable(runs []Saved) error {
	for i := range runs {
		r := &runs[i]
		if len(r.Parts) == 0 {
			return kv.WithHint(kv.Usagef("%s holds a report and nothing that could be merged", r.Name), "save the audit: kvtool audit TARGET --save FILE.kvr")
		}
		for j := range runs[:i] {
			if sameParts(r.Parts, runs[j].Parts) || sameRun(r.Report, runs[j].Report) {
				return kv.WithHint(kv.Usagef("%s and %s hold the same audit: its keys would count twice", runs[j].Name, r.Name), "give each file once")
			}
		}
	}
	return nil
}

// sameRun reports whether one of two reports is of a run that was interrupted, and the other of the same run gone on with.
func sameRun(a, b *report.Report) bool {
	return (a.Resume != nil || b.Resume != nil) && a.Target.URL == b.Target.URL && a.Taken.Equal(b.Taken)
}

func sameParts(a, b []report.Part) bool {
	return slices.EqualFunc(a, b, func(x, y report.Part) bool {
		return x.Analyzer == y.Analyzer && x.Shard == y.Shard && bytes.Equal(x.Data, y.Data)
	})
}

// A merging is runs that are being merged.
type merging struct {
	runs    []Saved
	taken   time.Time
	as      []*Analyzer
	merged  []Collector // one an analyzer
	whys    []string    // of each run: that its numbers are sampled
	skipped []report.Skip
}

// analyses merges the parts of each analysis that all runs have.
func (m *merging) analyses(as []*Analyzer) error {
	for _, a := range as {
		ran, err := m.everywhere(a.Name)
		if err != nil {
			return err
		}
		if !ran {
			continue
		}
		c, err := m.merge(a)
		switch {
		case errors.Is(err, saved.ErrNewer):
			m.skip(a.Name, err.Error())
		case err != nil:
			return err
		default:
			m.as, m.merged = append(m.as, a), append(m.merged, c)
		}
	}
	for i := range m.runs {
		r := &m.runs[i]
		for j := range r.Parts {
			if name := r.Parts[j].Analyzer; byName(as, name) == nil && name != report.StorePart {
				m.skip(name, "this kvtool does not know it")
			}
		}
		for _, s := range r.Skipped {
			m.skip(s.Name, s.Why)
		}
	}
	if len(m.as) == 0 {
		return kv.Usagef("the files hold no analysis that this kvtool could merge")
	}
	return nil
}

// skip lists an analysis once, unless it is merged.
func (m *merging) skip(name, why string) {
	known := func(s report.Skip) bool { return s.Name == name }
	if byName(m.as, name) == nil && !slices.ContainsFunc(m.skipped, known) {
		m.skipped = append(m.skipped, report.Skip{Name: name, Why: why})
	}
}

// everywhere reports whether all runs have parts of an analysis. It is an error if only some have, unless the others have
// lost theirs.
func (m *merging) everywhere(name string) (bool, error) {
	var with, without *Saved
	for i := range m.runs {
		if r := &m.runs[i]; hasPart(r.Parts, name) {
			with = r
		} else if without == nil || without.Damaged {
			without = r
		}
	}
	switch {
	case with == nil:
		return false, nil
	case without == nil:
		return true, nil
	case without.Damaged:
		m.skip(name, without.Name+" is damaged, and this part of it is lost")
		return false, nil
	}
	why, hint := "", "audit both with the same --only"
	for _, s := range without.Skipped {
		if s.Name == name {
			why = ": " + s.Why
			if strings.HasPrefix(s.Why, "needs ") {
				hint = "audit both with an --only of what both can tell, without " + name
			}
		}
	}
	return false, kv.WithHint(kv.Usagef("%s holds the analysis %s and %s does not%s", with.Name, name, without.Name, why), hint)
}

// merge merges the parts of one analysis, in the order of the runs and of their shards.
func (m *merging) merge(a *Analyzer) (Collector, error) {
	var all Collector
	var first *report.Part
	for i := range m.runs {
		r := &m.runs[i]
		for j := range r.Parts {
			p := &r.Parts[j]
			if p.Analyzer != a.Name {
				continue
			}
			if first = cmp.Or(first, p); p.Config != first.Config {
				return nil, kv.WithHint(kv.Usagef("%s and %s are not of the same configuration: %s has %d in the one and %d in the other",
					m.runs[0].Name, r.Name, a.Name, first.Config, p.Config), "audit both with the same flags, --top above all")
			}
			c, err := a.load(p, m.taken)
			switch {
			case errors.Is(err, saved.ErrNewer), err == nil:
			case errors.Is(err, kv.ErrCorrupt):
				return nil, fmt.Errorf("%s: %w", r.Name, err)
			default:
				return nil, kv.Usagef("%s: %w", r.Name, err)
			}
			if err != nil {
				return nil, err
			}
			all = mergeOne(all, c)
		}
	}
	return all, nil
}

// bases returns what the numbers of all runs rest on together.
func (m *merging) bases() (*basis, error) {
	var all *basis
	for i := range m.runs {
		r := &m.runs[i]
		b, err := loadStore(r.Parts)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.Name, err)
		}
		if b == nil {
			n := r.Coverage.Keys
			b = &basis{info: described(&r.Target), census: census{n, n, n}}
		}
		b.elapsed = max(b.elapsed, time.Duration(r.Coverage.Elapsed)) // of old files, which have no pauses in theirs
		m.whys = append(m.whys, b.why())
		if all == nil {
			all = b
			continue
		}
		addInfo(all.info, b.info)
		all.census.merge(&b.census)
		all.elapsed = max(all.elapsed, b.elapsed)
		if b.depth != all.depth {
			all.depth = "of each part"
		}
	}
	return all, nil
}

// described returns what a report alone tells of a store.
func described(t *report.Target) *kv.Info {
	i := &kv.Info{Adapter: t.Adapter, Product: t.Product, Version: t.Version, Target: t.URL, Notes: t.Notes}
	if t.Memory != nil {
		i.Memory = *t.Memory
	}
	for _, f := range t.Facts {
		how := kv.Missing
		for h := kv.Missing; h <= kv.Measured; h++ {
			if h.String() == f.How {
				how = h
			}
		}
		i.Facts = append(i.Facts, kv.Fact{Name: f.Name, How: how, Why: f.Why, Hint: f.Hint})
	}
	return i
}

// addInfo adds to all what another store says of itself. A sum of which one summand is not known is not known.
func addInfo(all, i *kv.Info) {
	all.Adapter = common(all.Adapter, i.Adapter)
	all.Product = common(all.Product, i.Product)
	all.Version, all.Target = joined(all.Version, i.Version), joined(all.Target, i.Target)
	all.Live = all.Live || i.Live
	all.Keys, all.KeysKnown = all.Keys+i.Keys, all.KeysKnown && i.KeysKnown
	all.Memory, all.Resident = sumKnown(all.Memory, i.Memory), sumKnown(all.Resident, i.Resident)
	all.Ledger = addLedger(all.Ledger, i.Ledger)
	all.Server.Add(&i.Server)
	all.Pages = append(slices.Clip(all.Pages), i.Pages...)
	for n := range all.Facts {
		f := &all.Facts[n]
		at := slices.IndexFunc(i.Facts, func(x kv.Fact) bool { return x.Name == f.Name })
		if at < 0 {
			*f = kv.Fact{Name: f.Name, Field: f.Field, Why: "not known of " + i.Target}
		} else if x := i.Facts[at]; x.How < f.How {
			*f = x
		}
	}
	for _, note := range i.Notes {
		if !slices.Contains(all.Notes, note) {
			all.Notes = append(all.Notes, note)
		}
	}
}

func common(a, b string) string {
	if a == b {
		return a
	}
	return ""
}

// joined adds a word to a list, unless it is there.
func joined(list, word string) string {
	switch {
	case list == "":
		return word
	case word == "" || slices.Contains(strings.Split(list, ", "), word):
		return list
	}
	return list + ", " + word
}

func sumKnown(a, b int64) int64 {
	if a == 0 || b == 0 {
		return 0
	}
	return a + b
}

// addLedger adds up lines of the same name.
func addLedger(all, more []kv.Line) []kv.Line {
	if len(all) == 0 || len(more) == 0 {
		return nil
	}
	for _, l := range more {
		at := slices.IndexFunc(all, func(x kv.Line) bool { return x.Name == l.Name })
		if at < 0 {
			all = append(all, l)
			continue
		}
		sum := &all[at]
		sum.Bytes += l.Bytes
		if l.How < sum.How {
			sum.How, sum.Why = l.How, l.Why
		}
	}
	return all
}

// document makes the report of what has been merged.
func (m *merging) document(b *basis) *report.Report {
	doc := &report.Report{
		Schema:   report.Schema,
		Kind:     report.KindAudit,
		Target:   target(b.info),
		Taken:    m.taken.UTC(),
		Coverage: m.coverage(),
		Sections: []report.Section{},
		Findings: []report.Finding{},
		Skipped:  append([]report.Skip{}, m.skipped...),
	}
	if note := m.times(); note != "" {
		doc.Target.Notes = append(doc.Target.Notes, note)
	}
	fill(doc, m.as, m.merged, b, doc.Coverage.Complete && len(doc.Coverage.Why) == 0)
	return doc
}

// coverage adds up what the runs have read. What is not whole in one of them is not whole in all.
func (m *merging) coverage() report.Coverage {
	c := report.Coverage{Complete: true}
	of, known := int64(0), true
	for i := range m.runs {
		r := &m.runs[i]
		c.Keys += r.Coverage.Keys
		c.Complete = c.Complete && r.Coverage.Complete && !r.Damaged
		c.Elapsed = max(c.Elapsed, r.Coverage.Elapsed)
		if known = known && r.Coverage.Of != nil; known {
			of += *r.Coverage.Of
		}
		for _, why := range r.Coverage.Why {
			if why == m.whys[i] { // it is said again, of all
				continue
			}
			if m.inAll(why) {
				if i == 0 {
					c.Why = append(c.Why, why)
				}
				continue
			}
			c.Why = append(c.Why, r.Name+": "+why)
		}
		if r.Damaged {
			c.Why = append(c.Why, r.Name+": the file is damaged")
		}
	}
	if known {
		c.Of = &of
	}
	return c
}

func (m *merging) inAll(why string) bool {
	for i := range m.runs {
		if !slices.Contains(m.runs[i].Coverage.Why, why) {
			return false
		}
	}
	return true
}

// times says that the parts are of several times, if they are.
func (m *merging) times() string {
	last := m.taken
	for i := range m.runs {
		if m.runs[i].Taken.After(last) {
			last = m.runs[i].Taken
		}
	}
	if last.Sub(m.taken) < time.Second {
		return ""
	}
	return fmt.Sprintf("The parts were taken between %s and %s: how old a key is and how long it has left counts from the time of its part.",
		m.taken.UTC().Format(time.RFC3339), last.UTC().Format(time.RFC3339))
}
