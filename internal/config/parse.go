package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Parse reads the contents of a file, which errors call name. The error is an *Error, the first mistake from the top.
func Parse(name string, data []byte) (*File, error) {
	r := &reader{file: &File{Name: name, Settings: Settings{}, Profiles: map[string]Profile{}}, forms: forms()}
	if len(data) > MaxSize {
		return nil, r.errorf(0, "is longer than %d KiB", MaxSize>>10)
	}
	root, err := r.document(data)
	if err != nil || root == nil {
		return r.file, err
	}
	if err := r.mapping(root, "", top(), r.file.Settings); err != nil {
		return nil, err
	}
	if err := r.checkTarget(); err != nil {
		return nil, err
	}
	return r.file, nil
}

type reader struct {
	file  *File
	forms map[kind]*regexp.Regexp
}

func (r *reader) errorf(line int, format string, args ...any) *Error {
	return &Error{File: r.file.Name, Line: line, Text: fmt.Sprintf(format, args...)}
}

// document returns the one document that data holds, nil if it is empty.
func (r *reader) document(data []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, r.syntax(err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, r.errorf(more.Line, "a second document")
	case !errors.Is(err, io.EOF):
		return nil, r.syntax(err)
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return nil, nil
	}
	return doc.Content[0], nil
}

// syntax turns "yaml: line 3: did not find expected key" into an error at that line.
func (r *reader) syntax(err error) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	if rest, ok := strings.CutPrefix(text, "line "); ok {
		digits, what, _ := strings.Cut(rest, ": ")
		if line, err := strconv.Atoi(digits); err == nil {
			return r.errorf(line, "%s", what)
		}
	}
	return r.errorf(1, "%s", text) // the first line is not named
}

// mapping reads the keys of n into s, where under is the path of n and ends in a dot unless it is empty.
func (r *reader) mapping(n *yaml.Node, under string, keys []key, s Settings) error {
	return r.pairs(n, under, func(name, value *yaml.Node) error {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == name.Value })
		if i < 0 {
			return r.unknown(name, under, keys)
		}
		if keys[i].later {
			return r.errorf(name.Line, "%s%s is not in this release", under, name.Value)
		}
		return r.value(value, under+name.Value, &keys[i], s)
	})
}

func (r *reader) unknown(name *yaml.Node, under string, keys []key) *Error {
	e := r.errorf(name.Line, "unknown key %q", name.Value)
	if under != "" {
		e = r.errorf(name.Line, "unknown key %q under %s", name.Value, strings.TrimSuffix(under, "."))
	}
	e.Typed = name.Value
	for _, k := range keys {
		if !k.later {
			e.Known = append(e.Known, k.name)
		}
	}
	return e
}

// pairs calls each with the keys of a mapping and their values. A key that comes twice is a mistake.
func (r *reader) pairs(n *yaml.Node, under string, each func(name, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return r.errorf(n.Line, "%s: want %s", where(under), mapping.wants())
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name, value := n.Content[i], n.Content[i+1]
		if name.Kind != yaml.ScalarNode || name.Tag != "!!str" {
			return r.errorf(name.Line, "%s: a key must be a word", where(under))
		}
		if line := seen[name.Value]; line > 0 {
			return r.errorf(name.Line, "%s%s is in line %d already", under, name.Value, line)
		}
		seen[name.Value] = name.Line
		if value.Kind == yaml.AliasNode {
			return r.errorf(value.Line, "%s%s: aliases are not supported", under, name.Value)
		}
		if err := each(name, value); err != nil {
			return err
		}
	}
	return nil
}

// where names the place of a mapping.
func where(under string) string {
	if under == "" {
		return "the file"
	}
	return strings.TrimSuffix(under, ".")
}

// value reads what stands at path into s.
func (r *reader) value(n *yaml.Node, path string, k *key, s Settings) error {
	switch k.kind {
	case mapping:
		return r.mapping(n, path+".", k.keys, s)
	case profiles:
		return r.profiles(n, path+".", k.keys)
	case command:
		if n.Kind == yaml.SequenceNode {
			return r.list(n, path, s)
		}
	}
	if n.Kind != yaml.ScalarNode || !slices.Contains(tags(k.kind), n.Tag) || n.Value == "" {
		return r.errorf(n.Line, "%s: want %s", path, k.wants())
	}
	if form := r.forms[k.kind]; form != nil && !form.MatchString(n.Value) || k.kind == version && n.Value != "1" {
		return r.errorf(n.Line, "%s: want %s", path, k.wants())
	}
	if strings.ContainsRune(n.Value, 0) {
		return r.errorf(n.Line, "%s: a NUL byte", path)
	}
	if k.values != nil && !slices.Contains(k.values, n.Value) {
		e := r.errorf(n.Line, "%s: want %s", path, k.wants())
		e.Typed, e.Known = n.Value, k.values
		return e
	}
	v := n.Value
	if k.kind == boolean {
		v = strings.ToLower(v) // YAML also knows True and TRUE
	}
	s[path] = Setting{Text: v, Line: n.Line}
	return nil
}

// tags are the types of YAML that a kind may be written as.
func tags(k kind) []string {
	switch k {
	case boolean:
		return []string{"!!bool"}
	case version:
		return []string{"!!int"}
	case rate:
		return []string{"!!str", "!!int", "!!float"}
	}
	return []string{"!!str"}
}

// wants is how an error says what the key holds.
func (k *key) wants() string {
	if k.values != nil {
		return strings.Join(k.values[:len(k.values)-1], ", ") + " or " + k.values[len(k.values)-1]
	}
	return k.kind.wants()
}

func (r *reader) list(n *yaml.Node, path string, s Settings) error {
	var words []string
	for _, w := range n.Content {
		if w.Kind != yaml.ScalarNode || w.Tag != "!!str" || strings.ContainsRune(w.Value, 0) {
			return r.errorf(w.Line, "%s: each word of the list must be a text", path)
		}
		words = append(words, w.Value)
	}
	if len(words) == 0 || words[0] == "" {
		return r.errorf(n.Line, "%s: names no program", path)
	}
	s[path] = Setting{List: words, Line: n.Line}
	return nil
}

func (r *reader) profiles(n *yaml.Node, under string, keys []key) error {
	return r.pairs(n, under, func(name, value *yaml.Node) error {
		if !r.forms[profiles].MatchString(name.Value) {
			return r.errorf(name.Line, "targets: %q is no name: letters, digits, '.', '_' and '-'", name.Value)
		}
		p := Profile{Name: name.Value, Line: name.Line, Settings: Settings{}}
		s := Settings{}
		path := under + name.Value + "."
		if err := r.mapping(value, path, keys, s); err != nil {
			return err
		}
		for k, v := range s {
			p.Settings[strings.TrimPrefix(k, path)] = v
		}
		r.file.Profiles[p.Name] = p
		return r.checkProfile(p)
	})
}
