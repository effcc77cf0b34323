package table

import (
	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/adapters/reference/arena"
)

// warmAtOnce is how many keys are warmed together: more than a processor has misses in flight is of no use.
const warmAtOnce = 16

// Warm reads the entries of keys, so that they are in the processor's caches when they are looked up: what one look-up waits for is
// read while another waits. It changes nothing.
func (t *Table) Warm(keys [][]byte) {
	var room [warmAtOnce]uint32
	for len(keys) > 0 {
		refs := room[:0]
		for _, key := range keys[:min(len(keys), warmAtOnce)] {
			p := t.dict.Probe(xxh3.Hash(key))
			refs = append(refs, p.Next())
		}
		for _, ref := range refs {
			if ref != 0 {
				t.warmed += t.heap.Bytes(arena.Ref(ref))[0]
			}
		}
		keys = keys[len(refs):]
	}
}
