package reference

import "time"

// A queue holds the entries with an expiry as a heap: the earliest is first. Each entry knows its place, so that a changed
// or dropped expiry costs O(log n) and leaves nothing behind.
type queue []*entry

func (q *queue) add(en *entry) {
	en.pos = len(*q)
	*q = append(*q, en)
	q.up(en.pos)
}

// moved restores the order after en's expiry changed.
func (q *queue) moved(en *entry) {
	q.up(en.pos)
	q.down(en.pos)
}

func (q *queue) remove(en *entry) {
	h := *q
	i, last := en.pos, len(h)-1
	h[i] = h[last]
	h[i].pos = i
	h[last] = nil
	*q = h[:last]
	if i < last {
		q.moved((*q)[i])
	}
}

func (q queue) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if q[parent].at <= q[i].at {
			return
		}
		q.swap(i, parent)
		i = parent
	}
}

func (q queue) down(i int) {
	for {
		kid := 2*i + 1
		if kid >= len(q) {
			return
		}
		if kid+1 < len(q) && q[kid+1].at < q[kid].at {
			kid++
		}
		if q[i].at <= q[kid].at {
			return
		}
		q.swap(i, kid)
		i = kid
	}
}

func (q queue) swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].pos, q[j].pos = i, j
}

// setExpiry gives en an expiry, or none if at is 0.
func (b *bucket) setExpiry(en *entry, at int64) {
	old := en.at
	if at == 0 {
		if old != 0 {
			b.due.remove(en)
		}
		en.at = 0
		return
	}
	en.at = at
	if old != 0 {
		b.due.moved(en)
	} else {
		b.due.add(en)
	}
}

// ExpireAt makes key expire at t, to the millisecond, and reports whether there is such a key. A time that has come removes
// the key at once.
func (e *Engine) ExpireAt(key string, t time.Time) bool {
	b := e.lock(key)
	defer b.mu.Unlock()
	en, ok := b.keys.Get(key)
	if !ok {
		return false
	}
	if t.UnixMilli() <= e.now() {
		return b.drop(key)
	}
	b.setExpiry(en, t.UnixMilli())
	return true
}

// Expire makes key expire after d, to the millisecond, and reports whether there is such a key.
func (e *Engine) Expire(key string, d time.Duration) bool {
	return e.ExpireAt(key, time.UnixMilli(e.now()).Add(d))
}

// Persist takes the expiry from key and reports whether it had one.
func (e *Engine) Persist(key string) bool {
	b := e.lock(key)
	defer b.mu.Unlock()
	en, ok := b.keys.Get(key)
	if !ok || en.at == 0 {
		return false
	}
	b.setExpiry(en, 0)
	return true
}

// TTL returns how long key has to live. expires is false where it has no expiry, exists where there is no such key.
func (e *Engine) TTL(key string) (d time.Duration, expires, exists bool) {
	b := e.lock(key)
	defer b.mu.Unlock()
	en, ok := b.keys.Get(key)
	if !ok || en.at == 0 {
		return 0, false, ok
	}
	return time.Duration(en.at-e.now()) * time.Millisecond, true, true
}
