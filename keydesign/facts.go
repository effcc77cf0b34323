package keydesign

import (
	"errors"
	"iter"
	"math"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Facts is what an audit knows of a keyspace by template: the collector's statistics without the collector, for who writes
// a schema from them. It is a view: what it holds must not be changed.
type Facts struct {
	Keys, Bytes int64  // Bytes is 0 if no key told its size
	Sampled     bool   // some keys were asked for no more than their names
	Inference   string // "exact", or why it is not
	Known       kv.Field
	Templates   []TemplateFacts // most keys first
	// Match returns the index of the template that a key would be counted under; ok is false if it is under none. It is for one
	// goroutine.
	Match func(key string) (template int, ok bool)
}

// TemplateFacts is what is known of one template.
type TemplateFacts struct {
	Text        string
	Segments    []infer.Segment
	Confidence  string // of the inference: infer.High, Medium or Low
	Keys, Bytes int64
	Types       []TypeFacts // most keys first; nil if not known
	Size        Spread      // bytes that a key takes
	Sized       int64       // keys that told it
	Longest     int64       // most elements of a collection; 0 if not known
	Oversized   int64       // keys whose value is too large by KD040 or KD041
	TTL         TTLFacts
	Personal    string // what personal data the names hold; empty if none
	Lock        bool   // locks, by name and type
	Samples     []string

	// SizeAt returns the size below which a share p of the keys lies; ok is false if no key told it.
	SizeAt func(p float64) (bytes int64, ok bool)
	// Populations are the values of the placeholders, beside Segments; nil where not known.
	Populations func() []*infer.Population
	// Likenesses yields made-up keys of all the forms that the template was folded from.
	Likenesses func() iter.Seq[string]
}

// TypeFacts counts the keys of one type.
type TypeFacts struct {
	Type kv.Type
	Keys int64
}

// A Spread is a quantity by its quantiles; Known is false if no key told it.
type Spread struct {
	P50, P99, Max int64
	Known         bool
}

// TTLFacts is what is known of the expiry of a template's keys. The keys are those that were asked.
type TTLFacts struct {
	Keys       int64 // that told whether they expire; 0 is not known
	Persistent int64 // of these: without TTL
	Expiring   int64 // of these: with one that is yet to come
	// Groups are the TTLs that seem to have been set, the shortest first; Left is how much of them is left. Both in seconds.
	Groups []TTLGroup
	Left   []TTLSpan
	Due    []TTLSpan // the same in spans of equal length, which show what expires together
	Most   float64   // the most that is left, exactly, and the key that expires last
	Latest string
	Burst  TTLSpan // keys that expire at once (KD065); none if it holds no keys
	Lease  Lease
	// Declared is what the schema says of the TTL; nil where there is none, or it says nothing.
	Declared *DeclaredTTL
}

// A Lease is what keys have left and the time since they were used, together, of a sample of Keys of them. Where each use sets the
// TTL anew it is the TTL, and Deviation nearly nothing. Both are in seconds.
type Lease struct {
	Keys            int64
	Mean, Deviation float64
}

// Limits of a lease.
const (
	leaseSpread = 0.05 // the deviation, in shares of the mean
	leaseKeys   = 10   // that told their idle time
)

// Slides reports whether each use of a key sets its TTL anew.
func (l Lease) Slides() bool { return l.Keys >= leaseKeys && l.Deviation < leaseSpread*l.Mean }

// Of reports whether the lease is a TTL of t seconds.
func (l Lease) Of(t float64) bool { return l.Slides() && math.Abs(l.Mean-t) < leaseSpread*t }

// A DeclaredTTL is what a schema says: how long keys live without jitter, and the longest that one may have left; 0 is no end.
type DeclaredTTL struct {
	Policy         schema.TTLPolicy
	Value, Longest time.Duration
	Pos            report.Pos
}

// A TTLGroup is keys that were given about the same TTL.
type TTLGroup struct {
	End  float64 // seconds: about the TTL
	Keys int64
}

// A TTLSpan is how many keys expire within a stretch of time from now, in seconds.
type TTLSpan struct {
	Low, High float64
	Keys      int64
}

// UnitMistake reports whether two TTLs are apart by a factor of units, as when milliseconds were given for seconds.
func UnitMistake(shorter, longer float64) bool { return unitFactor(longer/shorter) != 0 }

// FactsOf returns what a run knows of each template. Its parts must have been kept (audit.Options.Save, or a snapshot file),
// and its keys counted by template without a schema. With parts of several shards the facts are of all of them.
func FactsOf(r *report.Report) (*Facts, error) { return FactsBound(nil, r) }

// FactsBound is FactsOf for a run whose keys were counted by the templates of s. Populations, likenesses and Match are of keys
// that no template of s takes.
func FactsBound(s *schema.Schema, r *report.Report) (*Facts, error) {
	a := byTemplate(bindingOf(s))
	c, err := audit.Load(a, r)
	if err != nil {
		return nil, err
	}
	t := c.(*templates)
	result := t.tree.Templates()
	ks := newKeyspace(result, t.declared, t.now)
	f := &Facts{Keys: ks.keys, Bytes: ks.bytes, Sampled: ks.sampled, Inference: ks.inference, Known: ks.known}
	at := map[string]int{}
	for i, x := range ks.templates {
		tf := x.facts(t.now)
		if s == nil { // else they are in another order
			tf.Populations = func() []*infer.Population { return result.Populations(i) }
			tf.Likenesses = func() iter.Seq[string] { return result.Likenesses(i) }
		}
		at[x.text] = i
		f.Templates = append(f.Templates, tf)
	}
	f.Match = func(key string) (int, bool) {
		i, ok := result.Match(key)
		if !ok {
			return 0, false
		}
		i, ok = at[result.Templates[i].Text]
		return i, ok
	}
	return f, nil
}

func (t *template) facts(now time.Time) TemplateFacts {
	f := TemplateFacts{
		Text: t.text, Segments: t.segments, Confidence: t.confidence, Keys: t.keys, Bytes: t.bytes(), Size: quantilesOf(&t.size),
		Longest: t.longest.value, Oversized: t.strings.warning + t.groups.warning, Personal: personal(t), Lock: isLock(t),
		Sized: int64(t.size.Count()), SizeAt: t.size.At,
		TTL: TTLFacts{Keys: t.timed, Persistent: t.persistent, Expiring: t.expiring},
	}
	for _, c := range t.types {
		f.Types = append(f.Types, TypeFacts{c.typ, c.keys})
	}
	for _, k := range t.samples {
		if k != "" {
			f.Samples = append(f.Samples, k)
		}
	}
	t.ttlFacts(&f.TTL, now)
	return f
}

func (t *template) ttlFacts(f *TTLFacts, now time.Time) {
	left, expiry := remaining(&t.left), due(&t.expiry, now.Unix())
	groups := groupTTLs(left)
	for _, g := range groups {
		f.Groups = append(f.Groups, TTLGroup{g.end, g.keys})
	}
	for _, s := range left {
		f.Left = append(f.Left, TTLSpan{s.low, s.high, s.keys})
	}
	for _, s := range expiry {
		f.Due = append(f.Due, TTLSpan{s.low, s.high, s.keys})
	}
	f.Most, f.Latest = float64(t.left.Max())/1000, t.latest.key
	if b, ok := findBurst(expiry, groups); ok {
		f.Burst = TTLSpan{b.low, b.high, b.keys}
	}
	f.Lease = t.lease()
	if p := t.promise; p != nil && p.life.policy != "" {
		f.Declared = &DeclaredTTL{p.life.policy, p.life.value, p.life.longest, p.pos}
	}
}

func (t *template) lease() Lease {
	if t.deep == nil || t.deep.leases == nil || t.deep.leases.keys == 0 {
		return Lease{}
	}
	l := t.deep.leases
	n := float64(l.keys)
	mean := float64(l.sum) / n
	return Lease{l.keys, mean, math.Sqrt(max(0, l.squares.Float()/n-mean*mean))}
}

func quantilesOf(q *sketch.Quantiles) Spread {
	p50, known := q.At(0.5)
	p99, _ := q.At(0.99)
	return Spread{P50: p50, P99: p99, Max: q.Max(), Known: known}
}

// Inference is the analysis that FactsOf reads, alone.
func Inference() []*audit.Analyzer { return []*audit.Analyzer{byTemplate(nil)} }

// Binding is the analysis that FactsBound reads, alone.
func Binding(s *schema.Schema) []*audit.Analyzer { return []*audit.Analyzer{byTemplate(bindingOf(s))} }

// The sizes from which a value is too large by KD040, in bytes, and by KD041, in elements.
const (
	LargeString     = stringWarning
	LargeCollection = groupWarning
)

// LongestTTL is from which TTL on a unit must have been mistaken.
const LongestTTL = time.Duration(longestTTL)

// A KeyLoad is keys and their bytes; Sized says how many of the keys told these.
type KeyLoad struct{ Keys, Bytes, Sized int64 }

// LoadsOf returns what a saved run knows of each slot and of each node: nil of what it did not look at.
func LoadsOf(r *report.Report) (slots []KeyLoad, nodes map[string]KeyLoad, err error) {
	for _, a := range Analyzers(nil) {
		if a.Name != nodesName && a.Name != slotsName {
			continue
		}
		c, err := audit.Load(a, r)
		if err != nil {
			if errors.Is(err, kv.ErrCorrupt) {
				return nil, nil, err
			}
			continue // it was not run
		}
		switch c := c.(type) {
		case *nodesOf:
			nodes = map[string]KeyLoad{}
			for name, l := range c.places {
				nodes[name] = KeyLoad{l.keys, l.bytes, l.sized}
			}
		case *slotsOf:
			for i := range c.slots {
				slots = append(slots, KeyLoad{c.slots[i].keys, c.slots[i].bytes, c.slots[i].sized})
			}
		}
	}
	return slots, nodes, nil
}
