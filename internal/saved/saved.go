// Package saved writes values as bytes and reads them again: what a snapshot file keeps of a collector. It knows no files
// and none of the values.
//
// The one idea is that a type says once what it consists of, and that serves both ways. A type has a method Form, which
// names its fields in order; whether that writes or reads them is the Form's business, so the two cannot differ:
//
//	func (s *sums) Form(f *saved.Form) {
//		saved.Count(f, &s.keys, &s.bytes)
//		saved.Slice(f, &s.kinds, func(k *kind) { saved.String(f, &k.typ) })
//	}
//
// Input is hostile. The first thing that is not as it was written is the Form's error, and nothing is read after it; no
// memory is taken for what the input only claims to hold. The bytes are canonical: a number, a list and a map have one
// form each, so equal values are equal bytes. What a type demands beyond that it checks with Form.Check.
package saved

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// A Form goes over the fields of a value, either way. It is for one goroutine. What is written is only read, so that it may be shared.
type Form struct {
	buf     []byte // what is written, or what is left to read
	reading bool
	version uint16
	err     error
}

// ErrNewer says that bytes were saved in a later version than the one that reads them.
var ErrNewer = errors.New("saved by a newer version of kvtool")

var errShort = errors.New("ends too early")

// Append appends to b the given version and what walk goes over.
func Append(b []byte, version uint16, walk func(*Form)) ([]byte, error) {
	f := Form{buf: binary.AppendUvarint(b, uint64(version)), version: version}
	walk(&f)
	return f.buf, f.err
}

// Read has walk go over what Append wrote, all of b. The version must be from 1 to the given one; Form.Version tells which.
// After an error the value that walk went over is not to be used.
func Read(b []byte, version uint16, walk func(*Form)) error {
	f := Form{buf: b, reading: true}
	Uint(&f, &f.version)
	switch {
	case f.err == nil && f.version > version:
		return fmt.Errorf("version %d: %w", f.version, ErrNewer)
	case f.err == nil && f.version == 0:
		return errors.New("version 0")
	}
	if f.err == nil {
		walk(&f)
	}
	if f.err == nil && len(f.buf) > 0 {
		return fmt.Errorf("%d bytes too many", len(f.buf))
	}
	return f.err
}

// Reading reports whether values are read, into what the pointers point to.
func (f *Form) Reading() bool { return f.reading }

// Version is the version of what is read, or of what is written.
func (f *Form) Version() uint16 { return f.version }

// OK reports whether nothing has gone wrong so far.
func (f *Form) OK() bool { return f.err == nil }

// Check fails a reading for which ok is false.
func (f *Form) Check(ok bool, format string, args ...any) {
	if !ok && f.reading {
		f.fail(fmt.Errorf(format, args...))
	}
}

func (f *Form) fail(err error) {
	if f.err == nil {
		f.err, f.buf = err, nil
	}
}

// uint is the one form of whole numbers: seven bits a byte, the lowest first, in as few bytes as will do.
func (f *Form) uint(v uint64) uint64 {
	if !f.reading {
		f.buf = binary.AppendUvarint(f.buf, v)
		return v
	}
	v, n := binary.Uvarint(f.buf)
	switch {
	case n == 0:
		f.fail(errShort)
	case n < 0 || n > 1 && f.buf[n-1] == 0:
		f.fail(errors.New("a number in no form that is written"))
	}
	if f.err != nil {
		return 0
	}
	f.buf = f.buf[n:]
	return v
}

type unsigned interface {
	~uint8 | ~uint16 | ~uint32 | ~uint64
}

type signed interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64
}

// Uint goes over whole numbers from 0 up.
func Uint[T unsigned](f *Form, vs ...*T) {
	for _, v := range vs {
		x := f.uint(uint64(*v))
		if !f.reading {
			continue
		}
		if *v = T(x); uint64(*v) != x {
			f.fail(fmt.Errorf("%d is too great for its place", x))
		}
	}
}

// Int goes over whole numbers. A small one takes few bytes, whatever its sign.
func Int[T signed](f *Form, vs ...*T) {
	for _, v := range vs {
		x := int64(*v)
		z := f.uint(uint64(x<<1) ^ uint64(x>>63))
		if !f.reading {
			continue
		}
		x = int64(z>>1) ^ -int64(z&1)
		if *v = T(x); int64(*v) != x {
			f.fail(fmt.Errorf("%d is too great for its place", x))
		}
	}
}

// Count goes over whole numbers that are never negative, such as counts and sums of sizes. Writing a negative one fails.
func Count[T signed](f *Form, vs ...*T) {
	for _, v := range vs {
		if *v < 0 {
			f.fail(fmt.Errorf("%d is no count", *v))
			return
		}
		x := f.uint(uint64(*v))
		if !f.reading {
			continue
		}
		if *v = T(x); *v < 0 || uint64(*v) != x {
			f.fail(fmt.Errorf("%d is too great for its place", x))
			*v = 0
		}
	}
}

// Bool goes over a truth.
func (f *Form) Bool(v *bool) {
	x := uint8(0)
	if *v {
		x = 1
	}
	Uint(f, &x)
	f.Check(x < 2, "%d is no truth", x)
	if f.reading {
		*v = x == 1
	}
}

// Float goes over a number that is not NaN, bit by bit.
func (f *Form) Float(v *float64) {
	if !f.reading {
		f.buf = binary.BigEndian.AppendUint64(f.buf, math.Float64bits(*v))
		return
	}
	var bits [8]byte
	copy(bits[:], f.take(8))
	*v = math.Float64frombits(binary.BigEndian.Uint64(bits[:]))
	f.Check(!math.IsNaN(*v), "not a number")
}

// take cuts n bytes off what is left; they are valid as long as the input. It returns nil if there are fewer.
func (f *Form) take(n uint64) []byte {
	if n > uint64(len(f.buf)) {
		f.fail(errShort)
		return nil
	}
	b := f.buf[:n]
	f.buf = f.buf[n:]
	return b
}

// String goes over any bytes. What is read shares no memory with the input.
func String[T ~string](f *Form, vs ...*T) {
	for _, v := range vs {
		n := f.uint(uint64(len(*v)))
		if !f.reading {
			f.buf = append(f.buf, *v...)
			continue
		}
		*v = T(f.take(n))
	}
}

// Bytes goes over any bytes. What is read is valid as long as the input.
func (f *Form) Bytes(v *[]byte) {
	n := f.uint(uint64(len(*v)))
	if !f.reading {
		f.buf = append(f.buf, *v...)
		return
	}
	*v = f.take(n)
}

// Time goes over an instant, which is read in UTC.
func (f *Form) Time(v *time.Time) {
	known := !v.IsZero()
	if f.Bool(&known); !known {
		if f.reading {
			*v = time.Time{}
		}
		return
	}
	sec, nsec := v.Unix(), int64(v.Nanosecond())
	Int(f, &sec)
	Count(f, &nsec)
	f.Check(nsec < int64(time.Second), "%d ns in a second", nsec)
	if f.reading && f.OK() {
		*v = time.Unix(sec, nsec).UTC()
	}
}

// Len goes over the length of a list. Of one that is read, each element takes a byte or more.
func (f *Form) Len(n int) int {
	l := f.uint(uint64(n))
	if f.reading && l > uint64(len(f.buf)) {
		f.fail(errShort)
		return 0
	}
	return int(l)
}

// Slice goes over the elements of *s, at most limit, with walk, which must go over a byte of each at least. An empty list is
// read as nil. The limit is checked before anything is made, since an element in memory may be a hundred times its bytes.
func Slice[T any](f *Form, limit int, s *[]T, walk func(*T)) {
	n := f.Len(len(*s))
	f.Check(n <= limit, "a list of %d where %d are the most", n, limit)
	if !f.reading {
		for i := range *s {
			walk(&(*s)[i])
		}
		return
	}
	*s = nil
	for range min(n, limit) {
		var x T
		if walk(&x); f.err != nil {
			return
		}
		*s = append(*s, x)
	}
}

// Map goes over the entries of m in the order of compare, with walk, which must go over the key. Entries are read into m,
// which must not be nil.
func Map[K comparable, V any](f *Form, m map[K]V, compare func(a, b K) int, walk func(*K, *V)) {
	n := f.Len(len(m))
	if !f.reading {
		for _, k := range slices.SortedFunc(maps.Keys(m), compare) {
			v := m[k]
			walk(&k, &v)
		}
		return
	}
	var last K
	for i := range n {
		var k K
		var v V
		walk(&k, &v)
		f.Check(i == 0 || compare(last, k) < 0, "entries out of order")
		if f.err != nil {
			return
		}
		m[k], last = v, k
	}
}

// OrderedMap is Map in the natural order of the keys.
func OrderedMap[K cmp.Ordered, V any](f *Form, m map[K]V, walk func(*K, *V)) {
	Map(f, m, cmp.Compare[K], walk)
}
