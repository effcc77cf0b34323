package keydesign

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/keydesign/bind"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Names learns from the names of keys, and nothing else, which templates a keyspace has: the same that the section templates
// of an audit shows. It is for one goroutine; for several shards make one each and Merge them.
type Names struct {
	tree     *infer.Tree[nothing]
	declared *binder // nil without a schema
}

// NewNames returns one that has seen no key. What a template of s takes it does not learn; without a schema, s is nil.
func NewNames(s *schema.Schema) *Names {
	return &Names{infer.New(func() nothing { return nothing{} }, infer.Options{MaxNodes: maxNodes}), binderOf(s)}
}

// Add learns a name.
func (n *Names) Add(key string) {
	if n.declared != nil {
		if _, ok := n.declared.matcher.Match(key); ok {
			return
		}
	}
	n.tree.Add(key)
}

// Merge adds what o has learned. o must not be used again.
func (n *Names) Merge(o *Names) { n.tree.Merge(o.tree) }

// Classifier returns what tells the template of a key, from what has been learned so far.
func (n *Names) Classifier() *Classifier { return newClassifier(n.declared, n.tree.Templates()) }

// A binder tells which template of a schema takes a key.
type binder struct {
	texts   []string
	matcher *bind.Matcher
}

// binderOf returns that of s, which must bind, or nil if there is no schema.
func binderOf(s *schema.Schema) *binder {
	if s == nil {
		return nil
	}
	m, err := bind.New(s)
	if err != nil {
		panic(err)
	}
	b := &binder{matcher: m}
	for i := range s.Templates {
		b.texts = append(b.texts, s.Templates[i].Key.String())
	}
	return b
}

// SavedClassifier returns what tells the templates of a saved audit, from the parts of its snapshot file; nil if the audit has
// left them out. It must have been made with the same schema, or without one.
func SavedClassifier(s *schema.Schema, parts []report.Part) (*Classifier, error) {
	var all *templates
	a := byTemplate(bindingOf(s))
	for i := range parts {
		p := &parts[i]
		if p.Analyzer != templatesName {
			continue
		}
		if p.Config != a.Config {
			return nil, kv.WithHint(kv.Usagef("the audit was made with another schema, or without one"), "give the same --schema, or audit again with this one")
		}
		t := a.New(time.Time{}).(*templates)
		if err := t.UnmarshalBinary(p.Data); err != nil {
			return nil, kv.Corruptf("reading the part %s: %w", p.Analyzer, err)
		}
		if all == nil {
			all = t
			continue
		}
		all.Merge(t)
	}
	if all == nil {
		return nil, nil
	}
	return newClassifier(binderOf(s), all.tree.Templates()), nil
}

// nothing is what Names keeps of a key besides its name.
type nothing struct{}

func (nothing) Merge(nothing) {}

func (nothing) Clone() nothing { return nothing{} }

func (nothing) Form(*saved.Form) {}

// A Classifier tells the template of a key.
type Classifier struct {
	Texts    []string // the templates: those of the schema, then the others, most keys first
	declared *binder
	matcher  func() func(key string) (int, bool)
}

func newClassifier[S any](declared *binder, r infer.Result[S]) *Classifier {
	c := &Classifier{declared: declared, matcher: r.Matcher}
	if declared != nil {
		c.Texts = append(c.Texts, declared.texts...)
	}
	for i := range r.Templates {
		c.Texts = append(c.Texts, r.Templates[i].Text)
	}
	return c
}

// Matcher returns a function, for one goroutine, that tells the template of a key by its index in Texts, and whether it has
// one. A key that has been learned from always does, unless there were more shapes of keys than fit.
func (c *Classifier) Matcher() func(key string) (int, bool) {
	if c.declared == nil {
		return c.matcher()
	}
	first, then, n := c.declared.matcher.Another(), c.matcher(), len(c.declared.texts)
	return func(key string) (int, bool) {
		if i, ok := first.Match(key); ok {
			return i, true
		}
		i, ok := then(key)
		return i + n, ok
	}
}
