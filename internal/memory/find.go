package memory

import "github.com/kvtool/kvtool/kv"

// A Sized is a key that a server has been asked about: the length of its name, its encoding, int or embstr, what MEMORY USAGE
// says of it, and whether it expires, if that is known.
type Sized struct {
	Key      int
	Encoding kv.Encoding
	Bytes    int64
	TTL      kv.TTLState
}

// LongestSample bounds the names that tell allocators apart: beyond it their steps are the same.
const LongestSample = 120

// FindAllocator returns the one allocator that can have given every size. known is false if none or several can: the names
// may all have lengths for which the steps agree.
func FindAllocator(p Profile, keys []Sized) (a Allocator, known bool) {
	for i := range allocatorNames {
		p.Allocator = Allocator(i)
		if m := New(p); !m.allows(keys) {
			continue
		}
		if known {
			return 0, false
		}
		a, known = p.Allocator, true
	}
	return a, known
}

func (m *Model) allows(keys []Sized) bool {
	for _, k := range keys {
		if !m.allowsOne(k) {
			return false
		}
	}
	return true
}

// allowsOne reports whether k can have its size: as a number, or as a short string of some length.
func (m *Model) allowsOne(k Sized) bool {
	key := int64(k.Key)
	for _, expires := range []bool{false, true} {
		if k.TTL == kv.TTLNone && expires || k.TTL == kv.TTLAt && !expires {
			continue
		}
		name := m.Key(key)
		if expires {
			name += m.Expiry(key)
		}
		for n := int64(0); n <= 255; n++ {
			size, enc := m.StringOf(key, n, k.Encoding == kv.EncodingInt, expires)
			if enc == k.Encoding && name+size == k.Bytes {
				return true
			}
		}
	}
	return false
}
