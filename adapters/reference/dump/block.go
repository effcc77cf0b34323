package dump

import (
	"encoding/binary"

	"github.com/kvtool/kvtool/internal/memory"
)

// listpack takes the entries of a listpack: four bytes of length, two of entries, the entries, and an end. Package packed says
// how an entry is encoded.
func (r *Reader) listpack(p []byte) {
	const head = 6
	if len(p) <= head || uint64(binary.LittleEndian.Uint32(p)) != uint64(len(p)) || p[len(p)-1] != 0xff {
		r.fail()
		return
	}
	before := len(r.value.Items)
	promised := int(binary.LittleEndian.Uint16(p[4:]))
	for p = p[head:]; len(p) > 1 && !r.bad; {
		p = p[r.listpackEntry(p):]
	}
	if len(p) != 1 || promised != 1<<16-1 && len(r.value.Items)-before != promised {
		r.fail()
	}
}

// listpackEntry takes the entry at the front of p, which ends with the mark of the end, and returns how long it is.
func (r *Reader) listpackEntry(p []byte) int {
	c := p[0]
	head, data := listpackHead(p)
	size := head + data
	back := memory.Backlen(size)
	if head == 0 || data < 0 || size+back >= len(p) {
		r.fail()
		return len(p)
	}
	switch body := p[head:size:size]; {
	case c < 0x80:
		r.add(r.decimal(int64(c)))
	case c < 0xc0, c >= 0xe0 && c <= 0xf0:
		r.add(body)
	case c < 0xe0:
		n := int64(c&0x1f)<<8 | int64(body[0])
		r.add(r.decimal(n << 51 >> 51))
	default:
		r.add(r.decimal(little(body)))
	}
	return size + back
}

// listpackHead returns how many bytes the encoding of an entry takes and how many of data follow; a head of 0 is that there is
// none.
func listpackHead(p []byte) (head, data int) {
	switch c := p[0]; {
	case c < 0x80:
		return 1, 0
	case c < 0xc0:
		return 1, int(c & 0x3f)
	case c < 0xe0:
		return 1, 1
	case c < 0xf0:
		if len(p) < 2 {
			return 0, 0
		}
		return 2, int(c&0xf)<<8 | int(p[1])
	case c == 0xf0:
		if len(p) < 5 {
			return 0, 0
		}
		return 5, int(binary.LittleEndian.Uint32(p[1:]))
	case c <= 0xf3:
		return 1, int(c-0xf1) + 2
	case c == 0xf4:
		return 1, 8
	}
	return 0, 0
}

// little is the signed number in p, little endian.
func little(p []byte) (n int64) {
	for i := len(p) - 1; i >= 0; i-- {
		n = n<<8 | int64(p[i])
	}
	unused := 64 - 8*len(p)
	return n << unused >> unused
}

// ziplist takes the entries of a ziplist: four bytes of length, four with the offset of the last, two of entries; each is the
// length of the one before (1 byte, or 254 and 4), encoding and data.
func (r *Reader) ziplist(p []byte) {
	const head = 10
	if len(p) <= head || uint64(binary.LittleEndian.Uint32(p)) != uint64(len(p)) || p[len(p)-1] != 0xff {
		r.fail()
		return
	}
	before := len(r.value.Items)
	promised := int(binary.LittleEndian.Uint16(p[8:]))
	for p = p[head:]; len(p) > 1 && !r.bad; {
		previous := 1
		if p[0] == 0xfe {
			previous = 5
		}
		if p[0] == 0xff || previous >= len(p) {
			r.fail()
			return
		}
		p = p[previous:]
		p = p[r.ziplistEntry(p):]
	}
	if len(p) != 1 || promised != 1<<16-1 && len(r.value.Items)-before != promised {
		r.fail()
	}
}

// ziplistEntry takes the entry at the front of p, without the length of the one before, and returns how long it is.
//
//	00xxxxxx string, 6 bits                 11000000, 11010000, 11100000 numbers of 2, 4, 8 bytes
//	01xxxxxx string, 14 bits, big endian    11110000, 11111110 numbers of 3, 1 bytes
//	10000000 string, 32 bits, big endian    1111xxxx number 0 to 12, one less than the bits say
func (r *Reader) ziplistEntry(p []byte) int {
	c := p[0]
	head, data := 1, 0
	switch {
	case c < 0x40:
		data = int(c)
	case c < 0x80 && len(p) > 2:
		head, data = 2, int(c&0x3f)<<8|int(p[1])
	case c == 0x80 && len(p) > 5:
		head, data = 5, int(binary.BigEndian.Uint32(p[1:]))
	case c == 0xc0:
		data = 2
	case c == 0xd0:
		data = 4
	case c == 0xe0:
		data = 8
	case c == 0xf0:
		data = 3
	case c == 0xfe:
		data = 1
	case c > 0xf0 && c < 0xfe:
	default:
		head = 0
	}
	if head == 0 || data < 0 || head+data >= len(p) {
		r.fail()
		return len(p)
	}
	switch body := p[head : head+data : head+data]; {
	case c < 0xc0:
		r.add(body)
	case data == 0:
		r.add(r.decimal(int64(c&0xf) - 1))
	default:
		r.add(r.decimal(little(body)))
	}
	return head + data
}

// zipmap takes the fields and values of a zipmap: a byte of their number, then of each pair the length of the field and the
// field, the length of the value, a byte of free space, the value and that space.
func (r *Reader) zipmap(p []byte) {
	if len(p) < 2 || p[len(p)-1] != 0xff {
		r.fail()
		return
	}
	for p = p[1:]; len(p) > 1 && !r.bad; {
		p = r.zipmapItem(p, 0)
		p = r.zipmapItem(p, 1)
	}
	if len(p) != 1 {
		r.fail()
	}
}

// zipmapItem takes a field, or a value with its byte of free space, and returns what follows.
func (r *Reader) zipmapItem(p []byte, free int) []byte {
	if len(p) < 6 && (len(p) == 0 || p[0] >= 254) {
		r.fail()
		return nil
	}
	head, n := 1, int(p[0])
	switch p[0] {
	case 254:
		head, n = 5, int(binary.LittleEndian.Uint32(p[1:]))
	case 255:
		r.fail()
		return nil
	}
	if n < 0 || head+free+n >= len(p) {
		r.fail()
		return nil
	}
	at := head + free
	r.add(p[at : at+n : at+n])
	if free > 0 {
		n += int(p[head])
	}
	if at+n >= len(p) {
		r.fail()
		return nil
	}
	return p[at+n:]
}

// intset takes the members of an intset: four bytes of width, four of members, the members.
func (r *Reader) intset(p []byte) {
	r.value.Block = true
	if len(p) < 8 {
		r.fail()
		return
	}
	width, n := uint64(binary.LittleEndian.Uint32(p)), uint64(binary.LittleEndian.Uint32(p[4:]))
	if width != 2 && width != 4 && width != 8 || 8+n*width != uint64(len(p)) {
		r.fail()
		return
	}
	r.value.Width = int(width)
	for p = p[8:]; len(p) > 0; p = p[width:] {
		r.add(r.decimal(little(p[:width])))
	}
}
