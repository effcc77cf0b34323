package dump

import (
	"encoding/binary"
	"math"

	"github.com/kvtool/kvtool/adapters/reference/number"
)

// list takes items one by one (1), a ziplist (10), ziplists (14), or nodes.
func (r *Reader) list(code byte) {
	switch code {
	case 1:
		r.strings(r.count())
	case 10:
		r.ziplist(r.str())
	case 14:
		for n := r.count(); n > 0 && !r.bad; n-- {
			r.node(r.str(), (*Reader).ziplist)
		}
	default:
		for n := r.count(); n > 0 && !r.bad; n-- {
			r.quicklistNode()
		}
	}
}

func (r *Reader) quicklistNode() {
	kind, special := r.length()
	block := r.str()
	switch {
	case special || r.bad || len(block) == 0:
		r.fail()
	case kind == Packed:
		r.node(block, (*Reader).listpack)
	case kind == Plain:
		r.add(block)
		r.value.Nodes = append(r.value.Nodes, 1)
	default:
		r.fail()
	}
}

// node takes the entries of a block as a node.
func (r *Reader) node(block []byte, walk func(*Reader, []byte)) {
	from := len(r.value.Items)
	walk(r, block)
	if n := len(r.value.Items) - from; n > 0 { // servers leave out empty ones too
		r.value.Nodes = append(r.value.Nodes, n)
	}
}

// set takes members one by one, numbers, or a listpack (since 7.2).
func (r *Reader) set(code byte) {
	switch code {
	case Intset:
		r.intset(r.str())
	case 20:
		r.block((*Reader).listpack, 1)
	default:
		r.strings(r.count())
	}
}

// block takes the entries of the string that comes next, in groups of so many.
func (r *Reader) block(walk func(*Reader, []byte), group int) {
	r.value.Block = true
	walk(r, r.str())
	if len(r.value.Items)%group != 0 {
		r.fail()
	}
}

// zset takes members with scores as text (3) or in eight bytes, or a ziplist (12) or listpack of both.
func (r *Reader) zset(code byte) {
	v := &r.value
	switch code {
	case 12, ZSetListpack:
		r.block(walker(code), 2)
		r.halve()
	default:
		for n := r.count(); n > 0 && !r.bad; n-- {
			member := r.str()
			score := 0.0
			if code == ZSet {
				if p := r.bytes(8); p != nil {
					score = math.Float64frombits(binary.LittleEndian.Uint64(p))
				}
			} else {
				score = r.textScore()
			}
			r.add(member)
			v.Scores = append(v.Scores, score)
		}
	}
	for _, x := range v.Scores {
		if x != x {
			r.fail()
		}
	}
}

// walker returns what walks the block of a code.
func walker(code byte) func(*Reader, []byte) {
	switch code {
	case 12, 13:
		return (*Reader).ziplist
	case 9:
		return (*Reader).zipmap
	default:
		return (*Reader).listpack
	}
}

// halve makes members and scores of what was one item after the other.
func (r *Reader) halve() {
	v := &r.value
	if r.bad {
		return
	}
	n := len(v.Items) / 2
	for i := range n {
		text := v.Items[2*i+1]
		score, used, _ := number.Strtod(text)
		if used != len(text) {
			score = math.NaN()
		}
		v.Items[i], v.Scores = v.Items[2*i], append(v.Scores, score)
	}
	v.Items = v.Items[:n]
}

// textScore takes a score as text behind one byte of length, where 253 to 255 are a number by themselves.
func (r *Reader) textScore() float64 {
	switch n := r.byte(); n {
	case 253:
		return math.NaN()
	case 254:
		return math.Inf(1)
	case 255:
		return math.Inf(-1)
	default:
		text := r.bytes(uint64(n))
		score, used, _ := number.Strtod(text)
		if used == 0 {
			r.fail()
		}
		return score
	}
}

// hash takes fields and values one by one, or in a zipmap (9), a ziplist (13) or a listpack; since Redis 7.4 and Valkey 9 with an
// expiry for each field, which is counted and dropped.
func (r *Reader) hash(code byte, valkey bool) {
	switch {
	case code == Hash:
		r.strings(2 * r.count())
	case code == 22 && valkey:
		r.fieldsValkey()
	case code == 24:
		r.bytes(8) // the earliest expiry
		r.fieldsTTL()
	case code == 22:
		r.fieldsTTL()
	case code == 25:
		r.bytes(8)
		r.listpackTTL()
	case code == 23:
		r.listpackTTL()
	default:
		r.block(walker(code), 2)
	}
}

// fieldsTTL takes an expiry, 0 for none, a field and a value each.
func (r *Reader) fieldsTTL() {
	for n := r.count(); n > 0 && !r.bad; n-- {
		ttl, special := r.length()
		if special {
			r.fail()
		}
		if ttl != 0 {
			r.value.FieldTTLs++
		}
		r.strings(2)
	}
}

// fieldsValkey takes a field, a value and an expiry of 8 bytes, -1 for none.
func (r *Reader) fieldsValkey() {
	for n := r.count(); n > 0 && !r.bad; n-- {
		r.strings(2)
		if p := r.bytes(8); p != nil && int64(binary.LittleEndian.Uint64(p)) != -1 {
			r.value.FieldTTLs++
		}
	}
}

// listpackTTL takes a listpack of field, value and expiry, 0 for none.
func (r *Reader) listpackTTL() {
	r.block((*Reader).listpack, 3)
	if r.bad {
		return
	}
	v := &r.value
	kept := v.Items[:0]
	for i := 0; i < len(v.Items); i += 3 {
		if string(v.Items[i+2]) != "0" {
			v.FieldTTLs++
		}
		kept = append(kept, v.Items[i], v.Items[i+1])
	}
	v.Items = kept
}
