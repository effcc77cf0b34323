// Package hotkeys finds the keys and templates that get most of the work of a store, and tells reads from writes, since what
// helps against the one does not help against the other.
//
// The one idea is that a source of accesses says what it can tell, and the report says no more: a trace and MONITOR count
// operations, a server's own count tells time and bytes by key, an LFU counter tells a range of rates. All that is counted is
// bounded and merges: a table of the heaviest keys with its error (sketch.Heavy), sums by template and by node.
//
//	kv.Tracer ──┐                 ┌─▶ keys: count ± error, guaranteed or not
//	trace file ─┴─▶ Counter ──────┼─▶ templates, nodes: exact sums
//	                              └─▶ KD023, KD024
//	scan of OBJECT FREQ ─▶ LFU ───▶ rates with their intervals, and what is saturated
package hotkeys

import (
	"math"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// A Weight is what makes a key hot.
type Weight string

// The weights.
const (
	Ops   Weight = "ops"
	CPU   Weight = "cpu" // microseconds of the server
	Bytes Weight = "bytes"
)

// DefaultPlaces is how many keys are kept: with 10,000 any key of more than one in ten thousand of the weight is among them.
const DefaultPlaces = 10_000

// Options of a Counter. The zero value counts operations in DefaultPlaces, and infers templates.
type Options struct {
	Weight Weight
	Places int
	Schema *schema.Schema // must bind (bind.New)
	// Sample says that each access that is added stands for so many, of which it was drawn: shares are intervals then. 0 and 1 are
	// all.
	Sample int
}

// A Counter counts accesses. It is not safe for concurrent use: of several sources each has its own, and they are merged.
type Counter struct {
	opt         Options
	heavy       *sketch.Heavy
	names       *naming
	nodes       map[string]*sums
	owner       []int32 // which node, from 1, was seen to serve a slot; nil with one node
	nodeNames   []string
	all         sums
	unnamed     int64 // weight of keys that the source did not name
	lost        int64
	first, last time.Time
	lastLocal   time.Duration
}

// sums are what is known of accesses. What a source does not tell stays 0.
type sums struct {
	reads, writes, unknown int64 // operations
	cpu                    int64 // microseconds
	bytes                  int64
	dead                   int64 // writes of what was gone at once
}

func (s *sums) add(o *sums) {
	s.reads += o.reads
	s.writes += o.writes
	s.unknown += o.unknown
	s.cpu += o.cpu
	s.bytes += o.bytes
	s.dead += o.dead
}

func (s *sums) ops() int64 { return s.reads + s.writes + s.unknown }

// of returns s by a weight.
func (s *sums) of(w Weight) int64 {
	switch w {
	case CPU:
		return s.cpu
	case Bytes:
		return s.bytes
	}
	return s.ops()
}

// The places of sketch.HeavySums.
const (
	sumReads = iota
	sumWrites
	sumCPU
	sumBytes
)

// New returns an empty Counter.
func New(o Options) *Counter {
	o.Sample = max(o.Sample, 1)
	if o.Weight == "" {
		o.Weight = Ops
	}
	if o.Places <= 0 {
		o.Places = DefaultPlaces
	}
	return &Counter{opt: o, heavy: sketch.NewHeavy(o.Places), names: newNaming(o.Schema), nodes: map[string]*sums{}}
}

// Add counts one access.
func (c *Counter) Add(a *kv.Access) {
	c.lost += a.Lost
	s := sums{cpu: a.CPU.Microseconds(), bytes: a.Bytes}
	switch a.Kind {
	case kv.OpRead:
		s.reads = a.N
	case kv.OpWrite:
		s.writes = a.N
	default:
		s.unknown = a.N
	}
	if a.Dead {
		s.dead = a.N
	}
	if a.Whole {
		c.whole(a, &s)
		return
	}
	if a.Key == "" && a.N == 0 {
		return // a word about what was lost
	}
	c.span(a.At)
	c.all.add(&s)
	c.place(a, &s)
	if l := c.names.of(a.Key); l != nil {
		l.sums.add(&s)
	}
	if w := s.of(c.opt.Weight); w > 0 {
		c.heavy.Add(a.Key, w, sketch.HeavySums{s.reads, s.writes, s.cpu, s.bytes})
	}
}

// whole notes what all keys of a node took, of which the source has named some.
func (c *Counter) whole(a *kv.Access, total *sums) {
	seen := c.node(a.Place)
	rest := max(0, total.of(c.opt.Weight)-seen.of(c.opt.Weight))
	c.unnamed += rest
	seen.cpu, seen.bytes = max(seen.cpu, total.cpu), max(seen.bytes, total.bytes)
	c.all.cpu, c.all.bytes = 0, 0
	for _, n := range c.nodes {
		c.all.cpu, c.all.bytes = c.all.cpu+n.cpu, c.all.bytes+n.bytes
	}
}

func (c *Counter) span(at time.Time) {
	if at.IsZero() {
		return
	}
	if c.first.IsZero() || at.Before(c.first) {
		c.first = at
	}
	if at.After(c.last) {
		c.last = at
	}
}

func (c *Counter) node(name string) *sums {
	n := c.nodes[name]
	if n == nil {
		n = &sums{}
		c.nodes[name] = n
		c.nodeNames = append(c.nodeNames, name)
	}
	return n
}

// place counts the access to its node, and notes that the node serves the slot.
func (c *Counter) place(a *kv.Access, s *sums) {
	c.node(a.Place).add(s)
	if a.Place == "" {
		return
	}
	if c.owner == nil {
		c.owner = make([]int32, slot.Count)
	}
	at := &c.owner[slot.Of(a.Key)]
	if *at != 0 && c.nodeNames[*at-1] == a.Place {
		return
	}
	for i, n := range c.nodeNames {
		if n == a.Place {
			*at = int32(i + 1)
		}
	}
}

// nodeOf returns the node that was seen to serve a key.
func (c *Counter) nodeOf(key string) string {
	if c.owner == nil {
		return ""
	}
	if i := c.owner[slot.Of(key)]; i > 0 {
		return c.nodeNames[i-1]
	}
	return ""
}

// Merge adds what o has counted. o is not used again, and must have the same Options.
func (c *Counter) Merge(o *Counter) {
	c.heavy.Merge(o.heavy)
	c.names.merge(o.names)
	c.all.add(&o.all)
	c.unnamed += o.unnamed
	c.lost += o.lost
	c.span(o.first)
	c.span(o.last)
	for _, name := range o.nodeNames {
		c.node(name).add(o.nodes[name])
	}
	for s, i := range o.owner {
		if i == 0 {
			continue
		}
		if c.owner == nil {
			c.owner = make([]int32, slot.Count)
		}
		for j, n := range c.nodeNames {
			if n == o.nodeNames[i-1] {
				c.owner[s] = int32(j + 1)
			}
		}
	}
}

// Observed sets how long was watched, where that is known and the accesses tell no times.
func (c *Counter) Observed(d time.Duration) { c.lastLocal = d }

// window returns how long was watched, or 0 if that is not known.
func (c *Counter) window() time.Duration {
	if c.lastLocal > 0 {
		return c.lastLocal
	}
	return c.last.Sub(c.first)
}

// total is the weight of all accesses, those of unnamed keys too.
func (c *Counter) total() float64 { return float64(c.heavy.Total() + c.unnamed) }

// A naming tells the template of a key: the schema's that takes it, else one that is inferred.
type naming struct {
	matcher  *bind.Matcher
	schema   *schema.Schema
	declared []*leaf
	tree     *infer.Tree[*leaf]
}

// A leaf is what a group of keys of one shape was used for.
type leaf struct{ sums sums }

// Merge adds o to l.
func (l *leaf) Merge(o *leaf) { l.sums.add(&o.sums) }

// Clone returns a copy.
func (l *leaf) Clone() *leaf { c := *l; return &c }

// Form writes or reads l.
func (l *leaf) Form(f *saved.Form) {
	s := &l.sums
	saved.Count(f, &s.reads, &s.writes, &s.unknown, &s.cpu, &s.bytes)
}

// maxNodes bounds the inference tree.
const maxNodes = 100_000

func newNaming(s *schema.Schema) *naming {
	n := &naming{schema: s, tree: infer.New(func() *leaf { return &leaf{} }, infer.Options{MaxNodes: maxNodes})}
	if s != nil {
		m, err := bind.New(s)
		if err != nil {
			panic(err) // the caller has checked
		}
		n.matcher, n.declared = m, make([]*leaf, len(s.Templates))
		for i := range n.declared {
			n.declared[i] = &leaf{}
		}
	}
	return n
}

// of returns the leaf of a key.
func (n *naming) of(key string) *leaf {
	if n.matcher != nil {
		if i, ok := n.matcher.Match(key); ok {
			return n.declared[i]
		}
	}
	return n.tree.Add(key)
}

func (n *naming) merge(o *naming) {
	for i, l := range o.declared {
		n.declared[i].Merge(l)
	}
	n.tree.Merge(o.tree)
}

// A template is what the keys of one template were used for.
type template struct {
	text string
	sums
}

// templates returns all that were used, and what tells the template of a key.
func (n *naming) templates() ([]template, func(key string) string) {
	var all []template
	for i, l := range n.declared {
		if l.sums != (sums{}) {
			all = append(all, template{n.schema.Templates[i].Key.String(), l.sums})
		}
	}
	r := n.tree.Templates()
	for i := range r.Templates {
		all = append(all, template{r.Templates[i].Text, r.Templates[i].Stats.sums})
	}
	return all, func(key string) string {
		if n.matcher != nil {
			if i, ok := n.matcher.Match(key); ok {
				return n.schema.Templates[i].Key.String()
			}
		}
		if i, ok := r.Match(key); ok {
			return r.Templates[i].Text
		}
		return ""
	}
}

// share returns part of whole, or 0.
func share(part, whole float64) float64 {
	if whole <= 0 || math.IsNaN(part) {
		return 0
	}
	return part / whole
}

// words joins what is not empty.
func words(parts ...string) string {
	kept := parts[:0]
	for _, p := range parts {
		if p != "" {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, ", ")
}
