package schema

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
)

// Parts of the expressions below.
const (
	anything = `(?s:.)`
	octet    = `(?:25[0-5]|2[0-4][0-9]|[01]?[0-9]?[0-9])`
	group    = `[0-9A-Fa-f]{1,4}`
	real     = `-?[0-9]+(?:\.[0-9]+)?`
	month    = `(?:0[1-9]|1[0-2])`
	dayOf    = `(?:0[1-9]|[12][0-9]|3[01])`
	hour     = `(?:[01][0-9]|2[0-3])`
	minute   = `[0-5][0-9]`
	second   = `(?:[0-5][0-9]|60)` // a leap second
)

// Regexp returns the values of the type as a regular expression of RE2. It has no captures and no anchors, and may stand beside
// others. Where inference has a type of the same name, the expression matches whatever inference takes for that type.
func (t Type) Regexp() string {
	if re, ok := fixed()[t.Kind]; ok {
		return re
	}
	switch t.Kind {
	case TypeUint:
		if t.Max == 0 {
			return "[0-9]+"
		}
		return between(t.Min, t.Max)
	case TypeBucket:
		return between(0, t.N-1)
	case TypeHash:
		n := t.N
		if n == 0 {
			n = digests()[t.Algo]
		}
		return fmt.Sprintf("[0-9A-Fa-f]{%d}", n)
	case TypeStr:
		if t.N > 0 {
			return t.alphabet() + fmt.Sprintf("{1,%d}", t.N)
		}
	case TypeEnum:
		values := make([]string, len(t.Values))
		for i, v := range t.Values {
			values[i] = regexp.QuoteMeta(v)
		}
		return "(?:" + strings.Join(values, "|") + ")"
	case TypeDate:
		re, _ := layoutRegexp(t.Layout) // checked when it was read
		return re
	case TypeRE:
		re, _ := patternRegexp(t.Pattern)
		return re
	}
	if t.N > 0 {
		return t.alphabet() + fmt.Sprintf("{%d}", t.N)
	}
	return t.alphabet() + "+"
}

// alphabet returns the characters of a type whose values may have any length.
func (t Type) alphabet() string {
	switch t.Kind {
	case TypeHex:
		return "[0-9A-Fa-f]"
	case TypeGeohash:
		return "[0-9b-hjkmnp-z]"
	case TypeOpaque:
		if t.Span {
			return "[0-9A-Za-z+=_/-]"
		}
		return "[0-9A-Za-z+=_-]"
	case TypeStr:
		if !t.Span {
			return "[^:/|#]"
		}
	}
	return anything // bin
}

// fixed are the types that have no arguments, or whose arguments do not show.
func fixed() map[TypeKind]string {
	return map[TypeKind]string{
		TypeInt:      `-?[0-9]+`,
		TypeSeq:      `[0-9]+`,
		TypeObjectID: `[0-9A-Fa-f]{24}`,
		TypeUUID:     `[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}`,
		TypeULID:     `[0-7][0-9A-Z]{25}`,
		TypeWord:     `[A-Za-z_]+`,
		TypeSlug:     `[0-9a-z_-]+`,
		TypeJSON:     `[{\[]` + anything + `*`,
		TypeFloat:    real + `(?:,` + real + `)?`,
		TypeEmail:    `[0-9A-Za-z._%+-]+@[0-9A-Za-z.-]+\.[0-9A-Za-z-]+`,
		TypeIP:       `(?:(?:` + octet + `\.){3}` + octet + `|(?:` + group + `:){7}` + group + `|` + short + `)`,
		TypeMAC:      `[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}`,
		TypeURL:      `https?://` + anything + `*`,
		TypePhone:    `\+[0-9]{7,15}`,
		TypeTSs:      `[0-9]{10}`,
		TypeTSms:     `[0-9]{13}`,
		TypeISOWeek:  `[0-9]{4}-W(?:0[1-9]|[1-4][0-9]|5[0-3])`,
	}
}

// short is an address of IPv6 in which :: stands for zeros.
const short = `(?:` + group + `(?::` + group + `){0,6})?::(?:` + group + `(?::` + group + `){0,6})?`

// between returns an expression of the numbers from lo to hi, without zeros before them.
func between(lo, hi int64) string {
	var parts []string
	for from := lo; ; {
		digits := strconv.FormatInt(from, 10)
		nines := strings.Repeat("9", len(digits))
		to, err := strconv.ParseInt(nines, 10, 64)
		if err != nil || to >= hi {
			return "(?:" + strings.Join(append(parts, digitRange(digits, strconv.FormatInt(hi, 10))), "|") + ")"
		}
		parts = append(parts, digitRange(digits, nines))
		from = to + 1
	}
}

// digitRange returns an expression of the numbers from lo to hi, which have as many digits.
func digitRange(lo, hi string) string {
	n := len(lo) - 1
	switch {
	case lo == hi:
		return lo
	case strings.Trim(lo[1:], "0") == "" && strings.Trim(hi[1:], "9") == "":
		return digit(lo[0], hi[0]) + anyDigits(n)
	case lo[0] == hi[0]:
		return lo[:1] + "(?:" + digitRange(lo[1:], hi[1:]) + ")"
	}
	first := lo[:1] + "(?:" + digitRange(lo[1:], strings.Repeat("9", n)) + ")"
	last := hi[:1] + "(?:" + digitRange(strings.Repeat("0", n), hi[1:]) + ")"
	if hi[0]-lo[0] == 1 {
		return first + "|" + last
	}
	return first + "|" + digit(lo[0]+1, hi[0]-1) + anyDigits(n) + "|" + last
}

func digit(lo, hi byte) string {
	if lo == hi {
		return string(lo)
	}
	return "[" + string(lo) + "-" + string(hi) + "]"
}

func anyDigits(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("[0-9]{%d}", n)
}

// layoutRegexp returns an expression of the dates of a layout, such as yyyy-mm-dd or yyyymmddhh. Without a layout it is a date
// with or without a time of day behind it, as inference recognises it.
func layoutRegexp(layout string) (string, bool) {
	if layout == "" {
		const zone = `(?:Z|[+-]` + hour + `:` + minute + `)?`
		return `[0-9]{4}[._-]` + month + `[._-]` + dayOf + `(?:[T ]` + hour + `:` + minute + `(?::` + second + `(?:\.[0-9]+)?)?` + zone + `)?`, true
	}
	parts := [...]struct{ name, re string }{
		{"yyyy", "[0-9]{4}"}, {"mm", month}, {"dd", dayOf}, {"hh", hour}, {"mm", minute}, {"ss", second},
	}
	var b strings.Builder
	next := 0
	for rest := layout; rest != ""; {
		if next < len(parts) && strings.HasPrefix(rest, parts[next].name) {
			b.WriteString(parts[next].re)
			rest = rest[len(parts[next].name):]
			next++
			continue
		}
		if !strings.ContainsRune("-_.:/T ", rune(rest[0])) {
			return "", false
		}
		b.WriteString(regexp.QuoteMeta(rest[:1]))
		rest = rest[1:]
	}
	return b.String(), next > 0
}

// maxStates bounds what an expression costs whoever makes an automaton of it.
const maxStates = 4000

// patternRegexp returns a pattern of re without its captures. The values of a type are matched as a whole, so that anchors in
// the pattern would say nothing, or never match.
func patternRegexp(pattern string) (string, error) {
	if pattern == "" {
		return "", errors.New(`re(""): matches nothing but the empty value`)
	}
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", fmt.Errorf("re(%q): %s", pattern, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	re, err = uncaptured(re)
	if err == nil && states(re) > maxStates {
		err = errors.New("repeats too much")
	}
	if err != nil {
		return "", fmt.Errorf("re(%q): %w", pattern, err)
	}
	return "(?:" + re.String() + ")", nil
}

// uncaptured removes the captures of re.
func uncaptured(re *syntax.Regexp) (*syntax.Regexp, error) {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText:
		return nil, errors.New("is matched as a whole, leave out ^ and $")
	case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return nil, errors.New(`\b and \B are not supported`)
	case syntax.OpNoMatch:
		return nil, errors.New("matches nothing")
	}
	for i, sub := range re.Sub {
		s, err := uncaptured(sub)
		if err != nil {
			return nil, err
		}
		re.Sub[i] = s
	}
	if re.Op == syntax.OpCapture {
		return re.Sub[0], nil
	}
	return re, nil
}

// states estimates how many states an automaton of re has.
func states(re *syntax.Regexp) int {
	n := 1
	if re.Op == syntax.OpLiteral {
		n = len(re.Rune)
	}
	for _, sub := range re.Sub {
		n = min(n+states(sub), maxStates+1)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(re.Min, re.Max, 1)
	}
	return min(n, maxStates+1)
}

// Regexp returns the keys of the template as a regular expression of RE2, to be matched as a whole.
func (k Key) Regexp() string {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, p := range k {
		if p.Type == nil {
			b.WriteString(regexp.QuoteMeta(p.Literal))
		} else {
			b.WriteString(p.Type.Regexp())
		}
	}
	b.WriteString(`\z`)
	return b.String()
}
