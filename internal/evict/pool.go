package evict

import "math"

// poolSize is EVPOOL_SIZE.
const poolSize = 16

// A candidate is a record that was worth dropping when it was sampled. It is named by its ID, as Redis names it by its key: the
// record may be gone since, or be another under the same key.
type candidate struct {
	id    uint64
	space int32
	score uint64 // greater is better to drop
}

// A pool keeps the best candidates of all samples so far, ascending by score. It survives from one eviction to the next, so
// that a few samples each time add up to nearly the order of all records.
//
//	score   3 · 8 · 8 · 21 · 40
//	        ▲ thrown out first ▲ dropped next
type pool struct {
	at [poolSize]candidate
	n  int
}

// offer puts c in its place: before those of the same score. Where there is no room, the worst candidate leaves, if c is
// better (evict.c: evictionPoolPopulate). Nobody looks whether the record is in the pool already.
func (p *pool) offer(c candidate) {
	k := p.place(c.score)
	if p.n < poolSize {
		copy(p.at[k+1:p.n+1], p.at[k:p.n])
		p.at[k] = c
		p.n++
		return
	}
	if k == 0 {
		return
	}
	copy(p.at[:k-1], p.at[1:k])
	p.at[k-1] = c
}

// place returns the number of candidates with a smaller score.
func (p *pool) place(score uint64) int {
	k := 0
	for k < p.n && p.at[k].score < score {
		k++
	}
	return k
}

// take removes the best candidate and returns it.
func (p *pool) take() (c candidate, ok bool) {
	if p.n == 0 {
		return candidate{}, false
	}
	p.n--
	return p.at[p.n], true
}

// ttlScore is how much a record that expires at a time, Unix ms, is worth dropping: the sooner, the more.
func ttlScore(expiry int64) uint64 { return math.MaxUint64 - uint64(expiry) }
