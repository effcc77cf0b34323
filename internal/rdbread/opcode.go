package rdbread

import (
	"math"
	"strconv"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Opcodes: what stands where the type of a key is expected and is not one.
const (
	opSlotInfo    = 244 // slot, keys, keys with an expiry
	opFunction    = 245 // a library of functions
	opFunctionRC  = 246 // as release candidates of Redis 7.0 wrote it
	opModuleAux   = 247 // what a module keeps beside keys
	opIdle        = 248 // seconds since the next key was used
	opFreq        = 249 // LFU counter of the next key
	opAux         = 250 // name and value
	opResizeDB    = 251 // keys, keys with an expiry
	opExpiry      = 252 // of the next key, ms
	opExpiryInSec = 253
	opSelectDB    = 254
	opEOF         = 255
)

// nextType reads opcodes up to the type of the next key, or to the end.
func (r *Reader) nextType() (op byte, ok bool) {
	w := r.w
	for {
		r.reading = "an opcode"
		op = w.byte()
		if w.err != nil {
			return 0, false
		}
		switch op {
		case opExpiry:
			r.expiry, r.expires = r.millis(w.uint64()), true
		case opExpiryInSec:
			r.expiry, r.expires = int64(int32(w.uint32()))*1000, true
		case opFreq:
			r.freq = w.byte()
			r.access |= kv.FieldFreq
		case opIdle:
			r.idle = time.Duration(min(w.number(), maxIdle)) * time.Second
			r.access |= kv.FieldIdle
		case opEOF:
			return 0, false
		case opSelectDB:
			r.selectDB()
		case opResizeDB:
			r.resizeDB()
		case opAux:
			r.aux()
		case opFunction:
			r.reading = "a library of functions"
			r.tables.functions += w.str()
			r.sum.Functions++
		case opModuleAux:
			r.moduleAux()
		case opSlotInfo:
			w.numbers(3)
			r.sum.Slots = true
		case opFunctionRC:
			w.fail(reasonf("functions in the form of a release candidate of Redis 7.0, which no release reads"))
		default:
			return op, true
		}
		if w.err != nil {
			return 0, false
		}
	}
}

// maxIdle is the longest idle time that a time.Duration can hold, in seconds.
const maxIdle = uint64(math.MaxInt64 / time.Second)

// millis keeps a time of the file within what a time.Time can hold.
func (r *Reader) millis(ms uint64) int64 {
	if ms > math.MaxInt64 {
		return 0 // negative: long ago
	}
	return int64(ms)
}

func (r *Reader) selectDB() {
	n := r.w.number()
	if n > math.MaxInt32 {
		r.w.fail(reasonf("%d is no database", n))
		return
	}
	r.db = int(n)
}

func (r *Reader) resizeDB() {
	keys, ttls := r.w.number(), r.w.number()
	if r.keys == 0 && !r.sum.HasHint && keys < 1<<48 && r.w.err == nil {
		r.sum.KeysHint, r.sum.TTLHint, r.sum.HasHint = int64(keys), int64(min(ttls, keys)), true
	}
}

// Bounds of what a dump says of itself: a time that a report can be of (JSON knows no year after 9999), and memory of which
// that of many dumps can be added up.
const (
	lastCreated = 253402300799 // 9999-12-31T23:59:59Z
	mostMemory  = 1 << 48
)

// aux reads a name and a value. The few that are wanted are short.
func (r *Reader) aux() {
	r.reading = "an aux field"
	var name, value [64]byte
	k, v := r.short(name[:]), r.short(value[:])
	if r.w.err != nil {
		return
	}
	switch string(k) {
	case "redis-ver":
		if r.sum.Version == "" {
			r.sum.Version = printable(v)
		}
	case "valkey-ver":
		r.sum.Lineage, r.sum.Version = "valkey", printable(v)
	case "ctime":
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n > 0 && n <= lastCreated {
			r.sum.Created = time.Unix(n, 0)
		}
	case "used-mem":
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n > 0 && n <= mostMemory {
			r.sum.UsedMem = n
		}
	case "aof-base", "aof-preamble": // since 7.0, and before
		r.sum.AOF = r.sum.AOF || string(v) == "1"
	}
}

// printable refuses a version that is not made of letters, digits, dots and dashes: it ends up in reports.
func printable(b []byte) string {
	for _, c := range b {
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z', '0' <= c && c <= '9', c == '.', c == '-':
		default:
			return ""
		}
	}
	return string(b)
}

// short reads a string into dst, or hops over it and returns nil if it does not fit.
func (r *Reader) short(dst []byte) []byte {
	w := r.w
	n, special := w.length()
	switch {
	case special && n == specialLZF:
		w.skip(w.compressed().stored)
		return nil
	case special:
		v, _ := w.integer(n)
		return strconv.AppendInt(dst[:0], v, 10)
	case n > uint64(len(dst)):
		w.skipString(n)
		return nil
	}
	return dst[:copy(dst, w.bytes(int(n)))]
}
