package keyspace

import (
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/memory"
)

// A ledger is what a server of the model would use.
type ledger struct {
	records int64 // keys and values, and the entries of those that expire
	tables  int64 // buckets
	expires int64 // an entry of the expires dict
	buckets bool  // the model's tables have buckets of several entries: what they take goes by their number alone
	sharing bool  // small numbers are one object for all
}

func newLedger(m *memory.Model) ledger {
	return ledger{
		expires: m.ExpiresDict(2) - m.ExpiresDict(1), // both have a table of four
		buckets: m.Profile().Version >= memory.Valkey81,
	}
}

// Used returns the modelled bytes of all keys and tables: used_memory without what a server takes when it is empty.
func (s *Shard) Used() int64 { return s.ledger.records + s.ledger.tables }

// Dataset returns the part of Used that is not tables.
func (s *Shard) Dataset() int64 { return s.ledger.records }

// RealBytes returns what the arenas hold and the tables take here.
func (s *Shard) RealBytes() int64 {
	n := s.records.Held() + s.heap.Held()
	for _, sp := range s.spaces {
		n += sp.all.Bytes() + sp.volatile.Bytes()
	}
	return n
}

func (s *Shard) charge(it Item) {
	r := it.record()
	if r.kind().IsObject() {
		sl := &s.objects[r.slot()]
		sl.charged = sl.object.Size(s.model)
	}
	s.ledger.records += s.cost(it)
}

func (s *Shard) discharge(it Item) { s.ledger.records -= s.cost(it) }

// cost is what is charged for a record.
func (s *Shard) cost(it Item) int64 {
	r := it.record()
	key := int64(len(r.key()))
	n := s.model.Key(key)
	if r.expires() {
		n += s.model.Expiry(key)
		if !s.ledger.buckets {
			n += s.ledger.expires
		}
	}
	switch {
	case r.kind().IsObject():
		return n + s.objects[r.slot()].charged
	case r[0]&sharedInt != 0:
		return n
	}
	return n + s.sizeOf(it, s.model)
}

// sizeOf returns what a value would take in a server.
func (s *Shard) sizeOf(it Item, m *memory.Model) int64 {
	r := it.record()
	k := r.kind()
	if k.IsObject() {
		return s.objects[r.slot()].object.Size(m)
	}
	value := it.Bytes()
	n := int64(len(value))
	if r.isApart() && k == KindRaw {
		if b := r.block(); b.cap > b.n {
			return m.String(0, true) + m.Class(int64(b.cap+stringHead(b.cap)))
		}
	}
	switch {
	case k == KindRaw && n <= memory.EmbstrMax && m.Profile().Version < memory.Valkey81:
		return m.String(0, true) + m.SDS(n) // it was changed: an object with a string of its own, however short
	case k.IsString():
		size, _ := m.StringOf(int64(len(r.key())), n, k == KindInt, r.expires())
		return size
	case s.o.Size != nil:
		return s.o.Size(k, value, m)
	}
	return m.Blob(n)
}

// A table is what the ledger knows of a dict of a server. Its buckets are charged, and those of the table before it while its
// entries are moved: the new one at once, so that its coming can drop a burst of keys.
type table struct {
	memory.Dict
	charged int64
}

const (
	bucketBytes = 8
	idleSteps   = 6000 // in the millisecond that a server takes for it, hz times a second
)

// grow is for a table that an entry has come to: it has n now (dict.c: _dictExpandIfNeeded).
func (s *Shard) grow(t *table, n int) {
	t.Touch(1)
	more := t.Wants(int64(n))
	if more > 0 && (n == 1 || evict.MayGrow(s.Used(), s.o.Settings.MaxMemory, more, uint64(n-1), uint64(t.Buckets()))) {
		t.Grow(int64(n))
	}
	s.chargeTable(t, n)
}

// rehash takes steps of moving entries, as each call of a server's dict takes one.
func (s *Shard) rehash(t *table, n, steps int) {
	t.Touch(steps)
	s.chargeTable(t, n)
}

func (s *Shard) chargeTable(t *table, n int) {
	bytes := bucketBytes * t.Buckets()
	if s.ledger.buckets {
		bytes = s.model.MainDict(int64(n))
	}
	s.ledger.tables += bytes - t.charged
	t.charged = bytes
}

// drop is for a table that is no longer there.
func (s *Shard) drop(t *table) {
	s.ledger.tables -= t.charged
	*t = table{}
}

// shrink makes the tables of a database smaller that are nearly empty (server.c: tryResizeHashTables).
func (s *Shard) shrink(sp *space) {
	for _, k := range []*keys{sp.all, sp.volatile} {
		k.table.Shrink(int64(k.Len()))
		s.chargeTable(&k.table, k.Len())
	}
}

// rehashIdle moves entries of one table of a database, and reports whether there were any to move (server.c: incrementallyRehash).
func (s *Shard) rehashIdle(sp *space) bool {
	for _, k := range []*keys{sp.all, sp.volatile} {
		if k.table.Moving() {
			s.rehash(&k.table, k.Len(), idleSteps)
			return true
		}
	}
	return false
}
