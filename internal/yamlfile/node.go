package yamlfile

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Node is a value of a file, with its place.
type Node struct {
	y    *yaml.Node
	file string
	path string // templates.cart.ttl; empty is the file as a whole
	name string // of the key that holds it
	key  int    // the line of that key; of an item of a list, where it begins
}

// Line returns where the value begins; 0 is nowhere in particular.
func (n Node) Line() int { return n.y.Line }

// KeyLine returns where the key that holds the value stands or, for an item of a list, where it begins.
func (n Node) KeyLine() int { return n.key }

// File returns the name of the file.
func (n Node) File() string { return n.file }

// Path returns the keys that lead to the value, with dots between them.
func (n Node) Path() string { return n.path }

// Name returns the key that holds the value.
func (n Node) Name() string { return n.name }

// Empty reports whether the file has nothing in it.
func (n Node) Empty() bool { return n.y.Kind == 0 }

// IsMapping reports whether the value has keys of its own.
func (n Node) IsMapping() bool { return n.y.Kind == yaml.MappingNode }

// IsList reports whether the value is a list.
func (n Node) IsList() bool { return n.y.Kind == yaml.SequenceNode }

// Scalar returns the text of a value that is neither a list nor a mapping, and which type YAML takes it for, such as !!str.
// The type of a list or a mapping is "".
func (n Node) Scalar() (text, tag string) {
	if n.y.Kind != yaml.ScalarNode {
		return "", ""
	}
	return n.y.Value, n.y.Tag
}

// Value returns a value that is neither a list nor a mapping as Go has it: nil, bool, int, float64, time.Time or string.
func (n Node) Value() any {
	var v any
	if n.y.Kind != yaml.ScalarNode || n.y.Decode(&v) != nil {
		return n.y.Value
	}
	return v
}

// Errorf returns an error at the line of the value.
func (n Node) Errorf(format string, args ...any) *Error { return n.at(n.y.Line, format, args...) }

func (n Node) at(line int, format string, args ...any) *Error {
	return &Error{File: n.file, Line: line, Text: fmt.Sprintf(format, args...)}
}

// Wantf returns the error that the value is not what stands in its place.
func (n Node) Wantf(format string, args ...any) *Error {
	return n.Errorf("%s: want %s", n.where(), fmt.Sprintf(format, args...))
}

// where names the place of the value.
func (n Node) where() string {
	if n.path == "" {
		return "the file"
	}
	return n.path
}

// child returns the value of a key.
func (n Node) child(key, value *yaml.Node) Node {
	path := key.Value
	if n.path != "" {
		path = n.path + "." + key.Value
	}
	return Node{y: value, file: n.file, path: path, name: key.Value, key: key.Line}
}

// Each calls yield with the values of a mapping, whatever it says of those before. A key that comes twice is a mistake.
func (n Node) Each(yield func(value Node) error) error {
	if !n.IsMapping() {
		return n.Wantf("keys of its own")
	}
	seen := make(map[string]int, len(n.y.Content)/2)
	all := &Mistakes{}
	for i := 0; i+1 < len(n.y.Content); i += 2 {
		key, value := n.y.Content[i], n.y.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.Tag != "!!str" {
			all.add(n.at(key.Line, "%s: a key must be a word", n.where()))
			continue
		}
		c := n.child(key, value)
		if line := seen[key.Value]; line > 0 {
			all.add(n.at(key.Line, "%s is in line %d already", c.path, line))
			continue
		}
		seen[key.Value] = key.Line
		all.add(yield(c))
	}
	return all.err()
}

// Len returns how many keys a mapping has, or values a list.
func (n Node) Len() int {
	if n.IsMapping() {
		return len(n.y.Content) / 2
	}
	return len(n.y.Content)
}

// Get returns the value of a key, and whether there is one.
func (n Node) Get(name string) (Node, bool) {
	for i := 0; i+1 < len(n.y.Content) && n.IsMapping(); i += 2 {
		if n.y.Content[i].Value == name {
			return n.child(n.y.Content[i], n.y.Content[i+1]), true
		}
	}
	return n, false
}

// Child returns the value of a key, or the mapping itself if it has no such key: the best place for an error about it.
func (n Node) Child(name string) Node {
	c, _ := n.Get(name)
	return c
}

// Extensions returns the values of the keys that begin with x-.
func (n Node) Extensions() []Node {
	var all []Node
	for i := 0; i+1 < len(n.y.Content) && n.IsMapping(); i += 2 {
		if strings.HasPrefix(n.y.Content[i].Value, "x-") {
			all = append(all, n.child(n.y.Content[i], n.y.Content[i+1]))
		}
	}
	return all
}

// Items returns the values of a list.
func (n Node) Items() ([]Node, error) {
	if !n.IsList() {
		return nil, n.Wantf("a list")
	}
	items := make([]Node, len(n.y.Content))
	for i, y := range n.y.Content {
		items[i] = Node{y: y, file: n.file, path: fmt.Sprintf("%s[%d]", n.path, i), name: n.name, key: y.Line}
	}
	return items, nil
}

// Unknown returns the error that the value stands behind a key that the mapping n does not have. It has the known ones.
func (n Node) Unknown(value Node, known []string) *Error {
	e := n.at(value.key, "unknown key %q", value.name)
	if n.path != "" {
		e = n.at(value.key, "unknown key %q under %s", value.name, n.path)
	}
	e.Typed, e.Known = value.name, known
	return e
}

// AtKey returns an error at the line of the key that holds the value.
func (n Node) AtKey(format string, args ...any) *Error { return n.at(n.key, format, args...) }

// text returns a value that YAML takes for one of the types, "" if it is something else or empty.
func (n Node) text(tags ...string) string {
	text, tag := n.Scalar()
	if !slices.Contains(tags, tag) || strings.ContainsRune(text, 0) {
		return ""
	}
	return text
}
