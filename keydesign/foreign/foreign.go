// Package foreign reads the key designs of other tools as schemas, and writes schemas as those of some. It owns what their files
// mean: OneTable's models, ElectroDB's entities and the data models of NoSQL Workbench. All three design DynamoDB tables, so that
// every template is an item.
//
// The one idea is that an import says what it could not say: what a file declares and a schema has no word for is kept beside
// the template (x-onetable, x-electrodb) or listed as lost, never dropped in silence.
//
//	models.User  pk: account#${accountId}  sk: user#${email}   crypt: true
//	     │                                                        └──▶ a note, and x-onetable
//	     └──▶ templates.User  pk: account#{accountId:str}  sk: user#{email:email}
//
// The files are JSON, read as the YAML that JSON is, so that mistakes have lines. They are input like any other: bounded, and
// whatever is made of one is read again as keys.yaml before it is handed out.
package foreign

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// MaxSize is how long a file may be, in bytes.
const MaxSize = schema.MaxSize

// A Format is a kind of file that another tool reads and writes.
type Format struct {
	Name  string
	Of    string // what it is called
	read  func(*importer, yamlfile.Node) error
	write func(*exporter) any // nil: it is only read
}

// Formats returns what can be imported.
func Formats() []Format {
	return []Format{
		{"onetable", "OneTable schema", (*importer).oneTable, (*exporter).writeOneTable},
		{"electrodb", "ElectroDB entities", (*importer).electroDB, (*exporter).writeElectroDB},
		{"nosql-workbench", "NoSQL Workbench data model", (*importer).workbench, nil},
	}
}

// An Import is what was made of a file.
type Import struct {
	Schema *schema.Schema
	Notes  []string // what was lost, and what was kept but means nothing to kvtool
	from   string
}

// Read imports a file, which errors call name. The error is a *yamlfile.Error, or *yamlfile.Mistakes.
func (f Format) Read(name string, data []byte) (*Import, error) {
	root, err := yamlfile.Read(name, data, MaxSize)
	if err != nil {
		return nil, err
	}
	m := &importer{s: &schema.Schema{Store: schema.Store{Kind: schema.DynamoDB}}, names: map[string]bool{}}
	if err := f.read(m, root); err != nil {
		return nil, err
	}
	if len(m.s.Templates) == 0 {
		return nil, root.Errorf("no %s with keys: is it the right format?", f.Of)
	}
	im := &Import{m.s, m.notes, f.Name}
	return im, im.check(root)
}

// check reads what was made as keys.yaml.
func (im *Import) check(root yamlfile.Node) error {
	var b bytes.Buffer
	if err := im.Schema.Write(&b); err != nil {
		return root.Errorf("%v", err)
	}
	s, err := schema.Parse(schema.Source{Name: root.File() + " as keys.yaml", Data: b.Bytes()})
	if err == nil {
		im.Schema = s
	}
	return err
}

// Write writes the schema as keys.yaml, with the notes as comments.
func (im *Import) Write(w io.Writer) error {
	var b bytes.Buffer
	if err := im.Schema.Write(&b); err != nil {
		return err
	}
	first, rest, _ := strings.Cut(b.String(), "\n")
	b.Reset()
	fmt.Fprintf(&b, "%s\n# Imported from %s. Types, TTLs and cardinalities are worth a look.\n", first, im.from)
	for _, n := range im.Notes {
		fmt.Fprintf(&b, "#   %s\n", n)
	}
	b.WriteString(rest)
	_, err := w.Write(b.Bytes())
	return err
}

// maxNotes is how many notes are kept.
const maxNotes = 1000

// An importer fills a schema.
type importer struct {
	s     *schema.Schema
	notes []string
	names map[string]bool // of templates
}

// note says what was lost. Whatever it quotes of the file comes from elsewhere, so that it is cleaned here.
func (m *importer) note(format string, args ...any) {
	if len(m.notes) < maxNotes {
		m.notes = append(m.notes, clean(fmt.Sprintf(format, args...)))
	}
}

// add adds a template of the given name, or of one like it if that is taken or is no name.
func (m *importer) add(name string, t schema.Template) {
	name = templateName(name)
	t.Name = name
	for i := 2; m.names[t.Name]; i++ {
		t.Name = fmt.Sprintf("%s_%d", name, i)
	}
	m.names[t.Name] = true
	t.Type = "item"
	t.Key = t.Item.Key()
	m.s.Templates = append(m.s.Templates, t)
}
