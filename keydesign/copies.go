package keydesign

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func copies() *audit.Analyzer {
	return &audit.Analyzer{
		Name:    copiesName,
		Title:   "COPIES",
		Doc:     "Keys that more than one of several servers holds, where these do not know of each other and clients choose one.",
		Kind:    kv.FieldApart,
		Needs:   kv.FieldName | kv.FieldPlace | kv.FieldApart,
		Rules:   []*report.Rule{copiedKeys()},
		Version: copiesVersion,
		New:     func(time.Time) audit.Collector { return &copiesOf{} },
	}
}

const (
	copiesName    = "copies"
	copiesVersion = 1
)

// copyBudget is how many fingerprints are kept: 2 MiB. Of more keys a sample is compared, by the hash of their names, so that a
// key that is in the sample is in it on every server.
const copyBudget = 1 << 18

// A copiesOf holds a fingerprint of each key in each place, or of a sample of the keys:
//
//	48 bits of the hash of database and name │ 16 bits: the place
//
// Of so many fingerprints two have the same hash by chance once in ten thousand keyspaces. With each level half of the keys are
// left out, those whose hash ends with a 1 there.
type copiesOf struct {
	level  uint8
	places []string // by their number
	kept   []uint64 // sorted, each once, at most copyBudget
	fresh  []uint64 // not sorted yet
	last   string   // most records are of the place of the one before
	number uint64
}

func (c *copiesOf) Observe(r *kv.Record) {
	if !r.Has(kv.FieldName | kv.FieldPlace | kv.FieldApart) {
		return
	}
	if len(c.places) == 0 || r.Place != c.last {
		c.last, c.number = r.Place, c.place(r.Place)
	}
	h := hashOf(r.DB, r.Key)
	if !c.samples(h) {
		return
	}
	c.fresh = append(c.fresh, h|c.number)
	if len(c.fresh) >= copyBudget/4 {
		c.settle()
	}
}

// hashOf is FNV-1a with the end of MurmurHash3, which makes each bit of the hash depend on each of the name. The last 16 bits are 0.
func hashOf(db int, key string) uint64 {
	h := (uint64(14695981039346656037) ^ uint64(db)) * 1099511628211
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return (h ^ h>>33) &^ (1<<placeBits - 1)
}

const placeBits = 16

// samples reports whether a key is of the sample.
func (c *copiesOf) samples(fingerprint uint64) bool {
	return fingerprint>>placeBits&(1<<c.level-1) == 0
}

// place returns the number of a place. Places beyond the limit are one, so that copies among these are not seen.
func (c *copiesOf) place(name string) uint64 {
	i := slices.Index(c.places, name)
	if i < 0 {
		if len(c.places) >= maxPlaces {
			name = otherPlaces
		}
		if i = slices.Index(c.places, name); i < 0 {
			i = len(c.places)
			c.places = append(c.places, name)
		}
	}
	return uint64(i)
}

// settle sorts what is fresh into what is kept, and samples more sparsely until that has its room.
func (c *copiesOf) settle() {
	c.kept = slices.Compact(sorted(append(c.kept, c.fresh...)))
	c.fresh = c.fresh[:0]
	for len(c.kept) > copyBudget {
		c.raise(c.level + 1)
	}
}

func sorted(s []uint64) []uint64 {
	slices.Sort(s)
	return s
}

// raise leaves out what a higher level does not sample.
func (c *copiesOf) raise(level uint8) {
	c.level = max(c.level, level)
	left := func(f uint64) bool { return !c.samples(f) }
	c.kept, c.fresh = slices.DeleteFunc(c.kept, left), slices.DeleteFunc(c.fresh, left)
}

func (c *copiesOf) Merge(other audit.Collector) {
	o := other.(*copiesOf)
	o.settle()
	c.settle()
	o.raise(c.level)
	c.raise(o.level)
	number := make([]uint64, len(o.places))
	for i, name := range o.places {
		number[i] = c.place(name)
	}
	for _, f := range o.kept {
		c.fresh = append(c.fresh, f>>placeBits<<placeBits|number[f&(1<<placeBits-1)])
	}
	c.settle()
}

// canonical returns a copy whose places are in the order of their names.
func (c *copiesOf) canonical() *copiesOf {
	n := &copiesOf{level: c.level, places: slices.Sorted(slices.Values(c.places))}
	n.Merge(&copiesOf{level: c.level, places: c.places, kept: slices.Clone(c.kept), fresh: slices.Clone(c.fresh)})
	return n
}

// AppendBinary saves c.
func (c *copiesOf) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, copiesVersion, c.canonical().form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (c *copiesOf) UnmarshalBinary(b []byte) error { return saved.Read(b, copiesVersion, c.form) }

func (c *copiesOf) form(f *saved.Form) {
	saved.Uint(f, &c.level)
	f.Check(c.level < 48, "a sample of level %d", c.level)
	saved.Slice(f, maxPlaces+1, &c.places, func(name *string) { saved.String(f, name) })
	before := uint64(0)
	saved.Slice(f, copyBudget, &c.kept, func(v *uint64) { // as differences: they are in order
		d := *v - before
		saved.Uint(f, &d)
		*v = before + d
		before = *v
		f.Check(*v&(1<<placeBits-1) < uint64(len(c.places)), "a key in a place that is not known")
	})
}

// A sharing is the servers that have some keys in common.
type sharing struct {
	servers string
	keys    int64 // in the sample
}

// groups counts the keys of the sample, and those in several places by the places.
func (c *copiesOf) groups() (keys, copied int64, groups []sharing) {
	by := map[string]int64{}
	for i := 0; i < len(c.kept); {
		j := i + 1
		for j < len(c.kept) && c.kept[j]>>placeBits == c.kept[i]>>placeBits {
			j++
		}
		if keys++; j-i > 1 {
			copied++
			names := make([]string, 0, j-i)
			for _, f := range c.kept[i:j] {
				names = append(names, c.places[f&(1<<placeBits-1)])
			}
			slices.Sort(names)
			by[strings.Join(names, " ")]++
		}
		i = j
	}
	for _, servers := range slices.Sorted(maps.Keys(by)) {
		groups = append(groups, sharing{servers, by[servers]})
	}
	slices.SortStableFunc(groups, func(a, b sharing) int { return cmp.Compare(b.keys, a.keys) })
	return keys, copied, groups
}

// estimate scales a number of keys of the sample to all, with a 95 % interval for what was drawn by chance.
func (c *copiesOf) estimate(name string, n int64) report.Metric {
	m := report.Metric{Name: name, Value: report.Number(n << c.level), Unit: report.UnitCount}
	if c.level > 0 {
		scale := float64(int64(1) << c.level)
		off := 1.96 * math.Sqrt(float64(n)+1)
		m.How = "sampled"
		m.Interval = &report.Interval{Low: scale * max(0, float64(n)-off), High: scale * (float64(n) + off)}
	}
	return m
}

// maxGroups bounds the table.
const maxGroups = 20

// Report says nothing of a single place.
func (c *copiesOf) Report(out *audit.Output) {
	if len(c.places) < 2 {
		return
	}
	whole := c.canonical()
	keys, copied, groups := whole.groups()
	out.Metrics = []report.Metric{
		whole.estimate("keys_on_several", copied), {Name: "share", Value: quotient(copied, keys), Unit: report.UnitRatio},
	}
	if copied == 0 {
		return
	}
	table := report.Table{Name: "copies", Title: "The same keys on", Columns: []report.Column{
		{Name: "servers", Unit: report.UnitText}, {Name: "keys", Unit: report.UnitCount, Rank: 1}, {Name: "keys_share", Title: "%", Unit: report.UnitRatio},
	}}
	for _, g := range groups[:min(maxGroups, len(groups))] {
		table.Rows = append(table.Rows, []report.Value{report.Text(g.servers), report.Number(g.keys << whole.level), quotient(g.keys, keys)})
	}
	out.Tables = []report.Table{table}
	if copied<<whole.level < copiedLeast {
		return
	}
	measure := whole.estimate("keys", copied)
	out.Findings = append(out.Findings, report.Finding{
		Rule: copiedKeys().ID, Severity: report.Warning, Subject: groups[0].servers,
		Message:  percent(float64(copied)/float64(keys)) + " of the keys are on more than one server, most of them on " + groups[0].servers,
		Measure:  &measure,
		Evidence: []report.Metric{whole.estimate("on_these", groups[0].keys), {Name: "share", Value: quotient(copied, keys), Unit: report.UnitRatio}},
	})
}

// copiedLeast is the limit of KD032.
const copiedLeast = 10

func copiedKeys() *report.Rule {
	return &report.Rule{
		ID: "KD032", Name: "keys-on-several-servers", Title: "Keys that more than one server holds", Severity: report.Warning, Stores: append(redisFamily(), "memcached"),
		Doc: `Clients spread keys over servers that do not know of each other, and a key belongs on one of them. Some keys are on two or
more: of these one is written and read, and the others are what it was once. They take memory, and when the list of servers changes
back, clients read them again, with values of long ago.

Usual reasons: a server was added or taken away and its keys stayed where they were; two programs place keys differently; or one of
the servers is a copy of another, and not a shard. Keys that each server is meant to have (a heartbeat of its own) count as well.`,
		Fix: "give all clients one list and one hash; delete what is not where they look: kvtool export TARGET --columns key,place -o csv lists the keys with " +
			"their servers",
		Bad:  []string{"session:42 on 10.0.0.1:6379, and on 10.0.0.3:6379 since that was added"},
		Good: []string{"session:42 on 10.0.0.3:6379 alone"},
		Limits: []report.Limit{
			{Name: "keys", Value: copiedLeast, Unit: report.UnitCount, Source: report.OwnDefault + ": fewer may be meant"},
		},
	}
}
