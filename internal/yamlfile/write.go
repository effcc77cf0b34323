package yamlfile

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// plain matches what YAML reads as the same text without quotes, wherever it stands, unless it is one of words.
var plain = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./-]*$`)

// Quote writes a text as a YAML scalar, in quotes where it needs them.
func Quote(s string) string {
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return `"` + s + `"`
	}
	if plain.MatchString(s) {
		return s
	}
	return Quoted(s)
}

// Quoted writes a text as a YAML scalar in double quotes. Bytes that are no UTF-8 are replaced.
func Quoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case strconv.IsPrint(r):
			b.WriteRune(r)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Flow writes the value in one line of YAML. Tags that YAML itself does not know are lost.
func (n Node) Flow() string {
	var b strings.Builder
	flow(&b, n.y)
	return b.String()
}

func flow(b *strings.Builder, y *yaml.Node) {
	switch y.Kind {
	case yaml.MappingNode:
		b.WriteByte('{')
		for i := 0; i+1 < len(y.Content); i += 2 {
			separate(b, i)
			flow(b, y.Content[i])
			b.WriteString(": ")
			flow(b, y.Content[i+1])
		}
		b.WriteByte('}')
	case yaml.SequenceNode:
		b.WriteByte('[')
		for i, c := range y.Content {
			separate(b, i)
			flow(b, c)
		}
		b.WriteByte(']')
	default:
		b.WriteString(scalar(y))
	}
}

func separate(b *strings.Builder, i int) {
	if i > 0 {
		b.WriteString(", ")
	}
}

func scalar(y *yaml.Node) string {
	switch y.Tag {
	case "!!int", "!!float", "!!bool", "!!timestamp":
		return y.Value
	case "!!null":
		return "null"
	}
	return Quote(y.Value)
}
