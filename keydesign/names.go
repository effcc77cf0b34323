package keydesign

import (
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Names learns from the names of keys, and nothing else, which templates a keyspace has: the same that the section templates
// of an audit shows. It is for one goroutine; for several shards make one each and Merge them.
type Names struct{ tree *infer.Tree[nothing] }

// NewNames returns one that has seen no key.
func NewNames() *Names {
	return &Names{infer.New(func() nothing { return nothing{} }, infer.Options{MaxNodes: maxNodes})}
}

// Add learns a name.
func (n *Names) Add(key string) { n.tree.Add(key) }

// Merge adds what o has learned. o must not be used again.
func (n *Names) Merge(o *Names) { n.tree.Merge(o.tree) }

// Classifier returns what tells the template of a key, from what has been learned so far.
func (n *Names) Classifier() *Classifier { return newClassifier(n.tree.Templates()) }

// SavedClassifier returns what tells the templates of a saved audit, from the parts of its snapshot file; nil if the audit has
// left them out.
func SavedClassifier(parts []report.Part) (*Classifier, error) {
	var all *templates
	for i := range parts {
		p := &parts[i]
		if p.Analyzer != templatesName {
			continue
		}
		t := newTemplates(time.Time{})
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
	return newClassifier(all.tree.Templates()), nil
}

// nothing is what Names keeps of a key besides its name.
type nothing struct{}

func (nothing) Merge(nothing) {}

func (nothing) Clone() nothing { return nothing{} }

func (nothing) Form(*saved.Form) {}

// A Classifier tells the template of a key.
type Classifier struct {
	Texts   []string // the templates, most keys first
	matcher func() func(key string) (int, bool)
}

func newClassifier[S any](r infer.Result[S]) *Classifier {
	c := &Classifier{Texts: make([]string, len(r.Templates)), matcher: r.Matcher}
	for i := range r.Templates {
		c.Texts[i] = r.Templates[i].Text
	}
	return c
}

// Matcher returns a function, for one goroutine, that tells the template of a key by its index in Texts, and whether it has
// one. A key that has been learned from always does, unless there were more shapes of keys than fit.
func (c *Classifier) Matcher() func(key string) (int, bool) { return c.matcher() }
