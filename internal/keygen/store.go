package keygen

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Clock returns the time that the records' expiries count from.
func Clock() time.Time { return time.Date(2026, time.January, 15, 12, 0, 0, 0, time.UTC) }

// Store returns the keyspace as a store that makes its records as they are asked for: all facts are known, and a record
// costs no allocation but its key.
func (k *Keyspace) Store() kv.Store { return &store{k} }

// A store has no state: it can be scanned by any number of shards at once.
type store struct{ *Keyspace }

func (s *store) Close() error { return nil }

func (s *store) Info(context.Context) (*kv.Info, error) {
	info := &kv.Info{
		Adapter: "keygen", Product: "generated", Version: "7.0", Target: fmt.Sprintf("keygen:%d", s.keys),
		Clock: Clock(), Keys: s.Keys(), KeysKnown: true,
	}
	for bit := kv.Field(1); bit <= kv.Universal; bit <<= 1 {
		f := kv.Fact{Name: bit.String(), Field: bit, How: kv.Measured}
		if bit == kv.FieldSize {
			f.How, f.Why = kv.Modelled, "the keys are nowhere stored: sizes are approximate"
		}
		info.Facts = append(info.Facts, f)
	}
	return info, nil
}

// Shards returns ranges of key numbers, as equal as can be.
func (s *store) Shards(_ context.Context, most int) ([]kv.Shard, error) {
	n := min(int64(most), s.Keys())
	shards := make([]kv.Shard, n)
	for i := range n {
		shards[i].Name = fmt.Sprintf("%d-%d", part(s.Keys(), i, n), part(s.Keys(), i+1, n))
	}
	return shards, nil
}

// part returns where the i-th of n parts of keys begins.
func part(keys, i, n int64) int64 { return keys/n*i + keys%n*i/n }

// bounds returns the key numbers of a shard: from, and the one behind the last.
func (s *store) bounds(shard kv.Shard) (from, to int64, err error) {
	if shard.Name == "" {
		return 0, s.Keys(), nil
	}
	if _, err := fmt.Sscanf(shard.Name, "%d-%d", &from, &to); err != nil || from < 0 || from > to || to > s.Keys() {
		return 0, 0, kv.Usagef("%q is no shard of %d keys", shard.Name, s.Keys())
	}
	return from, to, nil
}

// page is how many keys are made between two looks at the limiter and the context, and asked about at once.
const page = 256

func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		from, to, err := s.bounds(opt.Shard)
		if err != nil {
			yield(nil, err)
			return
		}
		p := pages{opt: opt, clock: Clock()}
		for ; from < to; from += page {
			end := min(from+page, to)
			if err := opt.Limiter.Wait(ctx, int(end-from)); err != nil {
				yield(nil, err)
				return
			}
			if p.ask(s.Keyspace, from, end); !p.yield(s.Keyspace, from, yield) {
				return
			}
		}
	}
}

// pages yields keys by the page, as a server does: all of a page are asked about before its first record.
type pages struct {
	opt   kv.ScanOptions
	clock time.Time
	keys  []string
	known []kv.Field
	facts facts
	name  [64]byte
	rec   kv.Record // yielded, and used again: one of its own for each key would be an allocation
}

func (p *pages) ask(k *Keyspace, from, end int64) {
	p.keys, p.known = p.keys[:0], p.known[:0]
	for i := from; i < end; i++ {
		k.draw(i, &p.facts)
		key := string(p.facts.appendKey(p.name[:0]))
		known := kv.Universal
		if p.opt.Match != "" && !kv.MatchGlob(p.opt.Match, key) {
			known = 0
		} else if p.opt.Ask != nil {
			known &= p.opt.Ask(key) | kv.FieldName
		}
		p.keys, p.known = append(p.keys, key), append(p.known, known)
	}
}

func (p *pages) yield(k *Keyspace, from int64, yield func(*kv.Record, error) bool) bool {
	for n, key := range p.keys {
		if p.known[n] == 0 {
			continue
		}
		k.draw(from+int64(n), &p.facts)
		r := &p.rec
		*r = kv.Record{Key: key, Known: p.known[n]}
		p.facts.fill(r, p.clock)
		if !r.Has(kv.FieldTTL) {
			r.TTL = kv.TTLUnknown
		}
		if !yield(r, nil) {
			return false
		}
	}
	return true
}

// fill writes the facts into r, whose key is set.
func (f *facts) fill(r *kv.Record, clock time.Time) {
	r.Type, r.Encoding, r.Len = f.kind.typ, f.encoding(), f.len
	r.Size = sizeKey(len(r.Key)) + f.kind.size(f)
	r.TTL, r.ExpireAt = kv.TTLNone, time.Time{}
	if f.ttl > 0 {
		r.TTL, r.ExpireAt = kv.TTLAt, clock.Add(time.Duration(f.ttl)*time.Second)
	}
}
