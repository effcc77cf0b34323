package memory

import (
	"math"
	"math/bits"

	"github.com/kvtool/kvtool/kv"
)

// Valkey 8.1 and later keep a key, its expiry and a short value in one block with the object, and have hash tables of
// 64-byte buckets with seven places each (object.c, entry.c, hashtable.c; every figure was checked against 9.1):
//
//	object   header 8 │ pointer 8, unless the value is inside │ expiry 8, if any │ 1 + key as sds │ value as sds
//	entry    expiry 8, if any │ field as sds │ value as sds, or before the field a pointer to it
//	bucket   8 bytes │ 7 pointers; a full one gives its last place to a pointer to a child bucket
const (
	hashtableStruct = 80
	hashtableMeta   = 8 // of hashes: the set of fields that expire
	bucketBytes     = 64
	bucketPlaces    = 7
	embedEntry      = 128 // longest entry of a hash with its value inside
	skipHeader      = 528 // skiplist with its header node
	roomForExpiry   = 128 // keys this long have a place for an expiry from the start
)

// packs reports whether keys are in one block with their objects.
func (m *Model) packs() bool { return m.shape.embed > 0 }

// keyRequest is what a key inside an object takes: unlike an sds of its own, an empty one is not expected to grow.
func keyRequest(n int64) int64 {
	if n <= 0 {
		return 2
	}
	return sdsRequest(n)
}

// object returns the size of an object's block with a key of n bytes.
func (m *Model) object(n int64, expires bool) int64 {
	size := robj + 1 + keyRequest(n)
	if expires || n >= roomForExpiry {
		size += 8
	}
	return m.Class(size)
}

// Expiry returns what an expiry adds to Key of a name of n bytes.
func (m *Model) Expiry(n int64) int64 {
	if !m.packs() {
		return 0
	}
	return m.object(n, true) - m.object(n, false)
}

// StringOf returns what a string of n bytes adds to Key (and Expiry) of a name of key bytes, and how it is stored.
func (m *Model) StringOf(key, n int64, isInt, expires bool) (int64, kv.Encoding) {
	switch {
	case isInt:
		return m.String(n, true), kv.EncodingInt
	case !m.packs() && n <= EmbstrMax:
		return m.String(n, false), kv.EncodingEmbstr
	case !m.packs():
		return m.String(n, false), kv.EncodingRaw
	}
	block := robj - pointer + 1 + keyRequest(key) + n + 4
	fits := n <= 255 && block <= m.shape.embed
	if expires {
		room := m.Class(block) - block
		block += 8
		fits = fits && (block <= m.shape.embed || room >= 8) // an expiry that comes later takes what room there is
	}
	if !fits {
		return m.robj + m.SDS(n), kv.EncodingRaw
	}
	block += max(0, pointer-n-4) // a value leaves room for the pointer that would replace it
	size := m.Class(block) - m.Key(key)
	if expires {
		size -= m.Expiry(key)
	}
	return size, kv.EncodingEmbstr
}

// Field returns what a field of a hash table costs with its value: what Hash adds up.
func (m *Model) Field(field, value int64, expires bool) int64 {
	if !m.shape.buckets {
		return m.SDS(field) + m.SDS(value)
	}
	head := int64(0)
	if expires {
		head = 8
	}
	name := keyRequest(field)
	if field < 32 && expires {
		name = field + 4 // the smallest header has no room for the mark
	}
	if size := head + name + value + 4; value <= 255 && size <= embedEntry {
		return m.Class(size)
	}
	if field < 32 {
		name = field + 4
	}
	return m.Class(head+pointer+name) + m.SDS(value)
}

// PairsFields reports whether what a field costs depends on its value: Field is more than a sum then.
func (m *Model) PairsFields() bool { return m.shape.buckets }

// MemberUnit is the part of a byte in which Member counts: the mean of random sizes is no whole number, and rounded it would be
// off by as much for every member of a set.
const MemberUnit = 256

// Member returns what a member of a sorted set as a skiplist costs, in MemberUnits: a MemberUnit-th of the sum over the members is
// what ZSet adds up.
func (m *Model) Member(n int64) int64 {
	if !m.shape.buckets {
		return MemberUnit * m.SDS(min(n, maxRequest/MemberUnit))
	}
	if uint64(n) < uint64(len(m.members)) {
		return int64(m.members[n])
	}
	return m.member(n)
}

// member is the mean over the levels of its node: level l has probability 3/4 * (1/4)^(l-1) and costs 16 bytes a level (t_zset.c:
// zslRandomLevel, zslCreateNode).
func (m *Model) member(n int64) int64 {
	const likely = 12 // levels; the others weigh nothing
	mean, p := 0.0, 0.75
	for level := int64(1); level <= likely; level++ {
		mean += p * float64(m.Class(17+16*level+keyRequest(min(n, maxRequest/MemberUnit))))
		p /= 4
	}
	return int64(math.Round(MemberUnit * mean))
}

// hashtable returns the size of a table of n entries, without them. A server that loads sizes it once for all; where it
// grew, it is full before it doubles, and so many steps for each entry empty the old one.
func (m *Model) hashtable(n, steps int64, grew bool) int64 {
	n = min(n, mostEntries)
	size := m.fixed(hashtableStruct)
	if n == 0 {
		return size
	}
	if !grew {
		b := powerOfTwo((n*5 + 31) / 32)
		return size + bucketBytes*b + m.children(n, b)
	}
	b := powerOfTwo((n + bucketPlaces - 1) / bucketPlaces)
	old := b / 2
	size += bucketBytes * b
	left := old - (n-bucketPlaces*old)*steps // buckets of the old table that are still to be moved
	if old == 0 || left <= 0 {
		return size + m.children(n, b)
	}
	moved := n - left*bucketPlaces
	return size + bucketBytes*old + m.children(bucketPlaces*left, left) + m.children(moved, b)
}

// powerOfTwo returns the one that is at least n. What a hostile server or dump says is held to what there can be.
func powerOfTwo(n int64) int64 {
	if n <= 1 {
		return 1
	}
	return 1 << bits.Len64(uint64(min(n, mostEntries)-1))
}

const mostEntries = 1 << 52

// children returns the mean size of the child buckets of b buckets over which n entries are spread by their hashes.
func (m *Model) children(n, b int64) int64 {
	if n <= bucketPlaces || b <= 0 {
		return 0
	}
	full := 0.0
	if b <= fewBuckets {
		full = overfull(float64(n), 1/float64(b))
	} else {
		at := min(float64(n)/float64(b)*spreadSteps, float64(len(m.spread)-2))
		i := int(at)
		full = m.spread[i] + (at-float64(i))*(m.spread[i+1]-m.spread[i])
	}
	return int64(math.Round(full*float64(b))) * bucketBytes
}

const (
	fewBuckets  = 16 // up to which the exact distribution differs from that of many
	spreadSteps = 16 // of the mean entries of a bucket
	spreadMost  = 16 // mean entries of a bucket
)

// newSpread tabulates the mean number of children of a bucket by its mean number of entries.
func newSpread() []float64 {
	s := make([]float64, spreadMost*spreadSteps+2)
	for i := range s {
		const many = 1e6
		s[i] = overfull(many, float64(i)/spreadSteps/many)
	}
	return s
}

// overfull returns the mean number of children of a bucket that each of n entries chooses with probability p: one for each
// six entries above seven.
func overfull(n, p float64) (mean float64) {
	if p <= 0 || p >= 1 {
		return math.Ceil(max(0, n*p-bucketPlaces) / (bucketPlaces - 1))
	}
	chance := math.Exp(n * math.Log1p(-p)) // of c entries
	for c := 0.0; c <= n && c < 1000; c++ {
		if over := c - bucketPlaces; over > 0 {
			mean += chance * math.Ceil(over/(bucketPlaces-1))
		}
		chance *= (n - c) / (c + 1) * p / (1 - p)
	}
	return mean
}
