package reference

import (
	"math"
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// A str is a string value. The bytes are kept as they came; enc is how the server would keep them.
type str struct {
	s   string
	enc kv.Encoding
}

// newStr chooses the encoding as tryObjectEncoding does.
func newStr(s string) *str {
	enc := kv.EncodingRaw
	if _, ok := packed.Int(s); ok {
		enc = kv.EncodingInt
	} else if len(s) <= memory.EmbstrMax {
		enc = kv.EncodingEmbstr
	}
	return &str{s, enc}
}

func (*str) kind() kv.Type           { return kv.TypeString }
func (v *str) encoding() kv.Encoding { return v.enc }
func (v *str) length() int           { return 1 } // an empty string is a value too
func (v *str) size(m *memory.Model) int64 {
	if v.enc == kv.EncodingRaw { // a short one is raw after APPEND
		return m.String(0, true) + m.SDS(int64(len(v.s)))
	}
	return m.String(int64(len(v.s)), v.enc == kv.EncodingInt)
}

// Set makes key a string, whatever it was before, without expiry.
func (e *Engine) Set(key, s string) {
	b := e.lock(key)
	defer b.mu.Unlock()
	b.put(key, newStr(s))
}

// Get returns the string at key.
func (e *Engine) Get(key string) (s string, ok bool, err error) {
	err = read(e, key, func(v *str) { s, ok = v.s, true })
	return s, ok, err
}

// Append adds s to the string at key and returns its length. A string that was there becomes raw, as in the server.
func (e *Engine) Append(key, s string) (n int, err error) {
	b := e.lock(key)
	defer b.mu.Unlock()
	v, ok, err := lookup[*str](b, key)
	switch {
	case err != nil:
		return 0, err
	case !ok:
		b.put(key, newStr(s))
		return len(s), nil
	}
	v.s, v.enc = v.s+s, kv.EncodingRaw
	return len(v.s), nil
}

// IncrBy adds by to the number at key, 0 if there is none, and returns the sum.
func (e *Engine) IncrBy(key string, by int64) (int64, error) {
	b := e.lock(key)
	defer b.mu.Unlock()
	v, ok, err := lookup[*str](b, key)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	if ok {
		if n, ok = packed.Int(v.s); !ok {
			return 0, ErrNotInteger
		}
	}
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return 0, ErrOverflow
	}
	sum := newStr(strconv.FormatInt(n+by, 10))
	if v == nil {
		b.put(key, sum)
	} else {
		*v = *sum
	}
	return n + by, nil
}
