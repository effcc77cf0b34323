package keydesign

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/kvtool/kvtool/audit/audittest"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/kv"
)

// liveMiB returns the live heap.
func liveMiB() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc >> 20
}

// A keyspace without any scheme takes no more than a bounded amount of memory, however many keys there are.
func TestMemoryIsBounded(t *testing.T) {
	const (
		parts = 4          // of the budget; so many keys take more without one
		most  = 64 / parts // MiB of one collector
	)
	before := liveMiB()
	c := newTemplates(audittest.Now)
	c.tree = infer.New(func() *leaf { return &leaf{pool: c.pool} }, infer.Options{MaxNodes: maxNodes / parts})
	rng := rand.New(rand.NewPCG(5, 5))
	for n := range 60_000 {
		b := make([]byte, 10+rng.IntN(20))
		for i := range b {
			b[i] = "abcdefghijklmnopqrstuvwxyz:::::___"[rng.IntN(34)]
		}
		c.Observe(&kv.Record{
			Key: string(b), Type: kv.TypeString, Size: rng.Int64N(5000), Len: 1, TTL: kv.TTLAt,
			ExpireAt: audittest.Now.Add(time.Duration(rng.Int64N(1e15))), Known: kv.AllFields,
		})
		if n%5000 == 4999 {
			if used := liveMiB() - before; used > most {
				t.Errorf("%d MiB after %d keys", used, n+1)
			} else {
				t.Logf("%d MiB after %d keys", used, n+1)
			}
		}
	}
}
