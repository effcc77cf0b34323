package schema

import (
	"maps"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/report"
)

// MaxSize is how long a file may be, in bytes.
const MaxSize = 4 << 20

// A Source is a file that was read.
type Source struct {
	Name string
	Data []byte
}

// Parse reads one or more files of keys.yaml as one schema. The error is a *yamlfile.Error, or *yamlfile.Mistakes if there are
// several: what follows from another mistake, such as a key that names a broken field, is none.
//
// Fields are read before templates, whose keys name them, and references are followed last, so that it does not matter in which
// order files say things.
func Parse(files ...Source) (*Schema, error) {
	p := newParser()
	p.files(files)
	return p.finish()
}

// finish reads the fields and templates that were collected.
func (p *parser) finish() (*Schema, error) {
	for _, n := range p.fields {
		p.fail(p.fieldMap().Read(n))
	}
	p.population = population(p.s.Fields)
	for _, n := range p.templates {
		p.fail(p.templateMap().Read(n))
	}
	for _, check := range p.later {
		p.fail(check())
	}
	if p.err == nil { // a reference that leads nowhere leads in no circle
		p.err = p.cycles()
	}
	if p.err != nil {
		return nil, p.err
	}
	return p.s, nil
}

// fail notes a mistake, unless err is nil.
func (p *parser) fail(err error) {
	if err != nil {
		p.err = yamlfile.Join(p.err, err)
	}
}

// A parser fills a schema.
type parser struct {
	s         *Schema
	fields    []yamlfile.Node       // of each file
	templates []yamlfile.Node       // of each file
	places    map[string]report.Pos // of what may come once: store, fields.uid
	later     []func() error        // references, to be followed when all templates are known
	err       error                 // the mistakes so far

	population map[string]*Field // by name, when all are known
	index      map[string]int    // of templates, by name
}

func newParser() *parser {
	return &parser{s: &Schema{}, places: map[string]report.Pos{}, index: map[string]int{}}
}

func (p *parser) files(all []Source) {
	for _, f := range all {
		p.fail(p.file(f))
	}
}

func (p *parser) file(f Source) error {
	root, err := yamlfile.Read(f.Name, f.Data, MaxSize)
	if err != nil {
		return err
	}
	if root.Empty() {
		return root.Errorf("is empty: want kvschema: %d", Version)
	}
	p.s.Files = append(p.s.Files, f.Name)
	p.s.Extensions = append(p.s.Extensions, extensions(root)...)
	return p.top().Read(root)
}

// once reads what only one of the files may have, and says where it is.
func (p *parser) once(pos *report.Pos, v yamlfile.Value) yamlfile.Value {
	read := v.Read
	v.Read = func(n yamlfile.Node) error {
		if was, ok := p.places[n.Path()]; ok {
			return n.AtKey("%s is in %s:%d already", n.Path(), was.File, was.Line)
		}
		*pos = at(n)
		p.places[n.Path()] = *pos
		return read(n)
	}
	return v
}

// placed reads a value and says where it is.
func placed(pos *report.Pos, v yamlfile.Value) yamlfile.Value {
	read := v.Read
	v.Read = func(n yamlfile.Node) error {
		*pos = at(n)
		return read(n)
	}
	return v
}

// named reads a value and says what it is called, even if it has a mistake: then keys that name it have none.
func named(name *string, v yamlfile.Value) yamlfile.Value {
	read := v.Read
	v.Read = func(n yamlfile.Node) error {
		*name = n.Name()
		return read(n)
	}
	return v
}

// at returns the place of the key that holds n or, for an item of a list, where it begins.
func at(n yamlfile.Node) report.Pos { return report.Pos{File: n.File(), Line: n.KeyLine()} }

// checked reads a value, and holds what was read against a condition that none of its parts can tell alone.
func checked(v yamlfile.Value, check func(n yamlfile.Node) error) yamlfile.Value {
	read := v.Read
	v.Read = func(n yamlfile.Node) error {
		if err := read(n); err != nil {
			return err
		}
		return check(n)
	}
	return v
}

// formed is a value with more in its JSON Schema.
func formed(v yamlfile.Value, more func() yamlfile.Form) yamlfile.Value {
	form := v.Form
	v.Form = func() yamlfile.Form {
		f := form()
		maps.Copy(f, more())
		return f
	}
	return v
}

// collected keeps a part of a file to be read later.
func collected(nodes *[]yamlfile.Node, v yamlfile.Value) yamlfile.Value {
	v.Read = func(n yamlfile.Node) error {
		*nodes = append(*nodes, n)
		return nil
	}
	return v
}

// extensions returns the keys of a mapping that begin with x-.
func extensions(n yamlfile.Node) []Extension {
	var all []Extension
	for _, v := range n.Extensions() {
		all = append(all, Extension{v.Name(), v.Flow()})
	}
	return all
}

// key reads the text of a key.
func (p *parser) key(k *Key, pos *report.Pos) yamlfile.Value {
	var text string
	v := formed(yamlfile.Bytes(&text), func() yamlfile.Form { return yamlfile.Form{"minLength": 1, "maxLength": MaxKey} })
	return checked(v, func(n yamlfile.Node) error {
		parsed, err := parseKey(text, p.population)
		if err != nil {
			return n.Errorf("%s: %v", n.Path(), err)
		}
		*k = parsed
		if pos != nil {
			*pos = report.Pos{File: n.File(), Line: n.Line()}
		}
		return nil
	})
}

// typ reads the text of a type.
func (p *parser) typ(t *Type) yamlfile.Value {
	var text string
	v := formed(yamlfile.Text(&text), typeForm)
	return checked(v, func(n yamlfile.Node) error {
		parsed, err := ParseType(text)
		if err != nil {
			return n.Errorf("%s: %v", n.Path(), err)
		}
		*t = parsed
		return nil
	})
}

// ParseWithin reads the schema that another kind of file has in it: its mappings fields and templates, beside files of keys.yaml.
// What a file of those needs to say once may be said in one of them alone.
func ParseWithin(root yamlfile.Node, files ...Source) (*Schema, error) {
	p := newParser()
	p.files(files)
	if n, ok := root.Get("fields"); ok {
		p.fields = append(p.fields, n)
	}
	if n, ok := root.Get("templates"); ok {
		p.templates = append(p.templates, n)
	}
	return p.finish()
}
