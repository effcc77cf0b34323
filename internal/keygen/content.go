package keygen

// Members and fields that must differ are numbered upwards with random gaps; everything else is random text.

const (
	sessionHead = `{"user":"`
	sessionTail = `"}`
)

// set begins SET; the caller writes the value and then calls expires.
func (w *writer) set(f *facts) {
	if f.ttl > 0 {
		w.command("SET", 3)
		return
	}
	w.command("SET", 1)
}

func (w *writer) expires(f *facts) {
	if f.ttl > 0 {
		w.str("EX")
		w.int(f.ttl)
	}
}

func writeSession(w *writer, f *facts) {
	w.set(f)
	w.head(f.bytes)
	w.buf = append(w.buf, sessionHead...)
	w.buf = f.rand.text(w.buf, f.bytes-int64(len(sessionHead+sessionTail)))
	w.buf = append(w.buf, sessionTail...)
	w.end()
	w.expires(f)
}

func writeCounter(w *writer, f *facts) {
	w.set(f)
	w.int(f.rand.below(1 << 30))
}

func writeString(w *writer, f *facts) {
	w.set(f)
	w.text(&f.rand, f.bytes)
	w.expires(f)
}

var plans = [...]string{"free", "pro", "team", "business"}

func writeUser(w *writer, f *facts) {
	r := &f.rand
	w.command("HSET", 10)
	w.str("name")
	w.text(r, r.between(6, 15))
	w.str("email")
	host := "@example.com"
	n := r.between(6, 15)
	w.head(n + int64(len(host)))
	w.buf = append(r.text(w.buf, n), host...)
	w.end()
	w.str("age")
	w.int(r.between(18, 97))
	w.str("created")
	w.int(r.between(1_500_000_000, 1_700_000_000))
	w.str("plan")
	w.str(plans[r.below(int64(len(plans)))])
	if f.ttl > 0 {
		w.command("EXPIRE", 1)
		w.int(f.ttl)
	}
}

// batches writes the elements of f in commands of at most batch elements of so many arguments each.
func (w *writer) batches(f *facts, name string, args int64, element func()) {
	for left := f.len; left > 0 && w.err == nil; left -= batch {
		n := min(left, batch)
		w.command(name, n*args)
		for range n {
			element()
		}
	}
}

func writeCart(w *writer, f *facts) {
	id := f.rand.between(1000, 1_000_000)
	w.batches(f, "HSET", 2, func() {
		id += f.rand.between(1, 5000)
		w.named("sku:", id)
		w.text(&f.rand, f.rand.between(10, 39))
	})
}

func writeQueue(w *writer, f *facts) {
	w.batches(f, "RPUSH", 1, func() { w.text(&f.rand, f.rand.between(10, 69)) })
}

func writeIDs(w *writer, f *facts) {
	id := f.rand.between(1<<20, 1<<21)
	w.batches(f, "SADD", 1, func() {
		id += f.rand.between(1, 1<<16)
		w.int(id)
	})
}

// writeTags ends each member with its number in two characters, so that no two are equal.
func writeTags(w *writer, f *facts) {
	number := uint64(0)
	w.batches(f, "SADD", 1, func() {
		n := f.rand.between(6, 15)
		w.head(n)
		w.buf = base36(f.rand.text(w.buf, n-2), number, 2)
		w.end()
		number++
	})
}

func writeRanking(w *writer, f *facts) {
	id := f.rand.between(1000, 1_000_000)
	w.batches(f, "ZADD", 2, func() {
		w.decimal(f.rand.below(1_000_000_000))
		id += f.rand.between(1, 5000)
		w.named("player:", id)
	})
}

func writeEvents(w *writer, f *facts) {
	at := f.rand.between(1_600_000_000_000, 1_700_000_000_000)
	for range f.len {
		at += f.rand.between(1, 60_000)
		w.command("XADD", 5)
		w.int(at)
		w.str("kind")
		w.text(&f.rand, 6)
		w.str("ref")
		w.int(f.rand.between(1, 1_000_000))
	}
}

func writeBigHash(w *writer, f *facts) {
	field := int64(0)
	w.batches(f, "HSET", 2, func() {
		w.named("field:", field)
		w.text(&f.rand, f.rand.between(20, 49))
		field++
	})
}

func writeBigList(w *writer, f *facts) {
	w.batches(f, "RPUSH", 1, func() { w.text(&f.rand, f.rand.between(20, 49)) })
}
