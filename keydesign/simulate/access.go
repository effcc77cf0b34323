package simulate

import (
	"slices"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// A use is what an access does to the keys of one template.
type use struct {
	a     *schema.Access
	rate  float64 // a second, of all keys together
	write bool
	whole bool // moves the whole value, and not an element of it
	shape int  // index: how it spreads over the keys
}

// accesses returns the accesses that touch t: its own, unless they name other templates alone, and those of others that name it.
func (w *world) accesses(t *schema.Template) []*schema.Access {
	var list []*schema.Access
	for i := range w.s.Templates {
		from := &w.s.Templates[i]
		for j := range from.Access {
			a := &from.Access[j]
			if slices.Contains(a.Keys, t.Name) || len(a.Keys) == 0 && from == t {
				list = append(list, a)
			}
		}
	}
	return list
}

// addUses works out what the accesses do to each population.
func (w *world) addUses() {
	for _, p := range w.populations {
		for _, a := range w.accesses(p.t) {
			if a.Rate <= 0 {
				continue
			}
			write := writes(a)
			p.use(use{a: a, rate: a.Rate, write: write, whole: !all(a.Op, partial())})
			if m := missed(a); m > 0 {
				p.use(use{a: a, rate: m, write: true, whole: !all(a.OnMiss.Op, partial())})
			}
		}
		p.value = p.newValue()
	}
}

func (p *population) use(u use) {
	u.shape = p.shapeOf(u.a.Dist, u.write)
	p.uses = append(p.uses, u)
}

// rate returns how many operations a second there are on the key of d.
func (p *population) rate(d *Draw) float64 {
	sum := 0.0
	for i := range p.uses {
		sum += p.uses[i].rate * d.shares[p.uses[i].shape]
	}
	return sum
}

// reads returns how many of them read.
func (p *population) reads(d *Draw) float64 {
	sum := 0.0
	for i := range p.uses {
		if !p.uses[i].write {
			sum += p.uses[i].rate * d.shares[p.uses[i].shape]
		}
	}
	return sum
}
