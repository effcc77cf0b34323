package reference

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
	"pgregory.net/rapid"
)

// tiny limits make a few short elements cross every threshold.
var tiny = limits{hashEntries: 3, hashValue: 4, zsetEntries: 3, zsetValue: 4, intset: 3, listNode: 40}

// A naive is the model of a value: Go's own maps and slices, sorted when asked, and the rules of encoding as a sentence
// each. large is set once and for all when a threshold is crossed.
type naive struct {
	typ   kv.Type
	str   string
	raw   bool
	hash  map[string]string
	list  []string
	set   map[string]bool
	zset  map[string]float64
	large bool
	at    time.Time
}

func (v *naive) encoding() kv.Encoding {
	small := map[kv.Type]kv.Encoding{kv.TypeHash: kv.EncodingListpack, kv.TypeSet: kv.EncodingIntset, kv.TypeZSet: kv.EncodingListpack}
	large := map[kv.Type]kv.Encoding{kv.TypeHash: kv.EncodingHashtable, kv.TypeSet: kv.EncodingHashtable, kv.TypeZSet: kv.EncodingSkiplist}
	_, err := strconv.ParseInt(v.str, 10, 64)
	switch {
	case v.typ == kv.TypeList:
		return kv.EncodingQuicklist
	case v.typ != kv.TypeString && v.large:
		return large[v.typ]
	case v.typ != kv.TypeString:
		return small[v.typ]
	case v.raw || len(v.str) > 44 && err != nil:
		return kv.EncodingRaw
	case err == nil && strconv.FormatInt(mustInt(v.str), 10) == v.str:
		return kv.EncodingInt
	default:
		return kv.EncodingEmbstr
	}
}

func mustInt(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func (v *naive) sorted() (items []Member) {
	for m, s := range v.zset {
		items = append(items, Member{Score: s, Member: m})
	}
	slices.SortFunc(items, Member.Compare)
	return items
}

// A history drives an engine and its model side by side.
type history struct {
	e     *Engine
	clock *testClock
	model map[string]*naive
}

// of returns the model's value for key as typ: a new one where there is none, nil where it is of another type.
func (h *history) of(key string, typ kv.Type) *naive {
	v := h.model[key]
	if v == nil {
		v = &naive{typ: typ, hash: map[string]string{}, set: map[string]bool{}, zset: map[string]float64{}}
	}
	if v.typ != typ {
		return nil
	}
	return v
}

// keep stores the model's value, or removes the key if it is empty.
func (h *history) keep(key string, v *naive) {
	n := map[kv.Type]int{kv.TypeString: 1, kv.TypeHash: len(v.hash), kv.TypeList: len(v.list), kv.TypeSet: len(v.set), kv.TypeZSet: len(v.zset)}
	if n[v.typ] == 0 {
		delete(h.model, key)
	} else {
		h.model[key] = v
	}
}

// wrong reports whether v is of another type, and that the engine said so too.
func wrong(t *rapid.T, v *naive, err error) bool {
	if (v == nil) != (err == ErrWrongType) {
		t.Fatalf("error %v, wrong type in the model: %v", err, v == nil)
	}
	return v == nil
}

func key() *rapid.Generator[string] { return rapid.SampledFrom([]string{"a", "b", "c"}) }
func elem() *rapid.Generator[string] {
	return rapid.SampledFrom(strings.Fields("1 2 3 -7 40000 x yy zzz 01 toolong 9999999999 w a-member-of-forty-bytes-that-has-its-class"))
}

func some() *rapid.Generator[[]string] {
	return rapid.SliceOfN(elem(), 1, 3)
}

func equal[T comparable](t *rapid.T, what string, got, want T) {
	if got != want {
		t.Fatalf("%s: %v, want %v", what, got, want)
	}
}

// TestAgainstModel runs random histories of all commands on a few keys.
func TestAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		h := &history{New(Options{Clock: clock.time}), clock, map[string]*naive{}}
		h.e.limits = tiny
		t.Repeat(map[string]func(*rapid.T){
			"set": h.set, "append": h.append, "incr": h.incr, "hset": h.hset, "hdel": h.hdel, "push": h.push, "pop": h.pop,
			"sadd": h.sadd, "srem": h.srem, "zadd": h.zadd, "zrem": h.zrem, "del": h.del, "expire": h.expire, "wait": h.wait,
			"": h.check,
		})
	})
}

func (h *history) set(t *rapid.T) {
	k, s := key().Draw(t, "key"), elem().Draw(t, "value")
	if rapid.Bool().Draw(t, "long") {
		s = strings.Repeat(s, 12)
	}
	h.e.Set(k, s)
	h.model[k] = &naive{typ: kv.TypeString, str: s}
}

func (h *history) append(t *rapid.T) {
	k, s := key().Draw(t, "key"), elem().Draw(t, "value")
	n, err := h.e.Append(k, s)
	v := h.of(k, kv.TypeString)
	if wrong(t, v, err) {
		return
	}
	v.raw = h.model[k] != nil
	v.str += s
	equal(t, "length", n, len(v.str))
	h.keep(k, v)
}

func (h *history) incr(t *rapid.T) {
	k, by := key().Draw(t, "key"), rapid.Int64Range(-9, 9).Draw(t, "by")
	got, err := h.e.IncrBy(k, by)
	v := h.of(k, kv.TypeString)
	if v != nil && h.model[k] != nil && (v.encoding() != kv.EncodingInt && strconv.FormatInt(mustInt(v.str), 10) != v.str) {
		equal(t, "error", err, ErrNotInteger)
		return
	}
	if wrong(t, v, err) {
		return
	}
	equal(t, "sum", got, mustInt(v.str)+by)
	v.str, v.raw = strconv.FormatInt(got, 10), false
	h.keep(k, v)
}

func (h *history) hset(t *rapid.T) {
	k, fields := key().Draw(t, "key"), some().Draw(t, "fields")
	var args []string
	for _, f := range fields {
		args = append(args, f, elem().Draw(t, "value"))
	}
	added, err := h.e.HSet(k, args...)
	v := h.of(k, kv.TypeHash)
	if wrong(t, v, err) {
		return
	}
	before := len(v.hash)
	for i := 0; i < len(args); i += 2 {
		v.hash[args[i]] = args[i+1]
		v.large = v.large || len(args[i]) > tiny.hashValue || len(args[i+1]) > tiny.hashValue || len(v.hash) > tiny.hashEntries
	}
	equal(t, "added", added, len(v.hash)-before)
	h.keep(k, v)
}

func (h *history) hdel(t *rapid.T) {
	k, fields := key().Draw(t, "key"), some().Draw(t, "fields")
	removed, err := h.e.HDel(k, fields...)
	v := h.of(k, kv.TypeHash)
	if wrong(t, v, err) {
		return
	}
	before := len(v.hash)
	for _, f := range fields {
		delete(v.hash, f)
	}
	equal(t, "removed", removed, before-len(v.hash))
	h.keep(k, v)
}

func (h *history) push(t *rapid.T) {
	k, elems, front := key().Draw(t, "key"), some().Draw(t, "elems"), rapid.Bool().Draw(t, "front")
	push := h.e.RPush
	if front {
		push = h.e.LPush
	}
	n, err := push(k, elems...)
	v := h.of(k, kv.TypeList)
	if wrong(t, v, err) {
		return
	}
	for _, s := range elems {
		if front {
			v.list = slices.Insert(v.list, 0, s)
		} else {
			v.list = append(v.list, s)
		}
	}
	equal(t, "length", n, len(v.list))
	h.keep(k, v)
}

func (h *history) pop(t *rapid.T) {
	k, front := key().Draw(t, "key"), rapid.Bool().Draw(t, "front")
	pop := h.e.RPop
	if front {
		pop = h.e.LPop
	}
	s, ok, err := pop(k)
	v := h.of(k, kv.TypeList)
	if wrong(t, v, err) {
		return
	}
	equal(t, "popped", ok, len(v.list) > 0)
	if !ok {
		return
	}
	i := len(v.list) - 1
	if front {
		i = 0
	}
	equal(t, "element", s, v.list[i])
	v.list = slices.Delete(v.list, i, i+1)
	h.keep(k, v)
}

func (h *history) sadd(t *rapid.T) {
	k, members := key().Draw(t, "key"), some().Draw(t, "members")
	added, err := h.e.SAdd(k, members...)
	v := h.of(k, kv.TypeSet)
	if wrong(t, v, err) {
		return
	}
	before := len(v.set)
	for _, m := range members {
		v.set[m] = true
		v.large = v.large || len(v.set) > tiny.intset || strconv.FormatInt(mustInt(m), 10) != m
	}
	equal(t, "added", added, len(v.set)-before)
	h.keep(k, v)
}

func (h *history) srem(t *rapid.T) {
	k, members := key().Draw(t, "key"), some().Draw(t, "members")
	removed, err := h.e.SRem(k, members...)
	v := h.of(k, kv.TypeSet)
	if wrong(t, v, err) {
		return
	}
	before := len(v.set)
	for _, m := range members {
		delete(v.set, m)
	}
	equal(t, "removed", removed, before-len(v.set))
	h.keep(k, v)
}

func (h *history) zadd(t *rapid.T) {
	k, members := key().Draw(t, "key"), some().Draw(t, "members")
	var items []Member
	for _, m := range members {
		items = append(items, Member{Score: rapid.SampledFrom([]float64{-1.5, 0, 1, 2, 1e300}).Draw(t, "score"), Member: m})
	}
	added, err := h.e.ZAdd(k, items...)
	v := h.of(k, kv.TypeZSet)
	if wrong(t, v, err) {
		return
	}
	before := len(v.zset)
	for _, it := range items {
		v.zset[it.Member] = it.Score
		v.large = v.large || len(it.Member) > tiny.zsetValue || len(v.zset) > tiny.zsetEntries
	}
	equal(t, "added", added, len(v.zset)-before)
	h.keep(k, v)
}

func (h *history) zrem(t *rapid.T) {
	k, members := key().Draw(t, "key"), some().Draw(t, "members")
	removed, err := h.e.ZRem(k, members...)
	v := h.of(k, kv.TypeZSet)
	if wrong(t, v, err) {
		return
	}
	before := len(v.zset)
	for _, m := range members {
		delete(v.zset, m)
	}
	equal(t, "removed", removed, before-len(v.zset))
	h.keep(k, v)
}

func (h *history) del(t *rapid.T) {
	k := key().Draw(t, "key")
	equal(t, "deleted", h.e.Del(k) == 1, h.model[k] != nil)
	delete(h.model, k)
}

func (h *history) expire(t *rapid.T) {
	k := key().Draw(t, "key")
	v := h.model[k]
	if rapid.IntRange(0, 3).Draw(t, "persist") == 0 {
		equal(t, "persisted", h.e.Persist(k), v != nil && !v.at.IsZero())
		if v != nil {
			v.at = time.Time{}
		}
		return
	}
	d := time.Duration(rapid.IntRange(-1, 20).Draw(t, "ms")) * time.Millisecond
	equal(t, "expires", h.e.Expire(k, d), v != nil)
	switch {
	case v != nil && d <= 0:
		delete(h.model, k)
	case v != nil:
		v.at = h.clock.now.Add(d)
	}
}

func (h *history) wait(t *rapid.T) {
	h.clock.advance(time.Duration(rapid.IntRange(0, 10).Draw(t, "ms")) * time.Millisecond)
	maps.DeleteFunc(h.model, func(_ string, v *naive) bool { return !v.at.IsZero() && !v.at.After(h.clock.now) })
}

// check compares everything that can be seen.
func (h *history) check(t *rapid.T) {
	equal(t, "keys", h.e.Len(), len(h.model))
	equal(t, "bytes in arenas", live(h.e), h.records())
	for _, k := range []string{"a", "b", "c"} {
		v := h.model[k]
		if v == nil {
			equal(t, "exists", h.e.Exists(k), false)
			continue
		}
		equal(t, "type of "+k, h.e.Type(k), v.typ)
		equal(t, "encoding of "+k, h.e.Encoding(k), v.encoding())
		d, expires, _ := h.e.TTL(k)
		equal(t, "expires", expires, !v.at.IsZero())
		if expires {
			equal(t, "TTL", d, v.at.Sub(h.clock.now))
		}
		if v.large {
			equal(t, "size", h.e.MemoryUsage(k), h.e.model.Key(1)+v.size(h.e.model))
		}
		h.checkContents(t, k, v)
	}
}

// live returns the bytes of what is in the arenas.
func live(e *Engine) (n int64) {
	for i := range e.buckets {
		n += e.buckets[i].heap.Live()
	}
	return n
}

// records returns what should be: a record for each member of a large sorted set, its score, its length and itself.
func (h *history) records() (n int64) {
	for _, v := range h.model {
		for m := range v.zset {
			if v.large {
				n += int64(8+1+len(m)+7) / 8 * 8
			}
		}
	}
	return n
}

// size adds up what the elements of a large value cost, which the engine keeps account of from write to write.
func (v *naive) size(m *memory.Model) int64 {
	sum := int64(0)
	for f, s := range v.hash {
		sum += m.SDS(int64(len(f))) + m.SDS(int64(len(s)))
	}
	for s := range v.set {
		sum += m.SDS(int64(len(s)))
	}
	for s := range v.zset {
		sum += m.SDS(int64(len(s)))
	}
	switch v.typ {
	case kv.TypeHash:
		return m.Hash(int64(len(v.hash)), sum)
	case kv.TypeSet:
		return m.Set(int64(len(v.set)), sum)
	default:
		return m.ZSet(int64(len(v.zset)), sum)
	}
}

func (h *history) checkContents(t *rapid.T, k string, v *naive) {
	var got, want any
	same := false
	switch v.typ {
	case kv.TypeString:
		s, _, _ := h.e.Get(k)
		got, want, same = s, v.str, s == v.str
	case kv.TypeHash:
		flat, _ := h.e.HGetAll(k)
		m := map[string]string{}
		for i := 0; i < len(flat); i += 2 {
			m[flat[i]] = flat[i+1]
		}
		n, _ := h.e.HLen(k)
		got, want, same = flat, v.hash, maps.Equal(m, v.hash) && len(flat) == 2*len(m) && n == len(m)
	case kv.TypeList:
		l, _ := h.e.LRange(k, 0, -1)
		got, want, same = l, v.list, slices.Equal(l, v.list)
		lo, hi := rapid.IntRange(-9, 9).Draw(t, "start"), rapid.IntRange(-9, 9).Draw(t, "stop")
		if part, _ := h.e.LRange(k, lo, hi); !slices.Equal(part, naiveRange(v.list, lo, hi)) {
			t.Fatalf("%d to %d of %q: %q", lo, hi, v.list, part)
		}
	case kv.TypeSet:
		members, _ := h.e.SMembers(k)
		slices.Sort(members)
		all := slices.Sorted(maps.Keys(v.set))
		got, want, same = members, all, slices.Equal(members, all)
	case kv.TypeZSet:
		lo, hi := rapid.IntRange(-9, 9).Draw(t, "start"), rapid.IntRange(-9, 9).Draw(t, "stop")
		members, _ := h.e.ZRange(k, lo, hi)
		part := naiveRange(v.sorted(), lo, hi)
		got, want, same = members, part, slices.Equal(members, part)
		for i, it := range v.sorted() {
			score, _, _ := h.e.ZScore(k, it.Member)
			rank, _, _ := h.e.ZRank(k, it.Member)
			same = same && score == it.Score && rank == i
		}
	}
	if !same {
		t.Fatalf("%s %s: %v, want %v", v.typ, k, got, want)
	}
}

// naiveRange asks each index whether it is in the range.
func naiveRange[T any](all []T, start, stop int) (part []T) {
	for i := range all {
		if from := i - len(all); (start >= 0 && i >= start || start < 0 && from >= start) && (stop >= 0 && i <= stop || stop < 0 && from <= stop) {
			part = append(part, all[i])
		}
	}
	return part
}
