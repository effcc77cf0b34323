package schema

import (
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/report"
)

// cycles refuses templates that inherit their TTL from themselves, or are their own parents, over others or not.
func (p *parser) cycles() error {
	var all error
	for _, edges := range [...]func(*Template) []edge{inherits, parents} {
		w := walker{p: p, edges: edges, state: make([]state, len(p.s.Templates))}
		for i := range p.s.Templates {
			if err := w.visit(i); err != nil {
				all = yamlfile.Join(all, err)
			}
		}
	}
	return all
}

// An edge leads from a template to another.
type edge struct {
	to, what string
	pos      report.Pos
}

func inherits(t *Template) []edge {
	if t.TTL.Policy != TTLInherit {
		return nil
	}
	return []edge{{t.TTL.Of, "inherits its TTL from", t.TTL.Pos}}
}

func parents(t *Template) []edge {
	var all []edge
	for _, r := range t.Refs {
		if r.Kind == RefParent {
			all = append(all, edge{r.To, "has as a parent", r.Pos})
		}
	}
	return all
}

// A walker walks along edges, depth first. No template is visited twice.
type walker struct {
	p     *parser
	edges func(*Template) []edge
	state []state // of each template
}

type state int8

const (
	open state = iota + 1 // on the way from where the walk began
	done
)

// visit returns the edges that lead back to where the walk is.
func (w *walker) visit(i int) (all error) {
	if w.state[i] == done {
		return nil
	}
	w.state[i] = open
	t := &w.p.s.Templates[i]
	for _, e := range w.edges(t) {
		to := w.p.index[e.to]
		err := error(&yamlfile.Error{File: e.pos.File, Line: e.pos.Line, Text: "templates." + t.Name + " " + e.what + " " + e.to + ", which leads back to it"})
		if w.state[to] != open {
			err = w.visit(to)
		}
		if err != nil {
			all = yamlfile.Join(all, err)
		}
	}
	w.state[i] = done
	return all
}
