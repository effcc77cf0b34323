package fit

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Keys that lead to other keys.

// longestChain is the number of references in a row from which data are related rather than nested.
const longestChain = 3

func relationships(f *facts) []line {
	found := f.where(func(u use) bool { return u.Query == "join" }, func(u use) string { return "join by " + strings.Join(u.By, ", ") })
	if chain := f.chain(); len(chain) > longestChain {
		found = append(found, "references "+path(chain))
	}
	if found == nil {
		return nil
	}
	return []line{{
		"relationships", join(found), "a relational store; a graph store where paths vary in length",
		"it joins; in a key-value store each step is a request, and nothing keeps what is referred to from going",
		"what is read together is kept together, under one key",
	}}
}

// path names the first steps of a chain.
func path(chain []string) string {
	const most = 6
	if n := len(chain) - most; n > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(chain[:most], " to "), n)
	}
	return strings.Join(chain, " to ")
}

// chain returns the names of the longest row of templates, each of which refers to the next as its parent or by its members.
func (f *facts) chain() []string {
	var longest []string
	known := map[string][]string{}
	for i := range f.schema.Templates {
		if c := f.follow(&f.schema.Templates[i], known); len(c) > len(longest) {
			longest = c
		}
	}
	return longest
}

// follow returns the longest chain from t on. Known holds those that were found before; of a template that is being followed it
// holds an empty one, so that each reference is looked at once and a circle ends.
func (f *facts) follow(t *schema.Template, known map[string][]string) []string {
	if c, ok := known[t.Name]; ok {
		return c
	}
	known[t.Name] = nil
	var longest []string
	for i := range t.Refs {
		to := f.templates[t.Refs[i].To]
		if to == nil || t.Refs[i].Kind == schema.RefIndex {
			continue
		}
		if c := f.follow(to, known); len(c) > len(longest) {
			longest = c
		}
	}
	known[t.Name] = append([]string{t.Name}, longest...)
	return known[t.Name]
}

// Numbers of index templates of one record, and of keys that one operation writes, from which the store should do it.
const (
	manyIndexes = 3
	manyKeys    = 5
)

func handMadeIndexes(f *facts) []line {
	found := f.where(func(u use) bool { return len(u.Keys) > manyKeys && (u.Query == "tx" || isWrite(u.Op)) },
		func(u use) string { return fmt.Sprintf("one operation writes %d keys", len(u.Keys)) })
	indexes := map[string][]string{}
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		for _, ref := range t.Refs {
			if ref.Kind == schema.RefIndex {
				indexes[ref.To] = append(indexes[ref.To], t.Name)
			}
		}
	}
	for i := range f.schema.Templates {
		t := &f.schema.Templates[i]
		if names := indexes[t.Name]; len(names) >= manyIndexes {
			found = append(found, fmt.Sprintf("%s has the indexes %s%s", t.Name, strings.Join(names, ", "), at(t.Pos)))
		}
	}
	found = append(found, f.observedIndexes()...)
	if found == nil {
		return nil
	}
	return []line{{
		"hand-made-secondary-indexes", join(found), "a document or relational store",
		"it keeps its indexes itself; those made by hand dangle, go stale and lag (KD081 to KD083)",
		"each index is written in one transaction with its record, and is checked",
	}}
}

// indexWords are segments of a template that say that it is an index.
var indexWords = [...]string{"idx", "index", "lookup", "by"}

// observedIndexes names templates of a keyspace that look like indexes and have about as many keys as another, so that there is
// an entry for each record.
func (f *facts) observedIndexes() []string {
	var indexes, records []observed
	f.rows("templates", "templates", func(c cell) {
		name, _ := c("template").Text()
		keys, ok := c("keys").Number()
		switch {
		case !ok || keys < fewestRecords:
		case saysIndex(name):
			indexes = append(indexes, observed{name, keys})
		default:
			records = append(records, observed{name, keys})
		}
	})
	var found []string
	for _, x := range indexes {
		for _, r := range records {
			if x.keys > .9*r.keys && x.keys < 1.1*r.keys {
				found = append(found, fmt.Sprintf("%s has an entry for each of %.0f %s", x.template, r.keys, r.template))
				break
			}
		}
	}
	if len(found) < manyIndexes {
		return nil
	}
	return found
}

type observed struct {
	template string
	keys     float64
}

// fewestRecords is how many keys a template must have for equal numbers to mean anything.
const fewestRecords = 1000

// saysIndex reports whether a segment of a template is a word for an index.
func saysIndex(template string) bool {
	for _, segment := range strings.FieldsFunc(template, func(r rune) bool { return strings.ContainsRune(":/|#._-{}", r) }) {
		for _, w := range indexWords {
			if strings.EqualFold(segment, w) {
				return true
			}
		}
	}
	return false
}
