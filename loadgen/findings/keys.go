package findings

import (
	"sync"
	"time"

	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Keys counts the keys that are sent, of a sample of the operations: what is hot is so in any sample. It is safe for concurrent use,
// and what one worker tells waits for no other.
type Keys struct {
	shards []shard
	one    int64 // access in so many is told
}

// A shard is what some workers have told.
type shard struct {
	mu          sync.Mutex
	counter     *hotkeys.Counter
	first, last time.Duration
	any         bool
	_           [64]byte // two shards never share a cache line
}

// places is how many keys a shard keeps: any of more than a thousandth of the operations is among them.
const places = 1000

// NewKeys returns an empty count for so many workers, of which each tells one access in so many. S names the templates; nil is that
// they are inferred.
func NewKeys(s *schema.Schema, workers, one int) *Keys {
	if s != nil && !binds(s) {
		s = nil
	}
	k := &Keys{shards: make([]shard, max(workers, 1)), one: int64(max(one, 1))}
	for i := range k.shards {
		k.shards[i].counter = hotkeys.New(hotkeys.Options{Places: places, Schema: s, Sample: max(one, 1)})
	}
	return k
}

// binds reports whether keys can be told apart by the templates of s: some are too many, or too complex.
func binds(s *schema.Schema) bool {
	_, err := bind.New(s)
	return err == nil
}

// Seen counts one access that was chosen, at a time since any beginning, to a key without its prefix.
func (k *Keys) Seen(worker int, now time.Duration, key []byte, kind kv.OpKind) {
	s := &k.shards[worker%len(k.shards)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.any {
		s.first, s.any = now, true
	}
	s.last = max(s.last, now)
	s.counter.Add(&kv.Access{Key: string(key), Kind: kind, N: k.one})
}

// Findings returns what the keys break. Nothing may be counted any more.
func (k *Keys) Findings() []report.Finding {
	all := &k.shards[0]
	for i := range k.shards[1:] {
		s := &k.shards[i+1]
		if !s.any {
			continue
		}
		if all.first = min(all.first, s.first); !all.any {
			all.first, all.any = s.first, true
		}
		all.last = max(all.last, s.last)
		all.counter.Merge(s.counter)
	}
	if all.last <= all.first {
		return nil
	}
	all.counter.Observed(all.last - all.first)
	_, found := all.counter.Report(hotkeys.Source{Name: "sent"}, 0)
	return found
}
