package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/kvtool/kvtool/report"
)

// JSON writes the whole report as one indented document. Its schema is docs/schema/report-v1.json.
func JSON(w io.Writer, r *report.Report, o Options) error {
	b, err := json.MarshalIndent(listed(o.Keys.apply(r)), "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(escapeHidden(b), '\n'))
	return err
}

// listed returns r with lists that are empty in the place of those that are not there: the schema knows no null for them.
func listed(r *report.Report) *report.Report {
	out := *r
	out.Target.Facts = append([]report.Fact{}, r.Target.Facts...)
	out.Sections = append([]report.Section{}, r.Sections...)
	for i := range out.Sections {
		s := &out.Sections[i]
		s.Metrics, s.Tables = append([]report.Metric{}, s.Metrics...), append([]report.Table{}, s.Tables...)
	}
	return &out
}

// escapeHidden writes every character that is not visible as \uXXXX, which means the same in JSON: package json leaves
// C1 and bidi controls as they are, and a document may end up on a terminal. So may "##[", which commands the runner of a
// workflow. Outside of strings JSON is ASCII and holds no #.
func escapeHidden(b []byte) []byte {
	if bytes.Contains(b, []byte("##[")) {
		b = bytes.ReplaceAll(b, []byte("##["), []byte(`#\u0023[`))
	}
	if plainASCII(strings.ReplaceAll(string(b), "\n", "")) {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r < 0x7f || visible(r, n):
			out = append(out, b[:n]...)
		default:
			for _, u := range utf16.Encode([]rune{r}) {
				out = fmt.Appendf(out, `\u%04x`, u)
			}
		}
		b = b[n:]
	}
	return out
}

// JSONL writes one object a line: first the report without its sections and findings, then each metric, row and finding.
// The member "t" says which it is.
func JSONL(w io.Writer, r *report.Report, o Options) error {
	r = listed(o.Keys.apply(r))
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	if err := e.Encode(lineHeader{"report", r.Schema, r.Kind, r.Tool, r.Target, r.Design, r.Taken, r.Coverage, r.Skipped, r.Gate}); err != nil {
		return err
	}
	for i := range r.Sections {
		if err := sectionLines(e, &r.Sections[i]); err != nil {
			return err
		}
	}
	for i := range r.Findings {
		if err := e.Encode(lineFinding{"finding", r.Findings[i]}); err != nil {
			return err
		}
	}
	_, err := w.Write(escapeHidden(b.Bytes()))
	return err
}

type lineHeader struct {
	T        string          `json:"t"`
	Schema   string          `json:"schema"`
	Kind     string          `json:"kind"`
	Tool     report.Tool     `json:"tool"`
	Target   report.Target   `json:"target"`
	Design   *report.Design  `json:"design,omitempty"`
	Taken    time.Time       `json:"taken"`
	Coverage report.Coverage `json:"coverage"`
	Skipped  []report.Skip   `json:"skipped"`
	Gate     *report.Gate    `json:"gate,omitempty"`
}

type lineMetric struct {
	T       string `json:"t"`
	Section string `json:"section"`
	report.Metric
}

type lineRow struct {
	T       string                  `json:"t"`
	Section string                  `json:"section"`
	Table   string                  `json:"table"`
	Row     map[string]report.Value `json:"row"`
	Omitted int64                   `json:"omitted,omitempty"` // with t "more": how many rows Row sums up
}

type lineFinding struct {
	T       string         `json:"t"`
	Finding report.Finding `json:"finding"`
}

func sectionLines(e *json.Encoder, s *report.Section) error {
	for _, m := range s.Metrics {
		if err := e.Encode(lineMetric{"metric", s.Name, m}); err != nil {
			return err
		}
	}
	for _, t := range s.Tables {
		for _, row := range t.Rows {
			if err := e.Encode(lineRow{T: "row", Section: s.Name, Table: t.Name, Row: byColumn(t.Columns, row)}); err != nil {
				return err
			}
		}
		if t.Omitted == 0 {
			continue
		}
		if err := e.Encode(lineRow{"more", s.Name, t.Name, byColumn(t.Columns, t.More), t.Omitted}); err != nil {
			return err
		}
	}
	return nil
}

// byColumn names the values of a row.
func byColumn(columns []report.Column, row []report.Value) map[string]report.Value {
	m := make(map[string]report.Value, len(row))
	for i, v := range row {
		m[columns[i].Name] = v
	}
	return m
}
