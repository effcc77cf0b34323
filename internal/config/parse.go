package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
)

// Parse reads the contents of a file, which errors call name. The error is an *Error, or
// *yamlfile.Mistakes if there are several.
func Parse(name string, data []byte) (*File, error) {
	r := &reader{file: &File{Name: name, Settings: Settings{}, Profiles: map[string]Profile{}}, forms: forms()}
	root, err := yamlfile.Read(name, data, MaxSize)
	if err != nil || root.Empty() {
		return r.file, err
	}
	if err := yamlfile.Join(r.mapping(root, top(), r.file.Settings), r.checkTarget()); err != nil {
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

// mapping reads the keys of n into s.
func (r *reader) mapping(n yamlfile.Node, keys []key, s Settings) error {
	return n.Each(func(value yamlfile.Node) error {
		i := slices.IndexFunc(keys, func(k key) bool { return k.name == value.Name() })
		if i < 0 {
			return n.Unknown(value, known(keys))
		}
		if keys[i].later {
			return value.AtKey("%s is not in this release", value.Path())
		}
		return r.value(value, &keys[i], s)
	})
}

func known(keys []key) []string {
	var names []string
	for _, k := range keys {
		if !k.later {
			names = append(names, k.name)
		}
	}
	return names
}

// value reads what a key holds into s.
func (r *reader) value(n yamlfile.Node, k *key, s Settings) error {
	switch k.kind {
	case mapping:
		return r.mapping(n, k.keys, s)
	case profiles:
		return r.profiles(n, k.keys)
	case typed:
		return k.value(r.file).Read(n)
	case command:
		if n.IsList() {
			return r.list(n, s)
		}
	}
	v, tag := n.Scalar()
	if !slices.Contains(tags(k.kind), tag) || v == "" {
		return n.Wantf("%s", k.wants())
	}
	if form := r.forms[k.kind]; form != nil && !form.MatchString(v) || k.kind == version && v != "1" {
		return n.Wantf("%s", k.wants())
	}
	if strings.ContainsRune(v, 0) {
		return n.Errorf("%s: a NUL byte", n.Path())
	}
	if k.values != nil && !slices.Contains(k.values, v) {
		e := n.Wantf("%s", k.wants())
		e.Typed, e.Known = v, k.values
		return e
	}
	if k.kind == boolean {
		v = strings.ToLower(v) // YAML also knows True and TRUE
	}
	s[n.Path()] = Setting{Text: v, Line: n.Line()}
	return nil
}

// tags are the types of YAML that a kind may be written as.
func tags(k kind) []string {
	switch k {
	case boolean:
		return []string{"!!bool"}
	case version, days:
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

func (r *reader) list(n yamlfile.Node, s Settings) error {
	items, err := n.Items()
	if err != nil {
		return err
	}
	var words []string
	for _, w := range items {
		text, tag := w.Scalar()
		if tag != "!!str" || strings.ContainsRune(text, 0) {
			return w.Errorf("%s: each word of the list must be a text", n.Path())
		}
		words = append(words, text)
	}
	if len(words) == 0 || words[0] == "" {
		return n.Errorf("%s: names no program", n.Path())
	}
	s[n.Path()] = Setting{List: words, Line: n.Line()}
	return nil
}

func (r *reader) profiles(n yamlfile.Node, keys []key) error {
	return n.Each(func(value yamlfile.Node) error {
		if !r.forms[profiles].MatchString(value.Name()) {
			return value.AtKey("targets: %q is no name: letters, digits, '.', '_' and '-'", value.Name())
		}
		p := Profile{Name: value.Name(), Line: value.KeyLine(), Settings: Settings{}}
		s := Settings{}
		if err := r.mapping(value, keys, s); err != nil {
			return err
		}
		for k, v := range s {
			p.Settings[strings.TrimPrefix(k, value.Path()+".")] = v
		}
		r.file.Profiles[p.Name] = p
		return r.checkProfile(p)
	})
}
