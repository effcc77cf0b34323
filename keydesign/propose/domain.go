package propose

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/infer"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A domain is a population that placeholders draw from: the users. Placeholders are of one domain if they are named alike and
// nothing speaks against it, or if the values of one are those of the other beyond chance.
type domain struct {
	name     string
	declared bool  // under fields, already
	inline   bool  // in a key, already
	uses     []use // the one with most values first
}

// A use is a placeholder of a template.
type use struct {
	d *draft
	*piece
}

func (x *domain) shared() bool { return len(x.uses) > 1 }

// typ returns the type of the values.
func (x *domain) typ() schema.Type { return x.uses[0].typ() }

// distinct returns how many values there are, at least.
func (x *domain) distinct() int64 {
	var most int64
	for _, u := range x.uses {
		if u.values != nil {
			most = max(most, u.values.Distinct())
		}
	}
	return most
}

// findDomains puts every placeholder into a domain, and names the domains. Placeholders with more values come first: what is
// a part is found in what is the whole.
func (p *proposal) findDomains() {
	var all []use
	for _, d := range p.drafts {
		for i := range d.pieces {
			if d.pieces[i].types != nil {
				all = append(all, use{d, &d.pieces[i]})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b use) int { return cmp.Compare(b.count(), a.count()) })
	var identities []*domain
	for _, u := range all {
		x := u.home(identities)
		if x == nil {
			x = &domain{}
			p.domains = append(p.domains, x)
			if u.identifies() && len(identities) < mostIdentities {
				identities = append(identities, x)
			}
		}
		x.uses = append(x.uses, u)
		u.domain = x
	}
	for _, shared := range [...]bool{true, false} {
		for _, x := range p.domains {
			if x.shared() == shared {
				x.name = p.fieldName(x)
			}
		}
	}
}

// mostIdentities bounds how many domains each placeholder is compared with.
const mostIdentities = 1000

// count returns how many values the placeholder has.
func (u *use) count() int64 {
	if u.values == nil {
		return 0
	}
	return u.values.Distinct()
}

// identifies reports whether the placeholder's values name things, as numbers and UUIDs do, rather than tell a time or a word.
func (p *piece) identifies() bool {
	switch p.typ().Kind {
	case schema.TypeInt, schema.TypeUUID, schema.TypeULID, schema.TypeHex, schema.TypeOpaque, schema.TypeEmail, schema.TypePhone,
		schema.TypeIP, schema.TypeMAC:
		return p.values != nil
	}
	return false
}

// home returns the domain that the placeholder belongs to, or nil.
func (u *use) home(domains []*domain) *domain {
	if !u.identifies() {
		return nil
	}
	var best *domain
	for _, x := range domains {
		whole := x.uses[0]
		if !sameType(whole.typ(), u.typ()) || x.in(u.d) {
			continue
		}
		switch named := whole.fieldName() == u.fieldName() && !u.anonymous(); {
		case named && !u.foreign(&whole):
			return x
		case best == nil && u.part(&whole):
			best = x
		}
	}
	return best
}

// in reports whether a placeholder of d is in the domain: two of one key are two things.
func (x *domain) in(d *draft) bool {
	return slices.ContainsFunc(x.uses, func(u use) bool { return u.d == d })
}

// What speaks for one population, and against it.
const (
	enoughValues = 50   // distinct ones, to speak
	mostlyWithin = 0.85 // share of numbers that are in the whole
	partWithin   = 0.50 // the same of random identifiers, which no chance makes equal
	hardlyWithin = 0.20 // less is another population
)

// foreign reports whether the values are not those of whole, although the names say so.
func (u *use) foreign(whole *use) bool {
	share, ok := u.values.Within(whole.values)
	return ok && u.count() >= enoughValues && share < hardlyWithin
}

// part reports whether the values are some of whole's, although the names do not say so. Numbers from 1 on are among all
// numbers from 1 on; so numbers count only where they begin high, and lie in the same range.
func (u *use) part(whole *use) bool {
	if u.count() < enoughValues {
		return false
	}
	share, ok := u.values.Within(whole.values)
	if !ok {
		return false
	}
	if u.typ().Kind != schema.TypeInt {
		return share >= partWithin
	}
	return share >= mostlyWithin && sameRange(u.values, whole.values)
}

// sameRange reports whether the numbers of part lie among those of whole, which begin at a tenth of their end or higher.
func sameRange(part, whole *infer.Population) bool {
	low, high := whole.Range()
	least, greatest := part.Range()
	return low >= high/10 && low > 0 && least >= low && greatest <= high
}

func sameType(a, b schema.Type) bool { return a.Kind == b.Kind && a.N == b.N }

// fieldName names a domain. A name means one thing: no other domain has that of a shared field, and what is named for what it
// identifies is of one type.
func (p *proposal) fieldName(x *domain) string {
	for i := range x.uses {
		if q := x.uses[i].placeholder(); q != nil {
			x.declared, x.inline = q.Shared, !q.Shared
			return q.Name()
		}
	}
	first := &x.uses[0]
	name := first.fieldName()
	for i := range x.uses {
		if first.anonymous() && !x.uses[i].anonymous() {
			first, name = &x.uses[i], x.uses[i].fieldName()
		}
	}
	if f := p.declaredField(name); f != nil && first.identifies() && sameType(f.Type, first.typ()) {
		x.declared = true
		return name
	}
	wanted := []string{name}
	if kind := string(first.typ().Kind); kind != name {
		wanted = append(wanted, strings.TrimSuffix(name, "_id")+"_"+kind)
	}
	if x.shared() {
		return take(p.names.fields, wanted...)
	}
	t := first.typ()
	if !first.identifies() || first.anonymous() {
		t = schema.Type{}
	}
	return p.names.inline(first.d, t, wanted)
}

// declaredField returns the shared field of that name that is declared already, or nil.
func (p *proposal) declaredField(name string) *schema.Field {
	if p.opt.Have == nil {
		return nil
	}
	return p.opt.Have.Field(name)
}

// placeholder returns how the value is declared already, or nil: the placeholder in its place, if the key has as many.
func (u *use) placeholder() *schema.Piece {
	if u.d.have == nil {
		return nil
	}
	var mine, theirs []int
	for i := range u.d.pieces {
		if u.d.pieces[i].types != nil {
			mine = append(mine, i)
		}
	}
	for i := range u.d.have.Key {
		if u.d.have.Key[i].Type != nil {
			theirs = append(theirs, i)
		}
	}
	if len(mine) != len(theirs) {
		return nil
	}
	for n, i := range mine {
		if &u.d.pieces[i] == u.piece {
			return &u.d.have.Key[theirs[n]]
		}
	}
	return nil
}

// anonymous reports whether nothing in the key says what the values are of.
func (p *piece) anonymous() bool { return p.first || p.before == "" }
