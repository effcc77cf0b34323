package propose

import (
	"bytes"
	"io"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// Write writes a schema with comments at its head: behind the line that tells an editor of which form the file is, which has
// to come first.
func Write(w io.Writer, s *schema.Schema, comments []string) error {
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		return err
	}
	text := b.Bytes()
	head := 0
	for bytes.HasPrefix(text[head:], []byte("#")) {
		n := bytes.IndexByte(text[head:], '\n')
		if n < 0 {
			break
		}
		head += n + 1
	}
	var out bytes.Buffer
	out.Write(text[:head])
	for _, c := range comments {
		out.WriteString("# " + comment(c) + "\n")
	}
	out.Write(text[head:])
	_, err := w.Write(out.Bytes())
	return err
}

// comment returns a text that stays a comment: on one line, and of nothing that does not print.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == '\u2028' || r == '\u2029' || r == '\ufeff' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '?'
		}
		return r
	}, text)
}
