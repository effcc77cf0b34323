package keydesign

import (
	"cmp"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
)

// optional goes over whether there is something at *p, and with walk over what there is.
func optional[T any](f *saved.Form, p **T, walk func(*T)) {
	has := *p != nil
	if f.Bool(&has); has && f.OK() {
		walk(part(p))
	}
}

func (x *facts) form(f *saved.Form) {
	saved.Int(f, &x.idle, &x.largest, &x.logical, &x.stored)
	saved.Uint(f, &x.freq)
	saved.Uint(f, &x.digest, &x.hash)
	f.Bool(&x.compact)
	if f.Version() > 2 {
		f.Bool(&x.read)
	}
}

// compareFacts orders facts by all that they tell; none come first.
func compareFacts(a, b *facts) int {
	if a == nil || b == nil {
		return cmp.Compare(btoi(a != nil), btoi(b != nil))
	}
	return cmp.Or(cmp.Compare(a.idle, b.idle), cmp.Compare(a.freq, b.freq), cmp.Compare(a.largest, b.largest),
		cmp.Compare(a.logical, b.logical), cmp.Compare(a.stored, b.stored), cmp.Compare(a.digest, b.digest),
		cmp.Compare(a.hash, b.hash), cmp.Compare(btoi(a.compact), btoi(b.compact)), cmp.Compare(btoi(a.read), btoi(b.read)))
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Form writes or reads d.
func (d *depth) Form(f *saved.Form) {
	saved.Count(f, &d.expired)
	d.outsized.form(f)
	optional(f, &d.idle, func(i *idleness) {
		saved.Count(f, &i.keys, &i.bytes)
		for n := range i.cold {
			i.cold[n].Form(f)
		}
		i.times.Form(f)
	})
	optional(f, &d.freq, func(q *sketch.Quantiles) { q.Form(f) })
	optional(f, &d.packed, func(e *elements) { e.form(f) })
	optional(f, &d.spilled, func(e *elements) { e.form(f) })
	optional(f, &d.stored, func(s *storage) {
		saved.Count(f, &s.strings, &s.compressed, &s.logical, &s.stored, &s.long, &s.longBytes)
	})
	optional(f, &d.values, func(v *valueSample) { v.form(f) })
	if f.Version() > 1 {
		optional(f, &d.leases, func(l *leases) {
			saved.Count(f, &l.keys, &l.sum)
			l.squares.Form(f)
		})
	}
	if f.Version() > 2 {
		optional(f, &d.reads, func(r *readership) {
			r.told.Form(f)
			r.unread.Form(f)
		})
	}
}

func (e *elements) form(f *saved.Form) {
	saved.Count(f, &e.keys, &e.bytes, &e.names, &e.sum)
	e.lengths.Form(f)
	e.largest.Form(f)
}

func (v *valueSample) form(f *saved.Form) {
	saved.Count(f, &v.limit)
	f.Check(v.limit > 0 && v.limit <= mostValues, "a sample of %d values", v.limit)
	if !f.OK() {
		return
	}
	if f.Reading() {
		*v = *newValueSample(v.limit)
	}
	v.top.Form(f, func(x *sampledValue) {
		saved.Uint(f, &x.key, &x.digest)
		saved.Int(f, &x.bytes)
	})
}
