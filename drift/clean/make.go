package clean

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// OfOrphan returns the line that removes an orphan; ok is false where that would remove more than is at fault: a set of which one
// member leads nowhere, a record of which one field does.
func OfOrphan(o *orphans.Orphan) (l Line, ok bool) {
	switch {
	case o.Of.Kind == schema.RefParent:
	case o.Of.Kind == schema.RefIndex && (o.Of.Content == kv.ContentValue || o.Of.Content == kv.ContentField):
		l.Reads = append(l.Reads, Reading{Key: Text(o.Key), Field: o.Of.Field, Says: Text(o.Text)})
	default:
		return l, false
	}
	l.Key, l.DB, l.Template, l.Action, l.Rule = Text(o.Key), o.DB, o.Template, Delete, o.Rule
	l.Reason = o.Reason + ": " + o.Of.To
	l.Evidence = map[string]any{"reference": o.Reference, "target": Text(o.Target)}
	if o.Reason == "stale" {
		l.Reads = append(l.Reads, Reading{Key: Text(o.Target), Field: o.Of.Backref, Says: Text(o.Says), Lost: o.Lost})
	} else {
		l.Missing = Text(o.Target)
	}
	l.describe(&o.Record)
	return l, true
}

// describe notes what a key is.
func (l *Line) describe(r *kv.Record) {
	l.Type, l.Expiry = r.Type, "none"
	if r.TTL == kv.TTLAt {
		l.Expiry = "some"
		at := r.ExpireAt.UTC().Truncate(time.Millisecond)
		l.ExpireAt = &at
	}
	if r.Has(kv.FieldSize) {
		l.Bytes = r.Size
	}
	if r.Has(kv.FieldIdle) {
		idle := r.Idle.Seconds()
		l.Idle = &idle
	}
}

// sealPage is how many keys are told from what they will be at a time.
const sealPage = 200

// Seal notes of what is to be deleted what it is now, as the store computes it: what is written to it afterwards stays. What has gone
// meanwhile leaves the plan. Values that are too long to be kept are not computed with; the limiter counts keys.
//
// An expiry is given to whatever has none: a value that was written to since needs it as much.
func (p *Plan) Seal(ctx context.Context, store kv.Remover, maxValue int64, limiter *kv.Limiter) error {
	var names []kv.Name
	var of []int
	for i := range p.Lines {
		if l := &p.Lines[i]; l.Action == Delete && l.Bytes <= surely*maxValue {
			names, of = append(names, l.name()), append(of, i)
		}
	}
	gone := map[int]bool{}
	for len(names) > 0 {
		n := min(sealPage, len(names))
		if err := limiter.Wait(ctx, n); err != nil {
			return err
		}
		err := store.Digest(ctx, names[:n], func(i int, d *kv.Digest) {
			l := &p.Lines[of[i]]
			if d == nil {
				gone[of[i]] = true
				return
			}
			if l.Value = d.SHA1; d.HasFreq {
				freq := int(d.Freq)
				l.Freq = &freq
			}
		})
		if err != nil {
			return err
		}
		names, of = names[n:], of[n:]
	}
	left := p.Lines[:0]
	for i := range p.Lines {
		if !gone[i] {
			left = append(left, p.Lines[i])
		}
	}
	p.Lines = left
	return nil
}

// Sort puts the lines of a plan into their order, and leaves one of those that a key has.
func (p *Plan) Sort() {
	slices.SortStableFunc(p.Lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Template, b.Template), cmp.Compare(a.DB, b.DB), cmp.Compare(a.Key, b.Key))
	})
	p.Lines = slices.CompactFunc(p.Lines, func(a, b Line) bool { return a.DB == b.DB && a.Key == b.Key })
}

// wrongBy is how many times as long as declared a TTL must be to be taken for a mistake of its unit.
const wrongBy = 10

// maxPlan bounds the lines of a plan: one that is applied makes room for the next.
const maxPlan = 1 << 20

// TTLs returns the lines that give keys the expiry which their template declares: those that have none, and those that live
// more than ten times as long.
func TTLs(ctx context.Context, store kv.Store, s *schema.Schema, limiter *kv.Limiter) (lines []Line, templates map[string]int64, err error) {
	m, err := bind.New(s)
	if err != nil {
		return nil, nil, err
	}
	templates = map[string]int64{}
	want := kv.FieldType | kv.FieldTTL | kv.FieldSize
	err = eachRecord(ctx, store, want, limiter, func(r *kv.Record) {
		t, ok := m.Match(r.Key)
		if !ok {
			return
		}
		text := s.Templates[t].Key.String()
		templates[text]++
		if l, wrong := repair(&s.Templates[t], s, r, text); wrong && len(lines) < maxPlan {
			lines = append(lines, l)
		}
	})
	return lines, templates, err
}

// repair returns the line that gives a key the expiry that is declared.
func repair(t *schema.Template, s *schema.Schema, r *kv.Record, text string) (l Line, wrong bool) {
	ttl := t.TTL
	if ttl.Policy == "" {
		ttl = s.Defaults.TTL
	}
	lives := ttl.Value
	if ttl.Policy == schema.TTLSliding {
		lives = ttl.Idle
	}
	if ttl.Policy != schema.TTLFixed && ttl.Policy != schema.TTLSliding || lives <= 0 || !r.Has(kv.FieldTTL) {
		return l, false
	}
	l = Line{Key: Text(r.Key), DB: r.DB, Template: text, Action: Expire, Seconds: lives.Seconds()}
	l.describe(r)
	longest := max(lives, ttl.MaxAge)
	longest += max(ttl.Jitter.High, time.Duration(float64(lives)*ttl.Jitter.HighShare))
	switch {
	case r.TTL == kv.TTLNone:
		l.Rule, l.Reason = "KD061", fmt.Sprintf("no expiry, where %s is declared", lives)
	case r.TTL == kv.TTLAt && time.Until(r.ExpireAt) > wrongBy*longest:
		l.Rule, l.Reason = "KD063", fmt.Sprintf("expires in %s, where %s is declared", time.Until(r.ExpireAt).Round(time.Second), lives)
		l.Expiry = fmt.Sprintf(">%d", (wrongBy * longest).Milliseconds())
	default:
		return l, false
	}
	return l, true
}

// eachRecord scans a store.
func eachRecord(ctx context.Context, store kv.Store, want kv.Field, limiter *kv.Limiter, fn func(*kv.Record)) error {
	for r, err := range store.Scan(ctx, kv.ScanOptions{Want: want, Limiter: limiter}) {
		if err != nil {
			return err
		}
		fn(r)
	}
	return nil
}
