package keydesign

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A promise is what a schema says of the keys of a template, as far as a scan can tell whether it is kept.
type promise struct {
	text     string
	segments []infer.Segment
	kind     schema.Kind
	typ      string // as it was declared
	types    []kv.Type
	life     life
	bounds   bounds
	most     int64 // keys; 0 is not declared
	refs     []promisedRef
	pos      report.Pos
}

// A promisedRef is a reference to the keys of another template.
type promisedRef struct {
	kind schema.RefKind
	to   string // text of that template
}

func refsOf(s *schema.Schema, t *schema.Template) (refs []promisedRef) {
	for i := range t.Refs {
		for j := range s.Templates {
			if other := &s.Templates[j]; other.Name == t.Refs[i].To {
				refs = append(refs, promisedRef{t.Refs[i].Kind, other.Key.String()})
			}
		}
	}
	return refs
}

func promises(s *schema.Schema) []promise {
	ps := make([]promise, len(s.Templates))
	lives := s.Lives()
	for i := range s.Templates {
		t := &s.Templates[i]
		ps[i] = promise{
			text: t.Key.String(), segments: segmentsOf(t.Key), kind: t.Kind, typ: t.Type, types: typesOf(t.Type),
			life: lifeOf(&lives[i]), bounds: boundsOf(&t.Value), most: t.Cardinality.Max, refs: refsOf(s, t), pos: t.Pos,
		}
	}
	return ps
}

// configOf tells apart what keys are bound to and held against. It is never 0, which is no schema.
func configOf(s *schema.Schema, ps []promise) uint64 {
	h := fnv.New64a()
	for i := range ps {
		p := &ps[i]
		fmt.Fprintf(h, "%q %q %q %q %d %d %+v %d\n", p.text, p.kind, p.typ, p.life.policy, p.life.value, p.life.longest, p.bounds, p.most)
		if len(p.refs) > 0 || p.life.capped {
			fmt.Fprintf(h, "%+v %t\n", p.refs, p.life.capped)
		}
		for _, piece := range s.Templates[i].Key {
			if piece.Type != nil {
				fmt.Fprintf(h, "%q", piece.Type.Regexp())
			}
		}
	}
	return max(1, h.Sum64())
}

// A life is how long keys are declared to live.
type life struct {
	policy  schema.TTLPolicy // "" is not declared; never inherit
	value   time.Duration    // without jitter
	longest time.Duration    // the most that a key can have left; 0 is no end
	capped  bool             // it ends, however often it is set anew
}

// expires reports whether each key is to have a TTL.
func (l life) expires() bool { return l.policy == schema.TTLFixed || l.policy == schema.TTLSliding }

// String is the longest TTL, as keys.yaml has it.
func (l life) String() string {
	if l.longest == 0 {
		return "one"
	}
	return spanText(l.longest)
}

// lifeOf returns the life that a TTL gives.
func lifeOf(ttl *schema.TTL) life {
	switch ttl.Policy {
	case schema.TTLNone:
		return life{policy: schema.TTLNone}
	case schema.TTLFixed:
		return life{schema.TTLFixed, ttl.Value, longestOf(ttl.Value, ttl.Jitter), true}
	case schema.TTLSliding:
		longest := longestOf(cmp.Or(ttl.Idle, ttl.MaxAge), ttl.Jitter)
		if ttl.Idle > 0 && ttl.MaxAge > 0 {
			longest = min(longest, ttl.MaxAge)
		}
		return life{schema.TTLSliding, min(ttl.Idle, longest), longest, ttl.MaxAge > 0}
	}
	return life{}
}

// longestOf returns the longest TTL that d and its jitter make.
func longestOf(d time.Duration, j schema.Jitter) time.Duration {
	return d + max(0, j.High) + time.Duration(max(0, j.HighShare)*float64(d))
}

// bounds are how large values are declared to be at most; 0 is not declared.
type bounds struct {
	bytes    int64 // of a value
	elements int64 // of a collection
}

// trimSlack is how many more elements than max_len a stream or list may hold: what trims it works by blocks (XADD MAXLEN ~,
// stream-node-max-entries 100).
const trimSlack = 100

func boundsOf(v *schema.Value) bounds {
	b := bounds{v.Size.Max, v.Elements.Max}
	if b.elements == 0 && v.MaxLen > 0 {
		b.elements = v.MaxLen + trimSlack
	}
	return b
}

// What a key takes besides what was written into it, at most: for the key, for an element of a collection, and by rounding
// (an allocation of jemalloc is up to a quarter larger than what was asked for). Package memory has it exactly for one version
// and encoding; a value that is over its limit for certain is over it by this.
const (
	mostKeyOverhead     = 128
	mostElementOverhead = 128
	mostRounding        = 1.25
)

// leastValue returns how many bytes the value of o has at least.
func leastValue(o *observation) int64 {
	if o.known&kv.FieldStored != 0 && o.deep != nil {
		return o.deep.logical
	}
	rest := float64(o.size)/mostRounding - float64(o.name) - mostKeyOverhead
	if o.typ != kv.TypeString {
		rest -= float64(o.length) * mostElementOverhead
	}
	return int64(max(0, rest))
}

// spanText writes a duration as keys.yaml does: "90s", "10m", "24h", "14d".
func spanText(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%dd", d/day)
	}
	s := d.Round(time.Millisecond).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
