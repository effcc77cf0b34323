package keydesign

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
)

// templatesVersion is 2 since leases are saved, and 3 since it is how many keys were ever read.
const templatesVersion = 3

// AppendBinary saves t.
func (t *templates) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, templatesVersion, t.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (t *templates) UnmarshalBinary(b []byte) error { return saved.Read(b, templatesVersion, t.form) }

func (t *templates) form(f *saved.Form) {
	saved.Count(f, &t.limit)
	f.Check(t.limit > 0 && t.limit <= sketch.DefaultBins, "histograms of %d bins", t.limit)
	t.tree.Form(f)
	t.declared.form(f)
}

// Form writes or reads l.
func (l *leaf) Form(f *saved.Form) {
	many := l.many != nil
	if f.Bool(&many); many {
		if f.Reading() {
			l.adopt(l.newStats())
		}
		l.many.Form(f)
		return
	}
	few := slices.SortedFunc(slices.Values(l.few), observation.compare)
	saved.Slice(f, fewKeys, &few, func(o *observation) { o.form(f) })
	if f.Reading() {
		l.few = few
	}
}

func (o *observation) form(f *saved.Form) {
	saved.String(f, &o.key)
	saved.Count(f, &o.name)
	saved.Uint(f, &o.odd)
	saved.String(f, &o.typ)
	saved.Int(f, &o.size, &o.length)
	saved.Uint(f, &o.ttl)
	saved.Int(f, &o.expireAt, &o.left)
	saved.Uint(f, &o.known)
	saved.Count(f, &o.stands)
	optional(f, &o.deep, func(x *facts) { x.form(f) })
	f.Check(len(o.key) <= keptKey, "a sample of %d bytes", len(o.key))
}

// compare orders observations by all that they know.
func (o observation) compare(p observation) int {
	return cmp.Or(strings.Compare(o.key, p.key), cmp.Compare(o.name, p.name), cmp.Compare(o.typ, p.typ), cmp.Compare(o.size, p.size),
		cmp.Compare(o.length, p.length), cmp.Compare(o.ttl, p.ttl), cmp.Compare(o.expireAt, p.expireAt),
		cmp.Compare(o.left, p.left), cmp.Compare(o.known, p.known), cmp.Compare(o.odd, p.odd), cmp.Compare(o.stands, p.stands), compareFacts(o.deep, p.deep))
}

// Form writes or reads s.
func (s *stats) Form(f *saved.Form) {
	saved.Count(f, &s.keys, &s.timed, &s.persistent, &s.expired, &s.expiring)
	s.estimate.form(f)
	for _, q := range [...]*sketch.Quantiles{&s.name, &s.size, &s.left} {
		q.Form(f)
	}
	s.expiry.Form(f)
	s.formTypes(f)
	s.longest.form(f)
	s.latest.form(f)
	optional(f, &s.deep, func(d *depth) { d.Form(f) })
	s.strings.form(f)
	s.groups.form(f)
	saved.Count(f, &s.spaced, &s.binary, &s.braced, &s.cards)
	saved.String(f, &s.spaceKey, &s.binaryKey, &s.braceKey)
	for i := range maxSamples {
		saved.String(f, &s.samples[i], &s.lasting[i])
	}
}

// formTypes goes over the types by name: their order is that in which they came.
func (s *stats) formTypes(f *saved.Form) {
	types := slices.SortedFunc(slices.Values(s.types), func(a, b typeCount) int { return cmp.Compare(a.typ, b.typ) })
	saved.Slice(f, maxTypes+1, &types, func(c *typeCount) {
		saved.String(f, &c.typ)
		saved.Count(f, &c.keys)
		saved.String(f, &c.sample)
	})
	if f.Reading() {
		s.types = types
	}
}

func (e *extreme) form(f *saved.Form) {
	saved.Int(f, &e.value)
	saved.String(f, &e.key)
}

func (l *tooLarge) form(f *saved.Form) {
	saved.Count(f, &l.warning, &l.failure)
	l.biggest.form(f)
}
