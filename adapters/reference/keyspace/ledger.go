package keyspace

import (
	"math"
	"math/bits"

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

// RealBytes returns what the arena holds and the tables take here.
func (s *Shard) RealBytes() int64 {
	n := s.heap.Held()
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

// A table is what the ledger knows of a dict of a server: its buckets, and those of the table before it while its entries are
// moved. Both are charged, the new one at once, so that its coming can drop a burst of keys.
type table struct {
	buckets, old int64
	left         float64 // of old that are still to be looked at
	pace         float64 // buckets that one step looks at, of which one is not empty
	charged      int64
}

const (
	bucketBytes  = 8
	leastBuckets = 4   // DICT_HT_INITIAL_SIZE
	mostEmpty    = 10  // buckets that a step looks at in vain (dict.c: dictRehash)
	leastFill    = 10  // percent, below which a table shrinks (HASHTABLE_MIN_FILL)
	idleBuckets  = 1e4 // moved in the millisecond that a server takes for it, hz times a second
)

// grow is for a table that an entry has come to: it has n now (dict.c: _dictExpandIfNeeded).
func (s *Shard) grow(t *table, n int) {
	s.rehash(t, n)
	if s.ledger.buckets || t.old > 0 || int64(n) <= t.buckets {
		return
	}
	to := max(leastBuckets, powerOfTwo(int64(n)))
	if t.buckets > 0 && !evict.MayGrow(s.Used(), s.o.Settings.MaxMemory, bucketBytes*to, uint64(n-1), uint64(t.buckets)) {
		return
	}
	s.resize(t, to, n-1)
}

// resize makes a new table for one of n entries.
func (s *Shard) resize(t *table, to int64, n int) {
	if n > 0 {
		t.old, t.left = t.buckets, float64(t.buckets)
		t.pace = min(mostEmpty, 1/-math.Expm1(-float64(n)/float64(t.buckets)))
	}
	t.buckets = to
	s.chargeTable(t, bucketBytes*(t.buckets+t.old))
}

// rehash takes a step of moving entries, as each call of a server's dict does.
func (s *Shard) rehash(t *table, n int) {
	switch {
	case s.ledger.buckets:
		s.chargeTable(t, s.model.MainDict(int64(n)))
	case t.old > 0:
		s.step(t, t.pace)
	}
}

func (s *Shard) step(t *table, buckets float64) {
	if t.left -= buckets; t.left <= 0 {
		t.old = 0
		s.chargeTable(t, bucketBytes*t.buckets)
	}
}

func (s *Shard) chargeTable(t *table, bytes int64) {
	s.ledger.tables += bytes - t.charged
	t.charged = bytes
}

// shrink makes the tables of a database smaller that are nearly empty (server.c: tryResizeHashTables).
func (s *Shard) shrink(sp *space) {
	for _, k := range []*keys{sp.all, sp.volatile} {
		n, t := k.Len(), &k.table
		if !s.ledger.buckets && t.old == 0 && t.buckets > leastBuckets && int64(n)*100/t.buckets < leastFill {
			s.resize(t, max(leastBuckets, powerOfTwo(int64(n))), n)
		}
	}
}

// rehashIdle moves entries of one table of a database, and reports whether there were any to move (server.c: incrementallyRehash).
func (s *Shard) rehashIdle(sp *space) bool {
	for _, k := range []*keys{sp.all, sp.volatile} {
		if k.table.old > 0 {
			s.step(&k.table, idleBuckets)
			return true
		}
	}
	return false
}

func powerOfTwo(n int64) int64 {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len64(uint64(n-1))
}
