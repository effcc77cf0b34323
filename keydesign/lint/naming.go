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
	return len(segments) == 1 || strings.HasPrefix(first.text, hole) // one that begins with the byte itself has no name either
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
		for i := range t.segments[:min(len(t.segments), mostSegments)] {
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
