package simulate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// mostKeys bounds what a template may be declared or computed to have, so that sums stay exact.
const mostKeys = 1 << 50

func newWorld(s *schema.Schema, o Options) (*world, error) {
	if o.Sample <= 0 {
		o.Sample = DefaultSample
	}
	if o.Now.IsZero() {
		o.Now = Epoch()
	}
	w := &world{s: s, o: o, store: storeOf(s, &o), lives: s.Lives()}
	if err := w.checkEntities(); err != nil {
		return nil, err
	}
	w.populate()
	if len(w.populations) == 0 {
		return nil, w.nothing()
	}
	for _, p := range w.populations {
		w.total += p.keys
	}
	for _, p := range w.populations {
		p.sample(w.share(p))
		w.drawn += p.drawn
	}
	w.addUses()
	w.layout = w.newLayout()
	return w, nil
}

// checkEntities refuses names that are neither a field nor a template.
func (w *world) checkEntities() error {
	var names []string
	for i := range w.s.Fields {
		names = append(names, w.s.Fields[i].Name)
	}
	for i := range w.s.Templates {
		names = append(names, w.s.Templates[i].Name)
	}
	var wrong []string
	for name, n := range w.o.Entities {
		switch {
		case !slices.Contains(names, name):
			wrong = append(wrong, fmt.Sprintf("%q is neither a field nor a template of the schema", name))
		case n < 1 || n > mostKeys:
			wrong = append(wrong, fmt.Sprintf("%s=%d: want a number from 1 to %d", name, n, int64(mostKeys)))
		}
	}
	if wrong == nil {
		return nil
	}
	slices.Sort(wrong)
	slices.Sort(names)
	return kv.WithHint(kv.Usagef("%s", strings.Join(wrong, "; ")), "the schema has "+strings.Join(names, ", "))
}

// leastDrawn is how many keys of a template are drawn, if it has them, however small its part of all keys is; fewer where there are
// so many templates that nothing would be left for the large ones.
const leastDrawn = 10_000

// share returns how many keys of p to draw.
func (w *world) share(p *population) int64 {
	if w.total <= w.o.Sample {
		return p.keys
	}
	part := float64(w.o.Sample) * float64(p.keys) / float64(w.total)
	least := min(leastDrawn, w.o.Sample/int64(2*len(w.populations)))
	return min(p.keys, max(least, int64(part), 1))
}

// cardinality returns how many values a field has: as the options or the file say, after its growth; 0 is not known.
func (w *world) cardinality(name string) int64 {
	f := w.s.Field(name)
	n := w.o.Entities[name]
	if f == nil {
		return n
	}
	if n == 0 {
		n = f.Cardinality
	}
	if n == 0 {
		return 0
	}
	return int64(min(float64(n)+f.Growth*w.o.Growth.Seconds(), mostKeys))
}

// lifeOf returns for how long a key lives from its last writing on, without jitter; 0 is for ever.
func lifeOf(ttl schema.TTL) time.Duration {
	switch ttl.Policy {
	case schema.TTLFixed:
		return ttl.Value
	case schema.TTLSliding:
		return cmp.Or(ttl.Idle, ttl.MaxAge)
	}
	return 0
}

// nothing is the error that no template has keys that could be drawn, with what to declare.
func (w *world) nothing() error {
	file := strings.Join(w.s.Files, ", ")
	if len(w.s.Templates) == 0 {
		return kv.WithHint(kv.Usagef("%s: nothing to simulate: it declares no templates", file), "templates: {NAME: {key: …}} says which keys there are")
	}
	declare := "cardinality: {live: 400k} for a template"
	if fields := w.countless(); len(fields) > 0 {
		declare = "cardinality: 2M for " + strings.Join(fields, ", ") + " under fields, or " + declare
	}
	err := kv.Usagef("%s: nothing to simulate: it does not follow from what is declared how many keys there are", file)
	return kv.WithHint(err, "declare "+declare+"; or try some with --entities NAME=1M")
}

// countless returns the declared fields of which it is not known how many values they have.
func (w *world) countless() (names []string) {
	for i := range w.s.Fields {
		if name := w.s.Fields[i].Name; w.cardinality(name) == 0 {
			names = append(names, name)
		}
	}
	return names
}

// populate makes the populations, those of index templates after those that they lead to.
func (w *world) populate() {
	made := map[string]*population{}
	waiting := map[string][]int{} // templates whose keys may be as many as those of the named one
	queue := make([]int, len(w.s.Templates))
	for i := range queue {
		queue[i] = i
	}
	for ; len(queue) > 0; queue = queue[1:] {
		p := newPopulation(w, queue[0])
		if made[p.t.Name] != nil {
			continue
		}
		if !p.count(made) {
			for _, r := range p.t.Refs {
				waiting[r.To] = append(waiting[r.To], queue[0])
			}
			continue
		}
		made[p.t.Name] = p
		queue = append(queue, waiting[p.t.Name]...)
		delete(waiting, p.t.Name)
	}
	for i := range w.s.Templates {
		t := &w.s.Templates[i]
		if p := made[t.Name]; p != nil {
			w.populations = append(w.populations, p)
			continue
		}
		w.unknown = append(w.unknown, unknown{t.Name, "how many keys it has does not follow from what is declared: add cardinality, or the rate of its writes with a TTL"})
	}
}

// assume notes something that the file does not say.
func (p *population) assume(format string, args ...any) {
	p.assumed = append(p.assumed, fmt.Sprintf(format, args...))
}

// ceil divides, rounding up.
func ceil(a, b int64) int64 {
	if b <= 0 {
		return a
	}
	return (a + b - 1) / b
}

func clampKeys(n float64) int64 { return int64(max(0, min(math.Ceil(n), mostKeys))) }

// keys draws about n keys, evenly over all populations.
func (w *world) keys(n int64) [][]byte {
	var keys [][]byte
	every := max(1, w.drawn/n)
	seen := int64(0)
	for _, p := range w.populations {
		p.each(func(d *Draw) {
			if seen%every == 0 {
				keys = append(keys, append([]byte(nil), d.placed()...))
			}
			seen++
		})
	}
	return keys
}
