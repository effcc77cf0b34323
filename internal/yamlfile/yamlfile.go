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
//	Keys ─┬─▶ Read   the values, or the first mistake with its line
//	      └─▶ Form   the part of a JSON Schema
//
// The files may come with a cloned repository, so they are input like any other.
package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
