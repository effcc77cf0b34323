// Package keygen makes a large keyspace out of nothing: the data set that kvtool is measured with. It owns the keys, their
// facts and their contents; it knows no server and no analysis.
//
// The one idea is that a key is a function of its number. Every key has a random source of its own, seeded from its number:
// first its facts are drawn from it (template, elements, TTL), then its contents. So any part of the keyspace can be made by
// itself, in any order and without memory, and there are two ways to have it:
//
//	number ─▶ facts ─┬─▶ contents ─▶ commands in RESP    WriteTo: to load a real server, as redis-cli --pipe does
//	                 └─▶ kv.Record                        Store: no server at all, up to billions of keys
//
// Only whole numbers are used, so the same keyspace has the same bytes on every platform. The facts of the records are those
// that a Redis 7.0 with the redis.conf that it ships with has of the loaded keys; only sizes are approximate (see size.go).
//
// Share of each template, and what its keys hold:
//
//	25   %  session:{hex16}          string, JSON with 60-259 random bytes; TTL
//	13   %  counter:page:{i}         string, a number below 2^30
//	12   %  cache:v{0-2}:html:{i}    string of s to 2s-1 bytes, s = 64 to 2,048 by powers of two; TTL
//	 5   %  flag:{{i mod 1000}}:{8}  string of 3-32 bytes; the inner braces are a hash tag
//	20   %  user:{i}                 hash of 5 fields (listpack); 10 % with TTL
//	 1   %  cart:{i}                 hash of 130-329 fields of 10-39 bytes (hash table)
//	 8   %  queue:{i}                list of 1-20 items of 10-69 bytes; 1 % have 500
//	 6   %  ids:{i}                  set of 1-60 numbers (intset)
//	 4   %  tags:{i}                 set of 1-40 members of 6-15 bytes; 2 % have 300
//	 4.5 %  lb:{i}                   sorted set of 1-50 members (listpack)
//	 1   %  rank:{i}                 sorted set of 129-200 members (skiplist)
//	 0.5 %  events:{i}               stream of 1-5 entries of two fields
//	10 keys big:hash:{0-2}, big:zset:{0-2}, big:list:{0-2}, big:blob
//
// TTLs are uniform from 1 to 31 days. Random text is lower-case letters and digits and begins with a letter, so that none
// of it is stored as a number. The monsters have 200,000 elements and 32 MB from two million keys on; below that they
// shrink with the keyspace, a tenth of its keys each, but not under 1,000 elements and 64 KiB, where they would no longer
// stand out.
package keygen

import "github.com/kvtool/kvtool/kv"

// A Keyspace is a generated keyspace. It is safe for concurrent use.
type Keyspace struct {
	keys     int64 // without the monsters
	elements int64 // of a monster
	blob     int64 // bytes of the string monster
}

const (
	seed     = 42
	monsters = 10

	fullKeys     = 2_000_000
	fullElements = 200_000
	fullBlob     = 32 << 20
	minElements  = 1000
	minBlob      = 64 << 10
)

// New returns the keyspace of so many keys and ten monsters.
func New(keys int64) *Keyspace {
	scaled := func(full, least int64) int64 {
		return max(least, full*min(keys, fullKeys)/fullKeys)
	}
	return &Keyspace{keys: keys, elements: scaled(fullElements, minElements), blob: scaled(fullBlob, minBlob)}
}

// Keys returns how many keys there are, the monsters among them.
func (k *Keyspace) Keys() int64 { return k.keys + monsters }

// A facts is what is drawn of a key before its contents.
type facts struct {
	kind   *kind
	number int64 // of the key; of a monster, among its like
	len    int64 // elements; 1 for a string
	bytes  int64 // of a string's value
	ttl    int64 // seconds; 0 is persistent
	rand   source
}

// draw fills f with the facts of key i, and with a source that goes on to its contents. The caller keeps one f for all
// keys, because what is handed to a kind's functions is on the heap.
func (k *Keyspace) draw(i int64, f *facts) {
	*f = facts{number: i, len: 1, rand: sourceOf(i)}
	if i >= k.keys {
		k.monster(f, i-k.keys)
		return
	}
	at := f.rand.below(shares)
	for n := range kinds {
		if at < kinds[n].share {
			f.kind = &kinds[n]
			break
		}
		at -= kinds[n].share
	}
	f.kind.draw(f)
}

// monster fills f for the m-th monster.
func (k *Keyspace) monster(f *facts, m int64) {
	f.number = m % 3
	f.kind = &monsterKinds[m/3]
	if f.kind.typ == kv.TypeString {
		f.bytes = k.blob
		return
	}
	f.len = k.elements
}

// encoding returns how the server stores the value.
func (f *facts) encoding() kv.Encoding {
	if f.kind.typ == kv.TypeString && f.kind.encoding == "" {
		if f.bytes <= 44 {
			return kv.EncodingEmbstr
		}
		return kv.EncodingRaw
	}
	return f.kind.encoding
}
