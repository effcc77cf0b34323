package zset

// rescore gives an item another score. One that remains in its leaf is moved within it; counts above stay as they are.
func (t *tree) rescore(x item, score float64) {
	p := t.descend(x)
	l := t.leaves.at(p.leaf)
	i, to := t.slot(l, x), item{score, x.ref}
	switch {
	case score > x.score && t.remainsBelow(l, i, to):
		t.raiseIn(l, i, to)
	case score < x.score && t.remainsAbove(l, i, to):
		t.lowerIn(l, i, to)
	default:
		t.removeAt(&p, i)
		t.insert(to)
		return
	}
	if i == 0 || l.prev == 0 { // it was, or may be, the first of its leaf
		t.fix(&p)
	}
}

// remainsBelow reports whether the item at i of l still belongs there when it moves up to be x.
func (t *tree) remainsBelow(l *leaf, i int, x item) bool {
	end := int(l.n) - 1
	return l.next == 0 || i < end && t.compare(x, l.at(end)) < 0
}

// remainsAbove is the same for one that moves down.
func (t *tree) remainsAbove(l *leaf, i int, x item) bool {
	return l.prev == 0 || i > 0 && t.compare(l.at(0), x) < 0
}

func (t *tree) raiseIn(l *leaf, i int, x item) {
	for ; i+1 < int(l.n) && t.compare(l.at(i+1), x) < 0; i++ {
		l.put(i, l.at(i+1))
	}
	l.put(i, x)
}

func (t *tree) lowerIn(l *leaf, i int, x item) {
	for ; i > 0 && t.compare(x, l.at(i-1)) < 0; i-- {
		l.put(i, l.at(i-1))
	}
	l.put(i, x)
}
