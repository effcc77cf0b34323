package scenario

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/spell"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Word is one argument of a command: something of a template, or literals and placeholders in turn.
//
//	@t       the key of template t          @t.value  what is written under it     @t.fields  name and value of each field
//	@t.ttl   its life in milliseconds       @t.seconds  the same in seconds        @t.all     all its keys, as many words
//	@t.pairs all its keys, each with the same value     @t.member  an element of its value     @@…  a word that begins with @
//	{uid}    a field    {n:uint(1,50)}  a number of its own    {token} {seq} {now} {reply}  the task's, a counter, the clock in
//	         milliseconds, the first value of the last reply
type Word struct {
	Template int // index into Schema.Templates, or -1
	Part     Part
	Pieces   schema.Key // with Template -1
}

// A Part is what of a template a word stands for.
type Part string

// The parts. The empty one is the key.
const (
	PartKey     Part = ""
	PartValue   Part = "value"
	PartFields  Part = "fields"
	PartTTL     Part = "ttl"
	PartSeconds Part = "seconds"
	PartAll     Part = "all"
	PartPairs   Part = "pairs"
	PartMember  Part = "member"
)

// The placeholders that are no fields.
const (
	Token = "token"
	Seq   = "seq"
	Now   = "now"
	Reply = "reply"
)

// IsOwn reports whether a placeholder is one of those that stand for no field.
func IsOwn(p *schema.Piece) bool {
	return p.Shared && (p.Field == Token || p.Field == Seq || p.Field == Now || p.Field == Reply)
}

// parseWord reads a word of a command.
func (p *parser) parseWord(text string) (Word, error) {
	if name, ok := strings.CutPrefix(text, "@"); ok && !strings.HasPrefix(name, "@") {
		return p.templateWord(name)
	}
	text = strings.TrimPrefix(text, "@")
	if text == "" {
		return Word{Template: -1}, nil
	}
	key, err := schema.ParseKey(text, p.placeholders...)
	return Word{Template: -1, Pieces: key}, err
}

func (p *parser) templateWord(text string) (Word, error) {
	parts := []Part{PartValue, PartFields, PartTTL, PartSeconds, PartAll, PartPairs, PartMember}
	name, part, dot := strings.Cut(text, ".")
	i := slices.IndexFunc(p.s.Schema.Templates, func(t schema.Template) bool { return t.Name == name })
	if i < 0 {
		names := make([]string, len(p.s.Schema.Templates))
		for i := range names {
			names[i] = p.s.Schema.Templates[i].Name
		}
		return Word{}, fmt.Errorf("there is no template %q%s", name, meant(name, names))
	}
	w := Word{Template: i, Part: Part(part)}
	if dot && !slices.Contains(parts, w.Part) {
		names := make([]string, len(parts))
		for i := range parts {
			names[i] = string(parts[i])
		}
		return w, fmt.Errorf("@%s has no %q%s", name, part, meant(part, names))
	}
	if w.Part == PartAll || w.Part == PartPairs {
		if n := Keys(p.s.Schema, i); n == 0 || n > maxAll {
			return w, fmt.Errorf("@%s: the template has %d keys, want 1 to %d (a cardinality in fields says how many)", text, n, maxAll)
		}
	}
	if w.Part == PartMember && len(p.s.Schema.Templates[i].Value.Members) == 0 {
		return w, fmt.Errorf("@%s: the template's value does not say what its members are: value: {members: \"{uid}\"}", text)
	}
	if w.Part == PartFields && len(p.s.Schema.Templates[i].Value.Fields) == 0 {
		return w, fmt.Errorf("@%s: the template's value has no fields", text)
	}
	return w, nil
}

// maxAll is how many keys a word may stand for.
const maxAll = 1000

// Count returns how many values a placeholder takes: as many as declared, or all that its type has if those are few, or 0.
func Count(s *schema.Schema, p *schema.Piece) int64 {
	if f := s.Field(p.Field); f != nil && f.Cardinality > 0 {
		return f.Cardinality
	}
	g := schema.NewGenerator(*p.Type, epoch())
	if n := g.Count(); n <= 1<<24 {
		return n
	}
	return 0
}

// Keys returns how many keys a template has, or 0 if a placeholder of it is not bounded.
func Keys(s *schema.Schema, template int) int64 { return combinations(s, s.Templates[template].Key) }

// Members returns how many elements the value of a template can have, or 0 if it does not say what they are or a placeholder of them
// is not bounded.
func Members(s *schema.Schema, template int) int64 {
	if len(s.Templates[template].Value.Members) == 0 {
		return 0
	}
	return combinations(s, s.Templates[template].Value.Members)
}

// combinations returns how many texts a key stands for, or 0 if a placeholder of it is not bounded.
func combinations(s *schema.Schema, k schema.Key) int64 {
	n, seen := int64(1), map[string]bool{}
	for i := range k {
		p := &k[i]
		if p.Type == nil || p.Field != "" && seen[p.Field] {
			continue
		}
		seen[p.Field] = true
		c := Count(s, p)
		if c == 0 || n > 1<<40/c {
			return 0
		}
		n *= c
	}
	return n
}

func meant(typed string, known []string) string {
	if n := spell.Nearest(typed, known); n != "" && typed != "" {
		return ", did you mean " + n + "?"
	}
	return ""
}
