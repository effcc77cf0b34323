package schema

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

// URL is where editors find the JSON Schema.
const URL = "https://raw.githubusercontent.com/kvtool/kvtool/main/docs/schema/kvschema-1.json"

// Write writes the schema as one keys.yaml, from which Parse makes the same schema, places apart: in one order, without what is
// not declared. Comments are lost, and so are keys that begin with x-, except those that are Extensions.
func (s *Schema) Write(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# yaml-language-server: $schema=%s\nkvschema: %d\n", URL, Version)
	writeLine(&b, "", "store", s.Store.entries())
	writeLine(&b, "", "defaults", s.Defaults.entries())
	if len(s.Fields) > 0 {
		b.WriteString("fields:\n")
	}
	for i := range s.Fields {
		writeLine(&b, "  ", s.Fields[i].Name, s.Fields[i].entries())
	}
	if len(s.Templates) > 0 {
		b.WriteString("templates:\n")
	}
	for i := range s.Templates {
		s.Templates[i].write(&b)
	}
	writeLine(&b, "", "lint", ignores(s.Ignores))
	for _, x := range s.Extensions {
		fmt.Fprintf(&b, "%s: %s\n", yamlfile.Quote(x.Name), x.Text)
	}
	if !utf8.ValidString(b.String()) {
		return errors.New("writing keys.yaml: a key that is no UTF-8 cannot be written in YAML")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// write writes a template, one line for each of its keys; what comes in numbers has a line for each.
func (t *Template) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s:\n", yamlfile.Quote(t.Name))
	for _, e := range t.entries() {
		fmt.Fprintf(b, "    %s: %s\n", e.name, e.text)
	}
	if len(t.Item.Indexes) > 0 {
		b.WriteString("    indexes:\n")
	}
	for _, x := range t.Item.Indexes {
		writeLine(b, "      ", x.Name, x.entries())
	}
	writeList(b, "refs", t.Refs, Ref.entries)
	writeList(b, "access", t.Access, Access.entries)
	writeLine(b, "    ", "lint", ignores(t.Ignores))
	if t.Inferred != nil {
		fmt.Fprintf(b, "    inferred: %s\n", t.Inferred.entries())
	}
	for _, x := range t.Extensions {
		fmt.Fprintf(b, "    %s: %s\n", yamlfile.Quote(x.Name), x.Text)
	}
}

func writeLine(b *strings.Builder, indent, name string, e entries) {
	if len(e) > 0 {
		fmt.Fprintf(b, "%s%s: %s\n", indent, yamlfile.Quote(name), e)
	}
}

func writeList[T any](b *strings.Builder, name string, items []T, of func(T) entries) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "    %s:\n", name)
	for _, i := range items {
		fmt.Fprintf(b, "      - %s\n", of(i))
	}
}
