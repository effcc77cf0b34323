package orphans

import (
	"context"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// recheckPage is how many candidates are asked about at once.
const recheckPage = 256

// recheck asks about the candidates by name, twice. What does not change while it is read needs no asking.
func (r *run) recheck(ctx context.Context) error {
	if !r.live || r.getter == nil || r.Recheck < 0 {
		for i := range r.found {
			f := &r.found[i]
			f.confirmed, f.named = f.named, nil
		}
		return nil
	}
	left := 0
	for i := range r.found {
		f := &r.found[i]
		f.rechecked = int64(len(f.named))
		named, err := r.round(ctx, f.named)
		if err != nil {
			return err
		}
		f.named = f.named[:0]
		for _, c := range named {
			if c.record.TTL == kv.TTLAt && time.Until(c.record.ExpireAt) <= r.Recheck {
				f.expiring++
				continue
			}
			f.named = append(f.named, c)
		}
		left += len(f.named)
	}
	r.rounds[0] = time.Now()
	if left == 0 {
		return nil
	}
	if r.Waiting != nil {
		r.Waiting(left, r.Recheck)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(r.Recheck):
	}
	for i := range r.found {
		f := &r.found[i]
		confirmed, err := r.round(ctx, f.named)
		if err != nil {
			return err
		}
		f.confirmed, f.named = confirmed, nil
	}
	r.rounds[1] = time.Now()
	return nil
}

// round returns those of the candidates that still lead nowhere. Of each page the keys that are referred to are asked about
// first, and those that refer last: a pair that is deleted in between is not taken for an orphan.
func (r *run) round(ctx context.Context, cs []candidate) (left []candidate, err error) {
	for len(cs) > 0 {
		n := min(recheckPage, len(cs))
		if err := r.Audit.Limiter.Wait(ctx, 2*n); err != nil {
			return nil, err
		}
		page := cs[:n]
		for _, step := range []func(context.Context, []candidate) ([]candidate, error){r.targets, r.backrefs, r.entries, r.keys} {
			if page, err = step(ctx, page); err != nil || len(page) == 0 {
				break
			}
		}
		if err != nil {
			return nil, err
		}
		left = append(left, page...)
		cs = cs[n:]
	}
	return left, nil
}

// targets keeps the candidates whose target is missing; of those that do not lead back, whose target is there.
func (r *run) targets(ctx context.Context, cs []candidate) ([]candidate, error) {
	names := make([]kv.Name, len(cs))
	for i := range cs {
		names[i] = kv.Name{DB: cs[i].db, Key: cs[i].target}
	}
	keep := make([]bool, len(cs))
	err := r.getter.Get(ctx, kv.FieldName, names, func(i int, rec *kv.Record) {
		stale := cs[i].relation%2 == 1
		keep[i] = (rec != nil) == stale
	})
	return kept(cs, keep), err
}

// backrefs keeps those whose target does not lead back.
func (r *run) backrefs(ctx context.Context, cs []candidate) ([]candidate, error) {
	keep := make([]bool, len(cs))
	var asks []kv.Ask
	var of []int
	for i := range cs {
		c := &cs[i]
		keep[i] = true
		if c.relation%2 == 1 {
			asks = append(asks, kv.Ask{Name: kv.Name{DB: c.db, Key: c.target}, Part: kv.ContentField, Text: r.refs[c.relation/2].Backref})
			of = append(of, i)
		}
	}
	if asks == nil {
		return cs, nil
	}
	err := r.values.ReadValues(ctx, asks, func(i int, a kv.Answer, text []byte) {
		c := &cs[of[i]]
		switch a {
		case kv.Found:
			entry, ok := r.refs[c.relation/2].Back(nil, c.target, text)
			keep[of[i]] = !ok || string(entry) != c.key
			c.says, c.lost = string(text), false
		case kv.Lost:
			c.lost = true
		case kv.Unlike, kv.Forbidden:
			keep[of[i]] = false // nothing is known
		}
	})
	return kept(cs, keep), err
}

// entries keeps those whose value still says what it did.
func (r *run) entries(ctx context.Context, cs []candidate) ([]candidate, error) {
	keep := make([]bool, len(cs))
	var asks []kv.Ask
	var of []int
	for i := range cs {
		c := &cs[i]
		ref := r.refs[c.relation/2]
		q := kv.Ask{Name: kv.Name{DB: c.db, Key: c.key}, Part: ref.Content, Text: ref.Field}
		switch ref.Content {
		case kv.ContentNone:
			keep[i] = true
			continue
		case kv.ContentMembers:
			q.Part, q.Text = kv.ContentHas, c.text
		}
		asks, of = append(asks, q), append(of, i)
	}
	if asks == nil {
		return cs, nil
	}
	err := r.values.ReadValues(ctx, asks, func(i int, a kv.Answer, text []byte) {
		keep[of[i]] = a == kv.Found && string(text) == cs[of[i]].text
	})
	return kept(cs, keep), err
}

// keys keeps those that are there, with what they are.
func (r *run) keys(ctx context.Context, cs []candidate) ([]candidate, error) {
	names := make([]kv.Name, len(cs))
	for i := range cs {
		names[i] = kv.Name{DB: cs[i].db, Key: cs[i].key}
	}
	keep := make([]bool, len(cs))
	want := kv.FieldType | kv.FieldTTL | kv.FieldSize | kv.FieldIdle
	err := r.getter.Get(ctx, want, names, func(i int, rec *kv.Record) {
		if keep[i] = rec != nil; keep[i] {
			cs[i].record = *rec
		}
	})
	return kept(cs, keep), err
}

func kept(cs []candidate, keep []bool) []candidate {
	out := cs[:0]
	for i := range cs {
		if keep[i] {
			out = append(out, cs[i])
		}
	}
	return out
}
