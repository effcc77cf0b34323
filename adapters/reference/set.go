package reference

import (
	"strconv"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// A set is an intset while all members are integers and few, and a table from then on. Redis 7.0 knows no listpack sets.
type set struct {
	ints  packed.Ints
	table *ordered[struct{}] // nil while it is an intset
	bytes int64              // of the members in the table, as the memory model counts them
}

func (*set) kind() kv.Type { return kv.TypeSet }

func (v *set) encoding() kv.Encoding {
	if v.table != nil {
		return kv.EncodingHashtable
	}
	return kv.EncodingIntset
}

func (v *set) length() int {
	if v.table != nil {
		return v.table.Len()
	}
	return v.ints.Len()
}

func (v *set) size(m *memory.Model) int64 {
	if v.table != nil {
		return m.Set(int64(v.table.Len()), v.bytes)
	}
	return m.Blob(int64(v.ints.Bytes()))
}

func (v *set) add(member string, limit int, m *memory.Model) bool {
	if v.table == nil {
		n, ok := packed.Int(member)
		if ok {
			added := v.ints.Add(n)
			if v.ints.Len() > limit {
				v.spread(m)
			}
			return added
		}
		v.spread(m)
	}
	_, had := v.table.Set(member, struct{}{})
	if !had {
		v.bytes += m.SDS(int64(len(member)))
	}
	return !had
}

func (v *set) has(member string) bool {
	if v.table != nil {
		_, ok := v.table.Get(member)
		return ok
	}
	n, ok := packed.Int(member)
	return ok && v.ints.Has(n)
}

func (v *set) remove(member string, m *memory.Model) bool {
	if v.table == nil {
		n, ok := packed.Int(member)
		return ok && v.ints.Remove(n)
	}
	_, had := v.table.Delete(member)
	if had {
		v.bytes -= m.SDS(int64(len(member)))
	}
	return had
}

// spread turns the intset into a table. There is no way back.
func (v *set) spread(m *memory.Model) {
	ints := v.ints
	v.ints, v.table = packed.Ints{}, newOrdered[struct{}](ints.Len()+1)
	for i := range ints.Len() {
		v.add(strconv.FormatInt(ints.At(i), 10), 0, m)
	}
}

func newSet() *set { return &set{} }

// SAdd adds members to the set at key and returns how many are new.
func (e *Engine) SAdd(key string, members ...string) (added int, err error) {
	err = update(e, key, newSet, func(v *set) {
		for _, m := range members {
			if v.add(m, e.limits.intset, e.model) {
				added++
			}
		}
	})
	return added, err
}

// SRem removes members from the set at key and returns how many there were.
func (e *Engine) SRem(key string, members ...string) (removed int, err error) {
	err = update(e, key, newSet, func(v *set) {
		for _, m := range members {
			if v.remove(m, e.model) {
				removed++
			}
		}
	})
	return removed, err
}

// SIsMember reports whether member is in the set at key.
func (e *Engine) SIsMember(key, member string) (ok bool, err error) {
	err = read(e, key, func(v *set) { ok = v.has(member) })
	return ok, err
}

// SMembers returns the members of the set at key.
func (e *Engine) SMembers(key string) (members []string, err error) {
	err = read(e, key, func(v *set) {
		for i := range v.length() {
			if v.table == nil {
				members = append(members, strconv.FormatInt(v.ints.At(i), 10))
				continue
			}
			m, _ := v.table.At(i)
			members = append(members, m)
		}
	})
	return members, err
}

// SCard returns the number of members of the set at key.
func (e *Engine) SCard(key string) (n int, err error) {
	err = read(e, key, func(v *set) { n = v.length() })
	return n, err
}
