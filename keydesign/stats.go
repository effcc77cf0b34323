package keydesign

import (
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
)

// A leaf is what is known of the keys of one leaf of the inference tree. A bad keyspace has a hundred thousand leaves of a
// key or two, and a good one a few dozen of millions; so the first fewKeys records are kept as they are, and only a leaf
// with more gets the histograms.
type leaf struct {
	few  []observation
	many *stats
	pool *pool // of the collector; nil in a copy, which lives no longer than a report

	bounds *bounds // of the values of a declared template; nil of an inferred one
	// Where a scan asks a sample of the keys: who decides, nil before there are statistics; and the leaf that this one was
	// folded into while keys were in flight.
	chooser *chooser
	into    *leaf
}

// A pool knows the histograms of a collector, so that their size can be bounded together. It does not know leaves: in a bad
// keyspace they come and go by the hundred thousand.
type pool struct{ all []*stats }

// adopt gives the leaf statistics that it keeps from now on.
func (l *leaf) adopt(s *stats) {
	l.many, l.few = s, nil
	if l.pool != nil {
		l.pool.all = append(l.pool.all, s)
	}
}

const fewKeys = 4

// An observation is what is kept of a record.
type observation struct {
	key      string // at most keptKey bytes of it
	name     int32  // bytes of the key
	odd      oddity
	typ      kv.Type
	size     int64
	length   int64
	ttl      kv.TTLState
	expireAt int64 // seconds since 1970
	left     int64 // milliseconds until then
	stands   int64 // keys
	known    kv.Field
	deep     *facts // nil if there are none; of the collector, until the observation is kept
}

// keptKey is how much of a key is kept as a sample.
const keptKey = 256

// observe makes an observation at the given time, in milliseconds since 1970.
func observe(r *kv.Record, now int64) observation {
	o := observation{
		key: r.Key, name: int32(min(len(r.Key), math.MaxInt32)), odd: oddities(r.Key), typ: r.Type, size: r.Size,
		length: r.Len, ttl: r.TTL, known: r.Known, stands: max(0, r.Stands()),
	}
	if r.TTL == kv.TTLAt && r.ExpireAt.UnixMilli() < now { // a dump that does not say when it was made
		o.ttl = kv.TTLExpired
	}
	if len(r.Key) > keptKey {
		o.key = r.Key[:keptKey]
	}
	if o.ttl == kv.TTLAt {
		o.expireAt = r.ExpireAt.Unix()
		o.left = max(0, r.ExpireAt.UnixMilli()-now)
	}
	return o
}

// keep makes o independent of the memory that its key is part of, if that is much more than is kept.
func (o observation) keep() observation {
	if o.name > keptKey {
		o.key = strings.Clone(o.key)
	}
	if o.deep != nil {
		f := *o.deep
		o.deep = &f
	}
	return o
}

func (l *leaf) observe(o observation) {
	if l.many != nil {
		l.many.observe(&o)
		return
	}
	l.few = append(l.few, o.keep())
	if len(l.few) > fewKeys {
		l.adopt(l.stats())
	}
}

// stats returns the statistics of the leaf; they are the leaf's own if it has them.
func (l *leaf) stats() *stats {
	if l.many != nil {
		return l.many
	}
	s := l.newStats()
	for i := range l.few {
		s.observe(&l.few[i])
	}
	return s
}

// newStats returns statistics that hold values against what is declared of them.
func (l *leaf) newStats() *stats {
	s := newStats()
	if l.bounds != nil {
		s.bounds = *l.bounds
	}
	return s
}

// Merge adds what o knows to l.
func (l *leaf) Merge(o *leaf) {
	if l.pool != nil {
		o.into = l
		if l.chooser == nil {
			l.chooser = o.chooser
		}
	}
	if o.many == nil {
		for _, x := range o.few {
			l.observe(x)
		}
		return
	}
	if l.many == nil {
		l.adopt(l.stats())
	}
	l.many.merge(o.many)
	if l.pool != nil {
		o.many.merged = true // a leaf that is merged into one of a tree is not used again
	}
}

// Clone returns a copy that shares nothing.
func (l *leaf) Clone() *leaf {
	c := &leaf{few: slices.Clone(l.few), bounds: l.bounds}
	if l.many != nil {
		c.many = l.many.clone()
	}
	return c
}

// stats are what the rules and the section know of a template.
type stats struct {
	merged                               bool // into others: for the pool to forget
	keys                                 int64
	timed, persistent, expired, expiring int64 // of the keys that were asked
	estimate                             estimate

	name    sketch.Quantiles // bytes of the key's name
	size    sketch.Quantiles // bytes of the key
	left    sketch.Quantiles // milliseconds until keys expire: precise in proportion, which tells TTLs of all lengths apart
	expiry  sketch.Bins      // seconds since 1970: equally precise everywhere, which shows what expires together
	types   []typeCount
	bounds  bounds   // that strings and groups are held against, where they are declared
	longest extreme  // elements of a collection
	latest  extreme  // expiry
	deep    *depth   // nil where the keys tell nothing of it
	strings tooLarge // KD040
	groups  tooLarge // KD041: collections

	spaced, binary, braced, cards int64  // keys with such bytes
	spaceKey, binaryKey, braceKey string // of these the first in byte order

	samples [maxSamples]string // the first keys in byte order, which no order of the scan changes
	lasting [maxSamples]string // the same of keys without TTL
}

const maxSamples = 3

type typeCount struct {
	typ    kv.Type
	keys   int64
	sample string // the first in byte order
}

// tooLarge counts values over the limits of a rule.
type tooLarge struct {
	warning, failure int64
	biggest          extreme // bytes, whether over a limit or not
}

func (l *tooLarge) merge(o *tooLarge) {
	l.warning += o.warning
	l.failure += o.failure
	l.biggest.raise(o.biggest.value, o.biggest.key)
}

// An extreme is the greatest of some numbers and the key it belongs to.
type extreme struct {
	value int64
	key   string
}

// raise keeps the greater value, and of equal ones the key that comes first.
func (e *extreme) raise(value int64, key string) {
	if value > e.value || value == e.value && value > 0 && key < e.key {
		e.value, e.key = value, key
	}
}

// expiryBins is how many times the bins of other histograms that of expiries may have: 2,048, so that an hour is told by two
// seconds.
const expiryBins = 4

func newStats() *stats { return &stats{expiry: sketch.NewBins(expiryBins * sketch.DefaultBins)} }

func (s *stats) observe(o *observation) {
	s.keys++
	s.estimate.observe(o)
	s.name.Add(int64(o.name))
	keepFirst(&s.samples, o)
	if o.known&kv.FieldSize != 0 {
		s.size.AddN(o.size, max(1, o.stands))
	}
	s.observeTTL(o)
	if o.known&kv.FieldType != 0 {
		s.countType(o.typ, 1, o.key)
		s.observeLimits(o)
	}
	if o.odd != 0 {
		s.countOdd(o)
	}
	if o.deep != nil || o.ttl == kv.TTLExpired {
		part(&s.deep).observe(o)
	}
}

// observeLimits compares the value with the limits of its type. What is not known is 0, which is within all of them.
func (s *stats) observeLimits(o *observation) {
	size, length := o.size, o.length
	if o.known&kv.FieldSize == 0 {
		size = 0
	}
	if o.known&kv.FieldLen == 0 {
		length = 0
	}
	l := &s.groups
	var warning, failure bool
	if o.typ == kv.TypeString {
		l = &s.strings
		warning, failure = s.bounds.string(size, o)
	} else {
		warning, failure = s.bounds.collection(size, length, o)
		s.longest.raise(length, o.key)
	}
	if warning || failure {
		l.warning++
	}
	if failure {
		l.failure++
	}
	l.biggest.raise(size, o.key)
}

func (s *stats) observeTTL(o *observation) {
	if o.known&kv.FieldTTL == 0 {
		return
	}
	s.timed++
	switch o.ttl {
	case kv.TTLNone:
		s.persistent++
		keepFirst(&s.lasting, o)
	case kv.TTLExpired:
		s.expired++
	case kv.TTLAt:
		s.expiring++
		s.left.Add(o.left)
		s.expiry.Add(uint32(max(0, min(o.expireAt, math.MaxUint32))))
		s.latest.raise(o.expireAt, o.key)
	}
}

func (s *stats) countOdd(o *observation) {
	count := func(n *int64, bit oddity, first *string) {
		if o.odd&bit != 0 {
			*n++
			lower(first, o.key)
		}
	}
	var none string
	count(&s.spaced, oddSpace, &s.spaceKey)
	count(&s.binary, oddBinary, &s.binaryKey)
	count(&s.braced, oddBrace, &s.braceKey)
	count(&s.cards, oddCard, &none)
}

// lower keeps the key that comes first in byte order.
func lower(first *string, key string) {
	if key != "" && (*first == "" || key < *first) {
		*first = strings.Clone(key)
	}
}

func (s *stats) countType(t kv.Type, n int64, sample string) {
	for i := range s.types {
		if c := &s.types[i]; c.typ == t {
			c.keys += n
			if sample < c.sample {
				c.sample = strings.Clone(sample)
			}
			return
		}
	}
	if len(s.types) >= maxTypes && t != otherTypes {
		s.countType(otherTypes, n, sample)
		return
	}
	s.types = append(s.types, typeCount{t, n, strings.Clone(sample)})
}

// maxTypes is how many types of one template are told apart: a hostile dump has a module of its own for each key.
const (
	maxTypes   = 64
	otherTypes = kv.Type("others")
)

// keepFirst keeps o's key if it is among the first in byte order.
func keepFirst(first *[maxSamples]string, o *observation) {
	if o.key == "" { // which marks a free place
		return
	}
	if last := first[maxSamples-1]; last == "" || o.key < last {
		insertFirst(first, o.keep().key)
	}
}

func insertFirst(first *[maxSamples]string, key string) {
	for i, k := range first {
		if k == key {
			return
		}
		if k == "" || key < k {
			copy(first[i+1:], first[i:])
			first[i] = key
			return
		}
	}
}

func (s *stats) merge(o *stats) {
	s.keys += o.keys
	s.estimate.merge(&o.estimate)
	s.timed += o.timed
	s.persistent += o.persistent
	s.expired += o.expired
	s.expiring += o.expiring
	s.name.Merge(&o.name)
	s.size.Merge(&o.size)
	s.left.Merge(&o.left)
	s.expiry.Merge(&o.expiry)
	for _, c := range o.types {
		s.countType(c.typ, c.keys, c.sample)
	}
	s.longest.raise(o.longest.value, o.longest.key)
	s.latest.raise(o.latest.value, o.latest.key)
	if o.deep != nil {
		part(&s.deep).merge(o.deep)
	}
	s.strings.merge(&o.strings)
	s.groups.merge(&o.groups)
	s.spaced += o.spaced
	s.binary += o.binary
	s.braced += o.braced
	s.cards += o.cards
	lower(&s.spaceKey, o.spaceKey)
	lower(&s.binaryKey, o.binaryKey)
	lower(&s.braceKey, o.braceKey)
	mergeFirst(&s.samples, &o.samples)
	mergeFirst(&s.lasting, &o.lasting)
}

func mergeFirst(first, more *[maxSamples]string) {
	for _, k := range more {
		if k != "" {
			insertFirst(first, k)
		}
	}
}

func (s *stats) clone() *stats {
	c := *s
	c.name, c.size, c.left, c.expiry = s.name.Clone(), s.size.Clone(), s.left.Clone(), s.expiry.Clone()
	c.types = slices.Clone(s.types)
	if s.deep != nil {
		c.deep = s.deep.clone()
	}
	return &c
}

// bins returns how many bins the histograms use; limit lowers the most that each may use.
func (s *stats) bins() int {
	n := s.name.Bins() + s.size.Bins() + s.left.Bins() + s.expiry.Len()
	if s.deep != nil {
		n += s.deep.bins()
	}
	return n
}

func (s *stats) limit(bins int) {
	s.name.Limit(bins)
	s.size.Limit(bins)
	s.left.Limit(bins)
	s.expiry.Limit(bins * expiryBins)
	if s.deep != nil {
		s.deep.limit(bins)
	}
}

// known returns the facts that some key told.
func (s *stats) known() kv.Field {
	f := kv.FieldName
	if s.estimate.sized > 0 {
		f |= kv.FieldSize
	}
	if s.timed > 0 {
		f |= kv.FieldTTL
	}
	if len(s.types) > 0 {
		f |= kv.FieldType
	}
	if s.deep != nil {
		f |= s.deep.known()
	}
	return f
}

// noTTL returns the share of keys without TTL among those whose TTL is known; ok is false if none is.
func (s *stats) noTTL() (share float64, ok bool) {
	e := &s.estimate
	if e.timed == 0 {
		return 0, false
	}
	return float64(e.persistent) / float64(e.timed), true
}

// typeName is the type of the template's keys: "mixed" if there are several, empty if none is known.
func (s *stats) typeName() string {
	switch len(s.types) {
	case 0:
		return ""
	case 1:
		return string(s.types[0].typ)
	}
	return "mixed"
}
