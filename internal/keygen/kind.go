package keygen

import (
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// A kind is what the keys of one template have in common.
type kind struct {
	share    int64 // of 1,000 keys
	name     string
	typ      kv.Type
	encoding kv.Encoding                     // empty for strings that are embstr or raw by their length
	draw     func(f *facts)                  // draws elements, bytes, TTL
	key      func(b []byte, f *facts) []byte // appends the name; nil is name and number
	write    func(w *writer, f *facts)       // writes the commands that make the key
	size     func(f *facts) int64            // of the value
}

const shares = 1000 // the sum over kinds

var kinds = [...]kind{
	{
		share: 250, name: "session:", typ: kv.TypeString,
		draw: func(f *facts) {
			f.bytes, f.ttl = int64(len(sessionHead+sessionTail))+f.rand.between(60, 259), f.rand.ttl()
		},
		key:   func(b []byte, f *facts) []byte { return hex16(append(b, f.kind.name...), mix(^uint64(f.number))) },
		write: writeSession, size: sizeString,
	},
	{
		share: 130, name: "counter:page:", typ: kv.TypeString, encoding: kv.EncodingInt,
		draw:  func(*facts) {},
		write: writeCounter, size: func(*facts) int64 { return object },
	},
	{
		share: 120, name: "cache:v", typ: kv.TypeString,
		draw: drawCache, key: keyCache,
		write: writeString, size: sizeString,
	},
	{
		share: 50, name: "flag:{", typ: kv.TypeString,
		draw: func(f *facts) { f.bytes = f.rand.between(3, 32) }, key: keyFlag,
		write: writeString, size: sizeString,
	},
	{
		share: 200, name: "user:", typ: kv.TypeHash, encoding: kv.EncodingListpack,
		draw:  drawUser,
		write: writeUser, size: func(*facts) int64 { return object + block(90) },
	},
	{
		share: 10, name: "cart:", typ: kv.TypeHash, encoding: kv.EncodingHashtable,
		draw:  func(f *facts) { f.len = f.rand.between(130, 329) },
		write: writeCart, size: func(f *facts) int64 { return table(f.len) + f.len*(entry+16+36) },
	},
	{
		share: 80, name: "queue:", typ: kv.TypeList, encoding: kv.EncodingQuicklist,
		draw:  func(f *facts) { f.len = f.rand.rarely(100, f.rand.between(1, 20), 500) },
		write: writeQueue, size: func(f *facts) int64 { return sizeList(f.len * 43) },
	},
	{
		share: 60, name: "ids:", typ: kv.TypeSet, encoding: kv.EncodingIntset,
		draw:  func(f *facts) { f.len = f.rand.between(1, 60) },
		write: writeIDs, size: func(f *facts) int64 { return object + block(8+4*f.len) },
	},
	{
		share: 40, name: "tags:", typ: kv.TypeSet, encoding: kv.EncodingHashtable,
		draw:  func(f *facts) { f.len = f.rand.rarely(50, f.rand.between(1, 40), 300) },
		write: writeTags, size: func(f *facts) int64 { return table(f.len) + f.len*(entry+18) },
	},
	{
		share: 45, name: "lb:", typ: kv.TypeZSet, encoding: kv.EncodingListpack,
		draw:  func(f *facts) { f.len = f.rand.between(1, 50) },
		write: writeRanking, size: func(f *facts) int64 { return object + block(7+f.len*29) },
	},
	{
		share: 10, name: "rank:", typ: kv.TypeZSet, encoding: kv.EncodingSkiplist,
		draw:  func(f *facts) { f.len = f.rand.between(129, 200) },
		write: writeRanking, size: sizeSkiplist,
	},
	{
		share: 5, name: "events:", typ: kv.TypeStream, encoding: kv.EncodingStream,
		draw:  func(f *facts) { f.len = f.rand.between(1, 5) },
		write: writeEvents, size: func(f *facts) int64 { return 4650 + 20*f.len },
	},
}

// monsterKinds are three of each of the first three, and one of the last.
var monsterKinds = [...]kind{
	{
		name: "big:hash:", typ: kv.TypeHash, encoding: kv.EncodingHashtable,
		write: writeBigHash, size: func(f *facts) int64 { return table(f.len) + f.len*(entry+16+50) },
	},
	{name: "big:zset:", typ: kv.TypeZSet, encoding: kv.EncodingSkiplist, write: writeRanking, size: sizeSkiplist},
	{
		name: "big:list:", typ: kv.TypeList, encoding: kv.EncodingQuicklist,
		write: writeBigList, size: func(f *facts) int64 { return sizeList(f.len * 37) },
	},
	{
		name: "big:blob", typ: kv.TypeString,
		key:   func(b []byte, f *facts) []byte { return append(b, f.kind.name...) },
		write: writeString, size: sizeString,
	},
}

// rarely returns usual, and once in so many times unusual.
func (s *source) rarely(once, usual, unusual int64) int64 {
	if s.below(once) == 0 {
		return unusual
	}
	return usual
}

func drawCache(f *facts) {
	s := int64(64) << f.rand.below(6)
	f.bytes, f.ttl = s+f.rand.below(s), f.rand.ttl()
}

func drawUser(f *facts) {
	f.len = 5
	if f.rand.below(10) == 0 {
		f.ttl = f.rand.ttl()
	}
}

// appendKey appends the name of the key to b.
func (f *facts) appendKey(b []byte) []byte {
	if f.kind.key != nil {
		return f.kind.key(b, f)
	}
	return strconv.AppendInt(append(b, f.kind.name...), f.number, 10)
}

func keyCache(b []byte, f *facts) []byte {
	b = append(append(b, f.kind.name...), '0'+byte(mix(uint64(f.number))%3))
	return strconv.AppendInt(append(b, ":html:"...), f.number, 10)
}

func keyFlag(b []byte, f *facts) []byte {
	b = strconv.AppendInt(append(b, f.kind.name...), f.number%1000, 10)
	return base36(append(b, "}:"...), scatter(uint64(f.number)), 8)
}

func hex16(b []byte, x uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[x>>shift&15])
	}
	return b
}
