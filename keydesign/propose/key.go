package propose

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A piece of a key: a literal, or a placeholder with the types that it may be of, the narrowest first. Which of them it is
// follows from what it must match.
type piece struct {
	literal string
	types   []schema.Type // of a placeholder
	at      int           // the type that it has
	segment *infer.Segment
	before  string // the literal that names it
	first   bool   // nothing but separators stands before it
	values  *infer.Population
	domain  *domain
}

func (p *piece) typ() schema.Type { return p.types[p.at] }

// pieces takes the segments of a template to pieces: separators belong to the literals.
func pieces(t *keydesign.TemplateFacts) []piece {
	var out []piece
	populations := t.Populations()
	literal, word, typed := "", "", false
	for i := range t.Segments {
		s := &t.Segments[i]
		literal += s.Sep + s.Literal
		if s.Literal != "" && (len(s.Literal) > shortPrefix || word == "") {
			word, typed = s.Literal, false
		}
		if s.Type == "" {
			continue
		}
		if literal != "" {
			out = append(out, piece{literal: literal})
			literal = ""
		}
		p := piece{types: ladder(s), segment: s, values: populations[i], first: word == ""}
		if !typed {
			p.before = word
		}
		out = append(out, p)
		typed = true
	}
	if literal != "" {
		out = append(out, piece{literal: literal})
	}
	return out
}

// shortPrefix is how long a literal may be to belong to the value behind it rather than to name it: the P of product:P17.
const shortPrefix = 2

// ladder lists what a placeholder may be, from the narrowest type to any text.
func ladder(s *infer.Segment) []schema.Type {
	any := schema.Type{Kind: schema.TypeRE, Pattern: "(?s:.+)"}
	str := schema.Type{Kind: schema.TypeStr}
	return append(append(narrow(s), str), any)
}

// narrow lists the types that are narrower than str.
func narrow(s *infer.Segment) []schema.Type {
	kinds := func(ks ...schema.TypeKind) []schema.Type {
		var out []schema.Type
		for _, k := range ks {
			out = append(out, schema.Type{Kind: k})
		}
		return out
	}
	name, n := s.Type, length(s.Type)
	if open := strings.IndexByte(name, '('); open > 0 {
		name = name[:open]
	}
	switch name {
	case "ts_us":
		return kinds(schema.TypeInt)
	case "ts_s", "ts_ms":
		return kinds(schema.TypeKind(name), schema.TypeInt)
	case "date":
		if s.Type == "date" {
			return []schema.Type{{Kind: schema.TypeDate}}
		}
		return []schema.Type{{Kind: schema.TypeDate, Layout: "yyyymmdd"}, {Kind: schema.TypeInt}}
	case "month":
		return []schema.Type{{Kind: schema.TypeDate, Layout: "yyyy-mm"}}
	case "week":
		return kinds(schema.TypeISOWeek)
	case "hex":
		return []schema.Type{{Kind: schema.TypeHex, N: n}, {Kind: schema.TypeHex}, {Kind: schema.TypeOpaque}}
	case "opaque":
		return []schema.Type{{Kind: schema.TypeOpaque, N: length(s.Detail)}, {Kind: schema.TypeOpaque}, base64}
	case "str":
		return kinds(schema.TypeWord, schema.TypeSlug)
	case "path":
		return nil
	case "ipv6":
		return kinds(schema.TypeIP)
	}
	return kinds(schema.TypeKind(name))
}

// base64 is random text that may hold a slash, which separates elsewhere.
var base64 = schema.Type{Kind: schema.TypeRE, Pattern: "[0-9A-Za-z+=_/-]+"}

// mostLength is the longest value whose length a type of a schema gives.
const mostLength = 1000

// length returns the n of hex(n), or 0.
func length(name string) (n int64) {
	_, args, _ := strings.Cut(name, "(")
	n, _ = strconv.ParseInt(strings.TrimSuffix(args, ")"), 10, 64) // another argument leaves it 0
	if n > mostLength {
		return 0
	}
	return n
}

// key returns the key that the pieces make.
func (d *draft) key() schema.Key {
	var k schema.Key
	for i := range d.pieces {
		p := &d.pieces[i]
		if p.types == nil {
			k = append(k, schema.Piece{Literal: p.literal})
			continue
		}
		typ := p.typ()
		q := schema.Piece{Type: &typ}
		if p.domain != nil {
			q.Field, q.Shared = p.domain.name, p.domain.declared || p.domain.shared() && !p.domain.inline
		}
		k = append(k, q)
	}
	return k
}

// patterns match the keys of the templates that are declared already.
type patterns struct {
	have *schema.Schema
	res  []*regexp.Regexp
}

// patternsOf returns the patterns of the templates of s, which may be nil.
func patternsOf(s *schema.Schema) patterns {
	ps := patterns{have: s}
	if s == nil {
		return ps
	}
	for i := range s.Templates {
		re, err := regexp.Compile(s.Templates[i].Key.Regexp())
		if err != nil {
			re = regexp.MustCompile(`\A\z`) // too large to be compiled: then its keys are proposed again, which shows
		}
		ps.res = append(ps.res, re)
	}
	return ps
}

// of returns the template that all of the keys match, or nil.
func (ps *patterns) of(keys []string) *schema.Template {
	for i, re := range ps.res {
		if len(keys) > 0 && !slices.ContainsFunc(keys, func(k string) bool { return !re.MatchString(k) }) {
			return &ps.have.Templates[i]
		}
	}
	return nil
}
