package export

import (
	"io"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// newCSV writes RFC 4180 with a head, lines ended by LF. A text that a spreadsheet would take for a formula has its first
// byte escaped, by the rule of text.go, so that it is none, and nothing is lost.
func newCSV(w io.Writer, t *Table) (Writer, error) {
	var head []byte
	for i, c := range t.Columns {
		if i > 0 {
			head = append(head, ',')
		}
		head = append(head, c.Name...)
	}
	if _, err := w.Write(append(head, '\n')); err != nil {
		return nil, err
	}
	templates := each(t.Templates, appendField)
	return &lines{w: w, newLine: func() liner {
		return &csvLiner{columns: t.Columns, templates: templates}
	}}, nil
}

type csvLiner struct {
	columns   []Column
	templates [][]byte
	words     [numColumns]cell
}

func (l *csvLiner) line(b []byte, r *kv.Record, template int) []byte {
	for i := range l.columns {
		c := &l.columns[i]
		if i > 0 {
			b = append(b, ',')
		}
		if !c.knows(r, template) {
			continue
		}
		switch c.id {
		case colKey:
			b = appendField(b, r.Key)
		case colTemplate:
			b = append(b, l.templates[template]...)
		case colType, colEncoding, colPlace:
			b = append(b, l.words[c.id].of(word(r, c.id), appendField)...)
		case colExpireAt:
			b = appendInstant(b, millis(r.ExpireAt))
		case colPersistent:
			b = strconv.AppendBool(b, r.TTL == kv.TTLNone)
		case colBase64:
			if r.Key == "" {
				b = appendField(b, "")
				break
			}
			b = appendBase64(b, r.Key)
		default:
			b = strconv.AppendInt(b, integer(r, c.id), 10)
		}
	}
	return append(b, '\n')
}

// appendField appends a text as a field. An empty one is quoted, which tells it from unknown.
func appendField(b []byte, s string) []byte {
	if s == "" {
		return append(b, `""`...)
	}
	all := survey(s)
	quote := all&quoted != 0
	if quote {
		b = append(b, '"')
	}
	switch s[0] {
	case '=', '+', '-', '@':
		b = appendEscape(b, s[0])
		s = s[1:]
	}
	from := len(b)
	b = appendText(b, s, all)
	if !quote {
		return b
	}
	return append(mark(b, from, '"'), '"')
}
