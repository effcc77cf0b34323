package keygen

// Sizes are those of Redis 7.0 as Debian builds it, in round figures: elements count with their mean length instead of being
// made. Summed over a keyspace they come within a few percent of what a server says; one key may be further off.

const (
	object = 16 // a value's header
	entry  = 24 // of a hash table
)

// block returns the size of a block that holds n bytes: a multiple of 16, and from 128 bytes on four sizes a doubling.
func block(n int64) int64 {
	step := int64(16)
	for step*8 < n {
		step <<= 1
	}
	return (n + step - 1) &^ (step - 1)
}

func sizeKey(n int) int64 { return entry + block(int64(n)+2) }

func sizeString(f *facts) int64 {
	if f.bytes <= 44 {
		return block(object + 4 + f.bytes)
	}
	return object + block(f.bytes+4)
}

// table returns the size of a hash table of n entries without these.
func table(n int64) int64 {
	slots := int64(4)
	for slots < n {
		slots <<= 1
	}
	return object + 56 + 8*slots
}

// sizeList returns the size of a list whose items take so many bytes: nodes of up to 8 KiB.
func sizeList(bytes int64) int64 {
	nodes := bytes/8192 + 1
	return object + 40 + nodes*(32+7) + block(bytes)
}

// sizeSkiplist returns the size of a sorted set with a skiplist: each member has an entry, a node and its own bytes, which
// are longer where there are many members to number.
func sizeSkiplist(f *facts) int64 {
	member := int64(16)
	if f.len > minElements {
		member = 32
	}
	return 640 + table(f.len) + f.len*(entry+53+member)
}
