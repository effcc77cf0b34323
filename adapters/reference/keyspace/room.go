package keyspace

import "github.com/kvtool/kvtool/adapters/reference/arena"

// RoomFor reports whether a copy of it under key, an Object apart, has room here: what takes another key's place is only worth
// deleting that for if it has. It takes the blocks and gives them back, because what is free may be in pieces.
func (s *Shard) RoomFor(it Item, key []byte) bool {
	n, block := slotLen, 0
	if !it.record().kind().IsObject() {
		value := len(it.Bytes())
		if n = valueLen(value); value > longest {
			n, block = apartLen, value
		}
	}
	sizes := []int{recordLen(len(key), n, it.Expiry() > 0)}
	if it.Expiry() > 0 {
		sizes = append(sizes, recordLen(len(key), n, false)) // PutBytes makes it before SetExpiry does
	}
	return fits(s.records, sizes...) && (block == 0 || fits(s.heap, block))
}

// fits reports whether there is room for blocks of all sizes at once.
func fits(a *arena.Arena, sizes ...int) bool {
	ok := true
	for _, n := range sizes {
		ref := a.Alloc(n)
		if ref == 0 {
			ok = false
			break
		}
		defer a.Free(ref, n)
	}
	return ok
}
