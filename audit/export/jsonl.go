package export

import (
	"io"
	"strconv"

	"github.com/kvtool/kvtool/kv"
)

// newJSONL writes one JSON object a line. Every object has every column.
func newJSONL(w io.Writer, t *Table) (Writer, error) {
	names := make([][]byte, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = append(appendString([]byte{','}, c.Name), ':')
		if i == 0 {
			names[i][0] = '{'
		}
	}
	templates := each(t.Templates, appendString)
	return &lines{w: w, newLine: func() liner {
		return &jsonLiner{columns: t.Columns, names: names, templates: templates}
	}}, nil
}

type jsonLiner struct {
	columns   []Column
	names     [][]byte
	templates [][]byte
	words     [numColumns]cell
}

func (l *jsonLiner) line(b []byte, r *kv.Record, template int) []byte {
	for i := range l.columns {
		c := &l.columns[i]
		b = append(b, l.names[i]...)
		if !c.knows(r, template) {
			b = append(b, "null"...)
			continue
		}
		switch c.id {
		case colKey:
			b = appendString(b, r.Key)
		case colTemplate:
			b = append(b, l.templates[template]...)
		case colType, colEncoding, colPlace:
			b = append(b, l.words[c.id].of(word(r, c.id), appendString)...)
		case colExpireAt:
			b = append(appendInstant(append(b, '"'), millis(r.ExpireAt)), '"')
		case colPersistent:
			b = strconv.AppendBool(b, r.TTL == kv.TTLNone)
		case colBase64:
			b = append(appendBase64(append(b, '"'), r.Key), '"')
		default:
			b = strconv.AppendInt(b, integer(r, c.id), 10)
		}
	}
	return append(b, '}', '\n')
}

// appendString appends a text as a JSON string. By the rule of text.go it holds no control characters.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := len(b)
	all := survey(s)
	b = appendText(b, s, all)
	if all == plain {
		return append(b, '"')
	}
	return append(mark(b, from, '\\'), '"')
}
