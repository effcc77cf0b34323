package keyspace

import (
	"flag"
	"math/rand/v2"
	"runtime"
	"strconv"
	"testing"

	"github.com/kvtool/kvtool/internal/evict"
)

// manyKeys fills the tables as ten million keys would, or 32 times fewer.
var manyKeys = flag.Int("keys", 312_500, "keys of the shard whose bytes are counted")

func numbered(dst []byte, i int) []byte {
	return strconv.AppendInt(append(dst[:0], "key:"...), int64(i), 10)
}

func setBytes(t testing.TB, s *Shard, key, value []byte) {
	s.Tick(1)
	h := Hash(key)
	if _, ok := s.PutBytes(0, key, h, s.Find(0, key, h), KindEmbstr, value); !ok {
		t.Fatal("the arena is full")
	}
}

// TestBytesOfAKey: a key of about 11 bytes with a value of 32 takes no more than 66 bytes, the table's included; after keys of three
// times its volume were written and deleted, and after values have become shorter and longer again, no more than 1.3 times that.
func TestBytesOfAKey(t *testing.T) {
	if testing.Short() {
		t.Skip("takes five seconds")
	}
	n := *manyKeys
	s, r := New(Options{}), rand.New(rand.NewPCG(1, 1))
	var key []byte
	value := make([]byte, 200)
	for i := range n {
		key = numbered(key, 1_000_000+i)
		setBytes(t, s, key, value[:32])
	}
	each := func() float64 { return float64(s.RealBytes()) / float64(n) }
	fresh, slack := each(), 2*float64(1<<20)/float64(n) // the chunk that is being filled, and the one that is kept
	if fresh > 66+slack {
		t.Errorf("%.1f bytes a key", fresh)
	}
	for i := range 3 * n { // keys come and go
		key = numbered(key, 1_000_000+i)
		if it := s.Find(0, key, Hash(key)); it.OK() {
			s.Delete(it)
		}
		key = numbered(key, 1_000_000+n+i)
		setBytes(t, s, key, value[:24+r.IntN(17)])
	}
	moved := each()
	for range 3 * n { // values of other lengths
		key = numbered(key, 1_000_000+3*n+r.IntN(n))
		setBytes(t, s, key, value[:r.IntN(65)])
	}
	varied := each()
	for i := range n { // all long, then all short: the slabs of the long ones are given back
		key = numbered(key, 1_000_000+3*n+i)
		setBytes(t, s, key, value[:150])
	}
	long := each()
	for i := range n {
		key = numbered(key, 1_000_000+3*n+(i*7919)%n)
		setBytes(t, s, key, value[:32])
	}
	short := each()
	t.Logf("%d keys: %.1f bytes each; %.1f after keys came and went, %.1f with values of 0 to 64, %.1f of 150, %.1f when short again",
		n, fresh, moved, varied, long, short)
	for what, b := range map[string]float64{"moved": moved, "varied": varied, "short again": short} {
		if b > 1.3*fresh+slack {
			t.Errorf("%s: %.1f bytes a key, fresh %.1f", what, b, fresh)
		}
	}
	runtime.KeepAlive(s)
}

// TestShift: values become longer and longer, in random order, of keys of which some expire and of which the policy has a list. The
// arena of the records stays dense, and whoever knows a record knows where it is.
func TestShift(t *testing.T) {
	n := *manyKeys / 4
	s, r := New(Options{Databases: 2, Settings: Settings{Policy: evict.ExactLRU, Expiry: ExpireExact}}), rand.New(rand.NewPCG(1, 1))
	var key []byte
	value := make([]byte, 200)
	moves := 0
	set := func(i int, value []byte) {
		key = numbered(key, i)
		s.Tick(1)
		h := Hash(key)
		it, ok := s.PutBytes(i%2, key, h, s.Find(i%2, key, h), KindRaw, value)
		if ok && i%3 == 0 {
			_, ok = s.SetExpiry(it, 1000+int64(i))
		}
		if s.records.Sparse() {
			moves++
		}
		if !ok {
			t.Fatal("the arena is full")
		}
	}
	for i := range n {
		set(i, value[:32])
	}
	for long := 40; long <= 112; long += 8 {
		for range n / 2 {
			set(r.IntN(n), value[:long])
		}
	}
	if live := float64(s.records.Live()) / float64(s.records.Held()); live < 0.65 || moves < 1000 {
		t.Errorf("%.2f of the arena is live, it was sparse %d times", live, moves)
	}
	s.Tick(1000 + int64(n))
	for i := range n {
		key = numbered(key, i)
		if it := s.Find(i%2, key, Hash(key)); it.OK() != (i%3 != 0) || it.OK() && string(it.Key()) != string(key) {
			t.Fatalf("%s is there: %v", key, it.OK())
		}
	}
	s.Configure(Settings{Policy: evict.ExactLRU, MaxMemory: 1})
	if s.Reclaim(0, nil) != evict.Failed || s.Len(0)+s.Len(1)+s.Volatile(0)+s.Volatile(1) != 0 {
		t.Errorf("%d and %d keys could not be dropped", s.Len(0), s.Len(1))
	}
}
