package memory_test

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/servertest"
)

// TestDictAgainstServer follows a hash and a set of a server while they grow, are read and shrink. Sizes are the server's to the
// byte, but for a few moments at which one of both still has the old table and the other not any more.
func TestDictAgainstServer(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	c.Must(t, "CONFIG", "SET", "hash-max-listpack-entries", "0")
	w := &followed{c: c, m: memory.New(memory.Profile{Allocator: memory.Jemalloc16, State: memory.Live}), r: rand.New(rand.NewPCG(1, 1))}
	w.hash.Expect(1)
	for _, target := range []int{300, 40, 1200, 2, 300, 1} {
		for len(w.names) != target {
			if len(w.names) < target {
				w.add(t)
			} else {
				w.drop(t)
			}
			n := int64(len(w.names))
			w.compare(t, "hash", w.m.HashTable(n, n*(w.m.SDS(7)+w.m.SDS(1)), &w.hash))
			w.compare(t, "set", w.m.SetTable(n, n*w.m.SDS(7), &w.set))
		}
	}
	if 100*w.off > 10*w.checks { // three is usual; how the hashes of a server fall is another each time
		t.Errorf("%d of %d sizes differ", w.off, w.checks)
	}
	t.Logf("%d of %d sizes differ", w.off, w.checks)
}

// followed is a hash and a set of a server with the same names, and what is known of their tables.
type followed struct {
	c           *servertest.Client
	m           *memory.Model
	r           *rand.Rand
	hash, set   memory.Dict
	names       []string
	checks, off int
}

func (w *followed) add(t *testing.T) {
	name := "m" + strconv.Itoa(100_000+len(w.names)*37%900_000)
	w.c.Must(t, "SADD", "set", name)
	w.c.Must(t, "HSET", "hash", name, "v")
	w.names = append(w.names, name)
	w.hash.Touch(2)
	w.hash.Grow(int64(len(w.names)))
	w.set.Touch(1)
	w.set.Grow(int64(len(w.names)))
	if w.r.IntN(8) == 0 {
		w.c.Must(t, "HGET", "hash", "absent")
		w.hash.Touch(1)
	}
}

func (w *followed) drop(t *testing.T) {
	last := len(w.names) - 1
	w.c.Must(t, "SREM", "set", w.names[last])
	w.c.Must(t, "HDEL", "hash", w.names[last])
	w.names = w.names[:last]
	w.hash.Touch(1)
	w.hash.Shrink(int64(last))
	w.set.Touch(1)
	w.set.Shrink(int64(last))
}

// compare counts a size that is not the server's. It may differ by tables only.
func (w *followed) compare(t *testing.T, key string, value int64) {
	t.Helper()
	value += w.m.Key(int64(len(key)))
	got := w.c.Must(t, "MEMORY", "USAGE", key, "SAMPLES", "0").(int64)
	w.checks++
	if got == value {
		return
	}
	w.off++
	if diff := got - value; diff%32 != 0 || diff > 8*4096 || diff < -8*4096 {
		t.Fatalf("%d names in the %s: the server has %d bytes, not %d", len(w.names), key, got, value)
	}
}
