// Package yamlfile reads the YAML files that people write for kvtool: .kvtool.yaml, .kvtool-ignore.yaml and keys.yaml. It owns
// what is the same in all of them: that there is one document of a bounded size and depth, without aliases, whose mappings have
// known keys, each once; how durations, sizes, counts, rates and shares are written; and what a mistake looks like. What the
// keys mean is the work of its callers.
//
// The one idea is that a mistake has a place. A Node knows its file, its line and its path, so that every error reads
//
//	keys.yaml:14: templates.cart.ttl.idle: want a duration, such as 30m or 14d
//
// and that the keys of a mapping are a list (Keys), from which both the reader and the JSON Schema for editors follow:
//
//	Keys ─┬─▶ Read   the values, or all mistakes with their lines
//	      └─▶ Form   the part of a JSON Schema
//
// The files may come with a cloned repository, so they are input like any other.
package yamlfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/kvtool/kvtool/kv"
)

// maxDepth is how deep values may be nested.
const maxDepth = 64

// An Error is a mistake in a file. It is a usage error.
type Error struct {
	File  string
	Line  int // 0 is the file as a whole
	Text  string
	Typed string   // the unknown word, if that is the mistake
	Known []string // what it may have been meant to be
	Meant string   // what it was probably meant to be; part of the message
}

func (e *Error) Error() string {
	text := e.Text
	if e.Meant != "" {
		text += ", did you mean " + e.Meant + "?"
	}
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, text)
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, text)
}

// Unwrap returns kv.ErrUsage.
func (e *Error) Unwrap() error { return kv.ErrUsage }

// mostMistakes is how many mistakes are told at once.
const mostMistakes = 20

// Mistakes are what is wrong with a file, or with several that are read as one, in the order of their lines: the first of them,
// and how many more there are. They are a usage error, as each of them is.
type Mistakes struct {
	First []error
	More  int
}

func (m *Mistakes) Error() string {
	lines := make([]string, len(m.First))
	for i, err := range m.First {
		lines[i] = err.Error()
	}
	if m.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more mistakes", m.More))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns those that are told.
func (m *Mistakes) Unwrap() []error { return m.First }

// Join returns one error of several, or nil if there are none. One alone stays what it is.
func Join(errs ...error) error {
	m := &Mistakes{}
	for _, err := range errs {
		m.add(err)
	}
	return m.err()
}

func (m *Mistakes) add(err error) {
	var several *Mistakes
	switch {
	case err == nil:
	case errors.As(err, &several):
		for _, one := range several.First {
			m.add(one)
		}
		m.More += several.More
	case len(m.First) < mostMistakes:
		m.First = append(m.First, err)
	default:
		m.More++
	}
}

func (m *Mistakes) err() error {
	switch len(m.First) {
	case 0:
		return nil
	case 1:
		return m.First[0]
	}
	slices.SortStableFunc(m.First, func(a, b error) int {
		x, y := placeOf(a), placeOf(b)
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return m
}

func placeOf(err error) *Error {
	e := &Error{}
	errors.As(err, &e)
	return e
}

// Read returns the one document that data holds, which errors call name. A file with nothing in it is a Node that is Empty.
// The error is an *Error, the first mistake from the top.
func Read(name string, data []byte, maxSize int) (Node, error) {
	f := Node{file: name, y: &yaml.Node{}}
	if len(data) > maxSize {
		return f, f.Errorf("is longer than %d KiB", maxSize>>10)
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return f, nil
	case err != nil:
		return f, f.syntax(err, data)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return f, f.at(more.Line, "a second document")
	case !errors.Is(err, io.EOF):
		return f, f.syntax(err, data)
	}
	if len(doc.Content) == 0 || doc.Content[0].Tag == "!!null" {
		return f, nil
	}
	f.y = doc.Content[0]
	return f, f.bounded(f.y, 1)
}

// bounded refuses what leads back into the document, so that what is read is no larger than the file, and what is nested
// deeper than anything that a person writes.
func (n Node) bounded(y *yaml.Node, depth int) error {
	switch {
	case y.Kind == yaml.AliasNode:
		return n.at(y.Line, "aliases are not supported")
	case y.Anchor != "":
		return n.at(y.Line, "anchors are not supported")
	case depth > maxDepth:
		return n.at(y.Line, "nested deeper than %d", maxDepth)
	}
	for _, c := range y.Content {
		if err := n.bounded(c, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// syntax turns "yaml: line 3: found unexpected end of stream" into an error at that line. The parser, unlike the scanner before it,
// counts lines from 0, and does not name the first.
func (n Node) syntax(err error, data []byte) *Error {
	what, line := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if rest, ok := strings.CutPrefix(what, "line "); ok {
		digits, after, _ := strings.Cut(rest, ": ")
		if l, err := strconv.Atoi(digits); err == nil {
			what, line = after, l
		}
	}
	advice, parser := grammar(what)
	if parser || line == 0 {
		line++
	}
	last := 1 + bytes.Count(bytes.TrimRight(data, "\r\n\t "), []byte("\n")) // the end of the file is in no line
	return n.at(min(line, last), "%s%s", what, advice)
}

// grammar reports whether a message is one of the parser's, and what is behind most of these mistakes.
func grammar(what string) (advice string, parser bool) {
	switch {
	case strings.HasPrefix(what, "did not find expected ',' or"):
		return ": here a text with a comma, a bracket or a brace wants quotes", true
	case what == "did not find expected key":
		return ": is it indented as those before it, and a text that begins with a brace or a bracket in quotes?", true
	case strings.HasPrefix(what, "invalid "), what == "control characters are not allowed":
		return ": is it a text file?", false
	case what == "found character that cannot start any token":
		return ": YAML is indented with spaces, not with tabs, and a text that begins with @, ` or % wants quotes", false
	}
	for _, p := range [...]string{"did not find expected <", "did not find expected node content", "did not find expected '-'", "found undefined tag", "found duplicate %", "found incompatible YAML"} {
		if strings.HasPrefix(what, p) {
			return "", true
		}
	}
	return "", false
}
