package reference

import (
	"iter"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// A hash is a listpack of field, value, field, value while it is small, and a table from then on.
type hash struct {
	pack  packed.Pack
	table *ordered[string] // nil while it is a listpack
	bytes int64            // of fields and values in the table, as the memory model counts them
}

func (*hash) kind() kv.Type { return kv.TypeHash }

func (v *hash) encoding() kv.Encoding {
	if v.table != nil {
		return kv.EncodingHashtable
	}
	return kv.EncodingListpack
}

func (v *hash) length() int {
	if v.table != nil {
		return v.table.Len()
	}
	return v.pack.Len() / 2
}

func (v *hash) size(m *memory.Model) int64 {
	if v.table != nil {
		return m.Hash(int64(v.table.Len()), v.bytes)
	}
	return m.Blob(int64(v.pack.Bytes()))
}

// set gives field a value and reports whether it is new.
func (v *hash) set(field, val string, m *memory.Model) bool {
	if v.table != nil {
		old, had := v.table.Set(field, val)
		v.bytes += m.SDS(int64(len(val)))
		if had {
			v.bytes -= m.SDS(int64(len(old)))
		} else {
			v.bytes += m.SDS(int64(len(field)))
		}
		return !had
	}
	if at := v.pack.Find(field, 2); at >= 0 {
		_, next := v.pack.At(at, nil)
		v.pack.Replace(next, val)
		return false
	}
	v.pack.Append(field)
	v.pack.Append(val)
	return true
}

func (v *hash) get(field string) (string, bool) {
	if v.table != nil {
		return v.table.Get(field)
	}
	at := v.pack.Find(field, 2)
	if at < 0 {
		return "", false
	}
	_, next := v.pack.At(at, nil)
	val, _ := v.pack.At(next, nil)
	return string(val), true
}

func (v *hash) del(field string, m *memory.Model) bool {
	if v.table != nil {
		val, had := v.table.Delete(field)
		if had {
			v.bytes -= m.SDS(int64(len(field))) + m.SDS(int64(len(val)))
		}
		return had
	}
	at := v.pack.Find(field, 2)
	if at >= 0 {
		v.pack.Delete(at, 2)
	}
	return at >= 0
}

// spread turns the listpack into a table. There is no way back.
func (v *hash) spread(m *memory.Model) {
	if v.table != nil {
		return
	}
	pack := v.pack
	v.pack, v.table = packed.Pack{}, newOrdered[string](pack.Len())
	for field, val := range pairs(&pack) {
		v.set(field, val, m)
	}
}

func pairs(p *packed.Pack) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for at := 0; at < p.End(); {
			a, next := p.At(at, nil)
			first := string(a)
			b, next := p.At(next, nil)
			if !yield(first, string(b)) {
				return
			}
			at = next
		}
	}
}

func newHash() *hash { return &hash{} }

// HSet sets fields of the hash at key: field, value, field, value, … It returns how many are new. As in the server, one
// field or value that is too long makes a table of the hash before anything is set, and one field too many does so after.
func (e *Engine) HSet(key string, fieldValues ...string) (added int, err error) {
	err = update(e, key, newHash, func(v *hash) {
		for _, s := range fieldValues {
			if len(s) > e.limits.hashValue {
				v.spread(e.model)
				break
			}
		}
		for i := 0; i+1 < len(fieldValues); i += 2 {
			if v.set(fieldValues[i], fieldValues[i+1], e.model) {
				added++
			}
			if v.length() > e.limits.hashEntries {
				v.spread(e.model)
			}
		}
	})
	return added, err
}

// HGet returns the value of a field of the hash at key.
func (e *Engine) HGet(key, field string) (s string, ok bool, err error) {
	err = read(e, key, func(v *hash) { s, ok = v.get(field) })
	return s, ok, err
}

// HDel removes fields of the hash at key and returns how many there were.
func (e *Engine) HDel(key string, fields ...string) (removed int, err error) {
	err = update(e, key, newHash, func(v *hash) {
		for _, f := range fields {
			if v.del(f, e.model) {
				removed++
			}
		}
	})
	return removed, err
}

// HGetAll returns the fields and values of the hash at key: field, value, field, value, …
func (e *Engine) HGetAll(key string) (fieldValues []string, err error) {
	err = read(e, key, func(v *hash) {
		if v.table == nil {
			for f, s := range pairs(&v.pack) {
				fieldValues = append(fieldValues, f, s)
			}
			return
		}
		for i := range v.table.Len() {
			f, s := v.table.At(i)
			fieldValues = append(fieldValues, f, s)
		}
	})
	return fieldValues, err
}

// HLen returns the number of fields of the hash at key.
func (e *Engine) HLen(key string) (n int, err error) {
	err = read(e, key, func(v *hash) { n = v.length() })
	return n, err
}
