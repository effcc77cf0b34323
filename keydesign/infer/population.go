package infer

// A Population is the values that one placeholder has in the keys of one
// template, as a sketch: how many there are, and which share of them another
// placeholder has, too. It is what tells that the numbers in cart:{int} are
// those of user:{int}:profile.
type Population struct{ slot *slot }

// Distinct estimates how many values there are, to 3 %.
func (p *Population) Distinct() int64 { return p.slot.distinct() }

// Range returns the least and the greatest value of a placeholder of numbers.
func (p *Population) Range() (least, greatest uint64) { return p.slot.min, p.slot.max }

// Within estimates which share of the values is among those of o: the size of
// the intersection, by inclusion and exclusion, over that of p. It is exact for
// the few values that are kept as they are, and where all are within; else the
// error is 3 % of the number of values of both. ok is false if a sketch was
// lost to the budget.
func (p *Population) Within(o *Population) (share float64, ok bool) {
	if p.slot.lost || o.slot.lost || p.slot.n == 0 {
		return 0, false
	}
	both, unlimited := p.slot.clone(), 2
	both.merge(o.slot, &unlimited)
	mine, theirs := float64(p.slot.estimate()), float64(o.slot.estimate())
	return max(0, min(1, (mine+theirs-float64(both.estimate()))/mine)), true
}

// estimate is distinct without the bound that counts of one slot have, and two
// slots together do not.
func (s *slot) estimate() int64 {
	if s.sketch != nil {
		return max(1, int64(s.sketch.Estimate()))
	}
	return max(1, int64(len(s.few)))
}

// members returns the leaves of each template.
func (p *partition) members() [][]int32 {
	m := make([][]int32, len(p.ends))
	for leaf, template := range p.of {
		m[template] = append(m[template], int32(leaf))
	}
	return m
}

// populations returns the values of each of the segments in the keys of the
// leaves in, nil for literals and where they are not known: folded words are
// counted by the template, not by value. Leaves in which the placeholders are
// not those of the template, one for one, do not count.
func populations(segments []Segment, leaves []leaf, in []int32) []*Population {
	out := make([]*Population, len(segments))
	var at []int // the segments whose values have slots
	for i := range segments {
		if s := &segments[i]; s.Type != "" && s.Type != "str" && s.Type != "path" {
			at = append(at, i)
		}
	}
	unlimited := 1 << 30
	for _, i := range in {
		l := &leaves[i]
		if len(l.slots) != len(at) {
			continue
		}
		for j, k := range at {
			if out[k] == nil {
				out[k] = &Population{&slot{}}
			}
			out[k].slot.merge(&l.slots[j], &unlimited)
		}
	}
	return out
}
