package lint

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/report"
)

func nearDuplicate() rule {
	return rule{
		Rule: &report.Rule{
			ID: "KD004", Name: "near-duplicate-template", Title: "Two templates that differ by a letter", Severity: report.Warning,
			Doc: `Two templates are equal but for one name, and that differs as a plural, by ` + "`_` and `-`" + `, or by one letter. Either one of them is
a slip, and its keys are lost to all who use the other, or both are meant, and somebody will take one for the other.

Digits do not count as letters: v1 and v2 are meant.`,
			Fix:    "keep one of them and rename the keys of the other; or give them names that nobody mixes up",
			Limits: []report.Limit{{Name: "letters", Value: leastLetters, Unit: report.UnitCount, Source: report.OwnDefault + ": for a difference of one"}},
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

// Bounds of what is compared: nobody has such keys.
const (
	mostSegments = 32 // of a key
	longestName  = 64 // bytes of a name, to be compared by letter
)

// A variant is a template with the name that stands in the one place where it may differ from others.
type variant struct {
	*template
	name string
}

func checkNear(d *design, emit emitter) {
	groups := map[string][]variant{} // by all but one name
	for _, t := range d.templates {
		for i := range t.segments {
			if name, ok := t.segments[i].literal(); ok && len(t.segments) <= mostSegments {
				f := frame(t.segments, i)
				groups[f] = append(groups[f], variant{t, name})
			}
		}
	}
	for _, f := range slices.Sorted(maps.Keys(groups)) {
		nearIn(groups[f], emit)
	}
}

// nearIn finds the templates of a group whose name looks like that of one before it. Each is filed under what it looks like, so
// that it is not compared with all others.
func nearIn(group []variant, emit emitter) {
	if len(group) < 2 {
		return
	}
	slices.SortStableFunc(group, func(a, b variant) int { return cmp.Compare(a.text, b.text) })
	filed := map[string]variant{}
	for _, b := range group {
		looks := looksOf(b.name)
		for _, l := range looks {
			if a, ok := filed[l.like]; ok && a.name != b.name && !onlyCase(a.name, b.name) {
				emit(b.finding(report.Warning, "it differs from %s only by %q for %q", a.text, b.name, a.name))
			}
		}
		for _, l := range looks {
			if _, ok := filed[l.file]; !ok {
				filed[l.file] = b
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

// A look is one way in which a name is like others: it is filed under one word, and is like what is filed under another.
type look struct{ file, like string }

// looksOf returns in what ways a name may be mixed up with another: without _ and -, for one of what it names, with another
// letter in one place, with a letter less or more. Digits are told apart.
func looksOf(name string) []look {
	alike := func(word string) look { return look{word, word} }
	looks := []look{
		alike("joined " + strings.ReplaceAll(strings.ReplaceAll(name, "_", ""), "-", "")),
		alike("single " + singular(name)),
	}
	if len(name) < leastLetters || len(name) > longestName {
		return looks
	}
	looks = append(looks, look{"whole " + name, "less " + name})
	for i := range len(name) {
		if digit(name[i]) {
			continue
		}
		looks = append(looks, alike("other "+name[:i]+hole+name[i+1:]))
		if less := name[:i] + name[i+1:]; len(less) >= leastLetters {
			looks = append(looks, look{"less " + less, "whole " + less})
		}
	}
	return looks
}

// onlyCase reports whether two names differ as KD003 looks for.
func onlyCase(a, b string) bool { return hasUpper(a+b) && foldCase(a) == foldCase(b) }

func singular(s string) string {
	if t, ok := strings.CutSuffix(s, "ies"); ok {
		return t + "y"
	}
	return strings.TrimSuffix(s, "s")
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
