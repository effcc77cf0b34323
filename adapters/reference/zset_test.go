package reference

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/arena"
	"github.com/kvtool/kvtool/kv"
	"pgregory.net/rapid"
)

// bulk are steps of many members on a few sorted sets, at the thresholds of a server.
type bulk struct {
	*history
	r *rand.Rand
}

func (h bulk) member() string { return fmt.Sprint("m", h.r.IntN(600)) }

func (h bulk) add(t *rapid.T) {
	k := key().Draw(t, "key")
	v := h.of(k, kv.TypeZSet)
	for range rapid.IntRange(1, 500).Draw(t, "n") {
		it := Member{Score: float64(h.r.IntN(40)), Member: h.member()}
		_, err := h.e.ZAdd(k, it)
		if wrong(t, v, err) {
			return
		}
		v.zset[it.Member] = it.Score
		v.large = v.large || len(v.zset) > defaultLimits().zsetEntries
	}
	h.keep(k, v)
}

func (h bulk) remove(t *rapid.T) {
	k := key().Draw(t, "key")
	v := h.of(k, kv.TypeZSet)
	if v == nil {
		return
	}
	all := v.sorted()
	from := rapid.IntRange(0, len(all)).Draw(t, "from")
	for _, it := range all[from:rapid.IntRange(from, len(all)).Draw(t, "to")] {
		n, err := h.e.ZRem(k, it.Member, "no member")
		if n != 1 || err != nil {
			t.Fatalf("removed %d of %q: %v", n, it.Member, err)
		}
		delete(v.zset, it.Member)
	}
	h.keep(k, v)
}

// TestSortedSets runs random histories in which sets grow to hundreds of members, shrink, and are deleted, overwritten,
// expired and made again. When all is gone, nothing is left in the arenas.
func TestSortedSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		h := bulk{
			&history{New(Options{Clock: clock.time}), clock, map[string]*naive{}},
			rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)),
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": h.add, "remove": h.remove, "set": h.set, "del": h.del, "expire": h.expire, "wait": h.wait, "": h.check,
		})
		for k := range h.model {
			if rapid.Bool().Draw(t, "deleted") {
				h.e.Del(k)
			} else {
				h.e.Expire(k, time.Second)
			}
		}
		clock.advance(time.Second)
		equal(t, "keys", h.e.Len(), 0)
		equal(t, "bytes in arenas", live(h.e), 0)
	})
}

// TestFullArena: a member without room is an error, what is there stays, and what is deleted makes room.
func TestFullArena(t *testing.T) {
	e := New(Options{Clock: newClock().time})
	for i := range e.buckets {
		e.buckets[i].heap = arena.New(1 << 20)
	}
	const small = "small"
	large := "large"
	for i := 0; e.bucket(large) != e.bucket(small); i++ {
		large = fmt.Sprint("large", i)
	}
	most := defaultLimits().zsetEntries
	for i := range most {
		e.ZAdd(small, Member{Member: fmt.Sprint(i), Score: float64(i)})
	}
	err, n := error(nil), 0
	for ; err == nil; n++ {
		_, err = e.ZAdd(large, Member{Member: fmt.Sprintf("member %07d", n)})
	}
	if card, _ := e.ZCard(large); err != ErrMemory || card != n-1 || card < 10_000 {
		t.Fatalf("%v with %d of %d members", err, card, n)
	}
	before, _ := e.ZRange(small, 0, -1)
	more := Member{Member: "some more", Score: 1e6}
	added, err := e.ZAdd(small, more)
	after, _ := e.ZRange(small, 0, -1)
	if added != 0 || !errors.Is(err, ErrMemory) || !slices.Equal(after, before) || e.Encoding(small) != kv.EncodingListpack {
		t.Fatalf("added %d: %v, and %d members of %d are left as %s", added, err, len(after), len(before), e.Encoding(small))
	}
	e.Del(large)
	if added, err = e.ZAdd(small, more); added != 1 || err != nil || e.Encoding(small) != kv.EncodingSkiplist {
		t.Errorf("with room again: added %d, %v, as %s", added, err, e.Encoding(small))
	}
}
