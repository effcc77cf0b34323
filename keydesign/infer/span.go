package infer

import "strings"

// span tries the recognisers of values that contain separators, at the start
// of a piece and before any split. It returns the mark and the end of the
// value, or 0. A value ends at a separator or with the text.
func (l *lexer) span(pos int) (byte, int) {
	stop := l.limit
	switch {
	case pos < l.open:
		stop = l.open
	case pos < l.close:
		stop = l.close
	}
	s := l.key[pos:stop]
	if len(s) < 3 {
		return 0, 0
	}
	c := classes[s[0]]
	if m, n := l.fixed(pos, s, c); n > 0 && l.atSep(pos+n) {
		return m, pos + n
	}
	if s[0] == 'h' && (strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")) {
		return mURL, stop
	}
	if l.at {
		if n := email(s); n > 0 && l.atSep(pos+n) {
			return mEmail, pos + n
		}
	}
	if s[0] == '+' {
		if n := phone(s); n > 0 && l.atSep(pos+n) {
			return mPhone, pos + n
		}
	}
	if l.flags&(cUpper|cLower|cDigit|cWeak) == cUpper|cLower|cDigit|cWeak {
		if n := l.base64(pos, s); n > 0 {
			return mOpaque, pos + n
		}
	}
	return 0, 0
}

// fixed tries the recognisers that begin with a hex digit, a sign or a colon.
func (l *lexer) fixed(pos int, s string, c uint8) (byte, int) {
	if c&cHex != 0 {
		if len(s) >= 36 && s[8] == '-' && isUUID(s[:36]) {
			return mUUID, 36
		}
		if l.colons >= 5 && len(s) >= 17 && s[2] == ':' && isMAC(s[:17]) {
			return mMAC, 17
		}
	}
	if (c&cHex != 0 || s[0] == ':') && (l.colons >= 7 || l.twin && l.colons >= 2) {
		if n := ipv6(s); n > 0 {
			return mIPv6, n
		}
	}
	if c&cDigit != 0 && l.flags&cWeak != 0 {
		if m, n := date(s); n > 0 {
			return m, n
		}
		if n := ipv4(s); n > 0 {
			return mIP, n
		}
		if n := float(s); n > 0 && (pos == 0 || l.key[pos-1] != '.') {
			return mFloat, n
		}
	}
	if s[0] == '-' && s[1] >= '0' && s[1] <= '9' {
		if n := float(s[1:]); n > 0 {
			return mFloat, n + 1
		}
	}
	return 0, 0
}

func isUUID(s string) bool {
	for i := range len(s) {
		if dash := i == 8 || i == 13 || i == 18 || i == 23; dash != (s[i] == '-') || !dash && classes[s[i]]&cHex == 0 {
			return false
		}
	}
	return true
}

func isMAC(s string) bool {
	for i := range len(s) {
		if colon := i%3 == 2; colon != (s[i] == ':') || !colon && classes[s[i]]&cHex == 0 {
			return false
		}
	}
	return true
}

// ipv6 wants a letter or many groups, so that 12:34:56 is not an address.
func ipv6(s string) int {
	groups, twin, letter, n := 0, false, false, 0
	for n < len(s) && groups < 8 {
		w := 0
		for n+w < len(s) && classes[s[n+w]]&cHex != 0 {
			letter = letter || classes[s[n+w]]&cDigit == 0
			w++
		}
		if w > 4 || w == 0 && !strings.HasPrefix(s[n:], "::") && !(twin && n > 0 && s[n-1] == ':') {
			return 0
		}
		if w > 0 {
			groups++
			n += w
		}
		switch {
		case strings.HasPrefix(s[n:], "::") && !twin:
			twin = true
			n += 2
		case n+1 < len(s) && s[n] == ':' && classes[s[n+1]]&cHex != 0 && groups < 8 && hexGroup(s[n+1:]):
			n++
		default:
			if twin && (groups >= 4 || groups >= 3 && letter) || groups == 8 && letter {
				return n
			}
			return 0
		}
	}
	if twin && (groups >= 4 || groups >= 3 && letter) || groups == 8 && letter {
		return n
	}
	return 0
}

// hexGroup reports whether s begins with 1 to 4 hex digits that end there.
func hexGroup(s string) bool {
	n := digitsOf(s, cHex)
	return n >= 1 && n <= 4 && (n == len(s) || classes[s[n]]&(cDigit|cLower|cUpper) == 0)
}

// digitsOf returns how many bytes of the class s begins with.
func digitsOf(s string, class uint8) int {
	n := 0
	for n < len(s) && classes[s[n]]&class != 0 {
		n++
	}
	return n
}

// two reads two digits and reports whether their value is in lo..hi.
func two(s string, lo, hi int) bool {
	if len(s) < 2 || classes[s[0]]&classes[s[1]]&cDigit == 0 {
		return false
	}
	v := int(s[0]-'0')*10 + int(s[1]-'0')
	return v >= lo && v <= hi
}

// date recognises 2026-01-02 (also with _ or . between), with a time behind
// it or not, 2026-01 and 2026-W03.
func date(s string) (byte, int) {
	if len(s) < 7 || digitsOf(s, cDigit) != 4 || s[:2] != "19" && s[:2] != "20" || s[4] != '-' && s[4] != '_' && s[4] != '.' {
		return 0, 0
	}
	sep := s[4]
	if sep == '-' && len(s) >= 8 && s[5] == 'W' && two(s[6:], 1, 53) {
		return mWeek, 8
	}
	if !two(s[5:], 1, 12) {
		return 0, 0
	}
	if len(s) < 10 || s[7] != sep || !two(s[8:], 1, 31) || len(s) > 10 && classes[s[10]]&cDigit != 0 {
		if sep == '-' && (len(s) == 7 || classes[s[7]]&cStrong != 0) {
			return mMonth, 7
		}
		return 0, 0
	}
	return mDate, 10 + clock(s[10:])
}

// clock returns the length of a time of day behind a date: T or space,
// hh:mm, and optionally :ss, a fraction and a zone.
func clock(s string) int {
	if len(s) < 6 || s[0] != 'T' && s[0] != ' ' || !two(s[1:], 0, 23) || s[3] != ':' || !two(s[4:], 0, 59) {
		return 0
	}
	n := 6
	if len(s) >= 9 && s[6] == ':' && two(s[7:], 0, 60) {
		n = 9
		if len(s) > 10 && s[9] == '.' && classes[s[10]]&cDigit != 0 {
			n = 10 + digitsOf(s[10:], cDigit)
		}
	}
	switch {
	case n < len(s) && s[n] == 'Z':
		n++
	case n+6 <= len(s) && (s[n] == '+' || s[n] == '-') && two(s[n+1:], 0, 14) && s[n+3] == ':' && two(s[n+4:], 0, 59):
		n += 6
	}
	return n
}

func ipv4(s string) int {
	n := 0
	for part := range 4 {
		w := digitsOf(s[n:], cDigit)
		if w < 1 || w > 3 || w == 3 && s[n:n+3] > "255" {
			return 0
		}
		n += w
		if part < 3 {
			if n >= len(s) || s[n] != '.' {
				return 0
			}
			n++
		}
	}
	if n < len(s) && s[n] == '.' {
		return 0
	}
	return n
}

// float recognises 52.52 and pairs of such numbers, 52.52,13.40; not 1.2.3.
func float(s string) int {
	n := decimal(s)
	if n == 0 {
		return 0
	}
	if n+1 < len(s) && s[n] == ',' {
		m := n + 1
		if s[m] == '-' {
			m++
		}
		if w := decimal(s[m:]); w > 0 {
			n = m + w
		}
	}
	if n < len(s) && s[n] == '.' {
		return 0
	}
	return n
}

func decimal(s string) int {
	i := digitsOf(s, cDigit)
	if i == 0 || i >= len(s) || s[i] != '.' {
		return 0
	}
	j := digitsOf(s[i+1:], cDigit)
	if j == 0 {
		return 0
	}
	return i + 1 + j
}

func phone(s string) int {
	if n := digitsOf(s[1:], cDigit); n >= 7 && n <= 15 {
		return n + 1
	}
	return 0
}

// email recognises local@domain.tld, with a local part of at most 80 bytes.
func email(s string) int {
	at := 0
	for at < len(s) && at <= 80 && s[at] != '@' {
		if c := s[at]; classes[c]&(cDigit|cLower|cUpper) == 0 && c != '.' && c != '_' && c != '%' && c != '+' && c != '-' {
			return 0
		}
		at++
	}
	if at == 0 || at > 80 || at >= len(s) {
		return 0
	}
	n, dot := at+1, 0
	for n < len(s) && (classes[s[n]]&(cDigit|cLower|cUpper) != 0 || s[n] == '-' || s[n] == '.') {
		if s[n] == '.' {
			dot = n
		}
		n++
	}
	if dot <= at+1 || dot == n-1 {
		return 0
	}
	return n
}

// base64 recognises random text with - _ + / = in it (base64, nanoid) by its
// restlessness. A `/` belongs to it only in keys that have another strong
// separator, and not beside a word. It returns the length, or 0.
func (l *lexer) base64(pos int, s string) int {
	slash := l.colons > 0 && pos > 0 && l.key[pos-1] != '/'
	n, upper, lower, digit, weak, part := 0, 0, 0, 0, 0, 0
scan:
	for n < len(s) {
		c := classes[s[n]]
		switch {
		case c&cHigh != 0:
			return 0
		case c&cUpper != 0:
			upper++
		case c&cLower != 0:
			lower++
		case c&cDigit != 0:
			digit++
		case s[n] == '-' || s[n] == '_' || s[n] == '+' || s[n] == '=':
			weak++
		case s[n] == '/' && slash && !isWord(s[part:n]):
			weak++
			part = n + 1
		default:
			break scan
		}
		n++
	}
	if part > 0 && isWord(s[part:n]) {
		return 0
	}
	if weak == 0 || n < 14 || upper < 2 || lower < 2 || digit < 1 || !l.atSep(pos+n) {
		return 0
	}
	if h := digitsOf(s, cHex); (h == 16 || h == 24 || h == 32 || h == 40 || h == 64) && h < n {
		return 0
	}
	if w := digitsOf(s, cLower); w >= 2 && w <= 12 && w < n && (s[w] == '_' || s[w] == '-' || s[w] == '/') {
		return 0 // cus_Nf…: the word is lexed first, then the rest
	}
	if restless(s[:n], .40) || n >= 20 && upper >= 3 && lower >= 3 && restless(s[:n], .32) {
		return n
	}
	return 0
}

// isWord reports whether s is a lower-case word, of four letters or more.
func isWord(s string) bool {
	letters := 0
	for i := range len(s) {
		switch c := classes[s[i]]; {
		case c&cLower != 0:
			letters++
		case c&cWeak == 0:
			return false
		}
	}
	return letters >= 4
}
