package memory

// IsInt reports whether b is the canonical decimal form of a number of 64 bits, which a server stores as a number. (A
// dump keeps those beyond 32 bits as text.)
func IsInt(b []byte) bool {
	if len(b) == 0 || len(b) > 20 {
		return false
	}
	digits, limit := b, uint64(1<<63-1)
	if b[0] == '-' {
		digits, limit = b[1:], 1<<63
	}
	if len(digits) == 0 || len(digits) > 19 {
		return false
	}
	if digits[0] == '0' {
		return len(b) == 1
	}
	var n uint64
	for _, c := range digits {
		if c < '0' || c > '9' {
			return false
		}
		n = n*10 + uint64(c-'0')
	}
	return n <= limit
}
