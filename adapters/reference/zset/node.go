package zset

const (
	leafMost  = 20 // members of a leaf
	innerMost = 12 // children of an inner node
)

// An item is a member by its score and its record.
type item struct {
	score float64
	ref   uint32
}

// A leaf holds members in order. 256 bytes.
type leaf struct {
	score      [leafMost]float64
	ref        [leafMost]uint32
	prev, next uint32 // leaves; 0: none
	n          uint16
}

// An inner node knows of each child its first member and how many there are. 248 bytes.
type inner struct {
	score [innerMost]float64
	ref   [innerMost]uint32
	kid   [innerMost]uint32
	count [innerMost]uint32
	n     uint16
}

func (l *leaf) at(i int) item { return item{l.score[i], l.ref[i]} }

func (l *leaf) put(i int, x item) { l.score[i], l.ref[i] = x.score, x.ref }

// open makes room for a member at i.
func (l *leaf) open(i int) {
	copy(l.score[i+1:l.n+1], l.score[i:l.n])
	copy(l.ref[i+1:l.n+1], l.ref[i:l.n])
	l.n++
}

// shut takes the member at i out.
func (l *leaf) shut(i int) {
	copy(l.score[i:l.n-1], l.score[i+1:l.n])
	copy(l.ref[i:l.n-1], l.ref[i+1:l.n])
	l.n--
}

// give moves the members from i on to the end of another leaf.
func (l *leaf) give(i int, to *leaf) {
	copy(to.score[to.n:], l.score[i:l.n])
	copy(to.ref[to.n:], l.ref[i:l.n])
	to.n += l.n - uint16(i)
	l.n = uint16(i)
}

func (p *inner) first(i int) item { return item{p.score[i], p.ref[i]} }

func (p *inner) setFirst(i int, x item) { p.score[i], p.ref[i] = x.score, x.ref }

func (p *inner) put(i int, x item, kid, count uint32) {
	p.setFirst(i, x)
	p.kid[i], p.count[i] = kid, count
}

func (p *inner) open(i int) {
	copy(p.score[i+1:p.n+1], p.score[i:p.n])
	copy(p.ref[i+1:p.n+1], p.ref[i:p.n])
	copy(p.kid[i+1:p.n+1], p.kid[i:p.n])
	copy(p.count[i+1:p.n+1], p.count[i:p.n])
	p.n++
}

func (p *inner) shut(i int) {
	copy(p.score[i:p.n-1], p.score[i+1:p.n])
	copy(p.ref[i:p.n-1], p.ref[i+1:p.n])
	copy(p.kid[i:p.n-1], p.kid[i+1:p.n])
	copy(p.count[i:p.n-1], p.count[i+1:p.n])
	p.n--
}

func (p *inner) give(i int, to *inner) {
	copy(to.score[to.n:], p.score[i:p.n])
	copy(to.ref[to.n:], p.ref[i:p.n])
	copy(to.kid[to.n:], p.kid[i:p.n])
	copy(to.count[to.n:], p.count[i:p.n])
	to.n += p.n - uint16(i)
	p.n = uint16(i)
}

// sum returns the number of members below the node.
func (p *inner) sum() (n uint32) {
	for _, c := range p.count[:p.n] {
		n += c
	}
	return n
}
