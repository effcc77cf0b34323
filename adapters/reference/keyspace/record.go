package keyspace

import "encoding/binary"

// A record is a key, in one block of the arena:
//
//	0    1 kind │ flags
//	1    3 state of the eviction policy
//	4    8 expiry, Unix ms, if there is one
//	     length of the key, as a varint │ key
//	     length of the value, as a varint │ value       if it is short
//	     4 ref │ 4 length │ 4 capacity                  if it is long: it has a block of its own
//	     4 slot                                         if it is an Object
//
// A long value stands apart so that another expiry, or another name of the key, does not copy it.
type record []byte

const (
	kindMask  = 0x1f
	hasExpiry = 0x20
	apart     = 0x40 // the value is in a block of its own
	sharedInt = 0x80 // a server has no object of its own for the value

	recordHead = 4
	expiryLen  = 8
	apartLen   = 12
	slotLen    = 4

	longest = 1024 // bytes of a value in the record
)

func (r record) kind() Kind        { return Kind(r[0] & kindMask) }
func (r record) expires() bool     { return r[0]&hasExpiry != 0 }
func (r record) isApart() bool     { return r[0]&apart != 0 }
func (r record) state() uint32     { return binary.LittleEndian.Uint32(r) >> 8 }
func (r record) setState(s uint32) { binary.LittleEndian.PutUint32(r, s<<8|uint32(r[0])) }

// expiry returns Unix ms, or 0 for none.
func (r record) expiry() int64 {
	if !r.expires() {
		return 0
	}
	return int64(binary.LittleEndian.Uint64(r[recordHead:]))
}

func (r record) setExpiry(ms int64) {
	binary.LittleEndian.PutUint64(r[recordHead:], uint64(ms))
}

// headLen returns how much stands before the key's length.
func headLen(expires bool) int {
	if expires {
		return recordHead + expiryLen
	}
	return recordHead
}

// varint reads a length at an offset, and returns where it ends.
func (r record) varint(at int) (n, end int) {
	if c := r[at]; c < 0x80 {
		return int(c), at + 1
	}
	u, w := binary.Uvarint(r[at:])
	return int(u), at + w
}

func varintLen(n int) int {
	w := 1
	for ; n >= 0x80; n >>= 7 {
		w++
	}
	return w
}

func (r record) key() []byte {
	n, at := r.varint(headLen(r.expires()))
	return r[at : at+n : at+n]
}

// valueAt returns where what the record has of its value begins.
func (r record) valueAt() int {
	n, at := r.varint(headLen(r.expires()))
	return at + n
}

// short returns a value that is in the record.
func (r record) short() []byte {
	n, at := r.varint(r.valueAt())
	return r[at : at+n : at+n]
}

// A block is where a value is that is apart.
type block struct {
	ref uint32
	n   int
	cap int // the bytes that the arena was asked for
}

func (r record) block() block {
	at := r.valueAt()
	return block{
		binary.LittleEndian.Uint32(r[at:]), int(binary.LittleEndian.Uint32(r[at+4:])), int(binary.LittleEndian.Uint32(r[at+8:])),
	}
}

func (r record) setBlock(b block) {
	at := r.valueAt()
	binary.LittleEndian.PutUint32(r[at:], b.ref)
	binary.LittleEndian.PutUint32(r[at+4:], uint32(b.n))
	binary.LittleEndian.PutUint32(r[at+8:], uint32(b.cap))
}

func (r record) slot() uint32        { return binary.LittleEndian.Uint32(r[r.valueAt():]) }
func (r record) setSlot(slot uint32) { binary.LittleEndian.PutUint32(r[r.valueAt():], slot) }

// setShort copies a value into the record. It may be part of the record's old one.
func (r record) setShort(value []byte) {
	at := r.valueAt()
	w := varintLen(len(value))
	copy(r[at+w:], value)
	binary.PutUvarint(r[at:], uint64(len(value)))
}

// bytes returns the length of the record.
func (r record) bytes() int {
	at := r.valueAt()
	switch {
	case r.kind().IsObject():
		return at + slotLen
	case r.isApart():
		return at + apartLen
	}
	n, end := r.varint(at)
	return end + n
}

// fill writes the record's head, expiry and key. The state is left as it is.
func (r record) fill(k Kind, flags byte, expiry int64, key []byte) {
	r[0] = byte(k) | flags
	if expiry > 0 {
		r[0] |= hasExpiry
		r.setExpiry(expiry)
	}
	at := headLen(expiry > 0)
	at += binary.PutUvarint(r[at:], uint64(len(key)))
	copy(r[at:], key)
}

// valueLen returns what a short value of n bytes takes in a record.
func valueLen(n int) int { return varintLen(n) + n }

// recordLen returns the length of a record of a key of so many bytes, with so many for what it has of its value.
func recordLen(key, value int, expires bool) int {
	return headLen(expires) + varintLen(key) + key + value
}
