// Package slot says in which of its 16,384 slots a Redis Cluster keeps a key: the CRC16 of the key, or of its hash tag
// where it has one.
//
// Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/, "Key distribution model" and
// "Hash tags".
package slot

// Count is how many slots there are. A slot is a number below it.
const Count = 16384

// Of returns the slot of key.
func Of[K ~string | ~[]byte](key K) uint16 { return CRC16(Tag(key)) % Count }

// Tag returns the part of key that decides where it is kept: what is between the first "{" and the first "}" behind it, or
// the whole key where either is missing or nothing is between them.
func Tag[K ~string | ~[]byte](key K) K {
	for i := range len(key) {
		if key[i] != '{' {
			continue
		}
		for j := i + 1; j < len(key); j++ {
			if key[j] != '}' {
				continue
			}
			if j == i+1 {
				return key
			}
			return key[i+1 : j]
		}
		return key
	}
	return key
}

// CRC16 returns the checksum that slots are made of: the one of XMODEM, with the polynomial 0x1021, starting at 0, not
// reflected and not inverted.
func CRC16[K ~string | ~[]byte](b K) uint16 {
	crc := uint16(0)
	for i := range len(b) {
		crc = crc<<8 ^ table[byte(crc>>8)^b[i]]
	}
	return crc
}

// table[b] is the checksum of the byte b. It never changes.
var table = makeTable()

func makeTable() (t [256]uint16) {
	for b := range t {
		crc := uint16(b) << 8
		for range 8 {
			carry := crc&0x8000 != 0
			crc <<= 1
			if carry {
				crc ^= 0x1021
			}
		}
		t[b] = crc
	}
	return t
}
