// Package docs writes what a keys.yaml says for the next developer who must learn the scheme: the templates with their owners,
// types and lives, how they are used, and what leads from one to another. As Markdown or as one HTML file that asks for nothing.
//
// The one idea is that a page is made of words once and drawn twice: what stands in the Markdown stands in the HTML. The HTML adds
// a picture of the references, which is made of nothing but them, and whose every line is in a list, too.
//
//	schema ──▶ page ──▶ Markdown
//	            └─────▶ HTML ◀── graph
package docs

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A page is a schema in words.
type page struct {
	Title     string
	Store     string
	Templates []entry
	Fields    []population
	Links     []link
}

// An entry is a template.
type entry struct {
	Anchor      string
	Name        string
	Key         string
	Description string
	Kind, Type  string
	Owner       string
	Life        string
	Keys        string
	Facts       []fact
	Access      []string
	Links       []string // from here, and to here
	Accepted    []string // findings
}

type fact struct{ Name, Text string }

// A population is a field that templates share.
type population struct{ Name, Type, Values, Growth, Dist, Used string }

// A link is a reference from a template to another, or an access that touches both.
type link struct {
	From, To string // names
	Kind     string // parent, index, member, together
	How      string
}

func newPage(s *schema.Schema) *page {
	p := &page{Title: "Keys of " + strings.Join(s.Files, ", "), Store: storeText(&s.Store), Links: links(s)}
	for i := range s.Templates {
		p.Templates = append(p.Templates, newEntry(s, i, p.Links))
	}
	for i := range s.Fields {
		p.Fields = append(p.Fields, newPopulation(s, &s.Fields[i]))
	}
	return p
}

func newEntry(s *schema.Schema, i int, all []link) entry {
	t := &s.Templates[i]
	e := entry{
		Anchor: fmt.Sprintf("t%d", i+1), Name: t.Name, Key: t.Key.String(), Description: t.Description,
		Kind: string(t.Kind), Type: t.Type, Owner: owner(s, t), Life: life(s, t), Keys: count(&t.Cardinality), Facts: facts(t),
	}
	for j := range t.Access {
		e.Access = append(e.Access, accessText(&t.Access[j]))
	}
	for _, l := range all {
		switch t.Name {
		case l.From:
			e.Links = append(e.Links, l.Kind+" "+l.To+l.How)
		case l.To:
			e.Links = append(e.Links, "from "+l.From+": "+l.Kind+l.How)
		}
	}
	for _, ig := range t.Ignores {
		e.Accepted = append(e.Accepted, accepted(&ig))
	}
	for _, ig := range s.Ignores {
		if ig.On == t.Name {
			e.Accepted = append(e.Accepted, accepted(&ig))
		}
	}
	return e
}

// links lists what leads from one template to another, in the order of the file.
func links(s *schema.Schema) []link {
	var ls []link
	for i := range s.Templates {
		t := &s.Templates[i]
		for _, r := range t.Refs {
			ls = append(ls, link{t.Name, r.To, string(r.Kind), refText(&r)})
		}
		if t.TTL.Policy == schema.TTLInherit {
			ls = append(ls, link{t.Name, t.TTL.Of, "lives as", ""})
		}
		for _, a := range t.Access {
			for _, other := range a.Keys {
				if other != t.Name {
					ls = append(ls, link{t.Name, other, "together", ", " + title(&a)})
				}
			}
		}
	}
	return ls
}

// refText says by what a reference leads on: ", by uid, from value.uid".
func refText(r *schema.Ref) string {
	s := ""
	for _, x := range []struct{ word, text string }{
		{"by", r.On}, {"from", r.From}, {"to", r.Target.String()}, {"and back by", r.Backref},
	} {
		if x.text != "" {
			s += ", " + x.word + " " + x.text
		}
	}
	return s
}

func owner(s *schema.Schema, t *schema.Template) string {
	if t.Owner != "" {
		return t.Owner
	}
	return s.Defaults.Owner
}

func accepted(ig *schema.Ignore) string {
	text := ig.Rule + ": " + ig.Reason
	if !ig.Expires.IsZero() {
		text += " (until " + ig.Expires.Format("2006-01-02") + ")"
	}
	return text
}

func newPopulation(s *schema.Schema, f *schema.Field) population {
	p := population{Name: f.Name, Type: f.Type.String(), Dist: distText(&f.Dist)}
	if f.Cardinality > 0 {
		p.Values = humanize.Count(float64(f.Cardinality))
	}
	if f.Growth > 0 {
		p.Growth = humanize.Count(f.Growth*86400) + " a day"
	}
	var used []string
	for i := range s.Templates {
		if t := &s.Templates[i]; t.Key.Has(f.Name) {
			used = append(used, t.Name)
		}
	}
	p.Used = strings.Join(used, ", ")
	return p
}
