package reference

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// page is how many keys a scan reads under one lock.
const page = 256

// Scan implements kv.Scanner. The order is fixed by the history of the engine.
func (e *Engine) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		part, of, err := parseShard(opt.Shard)
		if err != nil {
			yield(nil, err)
			return
		}
		var records []kv.Record
		for i := part; i < numBuckets; i += of {
			// From the last position down: package dict says why no key is missed.
			for pos := int(^uint(0) >> 1); pos > 0; {
				var read int
				records, pos, read = e.page(&e.buckets[i], pos, opt, records[:0])
				if err := opt.Limiter.Wait(ctx, read); err != nil {
					yield(nil, err)
					return
				}
				for j := range records {
					if !yield(&records[j], nil) {
						return
					}
				}
			}
		}
	}
}

// page appends the records at up to page positions below pos. It returns the position reached and the number of keys read.
func (e *Engine) page(b *bucket, pos int, opt kv.ScanOptions, dst []kv.Record) ([]kv.Record, int, int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	now := e.now()
	pos = min(pos, b.keys.Len())
	end := max(pos-page, 0)
	for i := pos - 1; i >= end; i-- {
		key, en := b.keys.At(i)
		if en.expired(now) || opt.Match != "" && !kv.MatchGlob(opt.Match, key) {
			continue
		}
		dst = append(dst, kv.Record{})
		e.fill(&dst[len(dst)-1], en, opt.Want)
	}
	return dst, end, pos - end
}

// fill sets the facts in want. Those that cost nothing are set whether wanted or not.
func (e *Engine) fill(r *kv.Record, en *entry, want kv.Field) {
	r.Key, r.Known = en.key, kv.Universal
	r.Type, r.Encoding, r.Len = en.val.kind(), en.val.encoding(), int64(en.val.length())
	r.TTL = kv.TTLNone
	if en.at != 0 {
		r.TTL, r.ExpireAt = kv.TTLAt, time.UnixMilli(en.at).UTC()
	}
	if want&kv.FieldSize == 0 { // a long list's is a sum over its nodes
		r.Known &^= kv.FieldSize
		return
	}
	r.Size = e.model.Key(int64(len(en.key))) + en.val.size(e.model)
}

// Shards implements kv.Sharder: shard i of n is every n-th bucket from the i-th on.
func (e *Engine) Shards(_ context.Context, most int) ([]kv.Shard, error) {
	n := max(min(most, numBuckets), 1)
	shards := make([]kv.Shard, n)
	for i := range shards {
		shards[i].Name = fmt.Sprintf("%d/%d", i, n)
	}
	return shards, nil
}

func parseShard(s kv.Shard) (part, of int, err error) {
	if s.Name == "" {
		return 0, 1, nil
	}
	n, err := fmt.Sscanf(s.Name, "%d/%d", &part, &of)
	if err != nil || n != 2 || part < 0 || of <= part || of > numBuckets {
		return 0, 0, kv.Usagef("%q is no shard of a reference engine", s.Name)
	}
	return part, of, nil
}

// A store is an engine that was opened as a target.
type store struct {
	*Engine
	target kv.Target
	clock  time.Time // fixed; zero is now
}

// Info implements kv.Store.
func (s *store) Info(context.Context) (*kv.Info, error) {
	return &kv.Info{
		Adapter:   "reference",
		Product:   "reference engine",
		Version:   version,
		Target:    s.target.String(),
		Live:      s.clock.IsZero(),
		Clock:     s.clock,
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
