package learn

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/scenario"
)

// Uses counts what is done to keys, by template, in bounded memory: how often, and how unevenly. It is for one goroutine.
type Uses struct {
	match     func(key string) (template int, ok bool)
	templates map[int]*Use
	Accesses  int64
}

// A Use is what was done to the keys of one template.
type Use struct {
	Reads, Writes, Unknown int64
	keys                   *sketch.Heavy
}

// places is how many of the most used keys of a template are told apart.
const places = 2000

// NewUses returns a count by the templates that match tells, as keydesign.Facts.Match does.
func NewUses(match func(key string) (template int, ok bool)) *Uses {
	return &Uses{match: match, templates: map[int]*Use{}}
}

// Add counts an access.
func (u *Uses) Add(a *kv.Access) {
	if a.Whole {
		return
	}
	i, ok := u.match(a.Key)
	if !ok {
		return
	}
	t := u.templates[i]
	if t == nil {
		t = newUse()
		u.templates[i] = t
	}
	n := max(a.N, 1)
	u.Accesses += n
	switch a.Kind {
	case kv.OpRead:
		t.Reads += n
	case kv.OpWrite:
		t.Writes += n
	default:
		t.Unknown += n
	}
	t.keys.Add(a.Key, n, sketch.HeavySums{})
}

func newUse() *Use { return &Use{keys: sketch.NewHeavy(places)} }

func (u *Uses) of(i int) *Use { return u.templates[i] }

// What it takes for an exponent: so many keys that were met so often, and a fit no farther off.
const (
	leastRanks = 30
	leastHits  = 10
	farthest   = 0.1
	// Below it popularity is as good as even: so much comes of chance alone when the most used of many equal keys are looked at.
	evenExponent = 0.25
)

// zipf fits the law of Zipf to the most used keys. draws is how many accesses it is from.
func (t *Use) zipf() (exponent, distance float64, ranks int, draws int64, ok bool) {
	keys, _ := t.keys.Top(places)
	var weights []float64
	for i := range keys {
		if k := &keys[i]; k.Count-k.Error >= leastHits {
			weights = append(weights, float64(k.Count)-float64(k.Error)/2)
			draws += k.Count
		}
	}
	slices.SortFunc(weights, func(a, b float64) int { return cmp.Compare(b, a) })
	if len(weights) < leastRanks {
		return 0, 0, len(weights), draws, false
	}
	exponent, distance, ok = sketch.Zipf(weights)
	return exponent, distance, len(weights), draws, ok
}

// popularity gives the fields of templates the law by which their keys are used, or says that it is assumed.
func (l *learner) popularity() {
	if l.src.Uses == nil || l.src.Uses.Accesses == 0 {
		l.missing = append(l.missing, "popularity is assumed to be even: nothing tells which keys are used")
	}
	for i := range l.draft.Schema.Templates {
		var learnt scenario.Learnt
		dist, ok := l.dist(i, &learnt)
		if !ok {
			learnt.Say("dist", "assumed")
		}
		f := l.draft.SetDist(i, dist)
		if f != nil && len(f.Extensions) == 0 {
			f.Extensions = append(f.Extensions, schema.Extension{Name: scenario.LearntKey, Text: learnt.Flow()})
		}
	}
}

// dist is the law of template i.
func (l *learner) dist(i int, learnt *scenario.Learnt) (d schema.Dist, ok bool) {
	if l.src.Uses == nil {
		return d, false
	}
	var u *Use
	for _, j := range l.of[i] {
		if x := l.src.Uses.of(j); x != nil && (u == nil || x.keys.Total() > u.keys.Total()) {
			u = x
		}
	}
	if u == nil {
		return d, false
	}
	learnt.Add("accesses", float64(u.keys.Total()))
	exponent, distance, ranks, draws, ok := u.zipf()
	learnt.Add("ranks", float64(ranks))
	if !ok {
		return d, false
	}
	learnt.Add("draws", float64(draws))
	learnt.Say("distance", fmt.Sprintf("%.3f", distance))
	switch {
	case distance > farthest:
		return d, false
	case exponent < evenExponent:
		return schema.Dist{Kind: schema.Uniform}, true
	}
	return schema.Dist{Kind: schema.Zipf, A: round(exponent)}, true
}
