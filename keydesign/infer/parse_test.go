package infer

import (
	"fmt"
	"strings"
)

// parse is the inverse of Render, which tests hold it to: it returns the literals, placeholders and separators of a template text.
// What Render does not write, it cannot know: Hard is set for the types of this package, the rest is zero. The names of declared
// placeholders are accepted as types.
func parse(text string) ([]Segment, error) {
	var out []Segment
	cur, used := Segment{}, false
	flush := func() {
		if used {
			out = append(out, cur)
		}
		cur, used = Segment{Tag: cur.Tag}, false
	}
	for i := 0; i < len(text); {
		c := text[i]
		twice := i+1 < len(text) && text[i+1] == c
		switch {
		case (c == '{' || c == '}') && twice:
			flush()
			cur = Segment{Sep: string(c), Tag: c == '{'}
			used = true
			i += 2
		case c == '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 2 || strings.IndexByte(text[i+1:i+end], '{') >= 0 {
				return nil, fmt.Errorf("parsing template %q: bad placeholder at byte %d", text, i)
			}
			if cur.Literal != "" {
				parts(&out, &cur)
			}
			cur.Type, used = text[i+1:i+end], true
			cur.Hard = hardName(cur.Type)
			i += end + 1
			flush()
		case c == '}':
			return nil, fmt.Errorf("parsing template %q: single } at byte %d", text, i)
		case isStrong(c):
			flush()
			cur.Sep, used = string(rune(c)), true
			i++
		default:
			cur.Literal += text[i : i+1]
			used = true
			i++
		}
	}
	flush()
	return out, nil
}

// parts ends the literal before a placeholder: a weak separator at its end
// leads the placeholder.
func parts(out *[]Segment, cur *Segment) {
	last := len(cur.Literal) - 1
	next := Segment{Tag: cur.Tag}
	if classes[cur.Literal[last]]&cWeak != 0 {
		next.Sep = cur.Literal[last:]
		cur.Literal = cur.Literal[:last]
	}
	if cur.Literal != "" || cur.Sep != "" {
		*out = append(*out, *cur)
	}
	*cur = next
}

func hardName(name string) bool {
	for m, s := range typeNames {
		if s == name {
			return hard(byte(m))
		}
	}
	return false
}
