package simulate

import (
	"strings"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// family returns what the templates have in common whose keys are placed together: the text of the hash tag or the partition key.
func (p *population) family() string {
	switch p.w.store.Kind {
	case schema.RedisCluster:
		if tag, ok := tagText(p.t.Key); ok {
			return tag
		}
	case schema.DynamoDB, schema.Cassandra, schema.Scylla:
		if len(p.t.Item.PK) > 0 {
			return p.t.Item.PK.String()
		}
	}
	return p.text
}

// tagText returns what is between the first { and the } behind it of the keys of a template, placeholders by their names.
func tagText(key schema.Key) (string, bool) {
	var b strings.Builder
	for i := range key {
		if key[i].Type == nil {
			b.WriteString(key[i].Literal)
		} else {
			b.WriteString("\x00" + key[i].Field + "\x01")
		}
	}
	if tag := slot.Tag(b.String()); len(tag) < b.Len() {
		return tag, true
	}
	return "", false
}

// crossing returns how many operations a second touch keys in several parts.
func (w *world) crossing(c *choice) float64 {
	sum := 0.0
	for i := range w.s.Templates {
		t := &w.s.Templates[i]
		for j := range t.Access {
			if a := &t.Access[j]; w.crosses(t, a, c) {
				sum += a.Rate
			}
		}
	}
	return sum
}

// crosses reports whether an access touches several keys that nothing keeps together.
func (w *world) crosses(t *schema.Template, a *schema.Access, c *choice) bool {
	names := a.Keys
	if len(names) == 0 {
		names = []string{t.Name}
	}
	if len(names) < 2 && a.Query != "multi_get" {
		return false
	}
	first := ""
	for n, name := range names {
		p := w.population(name)
		if p == nil {
			continue
		}
		family := p.text
		switch {
		case c.whole:
		case c.index[p.number] >= 0:
			family = "\x00" + c.field + "\x01"
		default:
			family = p.family()
		}
		if n > 0 && family != first || len(names) < 2 && family == p.text {
			return true
		}
		first = family
	}
	return false
}
