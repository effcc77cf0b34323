// Package dump turns one value of the reference engine into the form that it has in a dump of Redis, and back: the payloads of
// DUMP and RESTORE, and the values of RDB files.
//
// The one idea is that a value is a code and a body, wherever it comes from: a payload is a code, a body and a footer, and
// rdbread gives the code and the body of each key of a file. What is written is what Redis 7.0 writes, byte for byte, so that
// payloads can be compared; what is read is every form that a server since 2.4 has written.
package dump

import (
	"encoding/binary"

	"github.com/kvtool/kvtool/internal/crc64"
)

// Version is the version of the format that is written, and the newest that is read of a payload (rdb.h of 7.0).
const Version = 10

// Codes of the forms that are written (rdb.h: RDB_TYPE_*).
const (
	String       byte = 0
	Set          byte = 2
	Hash         byte = 4
	ZSet         byte = 5
	Intset       byte = 11
	HashListpack byte = 16
	ZSetListpack byte = 17
	Quicklist    byte = 18
)

// Newest is the highest code that 7.0 knows.
const Newest byte = 19

// Kinds of node of a list (quicklist.h).
const (
	Plain  = 1 // one item
	Packed = 2 // a listpack
)

// footer is the version, in two bytes, and the checksum of all before it.
const footer = 10

// Seal appends to a code and a body what makes them a payload.
func Seal(b []byte) []byte {
	b = append(b, Version, 0)
	return binary.LittleEndian.AppendUint64(b, crc64.Update(0, b))
}

// Open takes a payload apart. It is not ok if its checksum is wrong, or if it is of a newer version.
func Open(payload []byte) (code byte, body []byte, ok bool) {
	n := len(payload) - footer
	if n < 0 || binary.LittleEndian.Uint16(payload[n:]) > Version {
		return 0, nil, false
	}
	if binary.LittleEndian.Uint64(payload[n+2:]) != crc64.Update(0, payload[:n+2]) {
		return 0, nil, false
	}
	if n == 0 {
		return noCode, nil, true
	}
	return payload[0], payload[1:n], true
}

// noCode is no code of any version: that of a payload that holds nothing.
const noCode byte = 255
