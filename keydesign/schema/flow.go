package schema

import (
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

// entries are a mapping in the order in which it is written.
type entries []entry

type entry struct{ name, text string }

// String writes the mapping in one line.
func (es entries) String() string {
	texts := make([]string, len(es))
	for i, e := range es {
		texts[i] = yamlfile.Quote(e.name) + ": " + e.text
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

// add adds a value that is written already, unless it is empty.
func (es *entries) add(name, text string) {
	if text != "" {
		*es = append(*es, entry{name, text})
	}
}

func (es *entries) text(name, v string) {
	if v != "" {
		es.add(name, yamlfile.Quote(v))
	}
}

func (es *entries) texts(name string, vs []string) {
	if len(vs) == 0 {
		return
	}
	quoted := make([]string, len(vs))
	for i, v := range vs {
		quoted[i] = yamlfile.Quote(strings.ToValidUTF8(v, "\ufffd"))
	}
	es.add(name, "["+strings.Join(quoted, ", ")+"]")
}

func (es *entries) flag(name string, v bool) {
	if v {
		es.add(name, "true")
	}
}

func (es *entries) duration(name string, v time.Duration) {
	number(es, name, v, yamlfile.FormatDuration)
}
func (es *entries) size(name string, v int64)     { number(es, name, v, yamlfile.FormatSize) }
func (es *entries) count(name string, v int64)    { number(es, name, v, yamlfile.FormatCount) }
func (es *entries) number(name string, v float64) { number(es, name, v, yamlfile.FormatNumber) }
func (es *entries) rate(name string, v float64)   { number(es, name, v, yamlfile.FormatRate) }
func (es *entries) share(name string, v float64)  { number(es, name, v, yamlfile.FormatPercent) }

// number adds a number unless it is 0, which is not declared.
func number[T comparable](es *entries, name string, v T, format func(T) string) {
	var zero T
	if v != zero {
		es.add(name, format(v))
	}
}

func (es *entries) mapping(name string, m entries) {
	if len(m) > 0 {
		es.add(name, m.String())
	}
}

func (es *entries) key(name string, k Key) {
	if len(k) > 0 {
		es.add(name, yamlfile.Quoted(k.String()))
	}
}
