package infer

// A shape is a key with each recognised value replaced by one mark. Marks are
// control bytes: a key that holds one of those is cut before it (see lex.go),
// so that marks and text cannot be confused.
const (
	mInt    = 0x01
	mHex    = 0x02
	mOpaque = 0x03
	mStr    = 0x04 // a folded word: one piece
	mRun    = 0x05 // a folded token: pieces up to the next strong separator
	mRest   = 0x06 // the rest of the key: paths, and keys of more than maxPieces
	mUUID   = 0x07
	mMAC    = 0x08
	mIPv6   = 0x09
	mDate   = 0x0a
	mIP     = 0x0b
	mURL    = 0x0c
	mEmail  = 0x0d
	mFloat  = 0x0e
	mPhone  = 0x0f
	mULID   = 0x10
	mJSON   = 0x11
	mBin    = 0x12
	mMonth  = 0x13
	mWeek   = 0x14
	mOpen   = 0x1e // a separator: the `{` of a hash tag
	mClose  = 0x1f // a separator: the `}` of a hash tag
)

// typeNames is indexed by mark.
var typeNames = [...]string{
	mInt: "int", mHex: "hex", mOpaque: "opaque", mStr: "str", mRun: "str",
	mRest: "path", mUUID: "uuid", mMAC: "mac", mIPv6: "ipv6", mDate: "date",
	mIP: "ip", mURL: "url", mEmail: "email", mFloat: "float", mPhone: "phone",
	mULID: "ulid", mJSON: "json", mBin: "bin", mMonth: "month", mWeek: "week",
}

// hard reports whether values of the type never belong to a slot of another
// type. The soft types form the lattice int < hex < opaque < str.
func hard(mark byte) bool { return mark >= mUUID && mark < mOpen }

// wild reports whether the mark stands for folded words.
func wild(mark byte) bool { return mark >= mStr && mark <= mRest }

// Classes of bytes. A byte may be of several.
const (
	cDigit  = 1 << iota
	cLower  // a-z and every byte of a multi-byte rune
	cUpper  //
	cHex    // 0-9a-fA-F
	cStrong // : / | #, and the braces of a hash tag
	cWeak   // - _ . and the punctuation of query strings
	cCtrl   // below 0x20, and 0x7f: cannot be part of a text
	cHigh   // 0x80 and above

	cSep = cStrong | cWeak
)

// classes is indexed by byte.
var classes = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = cDigit | cHex
		case b >= 'a' && b <= 'f':
			t[c] = cLower | cHex
		case b >= 'A' && b <= 'F':
			t[c] = cUpper | cHex
		case b >= 'g' && b <= 'z':
			t[c] = cLower
		case b >= 'G' && b <= 'Z':
			t[c] = cUpper
		case b < 0x20 || b == 0x7f:
			t[c] = cCtrl
		case b >= 0x80:
			t[c] = cLower | cHigh
		}
	}
	for _, b := range ":/|#" {
		t[b] = cStrong
	}
	for _, b := range "-_.=,@~&?;+ ()[]" {
		t[b] = cWeak
	}
	return t
}()

// isSep reports whether b leads a piece of a shape.
func isSep(b byte) bool { return b >= mOpen && (b < 0x20 || classes[b]&cSep != 0) }

// isStrong reports whether b begins a new token. A piece without a separator
// (0) belongs to the token of the piece before it.
func isStrong(b byte) bool {
	return b == mOpen || b == mClose || b >= 0x20 && classes[b]&cStrong != 0
}
