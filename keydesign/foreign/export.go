package foreign

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// Write writes the items of a schema in the format, and returns notes of what the format has no word for. Importing what was
// written makes items with the same keys. It is an error if the schema has no items.
func (f Format) Write(w io.Writer, s *schema.Schema) ([]string, error) {
	x := &exporter{s: s}
	doc := f.write(x)
	if x.items == 0 {
		return nil, errors.New("no template is of type item: there is nothing to write")
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return x.notes, e.Encode(doc)
}

// Writable reports whether schemas can be written in the format.
func (f Format) Writable() bool { return f.write != nil }

// An exporter turns items into what another tool reads.
type exporter struct {
	s     *schema.Schema
	notes []string
	items int
}

func (x *exporter) note(format string, args ...any) {
	x.notes = append(x.notes, clean(fmt.Sprintf(format, args...)))
}

// each calls yield with the templates that are items, and says of the others that they are left out.
func (x *exporter) each(yield func(t *schema.Template)) {
	for i := range x.s.Templates {
		t := &x.s.Templates[i]
		if t.Item.PK == nil {
			x.note("%s: left out, as it is no item", t.Name)
			continue
		}
		x.items++
		if t.TTL.Policy != "" && t.TTL.Policy != schema.TTLNone {
			x.note("%s: its ttl is left out", t.Name)
		}
		yield(t)
	}
}

// An object is a mapping in JSON that keeps the order of its keys.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		b.Write(name)
		b.WriteByte(':')
		if err := e.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

func (o *object) set(name string, value any) {
	if i := slices.IndexFunc(*o, func(m member) bool { return m.name == name }); i >= 0 {
		(*o)[i].value = value
		return
	}
	*o = append(*o, member{name, value})
}

func (o object) has(name string) bool {
	return slices.ContainsFunc(o, func(m member) bool { return m.name == name })
}

// simple returns what JavaScript calls a type.
func simple(t schema.Type) string {
	switch t.Kind {
	case schema.TypeInt, schema.TypeUint, schema.TypeSeq, schema.TypeBucket, schema.TypeTSs, schema.TypeTSms, schema.TypeFloat:
		return "number"
	case schema.TypeJSON:
		return "object"
	case schema.TypeBin:
		return "binary"
	}
	return "string"
}

// becomes says what a type becomes that the format does not have.
func (x *exporter) becomes(t *schema.Template, name string, of schema.Type) {
	if kind := simple(of); basic(kind).Kind != of.Kind {
		x.note("%s.%s: %s becomes %s", t.Name, name, of, kind)
	}
}

// extension returns what a template keeps for another tool.
func extension(t *schema.Template, name string) (yamlfile.Node, bool) {
	for _, e := range t.Extensions {
		if n, err := yamlfile.Read(t.Name, []byte(e.Text), MaxSize); e.Name == name && err == nil && n.IsMapping() {
			return n, true
		}
	}
	return yamlfile.Node{}, false
}

// template writes a key with ${name} for its placeholders, and calls use with each of them.
func (x *exporter) template(t *schema.Template, k schema.Key, use func(name string, of schema.Type)) string {
	var b strings.Builder
	for _, p := range k {
		switch {
		case p.Type != nil:
			b.WriteString("${" + p.Name() + "}")
			use(p.Name(), *p.Type)
		default:
			if strings.Contains(p.Literal, "${") {
				x.note("%s: ${ in a key would be read as a placeholder", t.Name)
			}
			b.WriteString(p.Literal)
		}
	}
	return b.String()
}
