package reference

import (
	"cmp"
	"iter"
	"math"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/zset"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// A Member is a member of a sorted set with its score.
type Member struct {
	Score  float64
	Member string
}

// Compare orders members as Redis does: by score, then by their bytes.
func (a Member) Compare(b Member) int {
	return cmp.Or(cmp.Compare(a.Score, b.Score), strings.Compare(a.Member, b.Member))
}

// A sortedSet is a listpack of member, score, member, score in order while it is small, and a tree from then on, with its
// members in the arena of the bucket. The server calls the latter a skiplist.
type sortedSet struct {
	heap  *arena.Arena
	pack  packed.Pack
	tree  *zset.Set // nil while it is a listpack
	bytes int64     // of the members in the tree, as the memory model counts them
}

func (*sortedSet) kind() kv.Type { return kv.TypeZSet }

func (v *sortedSet) encoding() kv.Encoding {
	if v.tree != nil {
		return kv.EncodingSkiplist
	}
	return kv.EncodingListpack
}

func (v *sortedSet) length() int {
	if v.tree != nil {
		return v.tree.Len()
	}
	return v.pack.Len() / 2
}

func (v *sortedSet) size(m *memory.Model) int64 {
	if v.tree != nil {
		return m.ZSet(int64(v.tree.Len()), v.bytes)
	}
	return m.Blob(int64(v.pack.Bytes()))
}

// formatScore writes a score as the server's listpacks hold it: a whole number of up to 62 bits as such (double2ll, which
// loses the sign of a zero), any other with 17 digits (d2string).
func formatScore(x float64) string {
	switch {
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	case x == math.Trunc(x) && math.Abs(x) <= 1<<62:
		return strconv.FormatInt(int64(x), 10)
	}
	return strconv.FormatFloat(x, 'g', 17, 64)
}

// parseScore reads what formatScore wrote.
func parseScore(b []byte) float64 {
	x, _ := strconv.ParseFloat(string(b), 64)
	return x
}

// add gives member a score and reports whether it is new. ErrMemory leaves the set as it was, but that it may be a tree.
func (v *sortedSet) add(it Member, lim limits, m *memory.Model) (added bool, err error) {
	if v.tree != nil {
		return v.addToTree(it, m)
	}
	had := v.remove(it.Member, m)
	if !had && (v.length() >= lim.zsetEntries || len(it.Member) > lim.zsetValue) {
		if err := v.spread(m); err != nil {
			return false, err
		}
		return v.addToTree(it, m)
	}
	at := 0
	for at < v.pack.End() { // few and close together: cheaper than any index
		here, next := v.item(at)
		if here.Compare(it) > 0 {
			break
		}
		at = next
	}
	v.pack.Insert(at, formatScore(it.Score))
	v.pack.Insert(at, it.Member)
	return !had, nil
}

func (v *sortedSet) addToTree(it Member, m *memory.Model) (added bool, err error) {
	added, ok := v.tree.Add([]byte(it.Member), it.Score)
	switch {
	case !ok:
		return false, ErrMemory
	case added:
		v.bytes += m.SDS(int64(len(it.Member)))
	}
	return added, nil
}

// item returns the member at offset at of the listpack.
func (v *sortedSet) item(at int) (Member, int) {
	var buf [24]byte
	b, next := v.pack.At(at, buf[:])
	member := string(b)
	b, next = v.pack.At(next, buf[:])
	return Member{Score: parseScore(b), Member: member}, next
}

func (v *sortedSet) score(member string) (float64, bool) {
	if v.tree != nil {
		return v.tree.Score([]byte(member))
	}
	at := v.pack.Find(member, 2)
	if at < 0 {
		return 0, false
	}
	it, _ := v.item(at)
	return it.Score, true
}

func (v *sortedSet) remove(member string, m *memory.Model) bool {
	if v.tree != nil {
		had := v.tree.Remove([]byte(member))
		if had {
			v.bytes -= m.SDS(int64(len(member)))
		}
		return had
	}
	at := v.pack.Find(member, 2)
	if at >= 0 {
		v.pack.Delete(at, 2)
	}
	return at >= 0
}

func (v *sortedSet) rank(member string) (int, bool) {
	if v.tree != nil {
		return v.tree.Rank([]byte(member))
	}
	rank := 0
	for it := range v.from(0) {
		if it.Member == member {
			return rank, true
		}
		rank++
	}
	return 0, false
}

// from yields the members from the given rank on.
func (v *sortedSet) from(rank int) iter.Seq[Member] {
	return func(yield func(Member) bool) {
		if v.tree != nil {
			for m, score := range v.tree.From(rank) {
				if !yield(Member{Score: score, Member: string(m)}) {
					return
				}
			}
			return
		}
		if rank >= v.length() {
			return
		}
		for at := v.pack.Offset(2 * rank); at < v.pack.End(); {
			it, next := v.item(at)
			if !yield(it) {
				return
			}
			at = next
		}
	}
}

// spread turns the listpack into a tree. There is no way back, but that ErrMemory leaves the listpack.
func (v *sortedSet) spread(m *memory.Model) error {
	large := sortedSet{heap: v.heap, tree: zset.New(v.heap)}
	for it := range v.from(0) {
		if _, err := large.addToTree(it, m); err != nil {
			large.release()
			return err
		}
	}
	*v = large
	return nil
}

// release gives the records of the members back to the arena.
func (v *sortedSet) release() {
	if v.tree != nil {
		v.tree.Release()
	}
}

// newSortedSet returns what makes one for key, in the arena of its bucket.
func (e *Engine) newSortedSet(key string) func() *sortedSet {
	return func() *sortedSet { return &sortedSet{heap: e.bucket(key).heap} }
}

// ZAdd gives members of the sorted set at key their scores and returns how many are new. A score that is not a number is
// ErrNotFloat, and then nothing is changed. A member that finds no room is ErrMemory, and those before it have their scores.
func (e *Engine) ZAdd(key string, members ...Member) (added int, err error) {
	for _, it := range members {
		if math.IsNaN(it.Score) {
			return 0, ErrNotFloat
		}
	}
	var full error
	err = update(e, key, e.newSortedSet(key), func(v *sortedSet) {
		for _, it := range members {
			var isNew bool
			if isNew, full = v.add(it, e.limits, e.model); full != nil {
				return
			}
			if isNew {
				added++
			}
		}
	})
	return added, cmp.Or(err, full)
}

// ZRem removes members from the sorted set at key and returns how many there were.
func (e *Engine) ZRem(key string, members ...string) (removed int, err error) {
	err = update(e, key, e.newSortedSet(key), func(v *sortedSet) {
		for _, m := range members {
			if v.remove(m, e.model) {
				removed++
			}
		}
	})
	return removed, err
}

// ZScore returns the score of a member of the sorted set at key.
func (e *Engine) ZScore(key, member string) (score float64, ok bool, err error) {
	err = read(e, key, func(v *sortedSet) { score, ok = v.score(member) })
	return score, ok, err
}

// ZRank returns how many members of the sorted set at key stand before member.
func (e *Engine) ZRank(key, member string) (rank int, ok bool, err error) {
	err = read(e, key, func(v *sortedSet) { rank, ok = v.rank(member) })
	return rank, ok, err
}

// ZRange returns the members from rank start to rank stop, both included. A negative rank counts from the end.
func (e *Engine) ZRange(key string, start, stop int) (members []Member, err error) {
	err = read(e, key, func(v *sortedSet) {
		lo, hi := span(start, stop, v.length())
		if lo >= hi {
			return
		}
		for it := range v.from(lo) {
			members = append(members, it)
			if lo++; lo == hi {
				return
			}
		}
	})
	return members, err
}

// ZCard returns the number of members of the sorted set at key.
func (e *Engine) ZCard(key string) (n int, err error) {
	err = read(e, key, func(v *sortedSet) { n = v.length() })
	return n, err
}
