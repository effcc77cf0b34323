package value

import (
	"iter"
	"math/rand/v2"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/zset"
	"github.com/kvtool/kvtool/internal/memory"
)

// A ZSet is a sorted set at a key, or the one that is to be there: a listpack while it is small (zset-max-listpack-entries,
// zset-max-listpack-value), and a skiplist to a client from then on. Scores must not be NaN.
type ZSet struct {
	shard *keyspace.Shard
	item  keyspace.Item
	pack  zsetPack  // of a small one
	tree  *zsetTree // of a large one
	ours  bool      // pack is a copy that may be changed
}

// zsetTree is the Object of a large sorted set.
type zsetTree struct {
	*zset.Set
	model    *memory.Model
	elements int64 // what a server would count for the members alone
}

func (o *zsetTree) Size(m *memory.Model) int64 { return m.ZSet(int64(o.Len()), o.elements) }

func (o *zsetTree) Clone(to *keyspace.Shard) (keyspace.Object, bool) {
	set, ok := o.Set.Clone(to.Heap())
	return &zsetTree{set, o.model, o.elements}, ok
}

// insert makes member one, at p, where none is.
func (o *zsetTree) insert(p zset.Place, member []byte, score float64) bool {
	if !o.Insert(p, member, score) {
		return false
	}
	o.elements += o.model.SDS(int64(len(member)))
	return true
}

// gone is for a member that is to be removed.
func (o *zsetTree) gone(member []byte) { o.elements -= o.model.SDS(int64(len(member))) }

// OpenZSet returns the sorted set that it is, or an empty one if the key is not there. it has to be a sorted set of s.
func OpenZSet(s *keyspace.Shard, it keyspace.Item) ZSet {
	v := ZSet{shard: s, item: it}
	if o, ok := it.Object().(*zsetTree); ok {
		v.tree = o
	} else {
		v.pack = zsetPack{it.Bytes()}
	}
	return v
}

// NewZSet returns an empty sorted set, to be put at a key of s.
func NewZSet(s *keyspace.Shard) ZSet { return ZSet{shard: s} }

// Warm reads what is about to be read for members of a large set, and changes nothing.
func (v *ZSet) Warm(members [][]byte) {
	if v.tree != nil {
		v.tree.Warm(members)
	}
}

// Len returns the number of members.
func (v *ZSet) Len() int {
	switch {
	case v.tree != nil:
		return v.tree.Len()
	case v.pack.Listpack == nil:
		return 0
	}
	return v.pack.len()
}

// Score returns the score of member.
func (v *ZSet) Score(member []byte) (score float64, ok bool) {
	if v.tree != nil {
		return v.tree.Score(member)
	}
	if v.Len() == 0 {
		return 0, false
	}
	at := v.pack.find(member)
	if at < 0 {
		return 0, false
	}
	return v.pack.scoreOf(at), true
}

// Rank returns the number of members before member.
func (v *ZSet) Rank(member []byte) (rank int, ok bool) {
	if v.tree != nil {
		return v.tree.Rank(member)
	}
	if v.Len() == 0 {
		return 0, false
	}
	at := v.pack.find(member)
	if at < 0 {
		return 0, false
	}
	return v.pack.rank(at), true
}

// Remove takes member out and reports whether it was one.
func (v *ZSet) Remove(member []byte) bool {
	if v.tree != nil {
		p := v.tree.Find(member)
		if p.Found() {
			v.tree.gone(member)
			v.tree.Delete(p)
		}
		return p.Found()
	}
	if v.Len() == 0 {
		return false
	}
	at := v.pack.find(member)
	if at >= 0 {
		v.own(0)
		v.pack.Listpack = v.pack.Delete(at, 2)
	}
	return at >= 0
}

// RemoveRange takes out n members from a rank on.
func (v *ZSet) RemoveRange(rank, n int) {
	switch {
	case n <= 0:
	case v.tree != nil:
		v.tree.RemoveRange(rank, n, v.tree.gone)
	default:
		v.own(0)
		v.pack.Listpack = v.pack.Delete(v.pack.Offset(2*rank), 2*n)
	}
}

// own makes a copy of the listpack that may grow by n.
func (v *ZSet) own(n int) {
	if v.ours {
		return
	}
	v.ours = true
	if v.pack.Listpack == nil {
		v.pack.Listpack = append(packed.Listpack(v.shard.Scratch(256)), packed.New()...)
		return
	}
	v.pack.Listpack = append(packed.Listpack(v.shard.Scratch(v.pack.End()+n)), v.pack.Listpack...)
}

// From returns the members from a rank on, in order, with their scores. The set must not change meanwhile.
func (v *ZSet) From(rank int) iter.Seq2[[]byte, float64] {
	return func(yield func([]byte, float64) bool) { v.ascend(rank, yield) }
}

func (v *ZSet) ascend(rank int, yield func([]byte, float64) bool) {
	switch {
	case v.tree != nil:
		v.tree.From(rank)(yield)
		return
	case rank < 0 || rank >= v.Len():
		return
	}
	buf := make([]byte, 0, packed.IntBytes)
	for at := v.pack.Offset(2 * rank); at < v.pack.End(); {
		member, next := v.pack.At(at, buf)
		score, next := v.pack.score(next)
		if !yield(member, score) {
			return
		}
		at = next
	}
}

// Back returns the members from a rank down to the first, with their scores. The set must not change meanwhile.
func (v *ZSet) Back(rank int) iter.Seq2[[]byte, float64] {
	return func(yield func([]byte, float64) bool) { v.descend(rank, yield) }
}

func (v *ZSet) descend(rank int, yield func([]byte, float64) bool) {
	switch {
	case v.tree != nil:
		v.tree.Back(rank)(yield)
		return
	case rank < 0 || rank >= v.Len():
		return
	}
	buf := make([]byte, 0, packed.IntBytes)
	at := v.pack.Offset(2 * rank)
	for {
		member, next := v.pack.At(at, buf)
		score, _ := v.pack.score(next)
		if !yield(member, score) || at == v.pack.First() {
			return
		}
		at = v.pack.Prev(v.pack.Prev(at))
	}
}

// Members appends to dst n members from a rank on, up or down, of a set that is not Packed; it must have so many.
func (v *ZSet) Members(dst [][]byte, rank, n int, down bool) [][]byte {
	return v.tree.Members(dst, rank, n, down)
}

// ScoreRange returns the ranks from low to before high whose scores are in r.
func (v *ZSet) ScoreRange(r ScoreRange) (low, high int) {
	switch {
	case r.empty() || v.Len() == 0:
		return 0, 0
	case v.tree == nil:
		return v.pack.scoreRange(&r)
	}
	low = v.tree.CountBelow(r.Min, r.MinEx)
	return low, max(low, v.tree.CountBelow(r.Max, !r.MaxEx))
}

// LexRange returns the ranks from low to before high whose members are in r, if all scores are equal. If they are not, a small set
// gives the run that a server gives to one who reads in this direction.
func (v *ZSet) LexRange(r LexRange, back bool) (low, high int) {
	switch {
	case r.empty() || v.Len() == 0:
		return 0, 0
	case v.tree == nil:
		return v.pack.lexRange(&r, back)
	}
	high = v.tree.Len()
	if r.Min.Infinite == 0 {
		low = v.tree.CountBefore(r.Min.Member, r.Min.Exclusive)
	}
	if r.Max.Infinite == 0 {
		high = v.tree.CountBefore(r.Max.Member, !r.Max.Exclusive)
	}
	return low, max(low, high)
}

// Random returns a member, each with the same chance; one that is a number is written to buf. The set must not be empty.
func (v *ZSet) Random(r *rand.Rand, buf []byte) (member []byte, score float64) {
	if v.tree != nil {
		return v.tree.Random(r)
	}
	member, next := v.pack.At(v.pack.Offset(2*r.IntN(v.Len())), buf)
	score, _ = v.pack.score(next)
	return member, score
}

// Scan visits the members of a part of the set, and returns the cursor of the next part: 0 is the first, and the end. A small set
// has one part. The scores of a small one are as the listpack has them: a whole one has all its digits.
func (v *ZSet) Scan(cursor uint64, visit func(member []byte, score float64)) (next uint64) {
	if v.tree != nil {
		return v.tree.Scan(cursor, visit)
	}
	for member, score := range v.From(0) {
		visit(member, score)
	}
	return 0
}

// Packed reports whether the set is a listpack.
func (v *ZSet) Packed() bool { return v.tree == nil }

// Put writes what was changed to the key: an empty set deletes it. It fails, and the key is what it was, if the arena is full.
func (v *ZSet) Put(db int, key []byte, hash uint64) (keyspace.Item, bool) {
	ok := true
	switch {
	case v.Len() == 0:
		if v.item.OK() {
			v.shard.Delete(v.item)
		}
		*v = ZSet{shard: v.shard}
	case v.tree != nil:
		if v.item, ok = v.shard.PutObject(db, key, hash, v.item, keyspace.KindZSetTree, v.tree); !ok {
			v.tree.Release()
		}
	case v.ours:
		v.item, ok = v.shard.PutBytes(db, key, hash, v.item, keyspace.KindZSetPacked, v.pack.Listpack)
		v.pack.Listpack, v.ours = v.item.Bytes(), false
	}
	return v.item, ok
}

// Release gives back what a set that was not put has in the arena.
func (v *ZSet) Release() {
	if v.tree != nil {
		v.tree.Release()
	}
}
