package dict

import "math/rand/v2"

// Random returns a ref, every one with the same chance, or 0 of none. It tries places until one is taken: about eight times in a
// table of the usual load, more often in one that has just lost most of its refs.
func (d *Dict) Random(random *rand.Rand) uint32 {
	if d.n == 0 {
		return 0
	}
	rest, grown := d.tables[0].groups[d.moved:], d.tables[1].groups
	for {
		i := random.IntN(places * (len(rest) + len(grown) + len(d.kids)))
		g, at := (*group)(nil), i%places
		switch i /= places; {
		case i < len(rest):
			g = &rest[i]
		case i < len(rest)+len(grown):
			g = &grown[i-len(rest)]
		default:
			g = &d.kids[i-len(rest)-len(grown)]
		}
		if g.tags>>(8*at)&0xff > chain {
			return g.refs[at]
		}
	}
}
