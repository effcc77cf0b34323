package dump

import (
	"encoding/binary"
	"errors"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/lzf"
	"github.com/kvtool/kvtool/kv"
)

// A Value is what a body holds.
type Value struct {
	Type kv.Type
	// Items are the elements: of a string one, of a list its items, of a set or a sorted set its members, of a hash its fields
	// with the value of each behind it.
	Items  [][]byte
	Scores []float64 // of a sorted set, one a member
	// Block is that the value was one block, a listpack or an older form of it: a server keeps it so if it has few enough
	// elements, however long these are.
	Block bool
	// Width is that of the numbers of an intset, in bytes: an intset that had a wide one stays as wide.
	Width int
	// Nodes are the numbers of items of a list's nodes, where it was written in nodes.
	Nodes []int
	// FieldTTLs counts the fields of a hash that had an expiry, which is lost.
	FieldTTLs int
}

// What can be wrong with a body.
var (
	// ErrDamaged is that the body contradicts itself.
	ErrDamaged = errors.New("the value is damaged")
	// ErrEmpty is that of a collection without elements, which no server keeps.
	ErrEmpty = errors.New("the value has no elements")
	// ErrType is that of a stream, a module's value, or a form that is not known.
	ErrType = errors.New("the value is of a type that the engine does not have")
)

// A Reader reads bodies. The zero value is ready. It is not safe for concurrent use.
type Reader struct {
	in    []byte // what is left of the body
	bad   bool
	text  []byte // room for numbers
	value Value
}

// Read returns the value of the form that code names, whose Items may lie in body and are valid until the next call. What
// stands behind the value is not looked at. The lineage of the dump decides what code 22 is: with valkey it is Valkey 9's.
func (r *Reader) Read(code byte, body []byte, valkey bool) (*Value, error) {
	clear(r.value.Items)
	r.value = Value{Items: r.value.Items[:0], Scores: r.value.Scores[:0], Nodes: r.value.Nodes[:0]}
	r.in, r.bad, r.text = body, false, r.text[:0]
	if !r.read(code, valkey) {
		return nil, ErrType
	}
	v := &r.value
	switch {
	case r.bad:
		return nil, ErrDamaged
	case len(v.Items) == 0:
		return nil, ErrEmpty
	}
	return v, nil
}

// read reports whether it knows the code.
func (r *Reader) read(code byte, valkey bool) bool {
	v := &r.value
	switch code {
	case String:
		v.Type = kv.TypeString
		r.strings(1)
	case 1, 10, 14, Quicklist:
		v.Type = kv.TypeList
		r.list(code)
	case Set, Intset, 20:
		v.Type = kv.TypeSet
		r.set(code)
	case 3, ZSet, 12, ZSetListpack:
		v.Type = kv.TypeZSet
		r.zset(code)
	case Hash, 9, 13, HashListpack, 22, 23, 24, 25:
		v.Type = kv.TypeHash
		r.hash(code, valkey)
	default:
		return false
	}
	return true
}

// fail ends the reading: there is nothing left to read.
func (r *Reader) fail() {
	r.bad, r.in = true, nil
}

// bytes takes n bytes.
func (r *Reader) bytes(n uint64) []byte {
	if n > uint64(len(r.in)) {
		r.fail()
		return nil
	}
	p := r.in[:n:n]
	r.in = r.in[n:]
	return p
}

func (r *Reader) byte() byte {
	if p := r.bytes(1); p != nil {
		return p[0]
	}
	return 0
}

// length takes a length, or with special the code of another form of a string. rdbread has the table.
func (r *Reader) length() (n uint64, special bool) {
	switch b := r.byte(); {
	case b < 0x40:
		return uint64(b), false
	case b < 0x80:
		return uint64(b&0x3f)<<8 | uint64(r.byte()), false
	case b >= 0xc0:
		return uint64(b & 0x3f), true
	case b == 0x80:
		if p := r.bytes(4); p != nil {
			return uint64(binary.BigEndian.Uint32(p)), false
		}
	case b == 0x81:
		if p := r.bytes(8); p != nil {
			return binary.BigEndian.Uint64(p), false
		}
	default:
		r.fail()
	}
	return 0, false
}

// count takes a number of things of which each takes at least one byte.
func (r *Reader) count() int {
	n, special := r.length()
	if special || n > uint64(len(r.in)) {
		r.fail()
		return 0
	}
	return int(n)
}

// str takes a string.
func (r *Reader) str() []byte {
	n, special := r.length()
	if !special {
		return r.bytes(n)
	}
	switch n {
	case 0:
		return r.decimal(int64(int8(r.byte())))
	case 1:
		if p := r.bytes(2); p != nil {
			return r.decimal(int64(int16(binary.LittleEndian.Uint16(p))))
		}
	case 2:
		if p := r.bytes(4); p != nil {
			return r.decimal(int64(int32(binary.LittleEndian.Uint32(p))))
		}
	case 3:
		return r.expanded()
	default:
		r.fail()
	}
	return nil
}

// decimal returns n as text. Where there is no more room for it, it begins a new block: what was cut from the old one stays.
func (r *Reader) decimal(n int64) []byte {
	if cap(r.text)-len(r.text) < packed.IntBytes {
		r.text = make([]byte, 0, 4096)
	}
	at := len(r.text)
	r.text = strconv.AppendInt(r.text, n, 10)
	return r.text[at:len(r.text):len(r.text)]
}

// expanded takes a compressed string. Three bytes expand to 264 at most.
func (r *Reader) expanded() []byte {
	stored, special := r.length()
	size, special2 := r.length()
	if special || special2 || size == 0 || size/88 > stored {
		r.fail()
		return nil
	}
	in := r.bytes(stored)
	if in == nil {
		return nil
	}
	out := make([]byte, size, size+32) // room for lzf.Expand
	if n, ok := lzf.Expand(out, in); !ok || uint64(n) != size {
		r.fail()
		return nil
	}
	return out[:size:size]
}

// strings takes n strings as items.
func (r *Reader) strings(n int) {
	for range n {
		s := r.str()
		if r.bad {
			return
		}
		r.add(s)
	}
}

func (r *Reader) add(item []byte) { r.value.Items = append(r.value.Items, item) }
