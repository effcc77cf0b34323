// Package skew measures how evenly a keyspace is spread: over slots and nodes, which a cluster must divide it by, and over hash
// tags, prefixes, templates and databases, which say why it is not.
//
// The one idea is that the same measures hold for everything that can be counted in bins, and that keys, bytes and operations are
// three different spreads: a balanced count hides a skew of bytes, and both hide one of use. What chance alone does stands beside
// each number, and where one tag or key is the reason, it is found by taking it out and measuring again.
//
//	record ──▶ bins by slot, node, tag, prefix, template, database ──┐
//	access ──▶ the same bins: operations                             ├─▶ measures, cause, heat map, plan of moves
//	                                                                 └─▶ KD026 for operations
package skew

import (
	"cmp"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// A Metric is what is counted.
type Metric string

// The metrics.
const (
	Keys  Metric = "keys"
	Bytes Metric = "bytes"
	Ops   Metric = "ops"
)

// Metrics lists them.
func Metrics() []Metric { return []Metric{Keys, Bytes, Ops} }

// Dimensions lists what keys are counted by.
func Dimensions() []string {
	return []string{"slot", "node", "tag", "prefix1", "prefix2", "prefix3", "template", "db"}
}

// levels is how many segments of a name make a prefix at most.
const levels = 3

// Options of the analysis. The zero value infers templates, and knows no operations but those of accesses.
type Options struct {
	Schema *schema.Schema   // must bind (bind.New)
	LFU    *hotkeys.Decoder // reads LFU counters as operations; nil leaves them
}

// Name is that of the analysis and its section.
const Name = "skew"

// Analyzer returns the analysis.
func Analyzer(o Options) *audit.Analyzer {
	a := &audit.Analyzer{
		Name: Name, Title: "SKEW", Doc: "How evenly keys, bytes and operations are spread over slots, nodes, hash tags, prefixes, templates and databases.",
		Needs: kv.FieldName, Uses: kv.FieldSize | kv.FieldSlot | kv.FieldPlace, Version: version, Config: 1,
		New: func(time.Time) audit.Collector { return newCollector(o) },
	}
	if o.Schema != nil {
		a.Config |= 2
	}
	if o.LFU != nil {
		a.Uses, a.Each, a.Config = a.Uses|kv.FieldFreq, kv.FieldFreq, a.Config|4
	}
	return a
}

// A Load is what is counted in one bin.
type Load struct{ Keys, Bytes, Ops int64 }

func (l *Load) add(o *Load) {
	l.Keys += o.Keys
	l.Bytes += o.Bytes
	l.Ops += o.Ops
}

func (l *Load) of(m Metric) int64 {
	switch m {
	case Bytes:
		return l.Bytes
	case Ops:
		return l.Ops
	}
	return l.Keys
}

// Form writes or reads l.
func (l *Load) Form(f *saved.Form) { saved.Count(f, &l.Keys, &l.Bytes, &l.Ops) }

// Merge and Clone make a *Load the statistics of a leaf of the inference tree.
func (l *Load) Merge(o *Load) { l.add(o) }

// Clone returns a copy.
func (l *Load) Clone() *Load { c := *l; return &c }

// A bin is a Load with its name.
type bin struct {
	name string
	Load
}

// A Collector counts records and accesses.
type Collector struct {
	opt      Options
	all      Load
	sampled  bool   // not every key was asked for its size
	told     bool   // the store said in which slots its keys are
	slots    []Load // from the first key on
	owner    []int32
	places   []string // in the order in which they came; owner holds indexes from 1
	placed   map[string]*Load
	dbs      map[string]*Load
	tags     *groups
	prefixes [levels]*groups
	matcher  *bind.Matcher
	declared []*Load
	tree     *infer.Tree[*Load]
	fixed    []bin       // templates that were counted elsewhere
	squares  sketch.Wide // of the bytes of keys
	untagged int64
	used     sketch.Wide        // of the operations of keys, as LFU counters tell them
	heavy    *sketch.Heavy      // keys by accesses
	big      *sketch.Top[sized] // keys by bytes
}

// A sized is a key with its bytes.
type sized struct {
	key   string
	bytes int64
}

// Bounds of what a collector holds.
const (
	maxPlaces = 4096
	maxNodes  = 100_000 // of the inference tree
	keptKeys  = 256
	opsPlaces = 10_000
)

func newCollector(o Options) *Collector {
	c := &Collector{
		opt: o, placed: map[string]*Load{}, dbs: map[string]*Load{}, tags: newGroups(), heavy: sketch.NewHeavy(opsPlaces),
		tree: infer.New(func() *Load { return &Load{} }, infer.Options{MaxNodes: maxNodes}),
		big: sketch.NewTop(keptKeys, func(a, b sized) int {
			return cmp.Or(cmp.Compare(b.bytes, a.bytes), cmp.Compare(a.key, b.key))
		}),
	}
	for i := range c.prefixes {
		c.prefixes[i] = newGroups()
	}
	if o.Schema != nil {
		m, err := bind.New(o.Schema)
		if err != nil {
			panic(err) // the caller has checked
		}
		c.matcher, c.declared = m, make([]*Load, len(o.Schema.Templates))
		for i := range c.declared {
			c.declared[i] = &Load{}
		}
	}
	return c
}

// Observe counts a record.
func (c *Collector) Observe(r *kv.Record) {
	if !r.Has(kv.FieldName) {
		return
	}
	l := Load{Keys: 1}
	switch {
	case r.Others != 0: // what one key of a sample stands for is not in its slot
		c.sampled = true
	case r.Has(kv.FieldSize):
		l.Bytes = r.Size
	}
	if c.opt.LFU != nil && r.Has(kv.FieldFreq) {
		l.Ops = int64(math.Round(c.opt.LFU.Decode(r.Freq).Value))
		c.used.AddSquare(l.Ops)
	}
	n := slot.Of(r.Key)
	if r.Has(kv.FieldSlot) {
		n, c.told = r.Slot%slot.Count, true
	}
	if r.Has(kv.FieldPlace) {
		c.place(r.Place, n).add(&l)
	}
	c.count(r.Key, r.DB, n, &l)
	c.squares.AddSquare(l.Bytes)
	if slot.Tag(r.Key) == r.Key {
		c.untagged++
	}
	if last, full := c.big.Last(); l.Bytes > 0 && (!full || l.Bytes >= last.bytes) {
		c.big.Add(sized{strings.Clone(r.Key), l.Bytes})
	}
}

// Access counts an operation. It belongs where the records have shown the key's slot to be.
func (c *Collector) Access(a *kv.Access) {
	if a.Whole || a.N == 0 || a.Key == "" {
		return
	}
	l, n := Load{Ops: a.N}, slot.Of(a.Key)
	switch {
	case a.Place != "":
		c.place(a.Place, n).add(&l)
	case c.owner != nil && c.owner[n] > 0:
		c.placed[c.places[c.owner[n]-1]].add(&l)
	}
	c.count(a.Key, a.DB, n, &l)
	c.heavy.Add(a.Key, a.N, sketch.HeavySums{})
}

// Slots counts what servers say that their slots have taken, in microseconds, as operations. It knows no keys: only slots and
// nodes have them.
func (c *Collector) Slots(st *kv.Stats) {
	for _, s := range st.Slots {
		l := Load{Ops: s.CPU.Microseconds()}
		if l.Ops == 0 || s.Slot >= slot.Count {
			continue
		}
		if c.slots == nil {
			c.slots = make([]Load, slot.Count)
		}
		c.all.add(&l)
		c.slots[s.Slot].add(&l)
		c.place(st.Place, s.Slot).add(&l)
	}
}

// place returns the bin of a node, and notes that it serves a slot.
func (c *Collector) place(name string, n uint16) *Load {
	if c.owner == nil {
		c.owner = make([]int32, slot.Count)
	}
	l := c.placed[name]
	if l == nil {
		if len(c.places) == maxPlaces {
			name = c.places[maxPlaces-1]
			return c.placed[name]
		}
		l = &Load{}
		c.placed[name], c.places = l, append(c.places, name)
	}
	if at := c.owner[n]; at == 0 || c.places[at-1] != name {
		for i, p := range c.places {
			if p == name {
				c.owner[n] = int32(i + 1)
			}
		}
	}
	return l
}

// count adds to all bins but that of the node.
func (c *Collector) count(key string, db int, n uint16, l *Load) {
	c.all.add(l)
	if c.slots == nil {
		c.slots = make([]Load, slot.Count)
	}
	c.slots[n].add(l)
	number := strconv.Itoa(db)
	d := c.dbs[number]
	if d == nil {
		d = &Load{}
		c.dbs[number] = d
	}
	d.add(l)
	if tag := slot.Tag(key); len(tag) < len(key) {
		c.tags.add(tag, l)
	}
	for i, end := range prefixesOf(key) {
		if end > 0 {
			c.prefixes[i].add(key[:end], l)
		}
	}
	c.template(key).add(l)
}

func (c *Collector) template(key string) *Load {
	if c.matcher != nil {
		if i, ok := c.matcher.Match(key); ok {
			return c.declared[i]
		}
	}
	return c.tree.Add(key)
}

// prefixesOf returns where the first, second and third segment of a name end, with the separator; 0 where there is none.
func prefixesOf(key string) (ends [levels]int) {
	n := 0
	for i := 0; i < len(key) && n < levels; i++ {
		switch key[i] {
		case ':', '/', '|', '#':
			ends[n] = i + 1
			n++
		}
	}
	return ends
}

// Merge adds what o has counted.
func (c *Collector) Merge(other audit.Collector) {
	o := other.(*Collector)
	c.all.add(&o.all)
	c.sampled, c.told = c.sampled || o.sampled, c.told || o.told
	for i := range o.slots {
		if c.slots == nil {
			c.slots = make([]Load, slot.Count)
		}
		c.slots[i].add(&o.slots[i])
	}
	for _, name := range o.places {
		for n, at := range o.owner {
			if at > 0 && o.places[at-1] == name {
				c.place(name, uint16(n))
			}
		}
		if l := c.placed[name]; l != nil {
			l.add(o.placed[name])
		}
	}
	for db, l := range o.dbs {
		if c.dbs[db] == nil {
			c.dbs[db] = &Load{}
		}
		c.dbs[db].add(l)
	}
	c.tags.merge(o.tags)
	for i := range c.prefixes {
		c.prefixes[i].merge(o.prefixes[i])
	}
	for i := range c.declared {
		c.declared[i].add(o.declared[i])
	}
	c.tree.Merge(o.tree)
	c.squares.Add(o.squares)
	c.used.Add(o.used)
	c.untagged += o.untagged
	c.heavy.Merge(o.heavy)
	c.big.Merge(o.big)
}

const version = 2

// AppendBinary saves c.
func (c *Collector) AppendBinary(b []byte) ([]byte, error) { return saved.Append(b, version, c.form) }

// UnmarshalBinary reads what AppendBinary saved.
func (c *Collector) UnmarshalBinary(b []byte) error { return saved.Read(b, version, c.form) }

func (c *Collector) form(f *saved.Form) {
	c.all.Form(f)
	f.Bool(&c.sampled)
	f.Bool(&c.told)
	some := c.slots != nil
	f.Bool(&some)
	if some && f.Reading() {
		c.slots = make([]Load, slot.Count)
	}
	for i := range c.slots {
		c.slots[i].Form(f)
	}
	c.formNodes(f)
	for _, m := range []map[string]*Load{c.placed, c.dbs} {
		saved.OrderedMap(f, m, func(name *string, l **Load) {
			saved.String(f, name)
			if f.Reading() {
				*l = &Load{}
			}
			(*l).Form(f)
		})
	}
	for _, p := range c.places {
		f.Check(c.placed[p] != nil, "a node without keys")
	}
	c.tags.Form(f)
	for _, p := range c.prefixes {
		p.Form(f)
	}
	for _, l := range c.declared {
		l.Form(f)
	}
	c.tree.Form(f)
	c.squares.Form(f)
	c.used.Form(f)
	saved.Count(f, &c.untagged)
	c.heavy.Form(f)
	c.big.Form(f, func(s *sized) {
		saved.String(f, &s.key)
		saved.Count(f, &s.bytes)
	})
}

// formNodes goes over who serves which slot: by name, since nodes came in some order.
func (c *Collector) formNodes(f *saved.Form) {
	names := sortedKeys(c.placed)
	number := map[string]int32{}
	for i, n := range names {
		number[n] = int32(i + 1)
	}
	saved.Slice(f, maxPlaces, &names, func(n *string) { saved.String(f, n) })
	owned := c.owner != nil
	f.Bool(&owned)
	if f.Reading() {
		c.places = names
		if owned {
			c.owner = make([]int32, slot.Count)
		}
	}
	for i := range c.owner {
		at := int32(0)
		if !f.Reading() && c.owner[i] > 0 {
			at = number[c.places[c.owner[i]-1]]
		}
		saved.Count(f, &at)
		f.Check(int(at) <= len(names), "node %d of %d", at, len(names))
		if f.Reading() && f.OK() {
			c.owner[i] = at
		}
	}
}
