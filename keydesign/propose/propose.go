// Package propose writes down the key design that a keyspace seems to follow: from what an audit knows of each template it
// makes a schema, which somebody who knows the application then corrects.
//
// The one idea is that a proposal states the law, not the faults. Seven carts in a hundred without a TTL are carts that lost
// theirs: the law is the TTL of the others. A few promotions with a thousand times the TTL are a mistake of units. So every
// fact is taken from what most keys do, and what the rest does is left to the rules, which find it when the keyspace is held
// against the proposal:
//
//	keys ──audit──▶ keydesign.Facts ──propose──▶ schema.Schema ──check──▶ the faults, and nothing else
//
// What cannot be said in a schema is said beside it, in notes.
package propose

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// Options of a proposal. The zero value proposes every template.
type Options struct {
	// MinShare is the least share of the keys or, where their sizes are known, of the bytes that a template is proposed for.
	MinShare float64
	Store    schema.Store
	// Have is what is declared already: what it matches is not proposed again, nor are its names. It may be nil.
	Have *schema.Schema
}

// A Proposal is a schema, and what it cannot say.
type Proposal struct {
	*schema.Schema
	Notes []string // a line each
}

// From proposes a schema for the keyspace that f describes.
func From(f *keydesign.Facts, o Options) *Proposal {
	p := &proposal{facts: f, opt: o, names: namesOf(o.Have)}
	p.choose()
	for _, d := range p.drafts {
		d.describe()
	}
	p.enumerate()
	p.leaveOut()
	p.nameAll()
	p.findDomains()
	p.refer()
	return p.finish()
}

// A proposal in the making.
type proposal struct {
	facts   *keydesign.Facts
	opt     Options
	names   names
	drafts  []*draft
	domains []*domain
	left    tally // out, for their size
	known   tally // declared already

	unwritten tally // that no schema can have
	notes     []string
}

// A tally counts templates and their keys.
type tally struct{ templates, keys int64 }

func (t *tally) add(keys int64) {
	t.templates++
	t.keys += keys
}

// A draft is a template of the proposal.
type draft struct {
	*keydesign.TemplateFacts
	pieces []piece
	bytes  int64
	have   *schema.Template // that declares it already, or nil
	out    schema.Template
	notes  []string
}

// mostDrafts bounds how many templates are looked into: no one reads a file of more.
const mostDrafts = 2000

// choose makes drafts of the templates. Those that are declared already are among them, since others refer to them.
func (p *proposal) choose() {
	have := patternsOf(p.opt.Have)
	for i := range p.facts.Templates {
		t := &p.facts.Templates[i]
		switch {
		case t.Text == "":
			p.notes = append(p.notes, humanize.Counted(t.Keys, "key")+" with an empty name, which no template can have")
		case textSize(t.Text) > longestText:
			p.notes = append(p.notes, humanize.Counted(t.Keys, "key")+" with a name of "+humanize.Counted(int64(len(t.Text)), "byte")+", too long to be written down")
		case len(p.drafts) == mostDrafts:
			p.left.add(t.Keys)
		default:
			d := &draft{TemplateFacts: t, bytes: t.Bytes, have: have.of(t.Samples)}
			d.pieces = pieces(t)
			d.fit()
			if _, err := schema.ParseKey(d.key().String()); err != nil { // it is too long, above all
				p.unwritten.add(t.Keys)
				continue
			}
			p.drafts = append(p.drafts, d)
		}
	}
}

// longestText is from which length on a template is not proposed: the other half of what a key may have is for names and types of
// placeholders.
const longestText = schema.MaxKey / 2

// textSize is how long a text is as that of a key, where braces are doubled.
func textSize(s string) int { return len(s) + strings.Count(s, "{") + strings.Count(s, "}") }

// leaveOut drops drafts of too few keys and bytes.
func (p *proposal) leaveOut() {
	p.drafts = slices.DeleteFunc(p.drafts, func(d *draft) bool {
		in := d.out.Inferred
		if d.have != nil {
			p.known.add(in.Keys)
			return false
		}
		in.Share = digits(float64(in.Keys) / float64(max(1, p.facts.Keys)))
		small := max(in.Share, float64(d.bytes)/float64(max(1, p.facts.Bytes))) < p.opt.MinShare
		if small {
			p.left.add(in.Keys)
		}
		return small
	})
}

// describe fills in what follows from the template alone.
func (d *draft) describe() {
	t := &d.out
	t.Type = d.typeOf()
	t.Kind = d.kindOf()
	t.Value = d.valueOf()
	t.TTL = d.law()
	t.Cardinality.Live = d.Keys
	t.Inferred = &schema.Inferred{Keys: d.Keys, Confidence: d.Confidence, Examples: d.examples()}
}

// mostExamples is how many keys of a template are shown.
const mostExamples = 2

// examples are keys to recognise the template by. The file is kept where everybody reads it, and a session's key lets in who
// has it: so there are none but of keys made of numbers, times and words.
func (d *draft) examples() []string {
	if d.Personal != "" || !d.harmless() {
		return nil
	}
	var out []string
	for _, k := range d.Samples {
		if len(out) < mostExamples && isPlain(k) {
			out = append(out, k)
		}
	}
	return out
}

// harmless reports whether the key's values are no secrets by their types.
func (d *draft) harmless() bool {
	return !slices.ContainsFunc(d.pieces, func(p piece) bool {
		if p.types == nil {
			return false
		}
		switch p.typ().Kind {
		case schema.TypeInt, schema.TypeTSs, schema.TypeTSms, schema.TypeDate, schema.TypeISOWeek, schema.TypeWord, schema.TypeSlug, schema.TypeEnum:
			return false
		}
		return true
	})
}

// longestExample is how long a key may be that is shown, in bytes.
const longestExample = 80

// isPlain reports whether a key can be shown as it is: short, and of printable ASCII.
func isPlain(key string) bool {
	return len(key) <= longestExample && !slices.ContainsFunc([]byte(key), func(b byte) bool { return b < ' ' || b > '~' })
}

// finish makes the schema of the drafts.
func (p *proposal) finish() *Proposal {
	s := &schema.Schema{Store: p.opt.Store}
	for _, x := range p.domains {
		if x.shared() && !x.declared && !x.inline {
			s.Fields = append(s.Fields, schema.Field{Name: x.name, Type: x.typ(), Cardinality: roundCount(x.distinct())})
		}
	}
	slices.SortFunc(s.Fields, func(a, b schema.Field) int { return cmp.Compare(a.Name, b.Name) })
	for _, d := range p.drafts {
		if d.have != nil {
			continue
		}
		d.out.Key = d.key()
		s.Templates = append(s.Templates, d.out)
		for _, n := range d.notes {
			p.notes = append(p.notes, d.out.Name+": "+n)
		}
	}
	settle(s)
	return &Proposal{Schema: s, Notes: append(p.summary(), p.notes...)}
}

// summary says what the proposal is of, and what it leaves out.
func (p *proposal) summary() []string {
	out := []string{fmt.Sprintf("inferred from %s: names, kinds and references are guesses, to be corrected", humanize.Counted(p.facts.Keys, "key"))}
	if p.facts.Inference != "" && p.facts.Inference != "exact" {
		out = append(out, "inference "+p.facts.Inference)
	}
	if p.facts.Sampled {
		out = append(out, "of some keys only the names were read: sizes and TTLs are those of a sample")
	}
	if n := p.known; n.templates > 0 {
		out = append(out, fmt.Sprintf("%s of %s declared already", humanize.Counted(n.templates, "template"), humanize.Counted(n.keys, "key")))
	}
	if n := p.unwritten; n.templates > 0 {
		out = append(out, fmt.Sprintf("left out: %s of %s, whose names are longer than a template may be",
			humanize.Counted(n.templates, "template"), humanize.Counted(n.keys, "key")))
	}
	if n := p.left; n.templates > 0 {
		out = append(out, fmt.Sprintf("left out: %s of %s, each less than %s of the keys and of the bytes",
			humanize.Counted(n.templates, "template"), humanize.Counted(n.keys, "key"), percent(p.opt.MinShare)))
	}
	return out
}
