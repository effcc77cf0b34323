package lint

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Separators. Strong ones split a key wherever they stand; weak ones only where a key has no strong one, as in package infer.
const (
	strongSeparators = ":/|#"
	weakSeparators   = "-_."
)

// A segment is what stands between two separators.
type segment struct {
	sep    string // before it; empty for the first
	text   string // its literals, without the braces of a hash tag; a placeholder is one hole
	fields []*schema.Piece
}

// hole stands for a placeholder in the text of a segment. A literal may hold the byte, too: fields tells them apart.
const hole = "\x00"

// literal returns the segment's text if it has no placeholder and is not empty.
func (s *segment) literal() (string, bool) { return s.text, len(s.fields) == 0 && s.text != "" }

// segmentsOf splits a key where its separators are.
func segmentsOf(k schema.Key) []segment {
	if parts := split(k, strongSeparators); len(parts) > 1 {
		return parts
	}
	return split(k, weakSeparators)
}

// split splits a key at those of seps that are literals.
func split(k schema.Key, seps string) []segment {
	out := []segment{{}}
	for i := range k {
		p := &k[i]
		last := &out[len(out)-1]
		if p.Type != nil {
			last.text += hole
			last.fields = append(last.fields, p)
			continue
		}
		for text := p.Literal; text != ""; {
			n := strings.IndexAny(text, seps)
			if n < 0 {
				last.text += unbraced(text)
				break
			}
			last.text += unbraced(text[:n])
			out = append(out, segment{sep: text[n : n+1]})
			last, text = &out[len(out)-1], text[n+1:]
		}
	}
	return out
}

func unbraced(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '{' || r == '}' {
			return -1
		}
		return r
	}, text)
}

// literalSeparators returns those of seps that stand in literals of k, each once, in the order of seps.
func literalSeparators(k schema.Key, seps string) string {
	found := ""
	for _, c := range seps {
		for i := range k {
			if k[i].Type == nil && strings.ContainsRune(k[i].Literal, c) {
				found += string(c)
				break
			}
		}
	}
	return found
}

// tagOf returns what Redis Cluster hashes in place of the whole key: what is between the first { and the next }, unless that
// is nothing. Braces in the values of placeholders are not known here.
func tagOf(k schema.Key) (tag schema.Key, ok bool) {
	open := false
	for _, p := range k {
		if p.Type != nil {
			if open {
				tag = append(tag, p)
			}
			continue
		}
		text := p.Literal
		if !open {
			_, after, found := strings.Cut(text, "{")
			if !found {
				continue
			}
			open, text = true, after
		}
		inside, _, closed := strings.Cut(text, "}")
		if inside != "" {
			tag = append(tag, schema.Piece{Literal: inside})
		}
		if closed {
			return tag, len(tag) > 0
		}
	}
	return nil, false
}

// placeholders returns the placeholders of a key.
func placeholders(k schema.Key) []*schema.Piece {
	var ps []*schema.Piece
	for i := range k {
		if k[i].Type != nil {
			ps = append(ps, &k[i])
		}
	}
	return ps
}

// isTime reports whether values of a type are points or spans of time.
func isTime(t *schema.Type) bool {
	switch t.Kind {
	case schema.TypeTSs, schema.TypeTSms, schema.TypeDate, schema.TypeISOWeek:
		return true
	}
	return false
}

// sealed reports whether no value of k's placeholders holds a strong separator, so that those of its literals are all there are.
func sealed(k schema.Key) bool {
	return !slices.ContainsFunc(placeholders(k), func(p *schema.Piece) bool { return !plain(p.Type) })
}

func plain(t *schema.Type) bool {
	switch t.Kind {
	case schema.TypeInt, schema.TypeUint, schema.TypeSeq, schema.TypeHex, schema.TypeObjectID, schema.TypeUUID, schema.TypeULID,
		schema.TypeWord, schema.TypeSlug, schema.TypeISOWeek, schema.TypeTSs, schema.TypeTSms, schema.TypeHash, schema.TypeBucket:
		return true
	case schema.TypeStr:
		return !t.Span
	case schema.TypeEnum:
		return !slices.ContainsFunc(t.Values, func(v string) bool { return strings.ContainsAny(v, strongSeparators) })
	}
	return false
}
