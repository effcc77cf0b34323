package evict

// exactLRU drops the record that was accessed longest ago: what Redis's samples approximate.
type exactLRU struct{ queues }

func (*exactLRU) Kind() Kind { return ExactLRU }

func (l *exactLRU) Add(r Record) uint32 { return l.add(r, 0) }

func (l *exactLRU) Touch(r Record) uint32 {
	if i := l.find(r); i != 0 {
		l.shift(i, 0)
	}
	return r.State
}

func (l *exactLRU) Move(r Record, to Ref) { l.move(r, to) }

func (l *exactLRU) Remove(r Record) { l.remove(r) }

func (l *exactLRU) Victim() (Ref, bool) {
	tail := l.ends[0].tail
	return l.nodes[tail].ref, tail != 0
}
