package rdbread

import (
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// stream reads a stream of form v.
//
//	n x (ID of 16 bytes as a string, listpack)
//	length, last ID (2 numbers)
//	v2: first ID, largest deleted ID, entries ever added (5 numbers)
//	groups: name, last ID (2), v2: entries read; pending; consumers
//	pending: n x (ID 16 bytes, time 8 bytes, deliveries)
//	consumer: name, seen 8 bytes, v3: active 8 bytes; n x ID of its pending entries
func (r *Reader) stream(v int) {
	w := r.w
	var s memory.Stream
	for n := w.count(17 + 7); n > 0 && w.err == nil; n-- {
		id := r.streamID()
		_, size := w.listpack(allEntries)
		s.Add(r.model, &id, size)
	}
	r.rec.Len = int64(min(w.number(), 1<<62))
	w.numbers(2)
	if v >= 2 {
		w.numbers(5)
	}
	groups := w.count(5)
	r.rec.Groups, r.rec.Pending = groups, 0
	for n := groups; n > 0 && w.err == nil; n-- {
		r.group(&s, v)
	}
	r.rec.Known |= r.want & kv.FieldGroups
	r.rec.Size, r.rounding = s.Size(r.model), s.Rounding(r.model)
}

func (w *window) numbers(n int) {
	for range n {
		w.number()
	}
}

// streamID reads the ID that a listpack of a stream is filed under.
func (r *Reader) streamID() (id [16]byte) {
	w := r.w
	b := w.blob()
	if w.err != nil {
		return id
	}
	var buf [maxHead]byte
	if h := w.head(b, 16, &buf); h == nil || b.size != 16 {
		w.fail(reasonf("an ID of %d bytes", b.size))
	} else {
		copy(id[:], h)
	}
	w.skip(b.stored)
	return id
}

// rawID reads an ID of a pending entry.
func (w *window) rawID() (id [16]byte) {
	copy(id[:], w.bytes(16))
	return id
}

func (r *Reader) group(s *memory.Stream, v int) {
	w := r.w
	w.str()
	w.numbers(2)
	if v >= 2 {
		w.number()
	}
	var pending memory.Rax
	n := w.count(25)
	r.rec.Pending += n
	for ; n > 0 && w.err == nil; n-- {
		id := w.rawID()
		w.skip(8)
		w.number()
		pending.AddPending(r.model, &id)
	}
	s.Group(r.model, &pending)
	for n := w.count(10); n > 0 && w.err == nil; n-- {
		r.consumer(s, v)
	}
}

func (r *Reader) consumer(s *memory.Stream, v int) {
	w := r.w
	name := w.str()
	w.skip(8)
	if v >= 3 {
		w.skip(8)
	}
	var pending memory.Rax
	for n := w.count(16); n > 0 && w.err == nil; n-- {
		id := w.rawID()
		pending.Add(r.model, &id)
	}
	s.Consumer(r.model, name, &pending)
}
