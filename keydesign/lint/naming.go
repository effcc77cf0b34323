package lint

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func noNamespace(doc *report.Rule) rule {
	return rule{
		Rule:   doc,
		stores: append(redisFamily(), schema.Memcached, schema.Riak, schema.Ordered), // others have tables: these are the namespace
		check: each(func(d *design, t *template, emit emitter) {
			if d.Defaults.Namespace == "" && anonymous(t.segments) {
				emit(t.finding(report.Warning, "the key begins with an identifier, not with a name"))
			}
		}),
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  cart: {key: "{uid:int}:cart", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  cart: {key: "cart:{uid:int}", type: hash}`,
	}
}

// anonymous reports whether nothing names the keys: they begin with a placeholder, or are one segment with a placeholder.
func anonymous(segments []segment) bool {
	first := &segments[0]
	if len(first.fields) == 0 {
		return false
	}
	return len(segments) == 1 || strings.HasPrefix(first.text, hole)
}

func mixedSeparators(doc *report.Rule) rule {
	return rule{
		Rule:  doc,
		check: checkSeparators,
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  cart:   {key: "user:{uid:int}:cart", type: hash}
  orders: {key: "user/{uid:int}/orders", type: hash}
  prefs:  {key: "user:{uid:int}:prefs", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  cart:   {key: "user:{uid:int}:cart", type: hash}
  orders: {key: "user:{uid:int}:orders", type: hash}
  image:  {key: "img/{iid:int}/large", type: string}`,
	}
}

// checkSeparators finds the templates whose separators are not those that most others with their first segment have. A URL or
// an address in a placeholder does not count.
func checkSeparators(d *design, emit emitter) {
	groups := map[string][]*template{}
	for _, t := range d.templates {
		first := t.text // in a group of its own
		if s, ok := t.segments[0].literal(); ok {
			first = s
		}
		groups[first] = append(groups[first], t)
	}
	for _, first := range slices.Sorted(maps.Keys(groups)) {
		usual := usualSeparator(groups[first], d.Defaults.Separator)
		for _, t := range groups[first] {
			seps := literalSeparators(t.Key, strongSeparators)
			if seps == "" || seps == usual {
				continue
			}
			message := "it is split by " + strings.Join(strings.Split(seps, ""), " and ")
			if len(groups[first]) > 1 && len(seps) == 1 {
				message += ", others of its prefix by " + usual
			}
			emit(t.finding(report.Warning, "%s", message))
		}
	}
}

// usualSeparator returns the separator that most templates have; of several the one that the file declares, or the first.
func usualSeparator(ts []*template, declared string) string {
	usual, most := "", 0
	for _, sep := range strongSeparators {
		n := 0
		for _, t := range ts {
			if strings.ContainsRune(literalSeparators(t.Key, strongSeparators), sep) {
				n += 2
			}
		}
		if n > 0 && string(sep) == declared {
			n++
		}
		if n > most {
			usual, most = string(sep), n
		}
	}
	return usual
}

func inconsistentCase() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD003", Name: "inconsistent-case", Title: "One name in two spellings", Severity: report.Info,
			Doc: `Two templates name the same thing in the same place with different capitals, or one in camel case and the other with
underscores. Keys are bytes: to a store these are two names, and whoever types the other one finds nothing and gets no error.`,
			Fix: "choose one spelling, best lower case, and use it in all keys",
		},
		check: checkCase,
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  a: {key: "User:{uid:int}:cart", type: hash}
  b: {key: "user:{uid:int}:prefs", type: hash}
  c: {key: "user:{uid:int}:seen", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  a: {key: "user:{uid:int}:cart", type: hash}
  b: {key: "user:{uid:int}:prefs", type: hash}
  c: {key: "user:{uid:int}:SEEN", type: hash}`,
	}
}

// checkCase compares the names that stand in one place, which is behind the same names however these are spelled.
func checkCase(d *design, emit emitter) {
	places := map[string]map[string][]*template{} // by the folded path, by spelling
	for _, t := range d.templates {
		var path strings.Builder
		for i := range t.segments {
			s := &t.segments[i]
			path.WriteString(s.sep + foldCase(s.text))
			if text, ok := s.literal(); ok {
				p := path.String()
				if places[p] == nil {
					places[p] = map[string][]*template{}
				}
				places[p][text] = append(places[p][text], t)
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(places)) {
		usual := usualSpelling(places[p])
		for _, text := range slices.Sorted(maps.Keys(places[p])) {
			if text == usual || !hasUpper(text+usual) {
				continue
			}
			for _, t := range places[p][text] {
				emit(t.finding(report.Info, "%q is %q elsewhere", text, usual))
			}
		}
	}
}

// usualSpelling returns the spelling that most templates have; of several the one in lower case.
func usualSpelling(spellings map[string][]*template) string {
	return slices.MinFunc(slices.Collect(maps.Keys(spellings)), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(spellings[b]), len(spellings[a])), cmp.Compare(b, a))
	})
}

// foldCase makes userProfile, UserProfile and user_profile one.
func foldCase(s string) string { return strings.ReplaceAll(strings.ToLower(s), "_", "") }

func hasUpper(s string) bool { return strings.ContainsFunc(s, unicode.IsUpper) }

func nearDuplicate() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD004", Name: "near-duplicate-template", Title: "Two templates that differ by a letter", Severity: report.Warning,
			Doc: `Two templates are equal but for one name, and that differs as a plural, by ` + "`_` and `-`" + `, or by one letter. Either one of them is
a slip, and its keys are lost to all who use the other, or both are meant, and somebody will take one for the other.

Digits do not count as letters: v1 and v2 are meant.`,
			Fix:    "keep one of them and rename the keys of the other; or give them names that nobody mixes up",
			Limits: []report.Limit{{Name: "letters", Value: leastLetters, Unit: report.UnitCount, Source: ours + ": for a difference of one"}},
		},
		check: checkNear,
		bad: `
kvschema: 1
defaults: {owner: shop}
templates:
  user:  {key: "user:{uid:int}", type: hash}
  users: {key: "users:{uid:int}", type: hash}`,
		good: `
kvschema: 1
defaults: {owner: shop}
templates:
  user: {key: "user:{uid:int}", type: hash}
  page: {key: "users:{page:int}:rows", type: hash}
  v1:   {key: "price:v1:{sku:int}", type: hash}
  v2:   {key: "price:v2:{sku:int}", type: hash}`,
	}
}

// A variant is a template with the name that stands in the one place where it may differ from others.
type variant struct {
	*template
	name             string
	folded, singular string // the name without _ and -, and for one of what it names
}

func variantOf(t *template, name string) variant {
	return variant{t, name, strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", ""), singular(name)}
}

func checkNear(d *design, emit emitter) {
	groups := map[string][]variant{} // by all but one name
	for _, t := range d.templates {
		for i := range t.segments {
			if name, ok := t.segments[i].literal(); ok {
				f := frame(t.segments, i)
				groups[f] = append(groups[f], variantOf(t, name))
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(groups)) {
		g := groups[f]
		slices.SortStableFunc(g, func(a, b variant) int { return cmp.Compare(a.text, b.text) })
		for i, a := range g {
			for _, b := range g[i+1:] {
				if near(&a, &b) {
					emit(b.finding(report.Warning, "it differs from %s only by %q for %q", a.text, b.name, a.name))
				}
			}
		}
	}
}

// frame is the text of the segments with one left open.
func frame(segments []segment, open int) string {
	var b strings.Builder
	for i := range segments {
		s := &segments[i]
		b.WriteString(s.sep)
		if i == open {
			b.WriteString("\x01")
			continue
		}
		b.WriteString(s.text)
		for _, p := range s.fields {
			b.WriteString("\x02" + string(p.Type.Kind))
		}
	}
	return b.String()
}

// leastLetters is how long names must be for a difference of one letter to look like a slip.
const leastLetters = 5

// near reports whether two names look like one. Names that differ in their case are for KD003.
func near(a, b *variant) bool {
	long := len(a.name) >= leastLetters && len(b.name) >= leastLetters
	if a.name == b.name || a.folded != b.folded && a.singular != b.singular && !(long && oneLetter(a.name, b.name)) {
		return false
	}
	return !hasUpper(a.name+b.name) || foldCase(a.name) != foldCase(b.name)
}

func singular(s string) string {
	if t, ok := strings.CutSuffix(s, "ies"); ok {
		return t + "y"
	}
	return strings.TrimSuffix(s, "s")
}

// oneLetter reports whether adding, dropping or changing one letter turns a into b.
func oneLetter(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if i < len(b) && digit(b[i]) || i < len(a) && digit(a[i]) {
		return false
	}
	if len(a) == len(b) {
		return a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
