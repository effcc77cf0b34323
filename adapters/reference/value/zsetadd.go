package value

import (
	"slices"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/adapters/reference/zset"
)

// AddOptions are those of ZADD.
type AddOptions struct {
	NX, XX    bool // only new members; only those that are there
	GT, LT    bool // of those that are there, only if the score becomes greater, or less
	Increment bool // add the score to the one that is there, or to 0
}

// An Outcome is what Add did.
type Outcome uint8

// The outcomes. After Same the member has the score that it had; after Nothing the options forbade a change.
const (
	Nothing Outcome = iota
	Same
	Added
	Updated
	NotANumber // the sum would be none, and nothing was done
	Full       // the arena is, and nothing was done
)

// Add gives member a score, as the options say, and returns what it did, and the score that the member has if that is Same, Added
// or Updated (t_zset.c: zsetAdd).
func (v *ZSet) Add(member []byte, score float64, o AddOptions) (Outcome, float64) {
	if v.tree != nil {
		return v.addToTree(member, score, o)
	}
	at := -1
	if v.Len() > 0 {
		at = v.pack.find(member)
	}
	if at >= 0 {
		return v.rescorePacked(at, member, score, o)
	}
	if o.XX {
		return Nothing, 0
	}
	if l := v.shard.Limits(); v.Len()+1 > l.ZSetEntries || len(member) > l.ZSetValue {
		if !v.Spread() {
			return Full, 0
		}
		return v.addToTree(member, score, o)
	}
	v.own(packed.EntrySize(member) + 32)
	v.pack = v.pack.insert(member, score)
	return Added, score
}

// decide returns what becomes of a member that has a score.
func (o *AddOptions) decide(old, score float64) (Outcome, float64) {
	if o.NX {
		return Nothing, 0
	}
	if o.Increment {
		if score += old; score != score {
			return NotANumber, 0
		}
	}
	switch {
	case o.LT && score >= old || o.GT && score <= old:
		return Nothing, 0
	case score == old:
		return Same, score
	}
	return Updated, score
}

func (v *ZSet) rescorePacked(at int, member []byte, score float64, o AddOptions) (Outcome, float64) {
	done, score := o.decide(v.pack.scoreOf(at), score)
	if done == Updated {
		v.own(32)
		v.pack = zsetPack{v.pack.Delete(at, 2)}.insert(member, score)
	}
	return done, score
}

func (v *ZSet) addToTree(member []byte, score float64, o AddOptions) (Outcome, float64) {
	p := v.tree.Find(member)
	if p.Found() {
		done, score := o.decide(v.tree.ScoreAt(p), score)
		if done == Updated {
			v.tree.Rescore(p, score)
		}
		return done, score
	}
	switch {
	case o.XX:
		return Nothing, 0
	case !v.tree.insert(p, member, score):
		return Full, 0
	}
	return Added, score
}

// Spread makes a skiplist of a listpack, however small. If the arena is full the set remains what it is. There is no way back.
func (v *ZSet) Spread() bool {
	t := &zsetTree{Set: zset.New(v.shard.Heap()), model: v.shard.Model()}
	for member, score := range v.From(0) {
		if !t.insert(t.Find(member), member, score) {
			t.Release()
			return false
		}
	}
	v.tree, v.pack, v.ours = t, zsetPack{}, false
	return true
}

// A Scored is a member with its score.
type Scored struct {
	Member []byte
	Score  float64
}

// Fill makes an empty set one of members that are in order: a listpack if they are few and short (t_zset.c:
// zsetConvertToListpackIfNeeded). It fails if the arena is full.
func (v *ZSet) Fill(members []Scored) bool {
	l := v.shard.Limits()
	long := slices.ContainsFunc(members, func(x Scored) bool { return len(x.Member) > l.ZSetValue })
	if len(members) > l.ZSetEntries || long {
		return v.fillTree(members)
	}
	v.own(0)
	var buf [32]byte
	for _, x := range members {
		v.pack.Listpack = v.pack.Append(x.Member).Append(AppendScore(buf[:0], x.Score))
	}
	return true
}

func (v *ZSet) fillTree(members []Scored) bool {
	if !v.Spread() {
		return false
	}
	for _, x := range members {
		if !v.tree.insert(v.tree.Find(x.Member), x.Member, x.Score) {
			v.tree.Release()
			return false
		}
	}
	return true
}

// Replace puts a set that is not empty at a key in the place of whatever is there, without its expiry, as SET does (db.c: setKey).
func (v *ZSet) Replace(db int, key []byte, hash uint64, old keyspace.Item) (keyspace.Item, bool) {
	v.item = old
	it, ok := v.Put(db, key, hash)
	if ok && it.Expiry() != 0 {
		v.item, ok = v.shard.SetExpiry(it, 0)
	}
	return v.item, ok
}
