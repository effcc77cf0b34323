package keyspace

import (
	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// An Item is a key as it was found. The zero value is a key that is not there. It is valid until the lock is released, or the key
// is written or deleted by another Item; the methods that write return the one that is valid then.
type Item struct {
	s    *Shard
	hash uint64
	ref  uint32
	db   int32
}

// Find returns a key. One that is past its expiry is absent, and removed. It does not count as an access: Touch does.
func (s *Shard) Find(db int, key []byte, hash uint64) Item {
	if all := s.spaces[db].all; all.table.Moving() {
		s.rehash(&all.table, all.Len(), 1)
	}
	ref := s.lookUp(db, key, hash)
	if ref == 0 {
		return Item{}
	}
	it := Item{s, hash, ref, int32(db)}
	if s.due(s.at(ref)) {
		s.expire(it)
		return Item{}
	}
	return it
}

// Look is Find that returns a key which is past its expiry and was not removed yet, too, and leaves it where it is. Due tells.
func (s *Shard) Look(db int, key []byte, hash uint64) Item {
	ref := s.lookUp(db, key, hash)
	if ref == 0 {
		return Item{}
	}
	return Item{s, hash, ref, int32(db)}
}

// Due reports whether the key is past its expiry.
func (it Item) Due() bool { return it.ref != 0 && it.s.due(it.record()) }

func (s *Shard) lookUp(db int, key []byte, hash uint64) uint32 {
	for p := s.spaces[db].all.Probe(hash); ; {
		ref := p.Next()
		if ref == 0 || string(s.at(ref).key()) == string(key) {
			return ref
		}
	}
}

// Touch counts an access, as the eviction policy sees it.
func (s *Shard) Touch(it Item) {
	r := it.record()
	r.setState(s.policy.Touch(evict.Record{Ref: evict.Ref(it.ref), ID: it.hash, State: r.state()}))
}

// bytes returns what is in a block.
func (s *Shard) bytes(b block) []byte { return s.heap.Bytes(arena.Ref(b.ref))[:b.n:b.n] }

func (it Item) record() record { return it.s.at(it.ref) }

// OK reports whether there is such a key.
func (it Item) OK() bool { return it.ref != 0 }

// DB returns the database that the key was found in.
func (it Item) DB() int { return int(it.db) }

// Key returns the key's name, valid as long as the Item.
func (it Item) Key() []byte { return it.record().key() }

// Hash returns the hash of the name.
func (it Item) Hash() uint64 { return it.hash }

// Kind returns 0 for a key that is not there.
func (it Item) Kind() Kind {
	if it.ref == 0 {
		return 0
	}
	return it.record().kind()
}

// Type returns what TYPE prints, "" for a key that is not there.
func (it Item) Type() kv.Type { return it.Kind().Type() }

// Encoding returns what OBJECT ENCODING prints, "" for a key that is not there.
func (it Item) Encoding() kv.Encoding { return it.Kind().Encoding() }

// Expiry returns when the key expires, Unix ms; 0 is never, or no key.
func (it Item) Expiry() int64 {
	if it.ref == 0 {
		return 0
	}
	return it.record().expiry()
}

// Bytes returns a small value as it is kept, or nil if it is an Object or there is none. It is valid as long as the Item, and may be written to in
// place as long as nothing that the modelled ledger counts changes by that.
func (it Item) Bytes() []byte {
	if it.ref == 0 {
		return nil
	}
	r := it.record()
	switch {
	case r.kind().IsObject():
		return nil
	case r.isApart():
		return it.s.bytes(r.block())
	}
	return r.short()
}

// Room returns how long a string may become before a server would move it. One that was set whole has no room if that would be
// more than a tenth of it (object.c: trimStringObjectIfNeeded).
func (it Item) Room() int {
	n := len(it.Bytes())
	if it.OK() && it.record().isApart() {
		if b := it.record().block(); b.cap > n {
			return b.cap
		}
	}
	room := it.s.usable(n)
	if it.Kind() == KindRaw && room-n > n/10 {
		return n
	}
	return room
}

// Object returns a large value, or nil if it is small or there is none.
func (it Item) Object() Object {
	if it.ref == 0 {
		return nil
	}
	if r := it.record(); r.kind().IsObject() {
		return it.s.objects[r.slot()].object
	}
	return nil
}

// Shared reports whether a server would keep the value as one of its shared small numbers: OBJECT REFCOUNT is 2147483647 then.
func (it Item) Shared() bool { return it.record()[0]&sharedInt != 0 }

// State returns the 24 bits of the eviction policy: evict.IdleTime and evict.LFU tell what they mean.
func (it Item) State() uint32 { return it.record().state() }

// SetState sets them, as RESTORE with IDLETIME or FREQ does. It does nothing under a policy that is not Redis's.
func (it Item) SetState(state uint32) {
	if !it.s.policy.Kind().WhatIf() {
		it.record().setState(state & evict.StateMax)
	}
}

// Size returns what the key and its value would take in a server of the model. With one that is not Allocated that is what MEMORY
// USAGE key SAMPLES 0 prints.
func (it Item) Size(m *memory.Model) int64 {
	r := it.record()
	key := int64(len(r.key()))
	n := m.Key(key)
	if r.expires() {
		n += m.Expiry(key)
	}
	return n + it.s.sizeOf(it, m)
}
