package keyspace

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/internal/evict"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// A blob is an Object of bytes in the arena.
type blob struct {
	s    *Shard
	ref  arena.Ref
	n    int
	size int64
}

func newBlob(s *Shard, text []byte) *blob {
	b := &blob{s: s, ref: s.Heap().Alloc(len(text)), n: len(text), size: int64(len(text))}
	copy(b.text(), text)
	return b
}

func (b *blob) text() []byte                   { return b.s.Heap().Bytes(b.ref)[:b.n] }
func (b *blob) Len() int                       { return b.n }
func (b *blob) Size(*memory.Model) int64       { return b.size }
func (b *blob) Release()                       { b.s.Heap().Free(b.ref, b.n) }
func (b *blob) Clone(to *Shard) (Object, bool) { return newBlob(to, b.text()), true }

// A value is what the naive model holds of a key.
type value struct {
	text   []byte
	kind   Kind
	expiry int64
}

type history struct {
	*rapid.T
	s     *Shard
	r     *rand.Rand
	now   int64
	model []map[string]value
	gone  int // keys that the hooks named
}

const testDatabases = 3

func newHistory(t *rapid.T, set Settings) *history {
	h := &history{T: t, now: 1_700_000_000_000, r: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))}
	for range testDatabases {
		h.model = append(h.model, map[string]value{})
	}
	h.s = New(Options{
		Databases: testDatabases, Settings: set,
		Expired: func(db int, key []byte) {
			if v, ok := h.model[db][string(key)]; !ok || !h.due(v) {
				t.Errorf("%s expired at %d, expiry %d, there: %v", key, h.now, v.expiry, ok)
			}
			delete(h.model[db], string(key))
			h.gone++
		},
		Evicted: func(db int, key []byte) {
			if _, ok := h.model[db][string(key)]; !ok {
				t.Errorf("%s was evicted, and was not there", key)
			}
			delete(h.model[db], string(key))
			h.gone++
		},
	})
	h.s.Tick(h.now)
	return h
}

func (h *history) due(v value) bool {
	if h.s.Settings().Expiry == ExpireExact {
		return v.expiry > 0 && v.expiry <= h.now
	}
	return v.expiry > 0 && v.expiry < h.now
}

// there returns the value of a key that is not due.
func (h *history) there(db int, key string) (value, bool) {
	v, ok := h.model[db][key]
	return v, ok && !h.due(v)
}

func (h *history) text() []byte {
	switch h.r.IntN(8) {
	case 0:
		return bytes.Repeat([]byte{byte(h.r.Uint32())}, h.r.IntN(6000))
	case 1:
		return strconv.AppendInt(nil, h.r.Int64N(20_000), 10)
	}
	return bytes.Repeat([]byte{byte(h.r.Uint32())}, h.r.IntN(200))
}

func (h *history) key() string {
	if h.r.IntN(20) == 0 {
		return fmt.Sprintf("%0200d", h.r.IntN(5))
	}
	return fmt.Sprint("key:", h.r.IntN(200))
}

func (h *history) step() {
	h.tick()
	if h.s.Reclaim(0, nil) == evict.Within && !h.s.Settings().Frozen {
		if m := h.s.Settings().MaxMemory; m > 0 && h.s.Used() > m {
			h.Fatalf("%d bytes used of %d", h.s.Used(), m)
		}
	}
	db, key := h.r.IntN(testDatabases), h.key()
	it := h.s.Find(db, []byte(key), Hash([]byte(key)))
	v, ok := h.there(db, key)
	h.same(it, key, v, ok)
	switch h.r.IntN(12) {
	case 0, 1, 2, 3:
		h.put(db, key, it)
	case 4, 5:
		if ok {
			h.expireAt(db, key, it)
		}
	case 6, 7:
		if ok {
			h.s.Delete(it)
			delete(h.model[db], key)
		}
	case 8:
		if ok {
			h.s.Touch(it)
		}
	case 9:
		h.move(db, key, it)
	case 10:
		h.rare(db)
	case 11:
		if b, isBlob := it.Object().(*blob); isBlob {
			b.size = h.r.Int64N(5000)
			h.s.Settle(it)
		}
	}
}

// tick lets time pass, sometimes much of it.
func (h *history) tick() {
	h.now += h.r.Int64N(5)
	if h.r.IntN(200) == 0 {
		h.now += h.r.Int64N(300)
	}
	h.s.Tick(h.now)
	switch {
	case h.s.Settings().Expiry == ExpireExact && !h.s.Settings().Frozen:
		for db := range testDatabases {
			if n := h.s.Len(db); n != len(h.model[db]) {
				h.Fatalf("%d keys, want %d", n, len(h.model[db]))
			}
			for key, v := range h.model[db] {
				if h.r.IntN(50) == 0 && h.due(v) {
					h.Fatalf("%s is there at %d, its expiry was %d", key, h.now, v.expiry)
				}
			}
		}
	case h.r.IntN(20) == 0:
		h.s.Cron(nil)
		h.s.Fast(nil)
	}
}

func (h *history) same(it Item, key string, v value, ok bool) {
	if it.OK() != ok {
		h.Fatalf("%s found: %v, want %v", key, it.OK(), ok)
	}
	if !ok {
		return
	}
	got := it.Bytes()
	if b, isBlob := it.Object().(*blob); isBlob {
		got = b.text()
	}
	if string(it.Key()) != key || !bytes.Equal(got, v.text) || it.Kind() != v.kind || it.Expiry() != v.expiry {
		h.Fatalf("%s is %q = %.20q, kind %d, expiry %d; want %.20q, %d, %d", key, it.Key(), got, it.Kind(), it.Expiry(), v.text, v.kind, v.expiry)
	}
}

func (h *history) put(db int, key string, old Item) {
	v := h.model[db][key]
	if !old.OK() {
		v = value{}
	}
	v.text = h.text()
	if old.OK() && h.r.IntN(4) == 0 && len(old.Bytes()) > 2 { // a part of the old one
		v.text = bytes.Clone(old.Bytes()[1:])
		v.kind = KindRaw
		it, ok := h.s.PutBytes(db, []byte(key), old.Hash(), old, KindRaw, old.Bytes()[1:])
		h.put2(db, key, it, v, ok)
		return
	}
	hash := Hash([]byte(key))
	if old.Object() == nil && h.r.IntN(4) == 0 {
		v.text = resized(old.Bytes(), h.r.IntN(len(old.Bytes())*2+50))
		v.kind = KindRaw
		it, ok := h.s.Resize(db, []byte(key), hash, old, KindRaw, len(v.text))
		h.put2(db, key, it, v, ok)
		return
	}
	if h.r.IntN(4) == 0 {
		v.kind = KindHashTable
		it, ok := h.s.PutObject(db, []byte(key), hash, old, v.kind, newBlob(h.s, v.text))
		h.put2(db, key, it, v, ok)
		return
	}
	v.kind = []Kind{KindRaw, KindHashPacked, KindSetPacked}[h.r.IntN(3)]
	if memory.IsInt(v.text) {
		v.kind = KindInt
	}
	it, ok := h.s.PutBytes(db, []byte(key), hash, old, v.kind, v.text)
	h.put2(db, key, it, v, ok)
}

func resized(b []byte, n int) []byte {
	b = append(bytes.Clone(b), make([]byte, n)...)
	return b[:n]
}

func (h *history) put2(db int, key string, it Item, v value, ok bool) {
	if !ok {
		h.Fatalf("no room for %s", key)
	}
	h.model[db][key] = v
	h.same(it, key, v, true)
}

func (h *history) expireAt(db int, key string, it Item) {
	v := h.model[db][key]
	v.expiry = 0
	if h.r.IntN(4) > 0 {
		v.expiry = h.now + h.r.Int64N(400)
		if h.r.IntN(20) == 0 {
			v.expiry = math.MaxInt64 - h.r.Int64N(2)
		}
	}
	it, ok := h.s.SetExpiry(it, v.expiry)
	h.put2(db, key, it, v, ok)
}

func (h *history) move(db int, key string, it Item) {
	to, name := h.r.IntN(testDatabases), h.key()
	if _, there := h.there(to, name); !it.OK() || there || h.s.Find(to, []byte(name), Hash([]byte(name))).OK() {
		return
	}
	v := h.model[db][key]
	delete(h.model[db], key)
	it, ok := h.s.Move(it, to, []byte(name), Hash([]byte(name)))
	h.put2(to, name, it, v, ok)
}

func (h *history) rare(db int) {
	switch h.r.IntN(20) {
	case 0:
		h.s.Flush(db)
		h.model[db] = map[string]value{}
	case 1:
		other := h.r.IntN(testDatabases)
		h.s.SwapDatabases(db, other)
		h.model[db], h.model[other] = h.model[other], h.model[db]
	case 2:
		set := h.s.Settings()
		set.Policy = evict.Kind(h.r.IntN(int(evict.S3FIFO) + 1))
		set.Expiry = Expiry(h.r.IntN(3))
		set.Frozen = h.r.IntN(4) == 0
		h.s.Configure(set)
	case 3:
		h.compare(db)
	default:
		it := h.s.RandomKey(db)
		if it.OK() {
			if _, ok := h.there(db, string(it.Key())); !ok {
				h.Fatalf("random key %s is not there", it.Key())
			}
		}
	}
}

// compare holds a database as a whole to the model.
func (h *history) compare(db int) {
	seen := map[string]bool{}
	for it := range h.s.All(db) {
		v, ok := h.there(db, string(it.Key()))
		if !ok {
			h.Fatalf("%s is in a scan", it.Key())
		}
		h.same(it, string(it.Key()), v, true)
		seen[string(it.Key())] = true
	}
	volatile, stale := 0, 0
	for key, v := range h.model[db] {
		if !seen[key] && h.due(v) {
			stale++ // it is frozen
		} else if !seen[key] {
			h.Fatalf("%s is missing from a scan", key)
		}
		if v.expiry > 0 {
			volatile++
		}
	}
	if h.s.Len(db) != len(seen)+stale || h.s.Volatile(db) != volatile {
		h.Fatalf("%d keys and %d expiries, want %d and %d", h.s.Len(db), h.s.Volatile(db), len(seen)+stale, volatile)
	}
}

// TestAgainstModel runs random histories on three databases under each policy, while keys expire and are evicted. In the end
// everything is removed, and nothing may be left of memory and of the ledger.
func TestAgainstModel(t *testing.T) {
	for kind := evict.NoEviction; kind <= evict.S3FIFO; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				limit := rapid.SampledFrom([]int64{0, 60_000, 300_000}).Draw(t, "limit")
				mode := rapid.SampledFrom([]Expiry{ExpireActive, ExpireLazy, ExpireExact}).Draw(t, "expiry")
				h := newHistory(t, Settings{MaxMemory: limit, Policy: kind, Expiry: mode, LFU: evict.LFU{LogFactor: 10, DecayTime: 1}})
				for range rapid.IntRange(0, 700).Draw(t, "steps") {
					h.step()
				}
				h.finish()
			})
		})
	}
}

func (h *history) finish() {
	set := h.s.Settings()
	set.Frozen = false
	h.s.Configure(set)
	h.s.Tick(h.now)
	for db := range testDatabases {
		h.compare(db)
		for _, it := range slices.Collect(h.s.All(db)) {
			h.s.Delete(h.s.Find(db, bytes.Clone(it.Key()), it.Hash()))
		}
		if h.s.Len(db) != 0 || h.s.Volatile(db) != 0 {
			h.Fatalf("%d keys and %d expiries are left", h.s.Len(db), h.s.Volatile(db))
		}
	}
	if h.s.ledger.records != 0 || h.s.heap.Live()+h.s.records.Live() != 0 {
		h.Fatalf("%d bytes are charged for no keys, %d are live", h.s.ledger.records, h.s.heap.Live()+h.s.records.Live())
	}
	if st := h.s.Stats(); int(st.Expired+st.Evicted) != h.gone {
		h.Fatalf("%d expired and %d evicted, %d were named", st.Expired, st.Evicted, h.gone)
	}
}

func TestKinds(t *testing.T) {
	for k := KindInt; k <= KindStream; k++ {
		if k.Type() == "" || k.Encoding() == "" || k.IsString() != (k.Type() == kv.TypeString) {
			t.Errorf("kind %d: %q, %q", k, k.Type(), k.Encoding())
		}
	}
	if (Item{}).Type() != "" || (Item{}).OK() || (Item{}).Bytes() != nil || (Item{}).Object() != nil {
		t.Error("no key has a value")
	}
}

// TestFull: a put that has no room changes nothing.
func TestFull(t *testing.T) {
	s := New(Options{Heap: 2 << 20})
	key := []byte("key")
	it, _ := s.PutBytes(0, key, Hash(key), Item{}, KindRaw, bytes.Repeat([]byte("a"), 1000))
	used, live := s.Used(), s.heap.Live()+s.records.Live()
	for _, n := range []int{3 << 20, 1 << 22} {
		if _, ok := s.PutBytes(0, key, Hash(key), it, KindRaw, make([]byte, n)); ok {
			t.Fatalf("%d bytes fit", n)
		}
	}
	if it = s.Find(0, key, Hash(key)); len(it.Bytes()) != 1000 || s.Used() != used || s.heap.Live()+s.records.Live() != live {
		t.Errorf("%d bytes, %d used, %d live; before %d and %d", len(it.Bytes()), s.Used(), s.heap.Live()+s.records.Live(), used, live)
	}
	long, _ := s.PutBytes(0, key, Hash(key), it, KindRaw, bytes.Repeat([]byte("b"), 5000))
	filler := 0
	for ; ; filler++ {
		name := fmt.Appendf(nil, "%0200d", filler)
		if _, ok := s.PutBytes(0, name, Hash(name), Item{}, KindRaw, nil); !ok {
			break
		}
	}
	if _, ok := s.PutBytes(0, key, Hash(key), long, KindRaw, make([]byte, 3<<20)); ok {
		t.Error("3 MiB fit")
	}
	if got := s.Find(0, key, Hash(key)).Bytes(); len(got) != 5000 || got[0] != 'b' {
		t.Errorf("%d bytes are left of the value", len(got))
	}
}
