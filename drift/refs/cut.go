package refs

import (
	"crypto/md5"  //nolint:gosec // the digests are those that an application names its keys by
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"regexp"
	"regexp/syntax"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/zeebo/xxh3"
)

// maxCuts is the most cuts of a key: two for each placeholder, of which a key has 32 at most.
const maxCuts = 64

// A cutter tells where the placeholders of a template begin and end in a key of it. Where no value can hold the first byte of the
// literal behind it, which is nearly always, the key is cut there; else by a regular expression.
type cutter struct {
	key   schema.Key
	names []string // of the placeholders, in order
	fast  bool
	re    *regexp.Regexp // nil until it is needed, where fast
}

func newCutter(k schema.Key) (*cutter, error) {
	c := &cutter{key: k, fast: true}
	for i := range k {
		p := &k[i]
		if p.Type == nil {
			continue
		}
		c.names = append(c.names, p.Name())
		last := i == len(k)-1
		if !last && (k[i+1].Type != nil || alphabetOf(p.Type.Regexp())[k[i+1].Literal[0]]) {
			c.fast = false
		}
	}
	var b strings.Builder
	b.WriteString(`\A`)
	for i := range k {
		if p := &k[i]; p.Type == nil {
			b.WriteString(regexp.QuoteMeta(p.Literal))
		} else {
			b.WriteString("((?:" + p.Type.Regexp() + "))")
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	c.re = re
	return c, nil
}

// place returns the number of the placeholder of that name, or -1.
func (c *cutter) place(name string) int {
	for i, n := range c.names {
		if n == name && n != "" {
			return i
		}
	}
	return -1
}

// matches reports whether the template takes a key.
func (c *cutter) matches(key []byte) bool {
	if first := c.key[0].Literal; first == "" || len(key) < len(first) || string(key[:len(first)]) != first {
		return first == "" && c.re.Match(key)
	}
	return c.re.Match(key)
}

// cut notes in at where each placeholder begins and ends. The key is one that the template takes; of another it may say so, or
// cut it anyhow.
func (c *cutter) cut(key string, at *[maxCuts]int) bool {
	if !c.fast {
		m := c.re.FindStringSubmatchIndex(key)
		if m == nil {
			return false
		}
		copy(at[:], m[2:])
		return true
	}
	pos, n := 0, 0
	for i := range c.key {
		p := &c.key[i]
		if p.Type == nil {
			if !strings.HasPrefix(key[pos:], p.Literal) {
				return false
			}
			pos += len(p.Literal)
			continue
		}
		end := len(key)
		if i < len(c.key)-1 {
			next := strings.IndexByte(key[pos:], c.key[i+1].Literal[0])
			if next < 0 {
				return false
			}
			end = pos + next
		}
		at[n], at[n+1] = pos, end
		n += 2
		pos = end
	}
	return pos == len(key)
}

// alphabetOf returns the bytes that a string which an expression matches may hold.
func alphabetOf(expr string) (set [256]bool) {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		for i := range set {
			set[i] = true
		}
		return set
	}
	addBytes(&set, re)
	return set
}

func addBytes(set *[256]bool, re *syntax.Regexp) {
	add := func(lo, hi rune) {
		for b := lo; b <= min(hi, 127); b++ {
			set[b] = true
		}
		if hi > 127 {
			for b := 128; b < 256; b++ {
				set[b] = true
			}
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			add(r, r)
			if re.Flags&syntax.FoldCase != 0 {
				add('A', 'z')
			}
		}
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			add(re.Rune[i], re.Rune[i+1])
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		add(0, 255)
	}
	for _, sub := range re.Sub {
		addBytes(set, sub)
	}
}

// A writer writes a key: literals, pieces of another key, a value, or a digest of it.
type writer struct{ parts []part }

type part struct {
	text   string
	piece  int // of the other key; -1: none
	value  bool
	digest *schema.Type
}

func (w *writer) literal(text string) { w.parts = append(w.parts, part{text: text, piece: -1}) }
func (w *writer) piece(i int)         { w.parts = append(w.parts, part{piece: i}) }

func (w *writer) value() { w.parts = append(w.parts, part{piece: -1, value: true}) }

func (w *writer) digest(t *schema.Type) {
	w.parts = append(w.parts, part{piece: -1, digest: t})
}

// write appends the key.
func (w *writer) write(dst []byte, from string, at *[maxCuts]int, text []byte) []byte {
	for i := range w.parts {
		switch p := &w.parts[i]; {
		case p.piece >= 0:
			dst = append(dst, from[at[2*p.piece]:at[2*p.piece+1]]...)
		case p.value:
			dst = append(dst, text...)
		case p.digest != nil:
			dst = appendDigest(dst, p.digest, text)
		default:
			dst = append(dst, p.text...)
		}
	}
	return dst
}

// appendDigest appends the first digits of a text's digest, in small letters.
func appendDigest(dst []byte, t *schema.Type, text []byte) []byte {
	var sum []byte
	switch t.Algo {
	case "md5":
		s := md5.Sum(text) //nolint:gosec // as above
		sum = s[:]
	case "sha1":
		s := sha1.Sum(text) //nolint:gosec // as above
		sum = s[:]
	case "sha256":
		s := sha256.Sum256(text)
		sum = s[:]
	case "xxh3":
		sum = fmt.Appendf(nil, "%016x", xxh3.Hash(text))
		return append(dst, cutDigits(sum, t.N)...)
	default:
		sum = fmt.Appendf(nil, "%08x", crc32.ChecksumIEEE(text))
		return append(dst, cutDigits(sum, t.N)...)
	}
	digits := hex.AppendEncode(nil, sum)
	return append(dst, cutDigits(digits, t.N)...)
}

func cutDigits(digits []byte, n int64) []byte {
	if n > 0 && n < int64(len(digits)) {
		return digits[:n]
	}
	return digits
}
