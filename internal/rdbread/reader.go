package rdbread

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unsafe"

	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/internal/crc64"
	"github.com/kvtool/kvtool/internal/lzf"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// Options says how to read a dump. The zero value checks everything and models what the file says of its server.
type Options struct {
	// Size is the number of bytes of the dump, 0 if unknown. Where it is known, a length that promises more is found at once
	// and not at the end of the file.
	Size       int64
	NoChecksum bool
	Allocator  memory.Allocator
	Live       bool   // model a server that wrote the dump, not one that has just loaded it
	Place      string // what records say of where their key lies; "" is nothing
	// Bodies keeps the values of keys as they are in the file, for Body, and names of any length.
	Bodies bool
	Wish

	buf      []byte // the window's memory, at least maxNeed bytes; nil is some of its own
	nameless bool   // records need no Key
}

// A Wish is what a walk is asked for. Next tells of every key what its length prefixes say; what costs more has to be in
// Want: the slot, the largest element of a collection in one block, and the digest of a string.
type Wish struct {
	Match string // yield only keys that match this glob; the others are walked and counted
	OneDB bool   // yield only keys of the database DB
	DB    int
	Want  kv.Field                  // facts worth paying for; the slot only if the dump is of a cluster
	Ask   func(key string) kv.Field // which of them, for this key; nil is all. Called once for each key that is yielded
	// Values says what of the value of a key is wanted, and Tell is told it while the value goes by; nil is nothing. Neither is
	// called of a key that has expired.
	Values func(kv.Name) []kv.Ask
	Tell   func(i int, a kv.Answer, text []byte)
}

// A Reader yields the records of one dump. It is not safe for concurrent use.
type Reader struct {
	w     *window
	opt   Options
	sum   Summary
	types *[256]codec
	model *memory.Model
	rec   kv.Record
	err   error    // what Next returns from now on
	want  kv.Field // of the key that is being read

	db         int
	op         byte // type code that was read ahead of its key, if isKey; else the end was
	isKey      bool
	ahead      bool  // op and isKey were read and not used
	expiry     int64 // ms of the key that comes next
	expires    bool
	idle       time.Duration // of the key that comes next, if access has it
	freq       uint8
	access     kv.Field
	keys       int64  // read whole
	last       string // last key that was read whole, if it was wanted
	skipped    []byte // last key that was not
	passing    []byte // the key that is being read, if it is not wanted
	lastWanted bool
	reading    string // for errors

	name     nameBuf
	nameLen  int64 // of the key that is read
	rounding int64 // of the value that is read, where its codec knows better than the model's estimate
	tables   tables
	slab     []byte       // names are cut from it
	hasher   *xxh3.Hasher // of a long value
	piece    []byte       // of it
	code     byte         // of the value that was read, if Options.Bodies
	body     []byte
	teller   teller
}

// A Summary is what a dump says of itself besides its keys. What follows keys in the file is there once they are read.
type Summary struct {
	Lineage   string // redis or valkey
	RDB       int    // version of the format
	Version   string // of the server that wrote it; empty before RDB 7
	Created   time.Time
	UsedMem   int64 // of the server when it wrote the dump; 0 if it does not say
	Model     memory.Profile
	KeysHint  int64 // keys of the first database, from the head; only if HasHint
	TTLHint   int64 // of which so many have an expiry
	HasHint   bool
	Keys      int64    // read so far, matching or not
	Access    kv.Field // FieldIdle or FieldFreq, if the first key tells it: a server writes it for all keys or for none
	Slots     bool     // the dump tells slots: it is of a node of a cluster
	AOF       bool     // commands may follow the dump: it is the base of an append-only file
	Functions int      // libraries
	Ledger    Ledger
	Modules   map[string]int64
	Aux       []string // modules with a section of their own
	Trailing  int64    // bytes after the end
	Checksum  Checksum
}

// Checksum says what is known of a dump's checksum.
type Checksum uint8

// The states of a checksum; a wrong one is an error instead.
const (
	ChecksumPending Checksum = iota // the end was not reached
	ChecksumGood
	ChecksumAbsent // the format had none before version 5
	ChecksumZero   // the server was told not to compute it
	ChecksumOff    // not wanted
)

// NewReader reads the head of a dump up to its first key. An input that is no dump at all is kv.ErrUsage.
func NewReader(src io.Reader, opt Options) (*Reader, error) {
	size := opt.Size
	if size <= 0 {
		size = -1
	}
	r := &Reader{w: newWindow(src, size, opt.buf), opt: opt, reading: "the head"}
	r.w.unchecked = opt.NoChecksum
	if err := r.magic(); err != nil {
		return nil, err
	}
	r.types = r.sum.types()
	r.op, r.isKey = r.nextType()
	r.ahead = true
	r.sum.Access = r.access
	if r.w.err != nil {
		r.err = r.failure()
	}
	r.sum.Model = memory.Profile{Allocator: opt.Allocator, Version: r.sum.modelVersion()}
	if opt.Live {
		r.sum.Model.State = memory.Live
	}
	r.model = memory.New(r.sum.Model)
	return r, nil
}

// Summary returns what was learned so far.
func (r *Reader) Summary() Summary {
	r.sum.Keys = r.keys
	r.sum.Ledger = r.ledger()
	return r.sum
}

// SetWish makes Next go by wish from now on.
func (r *Reader) SetWish(wish Wish) { r.opt.Wish = wish }

// modelVersion returns the version whose structs sizes are modelled with: that of the server that wrote the dump, or the
// oldest known where it does not say.
func (s *Summary) modelVersion() memory.Version {
	switch {
	case s.Lineage == "redis" && s.RDB < 10: // also builds of a development branch, which call themselves 999.999.999
		return memory.Redis62
	case s.Version != "":
		return memory.ParseVersion(s.Lineage, s.Version)
	case s.Lineage == "valkey":
		return memory.Valkey91
	default:
		return memory.Redis70
	}
}

// magic reads REDIS and four digits, or VALKEY and three.
func (r *Reader) magic() error {
	b := r.w.bytes(9)
	if b == nil {
		n := r.w.end
		if !errors.Is(r.w.err, errCut) {
			return fmt.Errorf("reading dump: %w", r.w.err)
		}
		return foreign(r.w.buf[:n])
	}
	digits := b[5:]
	switch {
	case string(b[:5]) == "REDIS":
		r.sum.Lineage = "redis"
	case string(b[:6]) == "VALKEY":
		r.sum.Lineage, digits = "valkey", b[6:]
	default:
		return foreign(r.w.buf[:r.w.end])
	}
	v, err := strconv.ParseUint(string(digits), 10, 16)
	if err != nil || v == 0 {
		r.w.pos = len(b) - len(digits)
		r.w.fail(reasonf("%q is no version", digits))
		return r.failure()
	}
	r.sum.RDB = int(v)
	return nil
}

// Next returns the next record, valid until the next call, or io.EOF after the last one of a sound dump.
func (r *Reader) Next() (*kv.Record, error) {
	for r.err == nil {
		op, ok := r.op, r.isKey
		if !r.ahead {
			op, ok = r.nextType()
		}
		r.ahead = false
		switch {
		case r.w.err != nil:
			r.err = r.failure()
		case !ok:
			r.err = r.finish()
		default:
			wanted := r.key(op)
			if r.w.err != nil {
				r.err = r.failure()
			} else if wanted {
				return &r.rec, nil
			}
		}
	}
	return nil, r.err
}

// Body returns the type code of the key that Next has returned and its value as the file has it, valid until the next call of Next.
// The value is nil for a stream, for a module's, and without Options.Bodies.
func (r *Reader) Body() (code byte, body []byte) { return r.code, r.body }

func (w *Wish) wants(db int, name string) bool {
	return (!w.OneDB || w.DB == db) && (w.Match == "" || kv.MatchGlob(w.Match, name))
}

// always are the facts that every record holds: they follow from what the walk must look at.
const always = kv.FieldName | kv.FieldType | kv.FieldEncoding | kv.FieldSize | kv.FieldLen | kv.FieldTTL

// key reads one key and its value into r.rec and reports whether it matches.
func (r *Reader) key(op byte) (wanted bool) {
	c := &r.types[op]
	at := r.w.offset() - 1
	if c.read == nil {
		r.reading = "a value"
		r.w.fail(reasonf("type code %d is unknown and cannot be hopped over", op))
		r.w.failedAt = at
		return false
	}
	r.reading = "the name of a key"
	n := r.readName()
	if r.w.err != nil {
		return false
	}
	rec := &r.rec
	rec.Known = always
	if r.opt.nameless {
		wanted = true
	} else if wanted = r.opt.wants(r.db, r.name.view()); wanted {
		rec.Key = r.cut(r.name.at)
		r.wish()
	} else {
		r.passing = append(r.passing[:0], r.name.at...)
		r.want = 0
	}
	r.reading = c.reading
	rec.DB, rec.Type, rec.Encoding, rec.Len = r.db, c.typ, c.encoding, 0
	r.w.longest, r.w.inside = -1, r.want&kv.FieldLargest != 0
	r.rounding, r.nameLen = 0, n
	keeps := r.opt.Bodies && wanted && c.typ != kv.TypeStream && c.typ != ""
	if keeps {
		r.w.record()
	}
	if wanted && r.opt.Values != nil {
		r.w.told = r.asked(c.typ)
	}
	c.read(r)
	if r.w.told != nil {
		r.w.told.finish(r.w.err)
		r.w.told = nil
	}
	if r.code, r.body = op, nil; keeps {
		r.body = r.w.recorded()
	}
	if r.w.inside && r.w.longest >= 0 {
		rec.Largest = r.w.longest
		rec.Known |= kv.FieldLargest
	}
	if r.w.err != nil {
		return false
	}
	r.account()
	r.rec.Size += r.model.Key(n)
	if r.expires {
		r.rec.Size += r.model.Expiry(n)
	}
	r.setTTL()
	r.keys++
	if r.lastWanted = wanted; wanted {
		r.last = rec.Key
	} else {
		r.skipped, r.passing = r.passing, r.skipped
	}
	return wanted
}

// wish asks what is wanted of the key that is being read, and fills in what is known before its value.
func (r *Reader) wish() {
	rec := &r.rec
	if r.want = r.opt.Want; r.opt.Ask != nil {
		r.want &= r.opt.Ask(rec.Key)
	}
	if r.access != 0 {
		rec.Idle, rec.Freq = r.idle, r.freq
		rec.Known |= r.access & r.sum.Access
	}
	if r.opt.Place != "" {
		rec.Place = r.opt.Place
		rec.Known |= kv.FieldPlace
	}
	if r.want&kv.FieldSlot != 0 {
		rec.Slot = slot.Of(rec.Key)
		rec.Known |= kv.FieldSlot
	}
}

// slabSize is what names are cut from: it spares an allocation for each, and who keeps one name keeps no more than so much.
const slabSize = 1 << 10

// cut returns name as a string of its own.
func (r *Reader) cut(name []byte) string {
	n := len(name)
	if n > slabSize/4 {
		return string(name)
	}
	if len(r.slab) < n {
		r.slab = make([]byte, slabSize)
	}
	copy(r.slab, name)
	s := unsafe.String(unsafe.SliceData(r.slab), n)
	r.slab = r.slab[n:]
	return s
}

// setTTL takes what opcodes said of the key that has been read, so that the next one does not have it.
func (r *Reader) setTTL() {
	r.access = 0
	rec := &r.rec
	if !r.expires {
		if rec.TTL != kv.TTLNone {
			rec.TTL, rec.ExpireAt = kv.TTLNone, time.Time{}
		}
		return
	}
	r.expires = false
	rec.TTL, rec.ExpireAt = kv.TTLAt, time.UnixMilli(r.expiry)
	if r.gone(r.expiry) {
		rec.TTL = kv.TTLExpired
	}
}

// gone reports whether what expires at a time, in ms, was gone when the dump was made.
func (r *Reader) gone(ms int64) bool {
	return !r.sum.Created.IsZero() && ms < r.sum.Created.UnixMilli()
}

// finish reads what follows the last key: the checksum of everything before it.
func (r *Reader) finish() error {
	w := r.w
	w.checksum()
	computed := w.crc
	if r.sum.RDB < 5 && r.sum.Lineage == "redis" {
		r.sum.Checksum = ChecksumAbsent
		return io.EOF
	}
	r.reading = "the checksum"
	at := w.offset()
	stored := w.uint64()
	switch {
	case w.err != nil:
		return r.failure()
	case stored == 0:
		r.sum.Checksum = ChecksumZero
	case r.opt.NoChecksum:
		r.sum.Checksum = ChecksumOff
	case stored != computed:
		w.fail(reasonf("checksum mismatch: the file says %016x, its content gives %016x, so any part of it may be wrong", stored, computed))
		w.failedAt = at
		return r.failure()
	default:
		r.sum.Checksum = ChecksumGood
	}
	return io.EOF
}

// Drain reads the input to its end and counts the bytes after the dump's. Call it only once Next has returned io.EOF, and
// not on a connection that stays open.
func (r *Reader) Drain() error {
	w := r.w
	w.unchecked, w.size = true, -1
	from := w.offset()
	for w.need(1) {
		w.pos = w.end
	}
	r.sum.Trailing = w.offset() - from
	if !errors.Is(w.err, errCut) {
		return fmt.Errorf("reading after the end of the dump: %w", w.err)
	}
	return nil
}

// maxName is the longest name that is kept whole. Of a longer one the Key is its first keptName bytes, its length and a
// hash, so that two of them stay two.
const (
	maxName  = 64 << 10
	keptName = 1 << 10
)

// A nameBuf holds the name of the key that is being read: in the window until the value is read, or in buf.
type nameBuf struct {
	at  []byte
	buf []byte
}

// view returns the name without copying it. It is valid until the window moves.
func (b *nameBuf) view() string { return unsafe.String(unsafe.SliceData(b.at), len(b.at)) }

// readName reads a name into r.name and returns how many bytes the server holds for it.
func (r *Reader) readName() int64 {
	w := r.w
	n, special := w.length()
	if !special {
		if n > maxName && r.opt.Bodies {
			return r.wholeName(blob{size: int64(min(n, 1<<62)), stored: int64(min(n, 1<<62))})
		}
		if n > maxName {
			return r.longName(blob{size: int64(min(n, 1<<62)), stored: int64(min(n, 1<<62))})
		}
		r.name.at = w.bytes(int(n))
		return int64(n)
	}
	if n != specialLZF {
		v, _ := w.integer(n)
		r.name.buf = strconv.AppendInt(r.name.buf[:0], v, 10)
		r.name.at = r.name.buf
		return int64(len(r.name.at))
	}
	b := w.compressed()
	if (b.size > maxName || b.stored > maxName) && r.opt.Bodies {
		return r.wholeName(b)
	}
	if b.size > maxName || b.stored > maxName {
		return r.longName(b)
	}
	stored := w.bytes(int(b.stored))
	r.name.grow(int(b.size))
	if got, ok := lzf.Expand(r.name.buf, stored); w.err == nil && (!ok || int64(got) != b.size) {
		w.fail(reasonf("damaged LZF"))
	}
	r.name.at = r.name.buf
	return b.size
}

// grow makes buf n bytes long. n is at most maxName.
func (b *nameBuf) grow(n int) {
	if cap(b.buf) < n {
		b.buf = make([]byte, n)
	}
	b.buf = b.buf[:n]
}

// wholeName reads a name of any length.
func (r *Reader) wholeName(b blob) int64 {
	if b.stored > r.w.left() {
		r.w.fail(errCut)
		return 0
	}
	in := r.w.open(b)
	var chunk [keptName]byte
	r.name.buf = r.name.buf[:0]
	for left := b.size; left > 0 && r.w.err == nil; {
		n := in.read(chunk[:min(left, keptName)])
		r.name.buf = append(r.name.buf, chunk[:n]...)
		left -= int64(n)
	}
	in.close()
	r.name.at = r.name.buf
	return b.size
}

// longName reads a name that is too long to keep. The hash is over all of it.
func (r *Reader) longName(b blob) int64 {
	if b.stored > r.w.left() {
		r.w.fail(errCut)
		return 0
	}
	in := r.w.open(b)
	r.name.grow(keptName)
	var hash uint64
	var chunk [keptName]byte
	for done := int64(0); done < b.size && r.w.err == nil; {
		n := int(min(b.size-done, keptName))
		for i := range n {
			chunk[i] = in.byte()
		}
		if done == 0 {
			copy(r.name.buf, chunk[:n])
		}
		hash = crc64.Update(hash, chunk[:n])
		done += int64(n)
	}
	in.close()
	r.name.buf = fmt.Appendf(r.name.buf, "…(%d bytes, crc64 %016x)", b.size, hash)
	r.name.at = r.name.buf
	return b.size
}
