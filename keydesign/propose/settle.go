package propose

import (
	"strings"

	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// settle says of each two templates that have keys in common which of them these belong to: the one that is bound first, as
// keys are bound. What was folded from words takes every word, also the one that is a template of its own; that is so in the
// keyspace, and no mistake in the file.
func (p *proposal) settle(s *schema.Schema) {
	for i := range s.Templates {
		for j := range i {
			a, b := &s.Templates[i], &s.Templates[j]
			if apart(a.Key, b.Key) || len(a.Ignores) > 0 && len(b.Ignores) > 0 {
				continue
			}
			if _, both := automaton.Intersect(a.Key, b.Key); !both {
				continue
			}
			if literalBytes(a.Key) > literalBytes(b.Key) {
				a = b
			}
			if len(a.Ignores) == 0 {
				a.Ignores = []schema.Ignore{{Rule: "KD005", Reason: "inferred: keys that fit another template with more literals belong to that"}}
			}
		}
	}
}

// apart reports whether the literals that two keys begin with exclude each other, which is quick to see.
func apart(a, b schema.Key) bool {
	x, y := prefix(a), prefix(b)
	return !strings.HasPrefix(x, y) && !strings.HasPrefix(y, x)
}

func prefix(k schema.Key) string {
	if len(k) == 0 || k[0].Type != nil {
		return ""
	}
	return k[0].Literal
}

func literalBytes(k schema.Key) int {
	n := 0
	for _, p := range k {
		n += len(p.Literal)
	}
	return n
}
