package yamlfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Add returns the file base with what the file more has and base has not: the keys of the named mappings at the top of more,
// behind those that base has there. Every line of base stays as it is, comments and blanks included, since nothing is written
// again but what is added. A mapping of base that is written in braces cannot be added to.
func Add(base, more []byte, names ...string) ([]byte, error) {
	for _, name := range names {
		from, err := openFile(more)
		if err != nil {
			return nil, err
		}
		to, err := openFile(base)
		if err != nil {
			return nil, err
		}
		if base, err = to.add(name, from.entries(name)); err != nil {
			return nil, err
		}
	}
	return base, nil
}

// A lined is a file as lines, with the mapping that it is.
type lined struct {
	lines []string
	root  *yaml.Node
}

func openFile(data []byte) (*lined, error) {
	n, err := Read("the file", data, len(data))
	if err != nil {
		return nil, err
	}
	if n.Empty() {
		n.y = &yaml.Node{Kind: yaml.MappingNode}
	}
	if n.y.Kind != yaml.MappingNode || n.y.Style&yaml.FlowStyle != 0 {
		return nil, fmt.Errorf("the file is no mapping written as a block")
	}
	return &lined{strings.SplitAfter(string(data), "\n"), n.y}, nil
}

// An entry is a key of a mapping with all of its lines.
type entry struct {
	name  string
	lines []string // without the indent of the mapping
}

// find returns the key and the value of a mapping; nil if there are none.
func find(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == name {
			return mapping.Content[i], mapping.Content[i+1]
		}
	}
	return nil, nil
}

// end returns the number of the line behind the last one of the key in that line: that of the next key at the top.
func (f *lined) end(line int) int {
	for i := 0; i < len(f.root.Content); i += 2 {
		if l := f.root.Content[i].Line; l > line {
			return l
		}
	}
	return len(f.lines) + 1
}

// entries returns the keys of the named mapping, which is written as a block.
func (f *lined) entries(name string) []entry {
	key, m := find(f.root, name)
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	var out []entry
	for i := 0; i < len(m.Content); i += 2 {
		k, end := m.Content[i], f.end(key.Line)
		if i+2 < len(m.Content) {
			end = m.Content[i+2].Line
		}
		e := entry{name: k.Value}
		for _, l := range f.lines[k.Line-1 : end-1] {
			if text := strings.TrimRight(l, "\r\n"); text != "" {
				e.lines = append(e.lines, text[min(k.Column-1, len(text)):])
			}
		}
		out = append(out, e)
	}
	return out
}

// add returns the file with the entries that the named mapping lacks.
func (f *lined) add(name string, all []entry) ([]byte, error) {
	key, m := find(f.root, name)
	if m != nil && m.Kind == yaml.MappingNode && m.Style&yaml.FlowStyle != 0 {
		return nil, fmt.Errorf("%s in line %d is written in braces", name, key.Line)
	}
	all = slices.DeleteFunc(all, func(e entry) bool {
		if m == nil || m.Kind != yaml.MappingNode {
			return false
		}
		k, _ := find(m, e.name)
		return k != nil
	})
	if len(all) == 0 {
		return f.bytes(), nil
	}
	at, indent := len(f.lines), "  "
	var text []string
	if key == nil {
		text = append(text, name+":")
	} else {
		at = f.end(key.Line) - 1
	}
	if m != nil && len(m.Content) > 0 {
		indent = strings.Repeat(" ", m.Content[0].Column-1)
	}
	for at > 0 && (key == nil || at > key.Line) && outside(f.lines[at-1], len(indent)) {
		at--
	}
	for _, e := range all {
		for _, l := range e.lines {
			text = append(text, indent+l)
		}
	}
	return f.insert(at, text), nil
}

// outside reports whether a line at the end of a mapping of that indent is none of it: a blank, a comment further to the left,
// the end of the document.
func outside(line string, indent int) bool {
	text := strings.TrimSpace(line)
	return text == "" || text == "..." || text[0] == '#' && strings.IndexByte(line, '#') < indent
}

// insert returns the file with lines of text behind that many of its own.
func (f *lined) insert(at int, text []string) []byte {
	end := "\n"
	if strings.HasSuffix(f.lines[0], "\r\n") {
		end = "\r\n"
	}
	var b bytes.Buffer
	for _, l := range f.lines[:at] {
		b.WriteString(l)
	}
	if b.Len() > 0 && b.Bytes()[b.Len()-1] != '\n' {
		b.WriteString(end)
	}
	for _, l := range text {
		b.WriteString(l + end)
	}
	for _, l := range f.lines[at:] {
		b.WriteString(l)
	}
	return b.Bytes()
}

func (f *lined) bytes() []byte { return []byte(strings.Join(f.lines, "")) }
