package keydesign

import (
	"cmp"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
)

// deepFacts are the facts that few stores tell, and many keys of these do not.
const deepFacts = kv.FieldIdle | kv.FieldFreq | kv.FieldLargest | kv.FieldStored | kv.FieldDigest | kv.FieldRead

// facts are what a record tells of them. A record that tells none costs nothing.
type facts struct {
	idle            int64 // seconds
	freq            uint8
	largest         int64
	logical, stored int64
	digest, hash    uint64 // of the value and, with a digest, of the key
	compact         bool   // the value is one block
	read            bool   // since it was written
}

// factsOf fills f with what r tells and returns it, or nil if that is nothing.
func factsOf(r *kv.Record, f *facts) *facts {
	if r.Known&deepFacts == 0 {
		return nil
	}
	*f = facts{
		idle: int64(r.Idle / time.Second), freq: r.Freq, largest: r.Largest, logical: r.Logical, stored: r.Stored, digest: r.Digest,
		read: r.Read,
	}
	if r.Has(kv.FieldDigest) {
		f.hash = sketch.Hash(r.Key)
	}
	switch r.Encoding {
	case kv.EncodingListpack, kv.EncodingListpackEx, kv.EncodingZiplist, kv.EncodingZipmap, kv.EncodingIntset:
		f.compact = true
	}
	return f
}

// A depth is what the keys of a template tell beyond type, size and TTL. Each part is there from the first key on that tells
// it, so that a template costs no more than what is known of it.
type depth struct {
	idle     *idleness
	freq     *sketch.Quantiles
	packed   *elements // collections that are one block
	spilled  *elements // those that are a table
	stored   *storage
	values   *valueSample
	leases   *leases
	reads    *readership
	expired  int64 // bytes past their expiry
	outsized extreme
}

// observe counts o, which has facts or is past its expiry.
func (d *depth) observe(o *observation) {
	if o.ttl == kv.TTLExpired && o.known&kv.FieldSize != 0 {
		d.expired += o.size
	}
	f := o.deep
	if f == nil {
		return
	}
	if o.known&kv.FieldIdle != 0 {
		part(&d.idle).observe(o)
		if o.ttl == kv.TTLAt {
			part(&d.leases).observe(o.left/1000 + f.idle)
		}
	}
	if o.known&kv.FieldFreq != 0 {
		part(&d.freq).Add(int64(f.freq))
	}
	if o.known&kv.FieldRead != 0 {
		part(&d.reads).observe(o)
	}
	if o.known&kv.FieldLargest != 0 {
		d.outsized.raise(f.largest, o.key)
		class := &d.spilled
		if f.compact {
			class = &d.packed
		}
		part(class).observe(o)
	}
	if o.known&kv.FieldStored != 0 {
		part(&d.stored).observe(f)
	}
	if o.known&kv.FieldDigest != 0 {
		if d.values == nil {
			d.values = newValueSample(mostValues)
		}
		d.values.add(sampledValue{f.hash, f.digest, f.logical})
	}
}

// part returns what p points to, and makes it first if there is nothing yet.
func part[T any](p **T) *T {
	if *p == nil {
		*p = new(T)
	}
	return *p
}

func (d *depth) merge(o *depth) {
	d.expired += o.expired
	d.outsized.raise(o.outsized.value, o.outsized.key)
	if o.idle != nil {
		part(&d.idle).merge(o.idle)
	}
	if o.leases != nil {
		part(&d.leases).merge(o.leases)
	}
	if o.reads != nil {
		part(&d.reads).merge(o.reads)
	}
	if o.freq != nil {
		part(&d.freq).Merge(o.freq)
	}
	if o.packed != nil {
		part(&d.packed).merge(o.packed)
	}
	if o.spilled != nil {
		part(&d.spilled).merge(o.spilled)
	}
	if o.stored != nil {
		part(&d.stored).merge(o.stored)
	}
	if o.values != nil {
		if d.values == nil {
			d.values = newValueSample(o.values.limit)
		}
		d.values.merge(o.values)
	}
}

func (d *depth) clone() *depth {
	c := &depth{}
	c.merge(d)
	return c
}

// bins returns how many bins the histograms use; limit lowers the most that each may use. A value of a sample counts as two.
func (d *depth) bins() (n int) {
	d.histograms(func(q *sketch.Quantiles) { n += q.Bins() })
	if d.values != nil {
		n += 2 * d.values.len()
	}
	return n
}

func (d *depth) limit(bins int) {
	d.histograms(func(q *sketch.Quantiles) { q.Limit(bins) })
	if d.values != nil {
		d.values.fit(bins * valuesABin)
	}
}

func (d *depth) histograms(do func(*sketch.Quantiles)) {
	if d.idle != nil {
		do(&d.idle.times)
	}
	if d.freq != nil {
		do(d.freq)
	}
	for _, e := range []*elements{d.packed, d.spilled} {
		if e != nil {
			do(&e.lengths)
			do(&e.largest)
		}
	}
}

// known returns the facts that some key told.
func (d *depth) known() (f kv.Field) {
	if d.packed != nil || d.spilled != nil {
		f |= kv.FieldLargest
	}
	if d.idle != nil {
		f |= kv.FieldIdle
	}
	if d.reads != nil {
		f |= kv.FieldRead
	}
	return f
}

// coldAfter are the idle times, in seconds, from which a key counts as cold.
var coldAfter = [...]int64{day, 7 * day, 30 * day}

const day = 24 * 60 * 60

// leases are what keys have left and the time since they were used, together: about the TTL that was set, where each use sets it
// anew.
type leases struct {
	keys, sum int64 // in seconds
	squares   sketch.Wide
}

// longestLease bounds one, so that no sum of them is too great: a thousand years.
const longestLease = 1000 * 365 * day

func (l *leases) observe(seconds int64) {
	seconds = max(0, min(seconds, longestLease))
	l.keys++
	l.sum += seconds
	l.squares.AddSquare(seconds)
}

func (l *leases) merge(o *leases) {
	l.keys += o.keys
	l.sum += o.sum
	l.squares.Add(o.squares)
}

// An idleness is how long the keys of a template have not been used.
type idleness struct {
	keys, bytes int64
	cold        [len(coldAfter)]load
	times       sketch.Quantiles // seconds
}

func (i *idleness) observe(o *observation) {
	l := load{keys: 1}
	if o.known&kv.FieldSize != 0 {
		l.bytes, l.sized = o.size*max(1, o.stands), 1
	}
	i.keys++
	i.bytes += l.bytes
	i.times.Add(o.deep.idle)
	for n, after := range coldAfter {
		if o.deep.idle >= after {
			i.cold[n].add(l)
		}
	}
}

func (i *idleness) merge(o *idleness) {
	i.keys += o.keys
	i.bytes += o.bytes
	i.times.Merge(&o.times)
	for n := range i.cold {
		i.cold[n].add(o.cold[n])
	}
}

// A readership is how many keys of a template have been read since they were written. Those that were written a moment ago have
// not had the time.
type readership struct {
	told   load // keys that told it, and have had the time
	unread load // of these, never read
}

// timeToRead is how long after a key was written it counts as one that nobody reads, in seconds. Of a store that does not tell idle
// times all keys count.
const timeToRead = 60 * 60

func (r *readership) observe(o *observation) {
	if o.known&kv.FieldIdle != 0 && o.deep.idle < timeToRead && !o.deep.read {
		return
	}
	l := load{keys: 1}
	if o.known&kv.FieldSize != 0 {
		l.bytes, l.sized = o.size*max(1, o.stands), 1
	}
	r.told.add(l)
	if !o.deep.read {
		r.unread.add(l)
	}
}

func (r *readership) merge(o *readership) {
	r.told.add(o.told)
	r.unread.add(o.unread)
}

// share returns the share of bytes that nobody has read, or of keys where no size is known.
func (r *readership) share() float64 {
	if r.told.keys == 0 {
		return 0
	}
	return r.unread.weight(&r.told)
}

// elements are the sizes of collections.
type elements struct {
	keys, bytes, names, sum int64 // sum of elements
	lengths                 sketch.Quantiles
	largest                 sketch.Quantiles
}

func (e *elements) observe(o *observation) {
	e.largest.Add(o.deep.largest)
	if o.known&(kv.FieldLen|kv.FieldSize) != kv.FieldLen|kv.FieldSize {
		return
	}
	e.keys++
	e.bytes += o.size
	e.names += int64(o.name)
	e.sum += o.length
	e.lengths.Add(o.length)
}

func (e *elements) merge(o *elements) {
	e.keys += o.keys
	e.bytes += o.bytes
	e.names += o.names
	e.sum += o.sum
	e.lengths.Merge(&o.lengths)
	e.largest.Merge(&o.largest)
}

// A storage is what string values take in a file.
type storage struct {
	strings, compressed, logical, stored int64
	long, longBytes                      int64 // of these, strings that digests are taken of
}

// digestLeast is how many bytes a string must have for its digest to be taken.
const digestLeast = 32

func (s *storage) observe(f *facts) {
	s.strings++
	s.logical += f.logical
	s.stored += f.stored
	if f.stored < f.logical {
		s.compressed++
	}
	if f.logical >= digestLeast {
		s.long++
		s.longBytes += f.logical
	}
}

func (s *storage) merge(o *storage) {
	s.strings += o.strings
	s.compressed += o.compressed
	s.logical += o.logical
	s.stored += o.stored
	s.long += o.long
	s.longBytes += o.longBytes
}

// Bounds of the values that are kept of a template.
const (
	mostValues = valuesABin * sketch.DefaultBins
	valuesABin = 8
)

// A valueSample is the digests of some keys' values: of those with the smallest hashes, so that the order of the keys does not
// change which. Two of the same key are one.
type valueSample struct {
	limit int
	top   *sketch.Top[sampledValue]
}

type sampledValue struct {
	key, digest uint64
	bytes       int64
}

func newValueSample(limit int) *valueSample {
	return &valueSample{limit, sketch.NewTop(limit, compareValues)}
}

func compareValues(a, b sampledValue) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.digest, b.digest), cmp.Compare(a.bytes, b.bytes))
}

func (v *valueSample) add(x sampledValue) { v.top.Add(x) }

func (v *valueSample) len() int { return v.top.Len() }

func (v *valueSample) fit(limit int) {
	if limit >= v.limit {
		return
	}
	top := v.top
	v.limit, v.top = limit, sketch.NewTop(limit, compareValues)
	v.top.Merge(top)
}

func (v *valueSample) merge(o *valueSample) {
	v.fit(o.limit)
	v.top.Merge(o.top)
}

// values returns the sample, each key once.
func (v *valueSample) values() []sampledValue {
	return slices.CompactFunc(v.top.Sorted(), func(a, b sampledValue) bool { return a.key == b.key })
}
