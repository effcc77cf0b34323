package schema

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
)

// appendWellKnown writes values that have a form of their own, of any number of them.
func appendWellKnown(dst []byte, kind TypeKind, i, epoch int64) []byte {
	switch kind {
	case TypeUUID:
		return appendUUID(dst, i)
	case TypeObjectID:
		dst = appendHex(dst, uint64(bornAt+i/1000), 4)
		return appendHex(dst, mix(uint64(i)), 8)
	case TypeULID:
		dst = appendCrockford(dst, uint64(bornAt*1000+i), 10)
		return appendCrockford(appendCrockford(dst, mix(uint64(i)), 8), mix(^uint64(i)), 8)
	case TypeFloat:
		dst = strconv.AppendInt(dst, i%180, 10)
		return strconv.AppendInt(append(dst, '.'), i/180, 10)
	case TypeEmail:
		return append(strconv.AppendInt(append(dst, "user"...), i+1, 10), "@example.com"...)
	case TypeIP:
		return appendIP(dst, uint32(mixBits(uint64(i), 32)))
	case TypeMAC:
		return appendMAC(dst, mixBits(uint64(i), 46)<<2)
	case TypeURL:
		return strconv.AppendInt(append(dst, "https://example.com/page/"...), i+1, 10)
	case TypePhone:
		return strconv.AppendInt(append(dst, '+'), 490_000_000_000+i, 10)
	case TypeJSON:
		return append(strconv.AppendInt(append(dst, `{"id":`...), i+1, 10), '}')
	}
	return strconv.AppendInt(dst, i+1, 10) // int, seq
}

// bornAt is when identifiers that hold a time begin: 2024-01-01.
const bornAt = 1_704_067_200

func appendHex(dst []byte, x uint64, bytes int) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], x)
	return hex.AppendEncode(dst, b[8-bytes:])
}

// appendUUID writes one of version 4.
func appendUUID(dst []byte, i int64) []byte {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], mix(uint64(i)))
	binary.BigEndian.PutUint64(b[8:], mix(^uint64(i)))
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	for n, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if n > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// appendCrockford writes the lowest 5*n bits of x.
func appendCrockford(dst []byte, x uint64, n int) []byte {
	for n--; n >= 0; n-- {
		dst = append(dst, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"[x>>(5*n)&31])
	}
	return dst
}

func appendIP(dst []byte, x uint32) []byte {
	for n := 3; n >= 0; n-- {
		dst = strconv.AppendInt(dst, int64(byte(x>>(8*n))), 10)
		if n > 0 {
			dst = append(dst, '.')
		}
	}
	return dst
}

func appendMAC(dst []byte, x uint64) []byte {
	for n := 5; n >= 0; n-- {
		dst = appendHex(dst, x>>(8*n)&0xff, 1)
		if n > 0 {
			dst = append(dst, ':')
		}
	}
	return dst
}

// Means of the calendar, in seconds. Steps of these, from the middle of a month or a year, meet each month and year once.
const (
	monthly = 2_629_746
	yearly  = 12 * monthly
)

// middle returns the time to count back from by so many seconds a step.
func middle(now time.Time, step int64) time.Time {
	switch step {
	case monthly:
		return time.Date(now.Year(), now.Month(), 15, 0, 0, 0, 0, time.UTC)
	case yearly:
		return time.Date(now.Year(), time.July, 1, 0, 0, 0, 0, time.UTC)
	}
	return now
}

// goLayout turns the layout of a date into one of package time, and says how many seconds lie between two of its values. Without a
// layout it is a day.
func goLayout(layout string) (string, int64) {
	if layout == "" {
		return time.DateOnly, day
	}
	parts := [...]struct {
		name, as string
		seconds  int64
	}{{"yyyy", "2006", yearly}, {"mm", "01", monthly}, {"dd", "02", day}, {"hh", "15", 60 * 60}, {"mm", "04", 60}, {"ss", "05", 1}}
	out, seconds := "", int64(day)
	for _, p := range parts {
		before, behind, found := strings.Cut(layout, p.name)
		if !found {
			break
		}
		out, layout, seconds = out+before+p.as, behind, p.seconds
	}
	return out + layout, seconds
}
