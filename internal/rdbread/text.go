package rdbread

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// A teller tells the texts of one value that somebody has asked for, while the value goes by: a member at once, the value of a field
// once it is known that the field has not expired. It holds no more than a field and its value, or one document. The methods that
// codecs call may be called of nil.
type teller struct {
	r       *Reader
	asks    []kv.Ask
	met     []bool // by ask: the field was met
	hash    bool
	isValue bool // the entry that comes next is a field's value
	dated   bool // whether a field has expired is said after its value
	gone    bool // the field that comes next has expired

	field, value     []byte // copies
	fieldOK, valueOK bool   // they are short enough
	buf              []byte
}

// asked returns the teller of the value that is about to be read, of a type, or nil where nothing of it is wanted.
func (r *Reader) asked(typ kv.Type) *teller {
	if r.expires && r.gone(r.expiry) {
		return nil
	}
	asks := r.opt.Values(kv.Name{DB: r.db, Key: r.rec.Key})
	if len(asks) == 0 {
		return nil
	}
	t := &r.teller
	t.r, t.asks = r, asks
	t.met = append(t.met[:0], make([]bool, len(asks))...)
	t.hash, t.isValue, t.dated, t.gone = typ == kv.TypeHash, false, false, false
	some := false
	for i := range asks {
		if t.met[i] = !holds(typ, asks[i].Part); t.met[i] {
			r.opt.Tell(i, kv.Unlike, nil)
		} else {
			some = true
		}
	}
	if !some {
		return nil
	}
	return t
}

// holds reports whether a value of a type has such a content.
func holds(typ kv.Type, part kv.Content) bool {
	switch typ {
	case kv.TypeString:
		return part == kv.ContentValue || part == kv.ContentField
	case kv.TypeHash:
		return part == kv.ContentField || part == kv.ContentMembers
	case kv.TypeList, kv.TypeSet, kv.TypeZSet:
		return part == kv.ContentMembers
	}
	return false
}

// finish answers what was asked for and not met. Of a value that is damaged nothing is known.
func (t *teller) finish(err error) {
	for i := range t.asks {
		if err == nil && t.hash && !t.met[i] && t.asks[i].Part == kv.ContentField {
			t.r.opt.Tell(i, kv.Lost, nil)
		}
	}
	if cap(t.buf) > maxNeed { // of a document
		t.buf = nil
	}
}

// wants reports whether the text of a string of n bytes is wanted; of one that is too long it says so.
func (t *teller) wants(n int64) bool {
	if t == nil {
		return false
	}
	some := false
	for i := range t.asks {
		switch {
		case t.met[i]:
		case n <= limitOf(t.asks[i].Part):
			some = true
		default:
			t.met[i] = true
			t.r.opt.Tell(i, kv.Unlike, nil)
		}
	}
	return some
}

func limitOf(part kv.Content) int64 {
	if part == kv.ContentField {
		return kv.LongestDocument
	}
	return kv.LongestText
}

// whole takes the text of a string.
func (t *teller) whole(text []byte) {
	if t == nil || t.r.w.err != nil {
		return
	}
	for i := range t.asks {
		switch {
		case t.met[i]:
		case t.asks[i].Part == kv.ContentField:
			part, a := kv.JSONField(text, t.asks[i].Text)
			t.r.opt.Tell(i, a, part)
		case len(text) == 0: // as GETRANGE has it
			t.r.opt.Tell(i, kv.Lost, nil)
		default:
			t.r.opt.Tell(i, kv.Found, text)
		}
	}
}

func (t *teller) number(v int64) {
	if t != nil {
		t.buf = strconv.AppendInt(t.buf[:0], v, 10)
		t.whole(t.buf)
	}
}

// document reads a string that fits into no window. What is allocated grows with what is there, not with what is promised.
func (t *teller) document(in *blobReader) []byte {
	t.buf = t.buf[:0]
	for in.left > 0 && t.r.w.err == nil {
		t.buf = slices.Grow(t.buf, keptName)
		n := in.read(t.buf[len(t.buf) : len(t.buf)+keptName])
		t.buf = t.buf[:len(t.buf)+n]
	}
	in.close()
	return t.buf
}

// entry takes an element of a collection, or by turns a field and its value; ok is whether it is short enough to be told.
func (t *teller) entry(text []byte, ok bool) {
	switch {
	case t.r.w.err != nil:
	case !t.hash:
		t.members(text, ok)
	case !t.isValue:
		t.field, t.fieldOK, t.isValue = append(t.field[:0], text...), ok, true
	default:
		t.value, t.valueOK, t.isValue = append(t.value[:0], text...), ok, false
		if !t.dated {
			t.pair()
		}
	}
}

func (t *teller) entryNumber(v int64) {
	t.buf = strconv.AppendInt(t.buf[:0], v, 10)
	t.entry(t.buf, true)
}

func (t *teller) members(text []byte, ok bool) {
	for i := range t.asks {
		switch {
		case t.asks[i].Part != kv.ContentMembers || t.met[i]:
		case ok:
			t.r.opt.Tell(i, kv.Found, text)
		default:
			t.r.opt.Tell(i, kv.Unlike, nil)
		}
	}
}

// pair tells of a field and its value.
func (t *teller) pair() {
	if t.gone {
		return
	}
	t.members(t.field, t.fieldOK)
	for i := range t.asks {
		q := &t.asks[i]
		if q.Part != kv.ContentField || t.met[i] || !t.fieldOK || string(t.field) != q.Text {
			continue
		}
		t.met[i] = true
		if t.valueOK {
			t.r.opt.Tell(i, kv.Found, t.value)
		} else {
			t.r.opt.Tell(i, kv.Unlike, nil)
		}
	}
}

// date says that expiries come behind values.
func (t *teller) date() {
	if t != nil {
		t.dated = true
	}
}

// expiry takes when a field expires: ms from the first one on, which is 1; 0 is never. It comes before the field, or, where dated,
// behind the value.
func (t *teller) expiry(ms, first int64) {
	if t == nil {
		return
	}
	t.gone = ms > 0 && t.r.gone(ms+first-1)
	if t.dated {
		t.pair()
	}
}

// tellStr reads a string and tells it.
func (w *window) tellStr() int64 {
	n, special := w.length()
	b := blob{size: int64(min(n, 1<<62)), stored: int64(min(n, 1<<62))}
	switch {
	case special && n == specialLZF:
		b = w.compressed()
	case special:
		v, _ := w.integer(n)
		w.told.entryNumber(v)
		return digits(v)
	}
	if b.size > kv.LongestText {
		w.skip(b.stored)
		w.told.entry(nil, false)
		return b.size
	}
	if b.stored <= maxNeed {
		w.told.entry(w.content(b), true)
		return b.size
	}
	w.told.entry(w.told.document(w.open(b)), true)
	return b.size
}

// piece reads the next n bytes of a block, or hops over them where they are too long to be told.
func (r *blobReader) piece(t *teller, n int64) []byte {
	if n > kv.LongestText || n > r.left {
		r.skip(n)
		return nil
	}
	t.buf = slices.Grow(t.buf[:0], int(n))[:n]
	return t.buf[:r.read(t.buf)]
}

// text tells of an entry of a block that is n bytes of text; element is whether it is an element.
func (e *entries) text(element bool, text []byte, n int64) {
	switch {
	case element:
		e.told.entry(text, n <= kv.LongestText)
	case e.layout == fieldValueTTL:
		v, _ := strconv.ParseInt(string(text), 10, 64)
		e.told.expiry(v, 1)
	}
}

func (e *entries) number(element bool, v int64) {
	switch {
	case element:
		e.told.entryNumber(v)
	case e.layout == fieldValueTTL:
		e.told.expiry(v, 1)
	}
}

// listpack tells of an entry of a listpack whose encoding is c.
func (e *entries) listpack(element bool, c byte, data []byte) {
	if isListpackNumber(c) {
		e.number(element, listpackNumber(c, data))
		return
	}
	e.text(element, data, int64(len(data)))
}

// ziplist tells of an entry of a ziplist whose encoding is c.
func (e *entries) ziplist(element bool, c byte, data []byte) {
	if c >= 0xc0 {
		e.number(element, ziplistValue(c, data))
		return
	}
	e.text(element, data, int64(len(data)))
}

func isListpackNumber(c byte) bool { return c < 0x80 || c >= 0xc0 && c < 0xe0 || c > 0xf0 }

// listpackNumber returns the number of an entry: of 7 bits, of 13 in two's complement, else little endian in 2, 3, 4 or 8 bytes.
func listpackNumber(c byte, data []byte) int64 {
	switch {
	case c < 0x80:
		return int64(c)
	case c < 0xe0 && len(data) == 1:
		return int64(int16(uint16(c&0x1f)<<11|uint16(data[0])<<3)) >> 3
	}
	return littleEndian(data)
}

// ziplistValue returns the number of an entry: 0 to 12 in the encoding itself, else little endian in 1, 2, 3, 4 or 8 bytes.
func ziplistValue(c byte, data []byte) int64 {
	if c > 0xf0 && c < 0xfe {
		return int64(c&0xf) - 1
	}
	return littleEndian(data)
}

// littleEndian is the signed number in p, of 8 bytes at most.
func littleEndian(p []byte) int64 {
	var b [8]byte
	copy(b[:], p)
	return twosComplement(binary.LittleEndian.Uint64(b[:]), len(p))
}

// twosComplement is a number of n bytes in two's complement.
func twosComplement(v uint64, n int) int64 {
	shift := 64 - 8*min(n, 8)
	return int64(v<<shift) >> shift
}
