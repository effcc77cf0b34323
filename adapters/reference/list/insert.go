package list

import "github.com/kvtool/kvtool/adapters/reference/packed"

// Insert adds s before or after the first element that equals pivot, if there is one.
func (l *List) Insert(pivot, s []byte, after bool) (found, ok bool) {
	for k := range l.Nodes() {
		nd := l.nodes.at(k)
		for place := range Matches(l.pack(nd), pivot, int(nd.count), false) {
			return true, l.insert(k, place, s, after)
		}
	}
	return false, true
}

// insert adds s next to an element of chunk k. One that is full leaves the element to its neighbour, if s would be at that end of
// the chunk, or is divided there (quicklist.c: _quicklistInsert).
func (l *List) insert(k, place int, s []byte, after bool) bool {
	nd := l.nodes.at(k)
	atTail, atHead := after && place == int(nd.count)-1, !after && place == 0
	if after {
		place++
	}
	switch {
	case l.takes(k, len(s)):
		return l.insertInto(nd, seek(l.pack(nd), place), s)
	case atTail && l.takes(k+1, len(s)):
		return l.pushInto(k+1, s, true)
	case atHead && l.takes(k-1, len(s)):
		return l.pushInto(k-1, s, false)
	case atTail:
		return l.pushNode(k+1, s)
	case atHead:
		return l.pushNode(k, s)
	}
	return l.divide(k, place, s, after)
}

// divide makes two chunks of one, with s at the end of the first or the beginning of the second, and merges what may be merged
// about the one that keeps its name in Redis: that on the side of the pivot.
func (l *List) divide(k, place int, s []byte, after bool) bool {
	nd := l.nodes.at(k)
	at := seek(l.pack(nd), place)
	right := packed.New()
	if after {
		right = right.Append(s)
	}
	right = right.AppendFrom(l.pack(nd), at, int(nd.count)-place)
	need := at
	if !after {
		need += packed.EntrySize(s)
	}
	if !l.reserve(nd, need) || !l.addNode(k+1, right) {
		return false
	}
	nd = l.nodes.at(k)
	tail, center := int(nd.count)-place, k
	left := l.pack(nd).Delete(at, tail)
	if after {
		l.keep(nd, left, -tail)
	} else {
		l.keep(nd, left.Insert(at, s), 1-tail)
		center++
	}
	l.mergeAbout(center)
	return true
}

// mergeAbout tries to merge the two chunks before chunk k, the two behind it, and it with either (_quicklistMergeNodes).
func (l *List) mergeAbout(k int) {
	if l.merge(k - 2) {
		k--
	}
	l.merge(k + 1)
	if l.merge(k - 1) {
		k--
	}
	l.merge(k)
}

// merge makes one chunk of chunks k and k+1, if they exist and the limit allows it.
func (l *List) merge(k int) bool {
	if k < 0 || k+1 >= l.Nodes() {
		return false
	}
	a, b := l.nodes.at(k), l.nodes.at(k+1)
	pa, pb := l.pack(a), l.pack(b)
	if !within(int(a.count+b.count), pa.Size()+pb.Size()-mergedHead, l.fill) || !l.reserve(a, len(pa)+len(pb)) {
		return false
	}
	more := int(b.count)
	l.keep(a, l.pack(a).Concat(pb), more)
	l.drop(k+1, 1)
	return true
}
