// Package bind tells which template of a schema a key belongs to: the binding of observed keys that the audit of a schema
// starts from.
//
// The one idea is that this is decided before the first key comes. Templates may overlap, and then one wins for every key that
// both take; so they are brought into an order once, compiled into one automaton, and a key costs a step a byte however many
// templates there are:
//
//	templates ──precedence──▶ 0 1 2 …  ──automaton──▶ DFA
//	                                                   │
//	key  ──a byte a step──────────────────────────────▶ lowest number
package bind

import (
	"cmp"
	"slices"

	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Matcher tells the template of a key. It is for one goroutine; Another is for another.
type Matcher struct {
	all   *automaton.Automaton
	order []int // by precedence: indices of the schema's templates
	dfa   *automaton.DFA
}

// most bounds what a Matcher holds besides what all of a schema share, in bytes. 500 templates need about a tenth of it.
const most = 8 << 20

// New returns a Matcher of the templates of s. It fails where the keys of s are of too many kinds to be told apart in bounded
// memory, or a type's expression is none.
func New(s *schema.Schema) (*Matcher, error) {
	return newMatcher(s, most)
}

func newMatcher(s *schema.Schema, limit int) (*Matcher, error) {
	order := Order(s)
	keys := make([]schema.Key, len(order))
	for i, t := range order {
		keys[i] = s.Templates[t].Key
	}
	all, err := automaton.New(keys...)
	if err != nil {
		return nil, err
	}
	return &Matcher{all, order, automaton.NewDFA(all, limit)}, nil
}

// Another returns a Matcher of the same templates for another goroutine.
func (m *Matcher) Another() *Matcher {
	return &Matcher{m.all, m.order, automaton.NewDFA(m.all, most)}
}

// Match returns the index of the key's template in the schema; ok is false if no template takes it.
func (m *Matcher) Match(key string) (template int, ok bool) {
	n := m.dfa.Match(key)
	if n < 0 {
		return 0, false
	}
	return m.order[n], true
}

// Order returns the indices of the templates of s by precedence: of two templates that take a key, it belongs to the one that
// stands first. That is the one with more literal bytes; of equal ones that whose placeholders take fewer values, the first
// place where they differ deciding; else that which the file names first.
func Order(s *schema.Schema) []int {
	order := make([]int, len(s.Templates))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int {
		a, b := s.Templates[i].Key, s.Templates[j].Key
		return cmp.Or(cmp.Compare(literals(b), literals(a)), slices.Compare(breadths(a), breadths(b)))
	})
	return order
}

// literals returns how many literal bytes a key has.
func literals(k schema.Key) (n int) {
	for i := range k {
		n += len(k[i].Literal)
	}
	return n
}

// breadths returns how much each placeholder of a key takes.
func breadths(k schema.Key) (bs []int) {
	for i := range k {
		if k[i].Type != nil {
			bs = append(bs, breadth(k[i].Type))
		}
	}
	return bs
}

// narrowest lists the types by how much they take: each takes less than those behind it, as far as two have values in common.
var narrowest = [...]schema.TypeKind{
	schema.TypeEnum, schema.TypeUUID, schema.TypeMAC, schema.TypeISOWeek, schema.TypeDate, schema.TypeTSms, schema.TypeTSs,
	schema.TypeBucket, schema.TypeUint, schema.TypeSeq, schema.TypeInt, schema.TypeULID, schema.TypeObjectID, schema.TypeHash,
	schema.TypeHex, schema.TypeIP, schema.TypePhone, schema.TypeFloat, schema.TypeGeohash, schema.TypeEmail, schema.TypeRE,
	schema.TypeWord, schema.TypeOpaque, schema.TypeSlug, schema.TypeStr, schema.TypeURL, schema.TypeJSON, schema.TypeBin,
}

// breadth is a type's place among all types, and within its kind one of given length before one of any.
func breadth(t *schema.Type) int {
	b := 2 * slices.Index(narrowest[:], t.Kind)
	if b < 0 {
		b = 2 * len(narrowest)
	}
	if t.N == 0 {
		b++
	}
	return b
}
