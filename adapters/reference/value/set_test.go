package value

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/keyspace"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// newShard returns one with small limits, so that short histories pass them.
func newShard() *keyspace.Shard {
	return keyspace.New(keyspace.Options{Size: Size, Limits: keyspace.Limits{SetInts: 6, ZSetEntries: 6, ZSetValue: 20}})
}

func checkEmpty(t *rapid.T, s *keyspace.Shard) {
	if s.Len(0) != 0 || s.Dataset() != 0 || s.Heap().Live() != 0 {
		t.Fatalf("%d keys are left, modelled %d bytes, %d in the arena", s.Len(0), s.Dataset(), s.Heap().Live())
	}
}

func checkSet(t *rapid.T, s *keyspace.Shard, key []byte, model map[string]bool, table bool) {
	it := s.Find(0, key, keyspace.Hash(key))
	if it.OK() != (len(model) > 0) {
		t.Fatalf("the key is there: %v, with %d members", it.OK(), len(model))
	}
	if !it.OK() {
		return
	}
	if want := map[bool]kv.Encoding{true: kv.EncodingHashtable, false: kv.EncodingIntset}[table]; it.Encoding() != want {
		t.Fatalf("%v is %s, want %s", model, it.Encoding(), want)
	}
	v := OpenSet(s, it)
	if v.Len() != len(model) {
		t.Fatalf("%d members, want %d", v.Len(), len(model))
	}
	seen, elements := map[string]bool{}, int64(0)
	for m := range v.All() {
		seen[string(m)] = true
		elements += s.Model().SDS(int64(len(m)))
		if !model[string(m)] || !v.Has(m) {
			t.Fatalf("%q is a member", m)
		}
	}
	if len(seen) != len(model) {
		t.Fatalf("%d members in all, want %d", len(seen), len(model))
	}
	want := s.Model().Key(int64(len(key))) + s.Model().Set(int64(len(model)), elements)
	if it.Kind() == keyspace.KindSetTable { // counted anew by another model
		want = it.Size(memory.New(s.Model().Profile()))
	}
	if table && it.Size(s.Model()) != want {
		t.Fatalf("the size is %d, want %d", it.Size(s.Model()), want)
	}
	var buf [32]byte
	if m := v.Random(s.Random(), buf[:]); !model[string(m)] {
		t.Fatalf("%q is drawn", m)
	}
	scanned := map[string]bool{}
	for cursor, more := uint64(0), true; more; more = cursor != 0 {
		cursor = v.Scan(cursor, func(m []byte) { scanned[string(m)] = true })
	}
	if len(scanned) != len(model) {
		t.Fatalf("%d members are scanned, want %d", len(scanned), len(model))
	}
}

// TestSetAgainstMap runs random histories against a map: integers that become strings, and sets that grow beyond what is packed.
func TestSetAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newShard()
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		key, model, table := []byte("key"), map[string]bool{}, false
		for range rapid.IntRange(1, 25).Draw(t, "rounds") {
			it := s.Find(0, key, keyspace.Hash(key))
			v := OpenSet(s, it)
			if len(model) == 0 {
				table = false
			}
			ints, many := r.IntN(2) == 0, r.IntN(1+r.IntN(90))
			for range many {
				m := strconv.Itoa(r.IntN(12) * [3]int{1, 5000, 1 << 40}[r.IntN(3)])
				if !ints {
					m = fmt.Sprint("m", r.IntN(100), strings.Repeat("x", r.IntN(3)/2*100))
				}
				if r.IntN(3) > 0 {
					added, ok := v.Add([]byte(m))
					if !ok || added == model[m] {
						t.Fatalf("%q is added: %v, and was a member: %v", m, added, model[m])
					}
					model[m] = true
					table = table || !ints || len(model) > 6
				} else {
					if v.Remove([]byte(m)) != model[m] {
						t.Fatalf("%q was a member: %v", m, model[m])
					}
					delete(model, m)
				}
			}
			if _, ok := v.Put(0, key, keyspace.Hash(key)); !ok {
				t.Fatal("no room")
			}
			checkSet(t, s, key, model, table)
		}
		if it := s.Find(0, key, keyspace.Hash(key)); it.OK() {
			s.Delete(it)
		}
		checkEmpty(t, s)
	})
}

// TestSetEmptied: a set that lost its members within one call is like a new one only after Put.
func TestSetEmptied(t *testing.T) {
	s, key := newShard(), []byte("k")
	v := OpenSet(s, keyspace.Item{})
	v.Add([]byte("a"))
	v.Remove([]byte("a"))
	if it, ok := v.Put(0, key, keyspace.Hash(key)); it.OK() || !ok || s.Len(0) != 0 {
		t.Errorf("an empty set is kept: %v, %v", it.OK(), ok)
	}
	v.Add([]byte("1"))
	if it, _ := v.Put(0, key, keyspace.Hash(key)); it.Encoding() != kv.EncodingIntset {
		t.Errorf("a set of 1 is %s", it.Encoding())
	}
}

// TestSetReplace: what was there goes, with its expiry.
func TestSetReplace(t *testing.T) {
	s, key := newShard(), []byte("k")
	h := keyspace.Hash(key)
	it, _ := s.PutBytes(0, key, h, keyspace.Item{}, keyspace.KindRaw, []byte("text"))
	it, _ = s.SetExpiry(it, 1<<50)
	v := NewSet(s)
	for i := range 100 {
		v.Add(fmt.Append(nil, "m", i))
	}
	it, ok := v.Replace(0, key, h, it)
	if !ok || it.Type() != kv.TypeSet || it.Expiry() != 0 || s.Len(0) != 1 {
		t.Errorf("%v: %s, expires at %d", ok, it.Type(), it.Expiry())
	}
	open := OpenSet(s, it)
	members := slices.Sorted(func(yield func(string) bool) {
		for m := range open.All() {
			if !yield(string(m)) {
				return
			}
		}
	})
	if len(members) != 100 || members[0] != "m0" {
		t.Errorf("%d members, %v", len(members), members)
	}
}
