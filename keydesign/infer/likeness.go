package infer

import (
	"iter"
	"strconv"
	"strings"
)

// likenesses yields keys that look like those of the leaves in: of each shape
// one with the least and one with the greatest value that each slot had, or
// the shortest and the longest. What accepts them all accepts what was seen, as
// far as a shape tells. They are made up, of the words of real keys.
func likenesses(leaves []leaf, in []int32) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, i := range in {
			least, greatest := leaves[i].like(false), leaves[i].like(true)
			if !yield(least) || greatest != least && !yield(greatest) {
				return
			}
		}
	}
}

// like returns the shape with values in it.
func (l *leaf) like(greatest bool) string {
	var b strings.Builder
	mark := 0
	for i := range len(l.shape) {
		switch c := l.shape[i]; {
		case c == mOpen:
			b.WriteByte('{')
		case c == mClose:
			b.WriteByte('}')
		case !isMark(c):
			b.WriteByte(c)
		default:
			s := &slot{}
			if mark < len(l.slots) {
				s = &l.slots[mark]
			}
			b.WriteString(s.like(c, greatest))
			mark++
		}
	}
	return b.String()
}

// Examples of values whose form does not vary, and alphabets of those of which
// only the length is known.
var (
	exampleValues = [...]string{
		mUUID: "0f8fad5b-d9cb-469f-a165-70867728950e", mMAC: "00:1b:44:11:3a:b7", mIPv6: "2001:db8::ff00:42", mIP: "192.0.2.1",
		mURL: "https://shop.example/a-b?c=d:e#f", mEmail: "a.b+c@mail.example", mPhone: "+4930123456", mULID: "01ARZ3NDEKTSV4RRFFQ69G5FAV",
		mJSON: `{"a":1}`, mBin: "\x00\xff", mMonth: "2026-01", mWeek: "2026-W03", mRest: "a/b", mRun: "a-b", mStr: "a",
	}
	alphabets = [...]string{mInt: "9876543210", mHex: "0123456789abcdef", mOpaque: "aZ0bY1cX2", mStr: "abc", mRun: "a-b_c"}
)

// like returns a value of the given kind: the least or the greatest.
func (s *slot) like(mark byte, greatest bool) string {
	n := int(s.lo)
	if greatest {
		n = int(s.hi)
	}
	switch mark {
	case mInt:
		return s.likeInt(n, greatest)
	case mDate:
		return likeDate(n)
	case mFloat:
		if greatest && s.hi > 8 {
			return "-12.25,13.5"
		}
		return "12.5"
	case mHex, mOpaque:
		return stretch(alphabets[mark], max(n, 1))
	case mStr, mRun:
		if n > 0 {
			return stretch(alphabets[mark], n)
		}
	}
	return exampleValues[mark]
}

// likeInt returns the least or the greatest number, with zeros before it where
// some had them; digits of the right length if it has too many for a number.
func (s *slot) likeInt(n int, greatest bool) string {
	if s.n == 0 || n > 19 {
		return stretch(alphabets[mInt], max(n, 1))
	}
	v := s.min
	if greatest {
		v = s.max
	}
	text := strconv.FormatUint(v, 10)
	if s.lead0 > 0 && len(text) < n {
		text = strings.Repeat("0", n-len(text)) + text
	}
	return text
}

// likeDate returns a date, with a time of day if it has n bytes or more.
func likeDate(n int) string {
	const full = "2026-01-02T15:04:05.000000000+01:00"
	switch {
	case n <= 10:
		return full[:10]
	case n <= 16:
		return full[:16]
	case n <= 19:
		return full[:19]
	}
	return full
}

// stretch returns n bytes of the text, over and over.
func stretch(text string, n int) string {
	return strings.Repeat(text, n/len(text)+1)[:n]
}
