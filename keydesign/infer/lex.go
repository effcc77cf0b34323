package infer

import (
	"strings"
	"unicode/utf8"
)

const (
	maxLex    = 4096 // bytes of a key that are looked at; the rest is {bin}
	maxPieces = 32   // pieces of a key; the rest is {path}
)

// A span is a value in a key: key[lo:hi].
type span struct{ lo, hi int32 }

// A lexer turns keys into shapes. It is reused from key to key: shape and
// vals are valid until the next call of lex.
//
// A shape is a sequence of pieces, each led by its separator:
//
//	key     cache : user - 17 : {eu} / 3f9a0c22
//	pieces  cache  :user  -␁  :  ␞eu  ␟  /␂         (␁ int, ␂ hex, ␞ ␟ tag)
//
// Strong separators (: / | #) end a token, weak ones (- _ . and the like) end
// a piece within it. Where a word and a number touch (user17) they are two
// pieces, the second with no separator; so a piece is either all text or one
// value.
type lexer struct {
	shape []byte
	vals  []span // the values of the marks of shape, in order

	key    string
	pieces int
	strong bool // the key has a strong separator
	flags  uint8
	at     bool // the key holds an @
	colons int
	twin   bool // the key holds ::
	open   int  // where the hash tag begins and ends; len(key) if there is none
	close  int
	limit  int // where the text ends
	tail   byte
}

// lex sets l.shape and l.vals for key.
func (l *lexer) lex(key string) {
	l.shape, l.vals, l.pieces = l.shape[:0], l.vals[:0], 0
	l.survey(key)
	pos := 0
	for {
		if l.pieces >= maxPieces && pos < len(l.key) {
			l.mark(mRest, pos, len(key))
			return
		}
		pos = l.piece(pos)
		if pos >= l.limit {
			break
		}
		pos = l.separator(pos)
	}
	if l.tail != 0 {
		l.mark(l.tail, l.limit, len(key))
	}
}

// survey finds in one pass what the recognisers want to know of the whole key,
// above all which of them need not be tried.
func (l *lexer) survey(key string) {
	l.tail, l.at, l.twin, l.colons, l.open, l.close = 0, false, false, 0, len(key), len(key)
	if len(key) > maxLex {
		key, l.tail = key[:maxLex], mBin
	}
	var all uint8
	brace := false
	for i := 0; i < len(key); i++ {
		c := classes[key[i]]
		all |= c
		if c&(cStrong|cWeak) != 0 || key[i] >= '{' {
			switch key[i] {
			case ':':
				l.colons++
				l.twin = l.twin || i > 0 && key[i-1] == ':'
			case '@':
				l.at = true
			case '{':
				if !brace {
					l.open, brace = i, true
				}
			}
		}
	}
	l.key, l.limit, l.flags = key, len(key), all
	l.strong = all&cStrong != 0
	if all&(cCtrl|cHigh) != 0 {
		l.cut()
	}
	l.findTag()
}

// cut ends the text before a binary tail: behind the last strong separator
// before the first control byte or invalid UTF-8.
func (l *lexer) cut() {
	bad := len(l.key)
	for i := 0; i < bad; {
		r, n := utf8.DecodeRuneInString(l.key[i:])
		if r < 0x20 || r == 0x7f || r == utf8.RuneError && n == 1 {
			bad = i
			break
		}
		i += n
	}
	if bad == len(l.key) {
		return
	}
	l.tail, l.limit = mBin, 0
	if i := strings.LastIndexAny(l.key[:bad], ":/|#"); i >= 0 {
		l.limit = i + 1
	}
	l.key = l.key[:l.limit]
}

// findTag sets the bounds of the hash tag, as a cluster finds it: the first
// `{` and the first `}` after it, with a byte between. A `{"` begins a JSON
// tail instead.
func (l *lexer) findTag() {
	open := l.open
	l.open, l.close = l.limit, l.limit
	if open >= l.limit {
		return
	}
	if open+1 < l.limit && l.key[open+1] == '"' {
		l.tail, l.limit = mJSON, open
		l.open, l.close = open, open
		l.key = l.key[:open]
		return
	}
	if n := strings.IndexByte(l.key[open:], '}'); n > 1 {
		l.open, l.close = open, open+n
	}
}

// separator writes the separator at pos and returns the position behind it.
func (l *lexer) separator(pos int) int {
	switch pos {
	case l.open:
		l.shape = append(l.shape, mOpen)
	case l.close:
		l.shape = append(l.shape, mClose)
	default:
		l.shape = append(l.shape, l.key[pos])
	}
	return pos + 1
}

// atSep reports whether a separator stands at i, or the text ends there.
func (l *lexer) atSep(i int) bool {
	return i >= l.limit || classes[l.key[i]]&cSep != 0 || i == l.open || i == l.close
}

// mark writes the value key[lo:hi] as a mark.
func (l *lexer) mark(m byte, lo, hi int) {
	l.shape = append(l.shape, m)
	l.vals = append(l.vals, span{int32(lo), int32(hi)})
	l.pieces++
}

// text writes key[lo:hi] as it is.
func (l *lexer) text(lo, hi int) {
	l.shape = append(l.shape, l.key[lo:hi]...)
	l.pieces++
}

// piece lexes the piece that begins at pos and returns where it ends: at a
// separator or at the end of the text.
func (l *lexer) piece(pos int) int {
	if m, end := l.span(pos); m != 0 {
		l.mark(m, pos, end)
		return end
	}
	end := pos
	var seen uint8
	changes, prev := 0, uint8(0)
	for end < l.limit {
		c := classes[l.key[end]]
		if c&cSep != 0 || end == l.open || end == l.close {
			break
		}
		c &= cDigit | cLower | cUpper | cHex
		seen |= c
		if (c^prev)&cDigit != 0 && end > pos {
			changes++
		}
		prev = c
		end++
	}
	if seen&cDigit == 0 {
		l.word(pos, end, seen)
	} else {
		l.mixed(pos, end, seen, changes)
	}
	return end
}

// word writes a piece without digits: text, unless it is too restless for one.
func (l *lexer) word(pos, end int, seen uint8) {
	if p := l.key[pos:end]; len(p) >= 16 && seen&cUpper != 0 && seen&cLower != 0 && restless(p, .40) && 3*capitals(p) >= len(p) {
		l.mark(mOpaque, pos, end)
		return
	}
	l.text(pos, end)
}

// mixed writes a piece that holds a digit. changes counts the borders between
// digits and other bytes in it.
func (l *lexer) mixed(pos, end int, seen uint8, changes int) {
	p := l.key[pos:end]
	n := len(p)
	switch {
	case changes == 0: // digits only
		if n <= 2 && l.strong && pos > 0 && pos-1 != l.open && classes[l.key[pos-1]]&cWeak != 0 {
			l.text(pos, end) // us-east-1
			return
		}
		l.mark(mInt, pos, end)
	case n >= 8 && isHex(p):
		l.mark(mHex, pos, end)
	case n == 26 && p[0] <= '7' && seen&cLower == 0 && alnum(p):
		l.mark(mULID, pos, end)
	case p[0] == '+' && n >= 8 && changes == 1:
		l.mark(mPhone, pos, end)
	default:
		if i := hexTail(p); i > 0 {
			l.text(pos, pos+i)
			l.mark(mHex, pos+i, end)
			return
		}
		l.wordInt(pos, end, changes)
	}
}

// wordInt writes user17 as user{int}, usr17cart as usr{int}cart, and what is
// neither as one opaque value or, when short (v1, k8s, i18n), as text.
func (l *lexer) wordInt(pos, end, changes int) {
	p := l.key[pos:end]
	i := digitsAt(p)
	j := i
	for j < len(p) && classes[p[j]]&cDigit != 0 {
		j++
	}
	switch {
	case changes == 1 && i > 0 && (i >= 3 || j-i >= 3):
		l.text(pos, pos+i)
		l.mark(mInt, pos+i, end)
	case changes == 2 && i >= 3 && j-i >= 3 && len(p)-j >= 3:
		l.text(pos, pos+i)
		l.mark(mInt, pos+i, pos+j)
		l.text(pos+j, end)
	case len(p) >= 5 && alnum(p) && (changes >= 2 || i == 0):
		l.mark(mOpaque, pos, end)
	default:
		l.text(pos, end)
	}
}

// digitsAt returns the position of the first digit of p.
func digitsAt(p string) int {
	for i := range len(p) {
		if classes[p[i]]&cDigit != 0 {
			return i
		}
	}
	return len(p)
}

// alnum reports whether p has only ASCII letters and digits.
func alnum(p string) bool {
	for i := range len(p) {
		if c := classes[p[i]]; c&(cDigit|cLower|cUpper) == 0 || c&cHigh != 0 {
			return false
		}
	}
	return true
}

// isHex reports whether p has only hex digits of one case, with a digit and a
// letter among them.
func isHex(p string) bool {
	var all, none uint8
	for i := range len(p) {
		c := classes[p[i]]
		all |= c
		none |= ^c
	}
	return none&cHex == 0 && all&cDigit != 0 && all&(cLower|cUpper) != 0 && all&(cLower|cUpper) != cLower|cUpper
}

// hexTail returns where a hex run of the length of a common digest begins
// behind a word of at most 12 letters, or 0 (token3f9a…).
func hexTail(p string) int {
	for _, n := range [...]int{64, 40, 32, 24, 16} {
		i := len(p) - n
		if i > 0 && i <= 12 && digitsAt(p) >= i && isHex(p[i:]) {
			return i
		}
	}
	return 0
}

// capitals counts the upper-case letters of p: half of random text, and no more
// than a quarter of camelCase.
func capitals(p string) int {
	n := 0
	for i := range len(p) {
		if classes[p[i]]&cUpper != 0 {
			n++
		}
	}
	return n
}

// restless reports whether the class of byte changes from letter to letter as
// often as in random text: in at least the given share of the places.
func restless(p string, share float64) bool {
	n, changes, prev := 0, 0, uint8(0)
	for i := range len(p) {
		c := classes[p[i]] & (cDigit | cLower | cUpper)
		if c == 0 {
			continue
		}
		if n++; n > 1 && c != prev {
			changes++
		}
		prev = c
	}
	return n > 1 && float64(changes) >= share*float64(n-1)
}
