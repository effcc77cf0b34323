package dict

import (
	"math/bits"

	"github.com/kvtool/kvtool/internal/evict"
)

// Scan appends the refs of the bucket that cursor names to dst, and returns the next cursor; 0 is the first, and the end. While
// there are two tables it returns the bucket of the smaller and all that it becomes in the larger (dict.c: dictScan).
//
// The cursor counts from the top bit down, so that the buckets that one bucket becomes, when the table doubles, follow each
// other, and what was returned stays returned:
//
//	4 buckets   00 → 10 → 01 → 11
//	8 buckets   000 → 100 → 010 → 110 → …
func (d *Dict) Scan(dst []uint32, cursor uint64) (refs []uint32, next uint64) {
	small, large := d.tables[0].groups, d.tables[1].groups
	if large == nil {
		dst = d.bucket(dst, &small[cursor&uint64(len(small)-1)])
		return dst, after(cursor, uint64(len(small)-1))
	}
	if len(small) > len(large) {
		small, large = large, small
	}
	mask, wide := uint64(len(small)-1), uint64(len(large)-1)
	dst = d.bucket(dst, &small[cursor&mask])
	for {
		dst = d.bucket(dst, &large[cursor&wide])
		cursor = after(cursor, wide)
		if cursor&(mask^wide) == 0 {
			return dst, cursor
		}
	}
}

// after returns the cursor that follows, of a table with the mask.
func after(cursor, mask uint64) uint64 {
	cursor |= ^mask
	return bits.Reverse64(bits.Reverse64(cursor) + 1)
}

// bucket appends the refs of a chain.
func (d *Dict) bucket(dst []uint32, g *group) []uint32 {
	for ; g != nil; g = d.kid(g) {
		for i := range places {
			if g.tags>>(8*i)&0xff > chain {
				dst = append(dst, g.refs[i])
			}
		}
	}
	return dst
}

// Size returns the number of buckets of table 0 or 1 to one who samples; 0 if there is no such table. It, Moved and Bucket make
// a Dict an evict.Table.
//
// A group holds up to six records and Redis's buckets one, so a group is shown as eight buckets: a record is in the one that the
// lowest bits of its tag name. What Redis's sampling finds in a bucket, it finds here with about the same chance.
func (d *Dict) Size(table int) uint64 { return places * uint64(len(d.tables[table].groups)) }

// Moved returns how many buckets of table 0 are empty because they have been moved.
func (d *Dict) Moved() uint64 { return places * d.moved }

// Bucket appends the refs of a bucket, as Size counts them, to dst and returns it.
func (d *Dict) Bucket(dst []evict.Ref, table int, i uint64) []evict.Ref {
	for g := &d.tables[table].groups[i/places]; g != nil; g = d.kid(g) {
		for hits := sub(g.tags, i%places); hits != 0; hits &= hits - 1 {
			at := bits.TrailingZeros64(hits) / 8
			if g.tags>>(8*at)&0xff > chain {
				dst = append(dst, evict.Ref(g.refs[at]))
			}
		}
	}
	return dst
}

// sub returns a word with the top bit of each byte whose lowest three bits are low.
func sub(tags, low uint64) uint64 {
	x := (tags ^ low*every) & (every * (places - 1)) // 0 to 7 in each byte
	return (every<<7 - x) & (every << 7)
}
