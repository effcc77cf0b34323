package evict

// tinyLFU is W-TinyLFU (Einziger, Friedman, Manes, ACM ToS 2017): a small LRU window takes what is new; to get from there into
// the main part a record must have been asked for more often than the one it would displace. How often is told by a sketch that
// also knows records that are not there any more.
//
//	        ┌ window, 1 % ┐   more often than   ┌───────── main: segmented LRU ─────────┐
//	new ──▶ │ ──────────▶ │ ── the victim? ───▶ │ probation ── read ──▶ protected, 80 % │
//	        └─────────────┘       no: dropped   │   └─▶ victim ◀── least recent ──┘     │
//	                                            └───────────────────────────────────────┘
//
// The host says when it is full, and the shares are of the records there are. The paper's doorkeeper and Caffeine's jitter
// against crafted keys are left out.
type tinyLFU struct {
	queues
	sketch sketch
}

const (
	window uint8 = iota
	probation
	protected
)

func newTinyLFU() *tinyLFU { return &tinyLFU{queues: newQueues(3), sketch: newSketch(minSketch)} }

func (*tinyLFU) Kind() Kind { return WTinyLFU }

func (t *tinyLFU) Add(r Record) uint32 {
	t.sketch.fit(t.len() + 1)
	t.sketch.count(r.ID)
	i := t.add(r, window)
	for t.ends[window].n > t.share()+1 { // one stays to be compared with the next victim
		t.shift(t.ends[window].tail, probation)
	}
	return i
}

// share returns how many records the window should have.
func (t *tinyLFU) share() int { return max(1, t.len()/100) }

func (t *tinyLFU) Touch(r Record) uint32 {
	i := t.find(r)
	if i == 0 {
		return r.State
	}
	t.sketch.count(r.ID)
	if t.nodes[i].queue == window {
		t.shift(i, window)
		return i
	}
	t.shift(i, protected)
	if p := t.ends[protected]; p.n*10 > (p.n+t.ends[probation].n)*8 {
		t.shift(p.tail, probation)
	}
	return i
}

func (t *tinyLFU) Move(r Record, to Ref) { t.move(r, to) }

func (t *tinyLFU) Remove(r Record) { t.remove(r) }

func (t *tinyLFU) Victim() (Ref, bool) {
	victim := t.least(probation, protected, window)
	if t.ends[window].n > t.share() {
		fresh := t.ends[window].tail
		if fresh == victim || t.sketch.estimate(t.nodes[fresh].id) <= t.sketch.estimate(t.nodes[victim].id) {
			return t.nodes[fresh].ref, true
		}
		t.shift(fresh, probation)
	}
	return t.nodes[victim].ref, victim != 0
}

// least returns the record at the end of the first of the queues that has one, or 0.
func (t *tinyLFU) least(order ...uint8) uint32 {
	for _, q := range order {
		if tail := t.ends[q].tail; tail != 0 {
			return tail
		}
	}
	return 0
}
