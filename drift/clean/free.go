package clean

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

// Memory is freed where it is missed least. Kinds come first, for nobody can weigh them against each other: what is temporary,
// then what can be made again, then what costs a login; what cannot be made again is never in a plan. Within a kind a byte is
// worth what it would cost to have it back, times how likely it is asked for:
//
//	worth = cost of rebuilding × 1 / (1 + idle/half) × min(1, left/half) / bytes
//
// where half is an hour, and what is about to expire is worth little because it goes by itself.

// half is the idle time after which a key is asked for half as likely.
const half = time.Hour

// spendable says in which order kinds go, and what one of their keys costs to make again where the schema does not say.
func spendable(k schema.Kind) (class int, cost time.Duration, ok bool) {
	switch k {
	case schema.Temp:
		return 0, 0, true
	case schema.Cache:
		return 1, 10 * time.Millisecond, true
	case schema.Blob:
		return 2, 100 * time.Millisecond, true
	case schema.Session:
		return 3, 10 * time.Second, true // somebody logs in again
	}
	return 0, 0, false
}

// A Source is a template that memory can be freed from.
type Source struct {
	Template string
	Kind     schema.Kind
	Cost     time.Duration // of making a key again
	Keys     int64
	Bytes    int64
	Taken    int64         // keys that are in the plan
	Freed    int64         // and their bytes
	Idle     time.Duration // mean
	class    int
	idle     float64
	told     int64
}

// buckets of worth: by class, and by the power of two.
const (
	worthBuckets = 128
	classes      = 4
)

// Free plans the removal of keys that take size bytes together. It looks at every key of the templates that may be spent, twice:
// to find out where the limit lies, and to take what lies below it.
func Free(ctx context.Context, store kv.Store, s *schema.Schema, size int64, limiter *kv.Limiter, now time.Time) (lines []Line, sources []Source, templates map[string]int64, err error) {
	f := &freeing{store: store, schema: s, limiter: limiter, now: now, templates: map[string]int64{}, sources: map[int]*Source{}}
	if f.getter, err = kv.GetterOf(store); err != nil {
		return nil, nil, nil, err
	}
	if f.match, err = bind.New(s); err != nil {
		return nil, nil, nil, err
	}
	var held [classes * worthBuckets]int64
	if err := f.each(ctx, func(src *Source, r *kv.Record) {
		src.observe(r)
		held[f.bucket(src, r)] += r.Size
	}); err != nil {
		return nil, nil, nil, err
	}
	cut, sum := 0, int64(0)
	for cut < len(held) && sum+held[cut] < size {
		sum += held[cut]
		cut++
	}
	lines = f.take(ctx, cut, size, &err)
	for _, src := range f.sources {
		if src.told > 0 {
			src.Idle = time.Duration(src.idle / float64(src.told) * float64(time.Second))
		}
		sources = append(sources, *src)
	}
	slices.SortFunc(sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(b.Freed, a.Freed), cmp.Compare(a.Template, b.Template))
	})
	return lines, sources, f.templates, err
}

// A freeing looks for memory.
type freeing struct {
	store     kv.Store
	getter    kv.Getter
	schema    *schema.Schema
	match     *bind.Matcher
	limiter   *kv.Limiter
	now       time.Time
	templates map[string]int64
	sources   map[int]*Source
	counted   bool
}

func (s *Source) observe(r *kv.Record) {
	s.Keys++
	s.Bytes += r.Size
	if r.Has(kv.FieldIdle) {
		s.idle += r.Idle.Seconds()
		s.told++
	}
}

// source returns the template of a key if memory may be freed from it.
func (f *freeing) source(t int) *Source {
	if src, known := f.sources[t]; known {
		return src
	}
	tmpl := &f.schema.Templates[t]
	class, cost, ok := spendable(tmpl.Kind)
	if !ok {
		return nil
	}
	for i := range tmpl.Access {
		cost = max(cost, tmpl.Access[i].OnMiss.Cost)
	}
	src := &Source{Template: tmpl.Key.String(), Kind: tmpl.Kind, Cost: cost, class: class}
	f.sources[t] = src
	return src
}

// each calls fn for each key that may be spent, with what it takes, how long it has been idle and when it expires: of every key,
// where a scan would ask a sample.
func (f *freeing) each(ctx context.Context, fn func(*Source, *kv.Record)) error {
	var names []kv.Name
	var of []*Source
	ask := func() error {
		want := kv.FieldType | kv.FieldSize | kv.FieldIdle | kv.FieldFreq | kv.FieldTTL
		err := f.getter.Get(ctx, want, names, func(i int, r *kv.Record) {
			if r != nil && r.Has(kv.FieldSize) {
				fn(of[i], r)
			}
		})
		names, of = names[:0], of[:0]
		return err
	}
	var failed error
	err := eachRecord(ctx, f.store, kv.FieldName, f.limiter, func(r *kv.Record) {
		t, ok := f.match.Match(r.Key)
		if !ok || failed != nil {
			return
		}
		if !f.counted {
			f.templates[f.schema.Templates[t].Key.String()]++
		}
		src := f.source(t)
		if src == nil {
			return
		}
		if names, of = append(names, kv.Name{DB: r.DB, Key: r.Key}), append(of, src); len(names) == 512 {
			failed = ask()
		}
	})
	f.counted = true
	if err = cmp.Or(err, failed); err == nil && len(names) > 0 {
		err = ask()
	}
	return err
}

// worth is what a byte of the key is worth.
func (f *freeing) worth(src *Source, r *kv.Record) float64 {
	w := max(src.Cost.Seconds(), 1e-6) / float64(max(1, r.Size))
	switch {
	case r.Has(kv.FieldIdle):
		w /= 1 + r.Idle.Hours()/half.Hours()
	case r.Has(kv.FieldFreq):
		w *= float64(1+int(r.Freq)) / 256
	}
	if r.TTL == kv.TTLAt {
		w *= min(1, max(1e-3, r.ExpireAt.Sub(f.now).Hours()/half.Hours()))
	}
	return w
}

// bucket is the class of a key, and the power of two of its worth.
func (f *freeing) bucket(src *Source, r *kv.Record) int {
	_, exp := math.Frexp(f.worth(src, r))
	return src.class*worthBuckets + min(max(exp+worthBuckets*3/4, 0), worthBuckets-1)
}

// take returns lines for what lies below the limit, and of what lies at it as much as is wanting.
func (f *freeing) take(ctx context.Context, cut int, size int64, failed *error) (lines []Line) {
	type atLimit struct {
		line  Line
		src   *Source
		worth float64
	}
	var edge []atLimit
	sum := int64(0)
	*failed = f.each(ctx, func(src *Source, r *kv.Record) {
		b := f.bucket(src, r)
		if b > cut || len(lines)+len(edge) >= maxPlan {
			return
		}
		l := f.line(src, r)
		if b == cut {
			edge = append(edge, atLimit{l, src, f.worth(src, r)})
			return
		}
		lines = append(lines, l)
		sum += r.Size
		src.Taken++
		src.Freed += r.Size
	})
	slices.SortStableFunc(edge, func(a, b atLimit) int {
		return cmp.Or(cmp.Compare(a.worth, b.worth), cmp.Compare(a.line.Key, b.line.Key))
	})
	for i := range edge {
		if sum >= size {
			break
		}
		e := &edge[i]
		lines = append(lines, e.line)
		sum += e.line.Bytes
		e.src.Taken++
		e.src.Freed += e.line.Bytes
	}
	return lines
}

func (f *freeing) line(src *Source, r *kv.Record) Line {
	l := Line{
		Key: Text(r.Key), DB: r.DB, Template: src.Template, Action: Delete,
		Reason: fmt.Sprintf("to free memory: %s, %s to make again", src.Kind, src.Cost),
	}
	l.describe(r)
	return l
}
