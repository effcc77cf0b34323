package rdbread

import (
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// A codec is how one type code is read: what it is, and the function that hops over it and fills Len and Size.
type codec struct {
	typ      kv.Type
	encoding kv.Encoding
	reading  string // for errors
	read     func(*Reader)
}

// types returns the table of type codes of the lineage.
func (s *Summary) types() *[256]codec {
	t := &[256]codec{
		0:  {kv.TypeString, kv.EncodingRaw, "a string", (*Reader).str},
		1:  {kv.TypeList, kv.EncodingLinkedList, "a list", (*Reader).list},
		2:  {kv.TypeSet, kv.EncodingHashtable, "a set", (*Reader).set},
		3:  {kv.TypeZSet, kv.EncodingSkiplist, "a sorted set", (*Reader).zsetText},
		4:  {kv.TypeHash, kv.EncodingHashtable, "a hash", (*Reader).hash},
		5:  {kv.TypeZSet, kv.EncodingSkiplist, "a sorted set", (*Reader).zset},
		7:  {"", kv.EncodingRaw, "a module's value", (*Reader).module},
		9:  {kv.TypeHash, kv.EncodingZipmap, "a hash (zipmap)", (*Reader).hashZipmap},
		10: {kv.TypeList, kv.EncodingZiplist, "a list (ziplist)", (*Reader).listZiplist},
		11: {kv.TypeSet, kv.EncodingIntset, "a set (intset)", (*Reader).intset},
		12: {kv.TypeZSet, kv.EncodingZiplist, "a sorted set (ziplist)", (*Reader).zsetZiplist},
		13: {kv.TypeHash, kv.EncodingZiplist, "a hash (ziplist)", (*Reader).hashZiplist},
		14: {kv.TypeList, kv.EncodingQuicklist, "a list (quicklist)", (*Reader).quicklist},
		15: {kv.TypeStream, kv.EncodingStream, "a stream", func(r *Reader) { r.stream(1) }},
		16: {kv.TypeHash, kv.EncodingListpack, "a hash (listpack)", (*Reader).hashListpack},
		17: {kv.TypeZSet, kv.EncodingListpack, "a sorted set (listpack)", (*Reader).zsetListpack},
		18: {kv.TypeList, kv.EncodingQuicklist, "a list (quicklist)", (*Reader).quicklist2},
		19: {kv.TypeStream, kv.EncodingStream, "a stream", func(r *Reader) { r.stream(2) }},
		20: {kv.TypeSet, kv.EncodingListpack, "a set (listpack)", (*Reader).setListpack},
		21: {kv.TypeStream, kv.EncodingStream, "a stream", func(r *Reader) { r.stream(3) }},
	}
	if s.Lineage == "valkey" && s.RDB > 11 {
		t[22] = codec{kv.TypeHash, kv.EncodingHashtable, "a hash with field expiry", (*Reader).hashValkey}
		return t
	}
	t[22] = codec{kv.TypeHash, kv.EncodingHashtable, "a hash with field expiry", func(r *Reader) { r.hashTTL(1) }}
	t[23] = codec{kv.TypeHash, kv.EncodingListpackEx, "a hash with field expiry (listpack)", (*Reader).listpackEx}
	t[24] = codec{kv.TypeHash, kv.EncodingHashtable, "a hash with field expiry", func(r *Reader) { r.hashTTL(int64(r.w.uint64())) }}
	t[25] = codec{kv.TypeHash, kv.EncodingListpackEx, "a hash with field expiry (listpack)", func(r *Reader) { r.w.uint64(); r.listpackEx() }}
	return t
}

// str reads a string: Len is 1, the encoding follows from its length and its content.
func (r *Reader) str() {
	w, rec := r.w, &r.rec
	rec.Len = 1
	n, special := w.length()
	isInt := false
	size := int64(min(n, 1<<62))
	stored := size
	switch {
	case special && n == specialLZF:
		b := w.compressed()
		size, stored = b.size, b.stored
		r.content(b)
	case special:
		v, _ := w.integer(n)
		isInt, size = true, digits(v)
		stored = size
		w.told.number(v)
	case n <= 20:
		p := w.bytes(int(n))
		isInt = memory.IsInt(p)
		w.told.whole(p)
	default:
		r.content(blob{size: size, stored: size})
	}
	rec.Size, rec.Encoding = r.model.StringOf(r.nameLen, size, isInt, r.expires)
	rec.Logical, rec.Stored = size, stored
	rec.Known |= r.want & kv.FieldStored
}

// elements hops over n strings and returns the sum of what they cost as sds. Nearly all have fewer than 64 bytes and lie
// whole in the window: they are one byte of length and a step.
func (r *Reader) elements(n int64) (sum int64) {
	w := r.w
	longest := w.longest
	for n > 0 && w.err == nil {
		p := w.buf[w.pos:w.end]
		if w.told != nil {
			p = nil // they are read one by one
		}
		at := 0
		for n > 0 && at < len(p) {
			size := int(p[at])
			next := at + 1 + size
			if size >= 0x40 || next > len(p) {
				break
			}
			at = next
			longest = max(longest, int64(size))
			sum += r.model.SDS(int64(size))
			n--
		}
		w.pos += at
		if n == 0 {
			break
		}
		size := w.str()
		longest = max(longest, size)
		sum += r.model.SDS(size)
		n--
	}
	w.longest = longest
	return sum
}

// element hops over a string and returns what it costs as an sds.
func (r *Reader) element(w *window) int64 {
	size := w.element()
	w.longest = max(w.longest, size)
	return r.model.SDS(size)
}

// element is str for the elements of a collection, of which nearly all are short.
func (w *window) element() int64 {
	if w.pos < w.end && w.told == nil {
		if n := int(w.buf[w.pos]); n < 0x40 && w.pos+n < w.end {
			w.pos += n + 1
			return int64(n)
		}
	}
	return w.str()
}

// fillNode is the size up to which a server fills a node of a list (list-max-listpack-size -2).
const fillNode = 8192

// list reads a list item by item, as servers before 3.2 wrote it. A server packs such items into nodes when it loads them.
func (r *Reader) list() {
	n := r.w.count(1)
	r.rec.Len = n
	node, nodes := int64(0), int64(0)
	for ; n > 0 && r.w.err == nil; n-- {
		size := r.w.str()
		r.w.longest = max(r.w.longest, size)
		item := packed(size)
		if node > 0 && node+item+8 > fillNode {
			nodes += r.model.QuicklistNode(node)
			node = 0
		}
		if node == 0 {
			node = 7 // head and end of a listpack
		}
		node += item
	}
	if node > 0 {
		nodes += r.model.QuicklistNode(node)
	}
	r.rec.Size = r.model.List(nodes)
}

// packed returns what a string of n bytes takes in a listpack.
func packed(n int64) int64 {
	head := int64(5)
	switch {
	case n < 1<<6:
		head = 1
	case n < 1<<12:
		head = 2
	}
	return head + n + memory.Backlen(head+n)
}

func (r *Reader) set() {
	n := r.w.count(1)
	r.rec.Len, r.rec.Size = n, r.model.Set(n, r.elements(n))
}

func (r *Reader) hash() {
	n := r.w.count(2)
	sum := int64(0)
	if r.model.PairsFields() {
		for i := n; i > 0 && r.w.err == nil; i-- {
			sum += r.field(false)
		}
	} else {
		sum = r.elements(2 * n)
	}
	r.rec.Len, r.rec.Size = n, r.model.Hash(n, sum)
}

// field hops over a field and its value and returns what they cost together.
func (r *Reader) field(expires bool) int64 {
	w := r.w
	field, value := w.element(), w.element()
	w.longest = max(w.longest, field, value)
	return r.model.Field(field, value, expires)
}

// member hops over a member of a sorted set and returns what it costs, in memory.MemberUnits.
func (r *Reader) member() int64 {
	size := r.w.element()
	r.w.longest = max(r.w.longest, size)
	return r.model.Member(size)
}

// zset reads members with scores of 8 bytes.
func (r *Reader) zset() {
	w := r.w
	n := w.count(9)
	var sum int64
	for i := n; i > 0 && w.err == nil; i-- {
		sum += r.member()
		w.skip(8)
	}
	r.rec.Len, r.rec.Size = n, r.model.ZSet(n, sum/memory.MemberUnit)
}

// zsetText reads members with scores as text: one byte of length, where 253 to 255 are a number by themselves.
func (r *Reader) zsetText() {
	w := r.w
	n := w.count(2)
	var sum int64
	for i := n; i > 0 && w.err == nil; i-- {
		sum += r.member()
		if c := w.byte(); c < 253 {
			w.skip(int64(c))
		}
	}
	r.rec.Len, r.rec.Size = n, r.model.ZSet(n, sum/memory.MemberUnit)
}

func (r *Reader) hashZipmap() {
	n, size := r.w.zipmap()
	r.rec.Len, r.rec.Size = n, r.model.Blob(size)
}

func (r *Reader) listZiplist() {
	n, size := r.w.ziplist(allEntries)
	r.rec.Len, r.rec.Size = n, r.model.List(r.model.QuicklistNode(size))
}

func (r *Reader) intset() {
	n, size := r.w.intset()
	r.rec.Len, r.rec.Size = n, r.model.Blob(size)
}

// pairs fills in a hash or sorted set of n entries in one block.
func (r *Reader) pairs(n, size int64) {
	if n%2 != 0 {
		r.w.fail(reasonf("an odd number of entries, %d, cannot be pairs", n))
	}
	r.rec.Len, r.rec.Size = n/2, r.model.Blob(size)
}

func (r *Reader) hashZiplist()  { r.pairs(r.w.ziplist(allEntries)) }
func (r *Reader) hashListpack() { r.pairs(r.w.listpack(allEntries)) }
func (r *Reader) zsetZiplist()  { r.pairs(r.w.ziplist(memberScore)) }
func (r *Reader) zsetListpack() { r.pairs(r.w.listpack(memberScore)) }

func (r *Reader) setListpack() {
	n, size := r.w.listpack(allEntries)
	r.rec.Len, r.rec.Size = n, r.model.Blob(size)
}

// quicklist reads the ziplists of a list.
func (r *Reader) quicklist() {
	w := r.w
	var nodes int64
	for n := w.count(11); n > 0 && w.err == nil; n-- {
		entries, size := w.ziplist(allEntries)
		r.rec.Len += entries
		nodes += r.model.QuicklistNode(size)
	}
	r.rec.Size = r.model.List(nodes)
}

// Kinds of node of a list.
const (
	nodePlain  = 1 // one item
	nodePacked = 2 // a listpack
)

// quicklist2 reads nodes: their kind, then their bytes.
func (r *Reader) quicklist2() {
	w := r.w
	var nodes, size int64
	n := w.count(2)
	for i := n; i > 0 && w.err == nil; i-- {
		switch kind := w.number(); kind {
		case nodePlain:
			size = w.str()
			w.longest = max(w.longest, size)
			r.rec.Len++
			n++ // never one bare listpack
		case nodePacked:
			var entries int64
			entries, size = w.listpack(allEntries)
			r.rec.Len += entries
		default:
			w.fail(reasonf("unknown kind of a list's node: %d", kind))
		}
		nodes += r.model.QuicklistNode(size)
	}
	if n == 1 && r.model.BareListpack() {
		r.rec.Encoding, r.rec.Size = kv.EncodingListpack, r.model.Blob(size)
		return
	}
	r.rec.Size = r.model.List(nodes)
}

// hashTTL reads fields with an expiry: a length that is 0 for none, else 1 and so many ms after the earliest, or, where that is not
// written, a time in ms; field; value.
func (r *Reader) hashTTL(earliest int64) {
	w := r.w
	n := w.count(3)
	var sum, ttls int64
	for i := n; i > 0 && w.err == nil; i-- {
		after := w.number()
		if after != 0 {
			ttls++
		}
		w.told.expiry(int64(min(after, 1<<62)), earliest)
		sum += r.element(w) + r.element(w)
	}
	r.rec.Len, r.rec.Size = n, r.model.Hash(n, sum)+r.model.HashTTL(n, ttls)
}

// hashValkey reads fields with an expiry as Valkey 9 writes them: field, value, 8 bytes of ms or -1 for none.
func (r *Reader) hashValkey() {
	w := r.w
	n := w.count(10)
	w.told.date()
	var sum int64
	var expiries memory.Expiries
	for i := n; i > 0 && w.err == nil; i-- {
		field, value := w.element(), w.element()
		w.longest = max(w.longest, field, value)
		at := int64(w.uint64())
		if at != -1 {
			expiries.Add(at)
		}
		w.told.expiry(max(at, 0), 1)
		sum += r.model.Field(field, value, at != -1)
	}
	r.rec.Len, r.rec.Size = n, r.model.HashExpiring(n, sum, w.longest, &expiries)
}

// listpackEx reads a listpack of field, value and expiry.
func (r *Reader) listpackEx() {
	r.w.told.date()
	n, size := r.w.listpack(fieldValueTTL)
	if n%3 != 0 {
		r.w.fail(reasonf("%d entries cannot be fields, values and expiries", n))
	}
	r.rec.Len, r.rec.Size = n/3, r.model.ListpackEx(size)
}
