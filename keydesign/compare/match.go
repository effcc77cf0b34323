package compare

import (
	"math"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// pairUp pairs the templates, in rounds, each of which pairs what only one of the other side fits.
func (c *comparison) pairUp() {
	rounds := []func(a, b *schema.Template) bool{
		func(a, b *schema.Template) bool { return a.Name == b.Name && !c.sides.observed() },
		func(a, b *schema.Template) bool { return shape(a.Key) == shape(b.Key) },
		c.overlap,
		func(a, b *schema.Template) bool { return a.Name == b.Name },
		func(a, b *schema.Template) bool { return folded(a.Key) == folded(b.Key) },
		c.sameUse,
		c.sameValues,
	}
	old, now := pointers(c.before), pointers(c.after)
	for _, fits := range rounds {
		old, now = c.round(old, now, fits)
	}
	for _, t := range old {
		c.pairs = append(c.pairs, pair{old: t})
	}
	for _, t := range now {
		c.pairs = append(c.pairs, pair{new: t})
	}
	c.renamed = map[string]string{}
	for _, p := range c.pairs {
		if p.old != nil && p.new != nil {
			c.renamed[p.old.Name] = p.new.Name
		}
	}
}

func pointers(s *schema.Schema) []*schema.Template {
	out := make([]*schema.Template, len(s.Templates))
	for i := range s.Templates {
		out[i] = &s.Templates[i]
	}
	return out
}

// round pairs each template with the only one that fits it, and returns what is left over.
func (c *comparison) round(old, now []*schema.Template, fits func(a, b *schema.Template) bool) (restOld, restNew []*schema.Template) {
	of := make(map[*schema.Template][]*schema.Template)
	for _, a := range old {
		for _, b := range now {
			if fits(a, b) {
				of[a] = append(of[a], b)
				of[b] = append(of[b], a)
			}
		}
	}
	paired := func(t *schema.Template) bool { return len(of[t]) == 1 && len(of[of[t][0]]) == 1 }
	for _, a := range old {
		if paired(a) {
			c.pairs = append(c.pairs, pair{a, of[a][0]})
		} else {
			restOld = append(restOld, a)
		}
	}
	for _, b := range now {
		if !paired(b) {
			restNew = append(restNew, b)
		}
	}
	return restOld, restNew
}

// overlap reports whether the two have keys in common, where one of them was inferred from keys: its types are as narrow as
// these happened to be.
func (c *comparison) overlap(a, b *schema.Template) bool {
	if !c.sides.observed() {
		return false
	}
	_, ok := automaton.SetOf(a.Key).Intersect(automaton.SetOf(b.Key))
	return ok
}

// sameUse reports whether two templates differ in the words of their keys alone.
func (c *comparison) sameUse(a, b *schema.Template) bool {
	return a.Type != "" && a.Type == b.Type && placeholders(a.Key, true) == placeholders(b.Key, true) && placeholders(a.Key, true) != "" &&
		a.Kind == b.Kind && refText(a.Refs, nil) == refText(b.Refs, nil)
}

// near is how far two sizes of one template may be apart.
const near = 0.1

// sameValues reports whether two templates hold the same by their statistics.
func (c *comparison) sameValues(a, b *schema.Template) bool {
	x, y := a.Value.Size, b.Value.Size
	return a.Type == b.Type && x.P50 > 0 && x.P99 > 0 && alike(x.P50, y.P50) && alike(x.P99, y.P99) && alike(x.Max, y.Max) &&
		ttlText(a.TTL) == ttlText(b.TTL) && placeholders(a.Key, false) == placeholders(b.Key, false)
}

func alike(a, b int64) bool {
	return math.Abs(float64(a-b)) <= near*math.Max(float64(a), float64(b))
}

// shape is the text of a key without the names of its placeholders.
func shape(k schema.Key) string {
	var b strings.Builder
	for _, p := range k {
		if p.Type == nil {
			b.WriteString(p.Literal)
		} else {
			b.WriteString("\x00" + p.Type.String() + "\x00")
		}
	}
	return b.String()
}

// folded is the shape with all separators alike, no braces and no capitals.
func folded(k schema.Key) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case ':', '/', '|', '#', '-', '_', '.':
			return ':'
		case '{', '}':
			return -1
		}
		return r
	}, strings.ToLower(shape(k)))
}

// placeholders lists the types of a key's placeholders, with their names or without.
func placeholders(k schema.Key, named bool) string {
	var out []string
	for _, p := range k {
		if p.Type == nil {
			continue
		}
		text := p.Type.String()
		if named {
			text = p.Field + ":" + text
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// refText lists references; names of templates are those of after, if renamed knows them.
func refText(refs []schema.Ref, renamed map[string]string) string {
	out := make([]string, len(refs))
	for i := range refs {
		out[i] = oneRef(&refs[i], renamed)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func oneRef(r *schema.Ref, renamed map[string]string) string {
	to := r.To
	if n, ok := renamed[to]; ok {
		to = n
	}
	text := string(r.Kind) + " of " + to
	if r.On != "" {
		text += " on " + r.On
	}
	if r.From != "" {
		text += " from " + r.From
	}
	return text
}
