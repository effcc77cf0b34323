package skew

import (
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Saved returns what a saved run knows: all, of one that skew has saved; of an audit the slots and nodes that it has counted, and
// its templates. Whole says which of the two it is.
func Saved(r *report.Report, o Options) (c *Collector, whole bool, err error) {
	for i := range r.Parts {
		if p := &r.Parts[i]; p.Analyzer == Name {
			loaded, err := audit.Load(Analyzer(o), r)
			if err != nil {
				return nil, false, err
			}
			return loaded.(*Collector), true, nil
		}
	}
	c = newCollector(Options{})
	if err := c.fromAudit(r); err != nil {
		return nil, false, err
	}
	if c.all.Keys == 0 {
		return nil, false, kv.WithHint(kv.Usagef("the report holds no keys by template, slot or node"),
			"save one: kvtool skew TARGET --save FILE.kvr")
	}
	return c, false, nil
}

// fromAudit fills c with what the analyses of an audit have counted.
func (c *Collector) fromAudit(r *report.Report) error {
	slots, nodes, err := keydesign.LoadsOf(r)
	if err != nil {
		return err
	}
	c.slots = make([]Load, slot.Count)
	for i, l := range slots {
		c.slots[i%slot.Count] = Load{Keys: l.Keys, Bytes: l.Bytes}
		c.told = true
	}
	for name, l := range nodes {
		c.placed[name] = &Load{Keys: l.Keys, Bytes: l.Bytes}
		c.places = append(c.places, name)
	}
	f, err := keydesign.FactsOf(r)
	if err != nil {
		return kv.WithHint(err, "save it without --schema, or with kvtool skew TARGET --save FILE.kvr")
	}
	c.sampled = f.Sampled
	for i := range f.Templates {
		t := &f.Templates[i]
		l := Load{Keys: t.Keys, Bytes: t.Bytes}
		c.fixed = append(c.fixed, bin{t.Text, l})
		c.all.add(&l)
	}
	c.untagged = c.all.Keys
	return nil
}
