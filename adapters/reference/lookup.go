package reference

import (
	"context"
	"errors"
	"slices"

	"github.com/kvtool/kvtool/kv"
)

// Get implements kv.Getter.
func (s *store) Get(ctx context.Context, want kv.Field, names []kv.Name, fn func(int, *kv.Record)) error {
	for i, n := range names {
		var r *kv.Record
		b := s.lock(n.Key)
		if en, ok := b.keys.Get(n.Key); ok && n.DB == 0 {
			r = &kv.Record{}
			s.fill(r, en, want)
		}
		b.mu.Unlock()
		fn(i, r)
	}
	return ctx.Err()
}

// Touches implements kv.ValueReader.
func (s *store) Touches(context.Context) (string, error) { return "", nil }

// ReadValues implements kv.ValueReader.
func (s *store) ReadValues(ctx context.Context, asks []kv.Ask, fn func(int, kv.Answer, []byte)) error {
	for i := range asks {
		s.readValue(i, &asks[i], fn)
	}
	return ctx.Err()
}

func (s *store) readValue(i int, a *kv.Ask, fn func(int, kv.Answer, []byte)) {
	t := s.Type(a.Key)
	switch {
	case t == "" || a.DB != 0:
		fn(i, kv.Lost, nil)
	case a.Part == kv.ContentValue:
		text, ok, err := s.Engine.Get(a.Key)
		found(i, text, ok, err, fn)
	case a.Part == kv.ContentField && t == kv.TypeString:
		doc, _, _ := s.Engine.Get(a.Key)
		text, answer := kv.JSONField([]byte(doc), a.Text)
		fn(i, answer, text)
	case a.Part == kv.ContentField:
		text, ok, err := s.HGet(a.Key, a.Text)
		found(i, text, ok, err, fn)
	default:
		s.readMembers(i, t, a, fn)
	}
}

func found(i int, text string, ok bool, err error, fn func(int, kv.Answer, []byte)) {
	switch {
	case errors.Is(err, ErrWrongType):
		fn(i, kv.Unlike, nil)
	case !ok:
		fn(i, kv.Lost, nil)
	default:
		fn(i, kv.Found, []byte(text))
	}
}

func (s *store) readMembers(i int, t kv.Type, a *kv.Ask, fn func(int, kv.Answer, []byte)) {
	var members []string
	switch t {
	case kv.TypeSet:
		members, _ = s.SMembers(a.Key)
	case kv.TypeList:
		members, _ = s.LRange(a.Key, 0, -1)
	case kv.TypeHash:
		pairs, _ := s.HGetAll(a.Key)
		for j := 0; j < len(pairs); j += 2 {
			members = append(members, pairs[j])
		}
	case kv.TypeZSet:
		all, _ := s.ZRange(a.Key, 0, -1)
		for _, m := range all {
			members = append(members, m.Member)
		}
	default:
		fn(i, kv.Unlike, nil)
		return
	}
	if a.Part == kv.ContentHas {
		found(i, a.Text, slices.Contains(members, a.Text), nil, fn)
		return
	}
	for _, m := range members {
		fn(i, kv.Found, []byte(m))
	}
}
