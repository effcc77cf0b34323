package propose

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// refer proposes references. Of each shared population one template is the record, and the others belong to it; a template that
// leads by a value to something leads to the record that its words name.
func (p *proposal) refer() {
	for _, x := range p.domains {
		owner := x.owner()
		if owner == nil {
			continue
		}
		for _, u := range x.uses {
			if u.d != owner && u.d.have == nil && u.d.out.Kind != schema.Index {
				u.d.out.Refs = append(u.d.out.Refs, schema.Ref{Kind: schema.RefParent, To: owner.out.Name, On: x.name})
			}
		}
	}
	for _, d := range p.drafts {
		if d.out.Kind != schema.Index || d.out.Type != "string" && d.out.Type != "" || len(d.out.Refs) > 0 {
			continue
		}
		if to := p.named(d); to != nil {
			d.out.Refs = append(d.out.Refs, schema.Ref{Kind: schema.RefIndex, To: to.out.Name, From: "value"})
		} else if d.leadsByValue() && !d.calledIndex() {
			d.out.Kind = "" // it leads nowhere
		}
	}
}

// calledIndex reports whether a word of the key says that it is an index.
func (d *draft) calledIndex() bool {
	return slices.ContainsFunc(d.words(), func(w string) bool { return slices.Contains(strings.Fields(indexWords), w) })
}

// owner returns the template that is the record of what the domain identifies, or nil: one whose key has no other placeholder,
// which lasts and which no other of these outnumbers.
func (x *domain) owner() *draft {
	if !x.shared() {
		return nil
	}
	var best *draft
	for _, u := range x.uses {
		if u.d.isRecord() && (best == nil || u.d.Keys > best.Keys) {
			best = u.d
		}
	}
	return best
}

// isRecord reports whether the template may be what others belong to.
func (d *draft) isRecord() bool {
	placeholders := 0
	for i := range d.pieces {
		if d.pieces[i].types != nil {
			placeholders++
		}
	}
	unknown := d.out.Kind == "" && d.out.Type == "" && d.identifies() // a list of keys
	return placeholders == 1 && d.TTL.Expiring == 0 && (d.out.Kind == schema.Record || unknown)
}

// named returns the record that a word of d's key names, or nil: user, of idx:user:email:{hash}.
func (p *proposal) named(d *draft) *draft {
	words := d.words()
	var best *draft
	for _, to := range p.drafts {
		if to == d || !to.isRecord() || best != nil && best.Keys >= to.Keys {
			continue
		}
		if first := to.words(); len(first) > 0 && slices.ContainsFunc(words, func(w string) bool { return singular(w) == singular(first[0]) }) {
			best = to
		}
	}
	return best
}
