package propose

import (
	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// settle says of each two templates that have keys in common which of them these belong to: the one with more literals, as keys
// are bound. What was folded from words takes every word, also the one that is a template of its own; that is so in the
// keyspace, and no mistake in the file.
func settle(s *schema.Schema) {
	keys := make([]schema.Key, len(s.Templates)) // as they will be read: types may take more for where they stand
	sets := make([]*automaton.Set, len(keys))
	for i := range s.Templates {
		keys[i] = s.Templates[i].Key
		if k, err := schema.ParseKey(keys[i].String(), s.Fields...); err == nil {
			keys[i] = k
		}
		sets[i] = automaton.SetOf(keys[i])
	}
	for i, a := range keys {
		for j, b := range keys[:i] {
			if _, both := sets[i].Intersect(sets[j]); !both {
				continue
			}
			if m, n := literalBytes(a), literalBytes(b); m <= n {
				accept(&s.Templates[i])
				if m == n {
					accept(&s.Templates[j])
				}
			} else {
				accept(&s.Templates[j])
			}
		}
	}
}

// accept notes that keys of the template belong to another.
func accept(t *schema.Template) {
	if len(t.Ignores) == 0 {
		t.Ignores = []schema.Ignore{{Rule: "KD005", Reason: "inferred: keys that fit another template with more literals belong to that"}}
	}
}

func literalBytes(k schema.Key) int {
	n := 0
	for _, p := range k {
		n += len(p.Literal)
	}
	return n
}
