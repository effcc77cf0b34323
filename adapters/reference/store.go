package reference

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

// page is how many keys a scan reads under one lock, about.
const page = 256

// Scan implements kv.Scanner. The order is fixed by the history of the store.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		part, of, err := parseShard(opt.Shard)
		if err != nil {
			yield(nil, err)
			return
		}
		for i := part; i < numShards; i += of {
			if !s.scanShard(ctx, i, opt, yield) {
				return
			}
		}
	}
}

// scanShard yields the records of one shard, and reports whether to go on.
func (s *store) scanShard(ctx context.Context, shard int, opt kv.ScanOptions, yield func(*kv.Record, error) bool) bool {
	var p scanPage
	for first := true; first || p.cursor != 0; first = false {
		p.read(s, shard, opt)
		if err := opt.Limiter.Wait(ctx, len(p.items)); err != nil {
			yield(nil, err)
			return false
		}
		for j := range p.records {
			if !yield(&p.records[j], nil) {
				return false
			}
		}
	}
	return true
}

// A scanPage is what was read under one lock.
type scanPage struct {
	cursor  uint64
	items   []keyspace.Item
	records []kv.Record
}

func (p *scanPage) read(s *store, i int, opt kv.ScanOptions) {
	shard, unlock := s.engine.Lock(i)
	defer unlock()
	p.items, p.records = p.items[:0], p.records[:0]
	for first := true; len(p.items) < page && (first || p.cursor != 0); first = false {
		p.items, p.cursor = shard.Scan(p.items, 0, p.cursor)
	}
	for _, it := range p.items {
		key := string(it.Key())
		if opt.Match != "" && !kv.MatchGlob(opt.Match, key) {
			continue
		}
		p.records = append(p.records, kv.Record{Key: key})
		s.describe(&p.records[len(p.records)-1], shard, it, opt.Want)
	}
}

// describe sets the facts in want, but for the name. Those that cost nothing are set whether wanted or not.
func (s *store) describe(r *kv.Record, shard *keyspace.Shard, it keyspace.Item, want kv.Field) {
	r.Known = kv.Universal
	r.Type, r.Encoding, r.Len = it.Type(), it.Encoding(), int64(length(shard, it))
	r.TTL = kv.TTLNone
	if at := it.Expiry(); at != 0 {
		r.TTL, r.ExpireAt = kv.TTLAt, time.UnixMilli(at).UTC()
	}
	if want&kv.FieldSize == 0 { // a packed set's is a sum over its members
		r.Known &^= kv.FieldSize
		return
	}
	r.Size = it.Size(s.model)
}

// length returns the number of elements of a value: 1 of a string.
func length(shard *keyspace.Shard, it keyspace.Item) int {
	if o := it.Object(); o != nil {
		return o.Len()
	}
	switch it.Type() {
	case kv.TypeHash:
		v := value.OpenHash(shard, it)
		return v.Len()
	case kv.TypeList:
		v := value.OpenList(shard, it)
		return v.Len()
	case kv.TypeSet:
		v := value.OpenSet(shard, it)
		return v.Len()
	case kv.TypeZSet:
		v := value.OpenZSet(shard, it)
		return v.Len()
	}
	return 1
}

// Shards implements kv.Sharder: shard i of n is every n-th shard of the engine from the i-th on.
func (s *store) Shards(_ context.Context, most int) ([]kv.Shard, error) {
	n := max(min(most, numShards), 1)
	shards := make([]kv.Shard, n)
	for i := range shards {
		shards[i].Name = fmt.Sprintf("%d/%d", i, n)
	}
	return shards, nil
}

func parseShard(shard kv.Shard) (part, of int, err error) {
	if shard.Name == "" {
		return 0, 1, nil
	}
	n, err := fmt.Sscanf(shard.Name, "%d/%d", &part, &of)
	if err != nil || n != 2 || part < 0 || of <= part || of > numShards {
		return 0, 0, kv.Usagef("%q is no shard of a reference engine", shard.Name)
	}
	return part, of, nil
}

// Len returns the number of keys.
func (s *store) Len() int {
	n := 0
	s.engine.Exclusively(func(shards []*keyspace.Shard) {
		for _, shard := range shards {
			n += shard.Len(0)
		}
	})
	return n
}

// Info implements kv.Store.
func (s *store) Info(context.Context) (*kv.Info, error) {
	return &kv.Info{
		Adapter:   "reference",
		Product:   "reference engine",
		Version:   engine.RedisVersion,
		Target:    s.target.String(),
		Live:      s.fixed.IsZero(),
		Clock:     s.fixed,
		Keys:      int64(s.Len()),
		KeysKnown: true,
		Facts: []kv.Fact{
			{Name: "scan", How: kv.Measured},
			{Name: "name", Field: kv.FieldName, How: kv.Measured},
			{Name: "type", Field: kv.FieldType, How: kv.Measured},
			{Name: "encoding", Field: kv.FieldEncoding, How: kv.Measured},
			{Name: "size", Field: kv.FieldSize, How: kv.Modelled, Why: "what MEMORY USAGE would print: " + profile().String()},
			{Name: "length", Field: kv.FieldLen, How: kv.Measured},
			{Name: "ttl", Field: kv.FieldTTL, How: kv.Measured},
		},
	}, nil
}

// Close implements kv.Store. The engine is memory only.
func (s *store) Close() error { return nil }
