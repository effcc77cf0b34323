package zset

import "github.com/kvtool/kvtool/internal/hugepage"

const (
	pieceNodes = 256 // nodes of a piece
	firstNodes = 4   // nodes of the first one, to begin with
)

// A pool holds nodes by number, in pieces. Number 0 is nobody's. The first piece doubles until it is as long as the others, so
// that a set which is just not small any more is cheap; its nodes move when it does.
type pool[N any] struct {
	pieces [][]N
	used   uint32
	free   []uint32
}

// at returns a node. It stays where it is until the next call of get.
func (p *pool[N]) at(id uint32) *N { return &p.pieces[id/pieceNodes][id%pieceNodes] }

// get returns the number of an empty node.
func (p *pool[N]) get() uint32 {
	if n := len(p.free); n > 0 {
		id := p.free[n-1]
		p.free = p.free[:n-1]
		return id
	}
	p.used++
	p.extend()
	return p.used
}

// extend makes room for the last node that is used.
func (p *pool[N]) extend() {
	switch n := len(p.pieces); {
	case n == 0:
		p.pieces = [][]N{make([]N, firstNodes)}
	case n == 1 && int(p.used) == len(p.pieces[0]) && p.used < pieceNodes:
		p.pieces[0] = append(p.pieces[0], make([]N, len(p.pieces[0]))...)
	case int(p.used) == n*pieceNodes:
		p.pieces = append(p.pieces, make([]N, pieceNodes))
		hugepage.Advise(p.pieces[n])
	}
}

func (p *pool[N]) release(id uint32) {
	var zero N
	*p.at(id) = zero
	p.free = append(p.free, id)
}

// nodes returns how many nodes there is memory for.
func (p *pool[N]) nodes() (n int) {
	for _, piece := range p.pieces {
		n += len(piece)
	}
	return n
}
