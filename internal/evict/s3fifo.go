package evict

// s3fifo is S3-FIFO (Yang et al., SOSP 2023, algorithm 1): most records are never read again, so a small queue lets them
// through quickly, and only what is read there comes into the main queue. Ghosts remember the names of what went through.
//
//	        ┌─ small, a tenth ─┐ read twice  ┌──── main ────┐ not read
//	new ──▶ │ ───────────────▶ │ ──────────▶ │ ───────────▶ │ ───────▶ dropped
//	  │     └──────────────────┘             └──▲────────┬──┘
//	  │ ghost?    │ else: dropped               └─ read ─┘
//	  └───────────┼────────────────────────────▶
//	              ▼
//	          ghosts: as many as main has
//
// The paper's cache holds a fixed number of objects; here the host says when it is full, and the tenth is one of the records
// there are.
type s3fifo struct {
	queues
	ghosts ghosts
}

const (
	queueSmall uint8 = iota
	queueMain
)

// mostReads is what the counter of a record goes up to: two bits.
const mostReads = 3

func newS3FIFO() *s3fifo {
	return &s3fifo{queues: newQueues(2), ghosts: ghosts{at: map[uint64]uint32{}}}
}

func (*s3fifo) Kind() Kind { return S3FIFO }

func (s *s3fifo) Add(r Record) uint32 {
	if s.ghosts.take(r.ID) {
		return s.add(r, queueMain)
	}
	return s.add(r, queueSmall)
}

func (s *s3fifo) Touch(r Record) uint32 {
	if n := &s.nodes[s.find(r)]; n.count < mostReads {
		n.count++
	}
	return r.State
}

func (s *s3fifo) Move(r Record, to Ref) { s.move(r, to) }

func (s *s3fifo) Remove(r Record) { s.remove(r) }

func (s *s3fifo) Victim() (Ref, bool) {
	for s.len() > 0 {
		fromSmall := s.ends[queueSmall].n*10 >= s.len()
		if victim := s.tail(fromSmall); victim != 0 {
			return s.nodes[victim].ref, true
		}
	}
	return 0, false
}

// tail looks at the end of one queue. It returns the record there if that is to be dropped; else it moves it on and returns 0.
func (s *s3fifo) tail(fromSmall bool) uint32 {
	if fromSmall {
		i := s.ends[queueSmall].tail
		if n := &s.nodes[i]; n.count > 1 {
			n.count = 0
			s.shift(i, queueMain)
			return 0
		}
		s.ghosts.add(s.nodes[i].id, s.ends[queueMain].n)
		return i
	}
	i := s.ends[queueMain].tail
	if n := &s.nodes[i]; n.count > 0 {
		n.count--
		s.shift(i, queueMain)
		return 0
	}
	return i
}

// ghosts are the IDs of the records that were dropped last, oldest first. One that comes back leaves a gap in the order.
type ghosts struct {
	at    map[uint64]uint32 // ID → when it came
	order []ghost
	first int // of order
	clock uint32
}

type ghost struct {
	id  uint64
	was uint32
}

// add remembers an ID, and forgets the oldest above limit.
func (g *ghosts) add(id uint64, limit int) {
	g.clock++
	g.at[id] = g.clock
	g.order = append(g.order, ghost{id, g.clock})
	for len(g.at) > limit {
		g.forget()
	}
	if g.first > len(g.order)/2 {
		g.order = append(g.order[:0], g.order[g.first:]...)
		g.first = 0
	}
}

func (g *ghosts) forget() {
	old := g.order[g.first]
	g.first++
	if g.at[old.id] == old.was {
		delete(g.at, old.id)
	}
}

// take reports whether the ID is remembered, and forgets it.
func (g *ghosts) take(id uint64) bool {
	_, ok := g.at[id]
	delete(g.at, id)
	return ok
}
