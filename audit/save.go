package audit

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// save returns the parts of one shard's collectors.
func save(as []*Analyzer, cs []Collector, shard int) ([]report.Part, error) {
	parts := make([]report.Part, 0, len(cs))
	for i, c := range cs {
		data, err := c.AppendBinary(nil)
		if err != nil {
			return nil, fmt.Errorf("saving %s: %w", as[i].Name, err)
		}
		parts = append(parts, report.Part{
			Analyzer: as[i].Name, Shard: shard, Version: as[i].Version, Config: as[i].Config, Data: data,
		})
	}
	return parts, nil
}

// load returns the collector of a that part holds. The two must be of one configuration.
func (a *Analyzer) load(p *report.Part, now time.Time) (Collector, error) {
	switch {
	case p.Version > a.Version:
		return nil, fmt.Errorf("%s: saved in version %d, and this kvtool reads %d: %w", a.Name, p.Version, a.Version, saved.ErrNewer)
	case p.Config != a.Config:
		return nil, kv.WithHint(fmt.Errorf("%s: configured otherwise", a.Name), "give the flags that it was audited with, such as --schema")
	}
	c := a.New(now)
	if err := c.UnmarshalBinary(p.Data); err != nil {
		return nil, kv.Corruptf("reading the part %s: %w", a.Name, err)
	}
	return c, nil
}

// find returns the part of an analysis and a shard, or nil.
func find(parts []report.Part, name string, shard int) *report.Part {
	for i := range parts {
		if p := &parts[i]; p.Analyzer == name && p.Shard == shard {
			return p
		}
	}
	return nil
}

const storeVersion = 7 // with pages

// saveStore returns the part that holds what a store said of itself, and how far it was asked.
func saveStore(b *basis) (report.Part, error) {
	data, err := saved.Append(nil, storeVersion, b.form)
	return report.Part{Analyzer: report.StorePart, Version: storeVersion, Data: data}, err
}

// loadStore reads what saveStore saved. It returns nil without an error where there is none that can be read.
func loadStore(parts []report.Part) (*basis, error) {
	p := find(parts, report.StorePart, 0)
	if p == nil {
		return nil, nil
	}
	b := &basis{info: &kv.Info{}}
	err := saved.Read(p.Data, storeVersion, b.form)
	switch {
	case errors.Is(err, saved.ErrNewer):
		return nil, nil
	case err != nil:
		return nil, kv.Corruptf("reading the part %s: %w", report.StorePart, err)
	}
	return b, nil
}

func (b *basis) form(f *saved.Form) {
	saved.String(f, &b.depth)
	b.census.Form(f)
	formInfo(f, b.info)
	if f.Version() > 1 {
		saved.Count(f, &b.elapsed)
	}
	if f.Version() > 2 {
		formServer(f, &b.info.Server)
	}
	if f.Version() > 3 {
		saved.Count(f, &b.info.Server.MaxMemory, &b.info.Server.Evicted)
		f.Time(&b.info.Server.Started)
	}
	if f.Version() > 4 {
		formSettings(f, &b.info.Server)
	}
	if f.Version() > 5 {
		formUse(f, &b.info.Server)
	}
	if f.Version() > 6 {
		saved.Slice(f, maxInfo, &b.info.Pages, func(p *kv.Pages) { formPages(f, p) })
	}
}

// formPages goes over the pages of one database.
func formPages(f *saved.Form, p *kv.Pages) {
	saved.String(f, &p.Database, &p.Method)
	saved.Count(f, &p.Size, &p.Keys, &p.Items, &p.Levels, &p.Inline, &p.Unused)
	saved.Slice(f, maxInfo, &p.Kinds, func(k *kv.PageKind) {
		saved.String(f, &k.Name)
		saved.Count(f, &k.Pages, &k.Free)
	})
}

// formUse goes over what a server says of its use, and of its classes.
func formUse(f *saved.Form, s *kv.Server) {
	saved.Count(f, &s.Hits, &s.Misses, &s.EvictedUnread, &s.ExpiredUnread, &s.Refused)
	saved.Slice(f, maxInfo, &s.Classes, func(c *kv.Class) {
		saved.Count(f, &c.Chunk, &c.Used, &c.Free, &c.Pages, &c.Evicted, &c.EvictedUnread, &c.OutOfMemory)
		saved.Count(f, &c.Age)
	})
}

// formSettings goes over the settings by name.
func formSettings(f *saved.Form, s *kv.Server) {
	type setting struct{ name, value string }
	var all []setting
	for _, name := range slices.Sorted(maps.Keys(s.Settings)) {
		all = append(all, setting{name, s.Settings[name]})
	}
	saved.Slice(f, maxInfo, &all, func(x *setting) { saved.String(f, &x.name, &x.value) })
	if !f.Reading() || len(all) == 0 {
		return
	}
	s.Settings = map[string]string{}
	for _, x := range all {
		s.Settings[x.name] = x.value
	}
}

// maxInfo bounds each list of an Info: a cluster has a few notes a node.
const maxInfo = 1 << 16

// formInfo goes over an Info. Facts are saved by name and by field, whose bits are fixed.
func formInfo(f *saved.Form, i *kv.Info) {
	saved.String(f, &i.Adapter, &i.Product, &i.Version, &i.Target)
	f.Bool(&i.Live)
	f.Time(&i.Clock)
	f.Bool(&i.KeysKnown)
	saved.Count(f, &i.Keys, &i.Memory, &i.Resident)
	saved.Slice(f, maxInfo, &i.Ledger, func(l *kv.Line) {
		saved.String(f, &l.Name, &l.Why)
		saved.Int(f, &l.Bytes)
		formHow(f, &l.How)
	})
	saved.Slice(f, maxInfo, &i.Facts, func(x *kv.Fact) {
		saved.String(f, &x.Name, &x.Why, &x.Hint)
		saved.Uint(f, &x.Field)
		formHow(f, &x.How)
	})
	saved.Slice(f, maxInfo, &i.Notes, func(s *string) { saved.String(f, s) })
}

func formServer(f *saved.Form, s *kv.Server) {
	saved.String(f, &s.Policy, &s.AppendOnly)
	saved.Slice(f, maxInfo, &s.Calls, func(c *kv.Calls) {
		saved.String(f, &c.Command)
		saved.Count(f, &c.N)
	})
}

func formHow(f *saved.Form, h *kv.How) {
	saved.Uint(f, h)
	f.Check(*h <= kv.Measured, "how %d", *h)
	if !f.OK() {
		*h = kv.Missing
	}
}

// Load returns the collector that a saved run holds of one analysis: that of all its shards. It is an error if the run was
// not saved, or did not run the analysis.
func Load(a *Analyzer, r *report.Report) (Collector, error) {
	var all Collector
	for i := range r.Parts {
		p := &r.Parts[i]
		if p.Analyzer != a.Name {
			continue
		}
		c, err := a.load(p, r.Taken)
		if err != nil {
			return nil, err
		}
		all = mergeOne(all, c)
	}
	if all == nil {
		return nil, kv.Usagef("the report holds no part of the analysis %s", a.Name)
	}
	return all, nil
}

func mergeOne(all, c Collector) Collector {
	if all == nil {
		return c
	}
	all.Merge(c)
	return all
}

// InfoOf returns what the store of a saved run said of itself, nil if the file does not hold it.
func InfoOf(r *report.Report) (*kv.Info, error) {
	b, err := loadStore(r.Parts)
	if err != nil || b == nil {
		return nil, err
	}
	return b.info, nil
}
