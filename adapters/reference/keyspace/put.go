package keyspace

import (
	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/internal/evict"
)

// PutBytes gives a key a value of bytes: it makes the key, or replaces the value of old, which is the key as it was found, and
// whose expiry is kept. The bytes may be part of the old value. It fails, and changes nothing, if the arena is full.
func (s *Shard) PutBytes(db int, key []byte, hash uint64, old Item, k Kind, value []byte) (Item, bool) {
	flags := s.flagsOf(k, value)
	if len(value) > longest {
		return s.putApart(db, key, hash, old, k, flags, value)
	}
	if old.OK() && s.fits(old, len(value)) {
		s.discharge(old)
		r := old.record()
		r.setShort(value)
		r[0] = byte(k) | flags | r[0]&hasExpiry
		s.charge(old)
		return old, true
	}
	return s.replace(db, key, hash, old, k, flags, valueLen(len(value)), func(r record) { r.setShort(value) })
}

// flagsOf returns sharedInt for a number of which a server has one object for all.
func (s *Shard) flagsOf(k Kind, value []byte) byte {
	if k == KindInt && len(value) <= len("9999") && value[0] != '-' && s.ledger.sharing {
		return sharedInt
	}
	return 0
}

// fits reports whether a value of n bytes, a short one, has room where the old one is.
func (s *Shard) fits(old Item, n int) bool {
	r := old.record()
	if r.isApart() || r.kind().IsObject() {
		return false
	}
	return arena.Rounded(r.bytes()) == arena.Rounded(r.valueAt()+valueLen(n))
}

// putApart is PutBytes of a long value.
func (s *Shard) putApart(db int, key []byte, hash uint64, old Item, k Kind, flags byte, value []byte) (Item, bool) {
	if old.OK() && old.record().isApart() {
		if b := old.record().block(); arena.Rounded(b.cap) == arena.Rounded(len(value)) {
			copy(s.heap.Bytes(arena.Ref(b.ref)), value)
			s.setBlock(old, k, flags, block{b.ref, len(value), len(value)})
			return old, true
		}
	}
	ref := s.heap.Alloc(len(value))
	if ref == 0 {
		return Item{}, false
	}
	copy(s.heap.Bytes(ref), value)
	return s.putBlock(db, key, hash, old, k, flags, block{uint32(ref), len(value), len(value)})
}

// putBlock gives a key a value in a block of its own, which is freed if there is no room for the record.
func (s *Shard) putBlock(db int, key []byte, hash uint64, old Item, k Kind, flags byte, b block) (Item, bool) {
	it, ok := s.replace(db, key, hash, old, k, flags|apart, apartLen, func(r record) { r.setBlock(b) })
	if !ok {
		s.heap.Free(arena.Ref(b.ref), b.cap)
	}
	return it, ok
}

// setBlock says of a value that is apart where it is now.
func (s *Shard) setBlock(it Item, k Kind, flags byte, b block) {
	s.discharge(it)
	r := it.record()
	r.setBlock(b)
	r[0] = byte(k) | flags | apart | r[0]&hasExpiry
	s.charge(it)
}

// Resize makes the value of a key n bytes long: what it has of them stays, new ones are 0. A string that grows gets room to grow
// on, as in a server, which is charged, too; so growing by a little many times costs as much as the growth.
func (s *Shard) Resize(db int, key []byte, hash uint64, old Item, k Kind, n int) (Item, bool) {
	var value []byte
	if old.OK() {
		value = old.Bytes()
	}
	switch {
	case n <= len(value):
		return s.PutBytes(db, key, hash, old, k, value[:n])
	case !old.OK():
		return s.PutRoom(db, key, hash, old, k, make([]byte, n), s.usable(n))
	}
	var b block
	if old.record().isApart() {
		b = old.record().block()
	}
	if n <= b.cap {
		clear(s.heap.Bytes(arena.Ref(b.ref))[b.n:n])
		s.setBlock(old, k, 0, block{b.ref, n, b.cap})
		return old, true
	}
	room := old.Room()
	if n > room {
		room = s.Room(n)
	}
	ref := s.heap.Alloc(room)
	if ref == 0 {
		return Item{}, false
	}
	to := s.heap.Bytes(ref)
	clear(to[copy(to, value):n])
	made := block{uint32(ref), n, room}
	if b.ref == 0 {
		return s.putBlock(db, key, hash, old, k, 0, made)
	}
	s.setBlock(old, k, 0, made)
	s.heap.Free(arena.Ref(b.ref), b.cap)
	return old, true
}

const mostSpare = 1 << 20 // SDS_MAX_PREALLOC

// PutRoom is PutBytes for a string that has room to become so long: what Room has said when it grew.
func (s *Shard) PutRoom(db int, key []byte, hash uint64, old Item, k Kind, value []byte, room int) (Item, bool) {
	if room <= len(value) {
		return s.PutBytes(db, key, hash, old, k, value)
	}
	if old.OK() && old.record().isApart() {
		if b := old.record().block(); b.cap == room {
			copy(s.heap.Bytes(arena.Ref(b.ref)), value)
			s.setBlock(old, k, 0, block{b.ref, len(value), room})
			return old, true
		}
	}
	ref := s.heap.Alloc(room)
	if ref == 0 {
		return Item{}, false
	}
	copy(s.heap.Bytes(ref), value)
	return s.putBlock(db, key, hash, old, k, 0, block{uint32(ref), len(value), room})
}

// Room returns how long a string may become before it is moved, when it has grown to n bytes (sds.c: sdsMakeRoomFor).
func (s *Shard) Room(n int) int {
	if n < mostSpare {
		n *= 2
	} else {
		n += mostSpare
	}
	return s.inBlock(n)
}

// usable returns how long a string of n bytes may become before it is moved, if it has not grown: its block is longer than it has
// asked for, and all but the shortest strings know that (sds.c: SDS_TYPE_5 has no room for it).
func (s *Shard) usable(n int) int {
	if n < 1<<5 {
		return n
	}
	return s.inBlock(n)
}

// inBlock returns how much of a string is in the block that a server gets for n bytes of it.
func (s *Shard) inBlock(n int) int {
	head := stringHead(n)
	room := int(s.model.Class(int64(n+head))) - head
	switch head { // a header counts no more than its bytes can
	case shortHead:
		return min(room, 1<<8-1)
	case mediumHead:
		return min(room, 1<<16-1)
	}
	return room
}

const (
	shortHead  = 4
	mediumHead = 6
	longHead   = 10
)

// stringHead returns what a string that has grown takes besides its n bytes: a header, never of the shortest kind, and the 0.
func stringHead(n int) int {
	switch {
	case n < 1<<8:
		return shortHead
	case n < 1<<16:
		return mediumHead
	}
	return longHead
}

// PutObject is PutBytes for a large value. An Object that another one takes the place of is released.
func (s *Shard) PutObject(db int, key []byte, hash uint64, old Item, k Kind, o Object) (Item, bool) {
	if old.OK() && old.Object() == o {
		s.Settle(old)
		return old, true
	}
	id := s.newSlot(o)
	it, ok := s.replace(db, key, hash, old, k, 0, slotLen, func(r record) { r.setSlot(id) })
	if !ok {
		s.freeSlot(id)
	}
	return it, ok
}

// replace makes a record with a value of its own, of n bytes, which set writes, and puts it in the place of old.
func (s *Shard) replace(db int, key []byte, hash uint64, old Item, k Kind, flags byte, n int, set func(record)) (Item, bool) {
	expiry := int64(0)
	if old.OK() {
		expiry = old.Expiry()
	}
	ref := uint32(s.records.Alloc(recordLen(len(key), n, expiry > 0)))
	if ref == 0 {
		return Item{}, false
	}
	r := s.at(ref)
	r.fill(k, flags, expiry, key)
	set(r)
	it := Item{s, hash, ref, int32(db)}
	if !old.OK() {
		s.thaw(int(it.db), key, hash)
		s.enter(it)
		s.charge(it)
		return it, true
	}
	s.discharge(old)
	s.freeValue(old)
	s.swap(old, ref)
	s.charge(it)
	return it, true
}

// thaw removes a key that was found absent, and is there because keys are frozen.
func (s *Shard) thaw(db int, key []byte, hash uint64) {
	if !s.o.Settings.Frozen {
		return
	}
	if ref := s.lookUp(db, key, hash); ref != 0 {
		s.expireNow(Item{s, hash, ref, int32(db)})
	}
}

// swap puts another record of the same key in the place of old, and frees that.
func (s *Shard) swap(old Item, ref uint32) {
	was, r, sp := old.record(), s.at(ref), s.spaces[old.db]
	r.setState(was.state())
	s.policy.Move(evict.Record{Ref: evict.Ref(old.ref), ID: old.hash, State: was.state()}, evict.Ref(ref))
	sp.all.Replace(old.hash, old.ref, ref)
	if was.expires() && r.expires() {
		sp.volatile.Replace(old.hash, old.ref, ref)
	}
	s.freeRecord(old)
}

func (s *Shard) freeRecord(it Item) {
	s.records.Free(arena.Ref(it.ref), it.record().bytes())
}

// freeValue gives back what a record has of its value elsewhere.
func (s *Shard) freeValue(it Item) {
	r := it.record()
	switch {
	case r.kind().IsObject():
		id := r.slot()
		s.objects[id].object.Release()
		s.freeSlot(id)
	case r.isApart():
		b := r.block()
		s.heap.Free(arena.Ref(b.ref), b.cap)
	}
}

func (s *Shard) newSlot(o Object) uint32 {
	id := s.unused
	if id == 0 {
		id = uint32(len(s.objects))
		s.objects = append(s.objects, slot{})
	} else {
		s.unused = s.objects[id].next
	}
	s.objects[id] = slot{object: o}
	return id
}

func (s *Shard) freeSlot(id uint32) {
	s.objects[id] = slot{next: s.unused}
	s.unused = id
}

// enter puts a new record into the tables, and tells the policy of it.
func (s *Shard) enter(it Item) {
	r := it.record()
	r.setState(s.policy.Add(evict.Record{Ref: evict.Ref(it.ref), ID: it.hash}))
	s.spaces[it.db].all.Add(it.hash, it.ref)
	s.grow(&s.spaces[it.db].all.table, s.Len(int(it.db)))
	if r.expires() {
		s.enterVolatile(it)
	}
	if s.o.Added != nil {
		s.o.Added(it.DB(), r.key())
	}
}

func (s *Shard) enterVolatile(it Item) {
	s.spaces[it.db].volatile.Add(it.hash, it.ref)
	s.grow(&s.spaces[it.db].volatile.table, s.Volatile(int(it.db)))
	s.watch(it, 0)
}

// leave is the opposite of enter.
func (s *Shard) leave(it Item) {
	r := it.record()
	s.policy.Remove(evict.Record{Ref: evict.Ref(it.ref), ID: it.hash, State: r.state()})
	s.spaces[it.db].all.Remove(it.hash, it.ref)
	s.rehash(&s.spaces[it.db].all.table, s.Len(int(it.db)), 1)
	if r.expires() {
		s.leaveVolatile(it)
	}
}

func (s *Shard) leaveVolatile(it Item) {
	s.spaces[it.db].volatile.Remove(it.hash, it.ref)
	s.rehash(&s.spaces[it.db].volatile.table, s.Volatile(int(it.db)), 1)
}

// Delete removes a key with its value.
func (s *Shard) Delete(it Item) {
	s.discharge(it)
	s.leave(it)
	s.freeValue(it)
	s.freeRecord(it)
}

// Settle charges what the Object behind an Item takes since it was changed.
func (s *Shard) Settle(it Item) {
	sl := &s.objects[it.record().slot()]
	size := sl.object.Size(s.model)
	s.ledger.records += size - sl.charged
	sl.charged = size
}

// SetExpiry sets when a key expires, Unix ms; 0 is never. It fails, and changes nothing, if the arena is full.
func (s *Shard) SetExpiry(it Item, ms int64) (Item, bool) {
	r := it.record()
	before := r.expiry()
	switch {
	case ms == 0 && before == 0:
		return it, true
	case ms > 0 && before > 0:
		r.setExpiry(ms)
		s.watch(it, before)
		return it, true
	}
	made, ok := s.copyRecord(it, it.Key(), ms)
	if !ok {
		return it, false
	}
	s.discharge(it)
	if before > 0 {
		s.leaveVolatile(it)
	}
	s.swap(it, made)
	it.ref = made
	if ms > 0 {
		s.enterVolatile(it)
	}
	s.charge(it)
	return it, true
}

// copyRecord makes a record of the same value with another name or expiry. Of what is not in the record there is still one.
func (s *Shard) copyRecord(it Item, key []byte, expiry int64) (ref uint32, ok bool) {
	r := it.record()
	value := r[r.valueAt():r.bytes()]
	ref = uint32(s.records.Alloc(recordLen(len(key), len(value), expiry > 0)))
	if ref == 0 {
		return 0, false
	}
	made := s.at(ref)
	made.fill(r.kind(), r[0]&^(kindMask|hasExpiry), expiry, key)
	made.setState(r.state())
	copy(made[made.valueAt():], value)
	return ref, true
}

// Move gives a key another name, in the same database or in another of this shard, where there must be no such key. Value, expiry
// and what the policy knows of it stay. It fails, and changes nothing, if the arena is full.
func (s *Shard) Move(it Item, db int, key []byte, hash uint64) (Item, bool) {
	ref, ok := s.copyRecord(it, key, it.Expiry())
	if !ok {
		return it, false
	}
	state := it.State()
	s.thaw(db, key, hash)
	s.discharge(it)
	s.leave(it)
	s.freeRecord(it)
	it = Item{s, hash, ref, int32(db)}
	s.enter(it)
	it.SetState(state)
	s.charge(it)
	return it, true
}
