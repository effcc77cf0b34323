package slot

import (
	"strings"
	"testing"
)

// TestVectors holds the checksum against the vector of the specification and slots against what CLUSTER KEYSLOT of Redis
// 7.0 says.
func TestVectors(t *testing.T) {
	if crc := CRC16("123456789"); crc != 0x31c3 {
		t.Errorf("CRC16 of the specification's vector is %#x", crc)
	}
	for key, want := range map[string]uint16{
		"123456789":                12739,
		"foo":                      12182,
		"bar":                      5061,
		"{user1000}.following":     3443,
		"{user1000}.followers":     3443,
		"foo{}{bar}":               8363,
		"foo{{bar}}zap":            4015,
		"foo{bar}{zap}":            5061,
		"session:0123456789abcdef": 12762,
		"}{a}":                     15495,
		"\xff\x00":                 1023,
		"":                         0,
	} {
		if got := Of(key); got != want {
			t.Errorf("the slot of %q is %d, want %d", key, got, want)
		}
		if got := Of([]byte(key)); got != want {
			t.Errorf("the slot of the bytes %q is %d, want %d", key, got, want)
		}
	}
}

func TestTag(t *testing.T) {
	for key, want := range map[string]string{
		"":                     "",
		"plain":                "plain",
		"{user1000}.following": "user1000",
		"foo{}{bar}":           "foo{}{bar}",
		"foo{{bar}}zap":        "{bar",
		"foo{bar}{zap}":        "bar",
		"}{a}":                 "a",
		"{open":                "{open",
		"close}":               "close}",
		"{":                    "{",
		"{}":                   "{}",
		"a{\xff\x00}b":         "\xff\x00",
	} {
		if got := Tag(key); got != want {
			t.Errorf("the tag of %q is %q, want %q", key, got, want)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, key := range []string{"", "{", "{}", "{a}", "a{b}c{d}", "}{", "{{x}}"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if got, want := Of(key), crcBitwise(tagByCut(key))%Count; got != want {
			t.Errorf("the slot of %q is %d, want %d", key, got, want)
		}
	})
}

// tagByCut and crcBitwise are what Tag and CRC16 do, in the plainest form.
func tagByCut(key string) string {
	if _, behind, open := strings.Cut(key, "{"); open {
		if tag, _, closed := strings.Cut(behind, "}"); closed && tag != "" {
			return tag
		}
	}
	return key
}

func crcBitwise(s string) uint16 {
	crc := uint32(0)
	for _, b := range []byte(s) {
		crc ^= uint32(b) << 8
		for range 8 {
			crc <<= 1
			if crc&0x10000 != 0 {
				crc ^= 0x11021
			}
		}
	}
	return uint16(crc)
}

func BenchmarkOf(b *testing.B) {
	key := "session:0123456789abcdef"
	for b.Loop() {
		Of(key)
	}
}
