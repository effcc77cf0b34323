package skew

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
)

// groups counts by names of which there may be any number. Up to maxGroups it knows all; of more it knows a sample of the names,
// each with all that it holds, which tells the shape, and those that hold most keys, bytes or operations.
type groups struct {
	stored *sketch.Groups // keys and bytes
	used   *sketch.Groups // operations
	heavy  [3]*sketch.Heavy
}

const (
	maxGroups  = 8192
	topPlaces  = 1024
	longestTag = 128 // bytes of a name that are kept
)

func newGroups() *groups {
	g := &groups{stored: sketch.NewGroups(maxGroups), used: sketch.NewGroups(maxGroups)}
	for i := range g.heavy {
		g.heavy[i] = sketch.NewHeavy(topPlaces)
	}
	return g
}

func (g *groups) add(name string, l *Load) {
	hash := sketch.Hash(name)
	if len(name) > longestTag {
		name = name[:longestTag]
	}
	if l.Keys > 0 {
		g.stored.Add(hash, name, l.Keys, l.Bytes)
	}
	if l.Ops > 0 {
		g.used.Add(hash, name, 1, l.Ops)
	}
	sums := sketch.HeavySums{l.Keys, l.Bytes, l.Ops}
	for i, w := range sums[:len(g.heavy)] {
		if w > 0 {
			g.heavy[i].Add(name, w, sums)
		}
	}
}

func (g *groups) merge(o *groups) {
	g.stored.Merge(o.stored)
	g.used.Merge(o.used)
	for i := range g.heavy {
		g.heavy[i].Merge(o.heavy[i])
	}
}

// Form writes or reads g.
func (g *groups) Form(f *saved.Form) {
	g.stored.Form(f)
	g.used.Form(f)
	for i := range g.heavy {
		g.heavy[i].Form(f)
	}
}

// bins returns the names that are known, and whether these are all.
func (g *groups) bins() (bins []bin, all bool) {
	byName := map[string]*Load{}
	stored, all1 := g.stored.All()
	used, all2 := g.used.All()
	for i := range stored {
		byName[stored[i].Name] = &Load{Keys: stored[i].N, Bytes: stored[i].Sum}
	}
	for i := range used {
		if byName[used[i].Name] == nil {
			byName[used[i].Name] = &Load{}
		}
		byName[used[i].Name].Ops += used[i].Sum
	}
	for _, name := range sortedKeys(byName) {
		bins = append(bins, bin{name, *byName[name]})
	}
	return bins, all1 && all2
}

// top returns the names that hold most of a metric: exactly where all are known, else as the heaviest are known.
func (g *groups) top(of Metric, n int) []bin {
	bins, all := g.bins()
	if !all {
		bins = bins[:0]
		heaviest, _ := g.heavy[slices.Index(Metrics(), of)].Top(n)
		for i := range heaviest {
			h := &heaviest[i]
			l := Load{h.Sums[0], h.Sums[1], h.Sums[2]}
			switch half := h.Error / 2; of { // what it had before it was known is between nothing and its error
			case Bytes:
				l.Bytes = h.Count - half
			case Ops:
				l.Ops = h.Count - half
			default:
				l.Keys = h.Count - half
			}
			bins = append(bins, bin{h.Key, l})
		}
	}
	slices.SortFunc(bins, func(a, b bin) int { return byWeight(&a, &b, of) })
	return bins[:min(n, len(bins))]
}

// maxWeights bounds how many weights stand for the names of which there are too many to be known.
const maxWeights = 1 << 16

// weights returns weights that are distributed as those of all names, and how many names there are: the heaviest as they are
// known, and of the others those of a sample, each as often as makes up for those that are not in it.
func (g *groups) weights(of Metric) (weights []float64, names float64) {
	counted, kept := g.stored, 0
	if of == Ops {
		counted = g.used
	}
	names, _ = counted.Names()
	heavy := g.heavy[slices.Index(Metrics(), of)]
	known, rest := map[string]bool{}, float64(heavy.Total())
	for _, b := range g.top(of, topPlaces) {
		known[b.name] = true
		weights = append(weights, float64(b.of(of)))
		rest -= float64(b.of(of))
	}
	sample, sum := []float64{}, 0.0
	all, _ := counted.All()
	for i := range all {
		x := float64(all[i].N)
		if of != Keys {
			x = float64(all[i].Sum)
		}
		if kept++; !known[all[i].Name] {
			sample, sum = append(sample, x), sum+x
		}
	}
	times := int(math.Round(min(names, maxWeights) / float64(max(1, kept))))
	if rest <= 0 || sum <= 0 || times < 1 {
		return weights, names
	}
	for _, x := range sample {
		for range times {
			weights = append(weights, x*rest/(sum*float64(times)))
		}
	}
	return weights, names
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
