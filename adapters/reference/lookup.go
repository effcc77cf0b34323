package reference

import (
	"bytes"
	"context"
	"iter"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/value"
	"github.com/kvtool/kvtool/kv"
)

// Get implements kv.Getter.
func (s *store) Get(ctx context.Context, want kv.Field, names []kv.Name, fn func(int, *kv.Record)) error {
	for i, n := range names {
		var r *kv.Record
		shard, it, unlock := s.find([]byte(n.Key))
		if it.OK() && n.DB == 0 {
			r = &kv.Record{Key: n.Key}
			s.describe(r, shard, it, want)
		}
		unlock()
		fn(i, r)
	}
	return ctx.Err()
}

// Touches implements kv.ValueReader.
func (s *store) Touches(context.Context) (string, error) { return "", nil }

// ReadValues implements kv.ValueReader.
func (s *store) ReadValues(ctx context.Context, asks []kv.Ask, fn func(int, kv.Answer, []byte)) error {
	for i := range asks {
		s.readValue(&asks[i], func(a kv.Answer, text []byte) { fn(i, a, text) })
	}
	return ctx.Err()
}

// readValue answers one question under the lock of its key.
func (s *store) readValue(a *kv.Ask, fn func(kv.Answer, []byte)) {
	shard, it, unlock := s.find([]byte(a.Key))
	defer unlock()
	switch t := it.Type(); {
	case !it.OK() || a.DB != 0:
		fn(kv.Lost, nil)
	case a.Part == kv.ContentValue && t == kv.TypeString:
		short(it.Bytes(), fn)
	case a.Part == kv.ContentField && t == kv.TypeString && len(it.Bytes()) > kv.LongestDocument:
		fn(kv.Unlike, nil)
	case a.Part == kv.ContentField && t == kv.TypeString:
		text, answer := kv.JSONField(it.Bytes(), a.Text)
		fn(answer, text)
	case a.Part == kv.ContentField && t == kv.TypeHash:
		h := value.OpenHash(shard, it)
		var buf [32]byte
		text, ok := h.Get([]byte(a.Text), buf[:])
		if !ok {
			fn(kv.Lost, nil)
			return
		}
		short(text, fn)
	case a.Part == kv.ContentValue || a.Part == kv.ContentField || t == kv.TypeString || t == kv.TypeStream:
		fn(kv.Unlike, nil)
	case a.Part == kv.ContentHas:
		found(has(shard, it, []byte(a.Text)), []byte(a.Text), fn)
	default:
		for m := range members(shard, it) {
			short(m, fn)
		}
	}
}

// short answers with a text, if it may be a name.
func short(text []byte, fn func(kv.Answer, []byte)) {
	if len(text) > kv.LongestText {
		fn(kv.Unlike, nil)
		return
	}
	fn(kv.Found, text)
}

func found(ok bool, text []byte, fn func(kv.Answer, []byte)) {
	if !ok {
		fn(kv.Lost, nil)
		return
	}
	fn(kv.Found, text)
}

// has reports whether a collection has a member, an element or a field.
func has(shard *keyspace.Shard, it keyspace.Item, member []byte) bool {
	switch it.Type() {
	case kv.TypeHash:
		v := value.OpenHash(shard, it)
		return v.Has(member)
	case kv.TypeSet:
		v := value.OpenSet(shard, it)
		return v.Has(member)
	case kv.TypeZSet:
		v := value.OpenZSet(shard, it)
		_, ok := v.Score(member)
		return ok
	}
	for m := range members(shard, it) {
		if bytes.Equal(m, member) {
			return true
		}
	}
	return false
}

// members returns those of a set or a sorted set, the elements of a list, the names of the fields of a hash. Each is valid until
// the next.
func members(shard *keyspace.Shard, it keyspace.Item) iter.Seq[[]byte] {
	switch it.Type() {
	case kv.TypeHash:
		v := value.OpenHash(shard, it)
		return firsts(v.All())
	case kv.TypeSet:
		v := value.OpenSet(shard, it)
		return v.All()
	case kv.TypeZSet:
		v := value.OpenZSet(shard, it)
		return firsts(v.From(0))
	}
	v := value.OpenList(shard, it)
	return v.Range(0, v.Len(), false)
}

func firsts[V any](pairs iter.Seq2[[]byte, V]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for m := range pairs {
			if !yield(m) {
				return
			}
		}
	}
}
