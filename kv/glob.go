package kv

// MatchGlob reports whether s matches pattern as Redis's KEYS and SCAN MATCH do: "*" is any run of bytes, "?" one byte,
// "[a-z]" and "[^a-z]" one byte of a class, and "\" takes the next byte as it stands. A class that is not closed ends
// with the pattern, and a range may be written either way round. It takes O(len(pattern)·len(s)) time at worst: of
// several stars only the last is ever tried again.
func MatchGlob(pattern, s string) bool {
	p, i := 0, 0
	starP, starI := -1, 0 // behind the last star, and where its run ends so far
	for {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			p++
			starP, starI = p, i
			continue
		case i == len(s):
			return p == len(pattern)
		case p < len(pattern):
			if width, ok := matchOne(pattern[p:], s[i]); ok {
				p += width
				i++
				continue
			}
		}
		if starP < 0 || starI == len(s) {
			return false
		}
		starI++
		p, i = starP, starI
	}
}

// matchOne matches c with the element that pattern begins with, which is no star, and returns the element's width.
func matchOne(pattern string, c byte) (width int, ok bool) {
	switch {
	case pattern[0] == '?':
		return 1, true
	case pattern[0] == '[':
		return matchClass(pattern, c)
	case pattern[0] == '\\' && len(pattern) > 1:
		return 2, pattern[1] == c
	}
	return 1, pattern[0] == c
}

// matchClass matches c with the class that pattern begins with.
func matchClass(pattern string, c byte) (width int, ok bool) {
	p := 1
	negated := p < len(pattern) && pattern[p] == '^'
	if negated {
		p++
	}
	for p < len(pattern) && pattern[p] != ']' {
		low, high := pattern[p], pattern[p]
		switch {
		case low == '\\' && p+1 < len(pattern):
			low, high = pattern[p+1], pattern[p+1]
			p += 2
		case p+2 < len(pattern) && pattern[p+1] == '-':
			low, high = min(low, pattern[p+2]), max(low, pattern[p+2])
			p += 3
		default:
			p++
		}
		ok = ok || low <= c && c <= high
	}
	return min(p+1, len(pattern)), ok != negated
}

// EscapeGlob returns the pattern that matches text alone.
func EscapeGlob(text string) string {
	var b []byte
	for i := range len(text) {
		switch text[i] {
		case '*', '?', '[', ']', '\\', '^':
			b = append(b, '\\')
		}
		b = append(b, text[i])
	}
	return string(b)
}
