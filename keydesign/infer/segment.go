package infer

import (
	"fmt"
	"strings"
)

// Segment is a piece of a template: what separates it from the one before, and
// a literal or a placeholder. Words that are joined weakly (us-east-1) are one
// literal.
type Segment struct {
	Sep     string // "" before the first, and where a word and a number touch; "{" and "}" around a hash tag
	Literal string // the text of a literal
	Type    string // of a placeholder: int, hex(16), uuid, date, ts_s, str, …; "" for a literal
	Hard    bool   // values of this type are never values of another
	Tag     bool   // it is inside the hash tag

	// Distinct estimates (to 3 %) how many values the placeholder has at this
	// position, over all templates that pass it.
	Distinct int64

	// Detail says more of the values where it holds for all of them: seq,
	// bool, bucket(n), objectid, opaque(n), geohash. It depends on the data
	// more than a name may, and is not part of Text.
	Detail string

	// Values are the values of a placeholder folded from at most 64 words,
	// sorted; nil for others.
	Values []string
}

// segments returns the segments of the pattern.
func (p pattern) segments() []Segment {
	var out []Segment
	tag := false
	for _, n := range p {
		if n.sep == 0 && n.kind == 0 && n.text == "" {
			continue
		}
		switch n.sep {
		case mOpen:
			tag = true
		case mClose:
			tag = false
		}
		s := Segment{Sep: sepText(n.sep), Tag: tag}
		if n.kind == 0 {
			s.Literal = n.text
			if last := len(out) - 1; last >= 0 && n.sep != 0 && !isStrong(n.sep) && out[last].Type == "" {
				out[last].Literal += string(n.sep) + n.text
				continue
			}
		} else {
			n.refine(&s)
		}
		out = append(out, s)
	}
	return out
}

func sepText(sep byte) string {
	switch sep {
	case 0:
		return ""
	case mOpen:
		return "{"
	case mClose:
		return "}"
	}
	return string(rune(sep))
}

// refine names the type of a placeholder from its values.
func (n *node) refine(s *Segment) {
	s.Type, s.Hard, s.Distinct = typeNames[n.kind], hard(n.kind), n.distinct()
	v := n.slot
	if wild(n.kind) && n.vals != nil && n.vals.n == int64(len(n.vals.words)) {
		s.Values = n.vals.words
	}
	if v == nil || v.n == 0 {
		return
	}
	switch n.kind {
	case mInt:
		s.refineInt(v)
	case mHex:
		if v.lo == v.hi {
			s.Type = fmt.Sprintf("hex(%d)", v.lo)
			if v.lo == 24 {
				s.Detail = "objectid"
			}
		}
	case mOpaque:
		if v.lo == v.hi {
			s.Detail = fmt.Sprintf("opaque(%d)", v.lo)
		}
	}
}

// most reports whether n is at least 99 % of all.
func most(n, all int64) bool { return 100*n >= 99*all }

func (s *Segment) refineInt(v *slot) {
	switch span := v.max - v.min + 1; {
	case most(v.secs, v.n):
		s.Type = "ts_s"
	case most(v.millis, v.n):
		s.Type = "ts_ms"
	case most(v.micros, v.n):
		s.Type = "ts_us"
	case most(v.ymd, v.n):
		s.Type = "date(yyyymmdd)"
	case v.min == 0 && v.max == 1 && s.Distinct == 2:
		s.Detail = "bool"
	case v.min == 0 && v.max < 1024 && s.Distinct >= 2 && most(s.Distinct, int64(span)) && v.n >= 4*s.Distinct:
		s.Detail = fmt.Sprintf("bucket(%d)", span)
	case s.Distinct >= 100 && float64(span) < 1.5*float64(s.Distinct):
		s.Detail = "seq"
	}
}

// Render returns the text of a template: placeholders in braces, braces of
// keys doubled.
func Render(segments []Segment) string {
	var b strings.Builder
	for _, s := range segments {
		double(&b, s.Sep)
		if s.Type != "" {
			b.WriteString("{" + s.Type + "}")
		} else {
			double(&b, s.Literal)
		}
	}
	return b.String()
}

func double(b *strings.Builder, text string) {
	for i := range len(text) {
		if text[i] == '{' || text[i] == '}' {
			b.WriteByte(text[i])
		}
		b.WriteByte(text[i])
	}
}
