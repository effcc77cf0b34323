package render

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/kvtool/kvtool/report"
)

// The data of a page is the JSON of its report, compressed (DEFLATE) and written in the letters, digits, - and _ of base64: a tenth of
// the JSON, and nothing in it can end the element that holds it.

// Marks of a page of ours, and of the element that holds its data.
const (
	pageStart = "<!DOCTYPE html>"
	dataStart = `<script type="application/vnd.kvtool.report" id="kvtool-data">`
	dataEnd   = "</script>"
)

// Bounds of the data of a page: what is written, and what is read.
const (
	dataMost    = htmlMost * 5 / 8
	dataUnpacks = 64 << 20
)

// htmlData returns the data of a page, and how many rows of each table were kept, 0 if all were.
func htmlData(r *report.Report) (data string, kept int, err error) {
	for _, rows := range []int{0, 1000, 300, 100, 30, 10} {
		doc, err := json.Marshal(cutRows(r, rows))
		if err != nil {
			return "", 0, err
		}
		if data, err = packed(doc); err != nil {
			return "", 0, err
		}
		if kept = rows; len(data) <= dataMost {
			break
		}
	}
	return data, kept, nil
}

// cutRows returns r with at most so many rows a table and so many findings, r itself if rows is 0.
func cutRows(r *report.Report, rows int) *report.Report {
	if rows == 0 {
		return r
	}
	c := *r
	c.Sections = append([]report.Section(nil), r.Sections...)
	for i := range c.Sections {
		s := &c.Sections[i]
		s.Tables = append([]report.Table(nil), s.Tables...)
		for j := range s.Tables {
			t := &s.Tables[j]
			head, more := fold(t, rows)
			t.Omitted += int64(len(t.Rows) - len(head))
			t.Rows, t.More = head, more
		}
	}
	c.Findings = r.Findings[:min(len(r.Findings), rows)]
	c.Targets = nil
	for _, t := range r.Targets {
		c.Targets = append(c.Targets, cutRows(t, rows))
	}
	c.Coverage.Why = append(append([]string(nil), r.Coverage.Why...),
		fmt.Sprintf("made for a page: of each table and of the findings only the first %d are here", rows))
	return &c
}

func packed(doc []byte) (string, error) {
	var b bytes.Buffer
	z, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(doc); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b.Bytes()), nil
}

// ErrNoData says that a page holds no report.
var ErrNoData = errors.New("the page holds no report of kvtool")

// IsHTML reports whether b begins as a page does.
func IsHTML(b []byte) bool {
	head := strings.TrimSpace(string(b[:min(len(b), 64)]))
	return len(head) >= len(pageStart) && strings.EqualFold(head[:len(pageStart)], pageStart)
}

// ReadHTML returns the report of a page that HTML has written. Its input is hostile.
func ReadHTML(page []byte) (*report.Report, error) {
	at := bytes.LastIndex(page, []byte(dataStart))
	if at < 0 {
		return nil, ErrNoData
	}
	data, _, ended := bytes.Cut(page[at+len(dataStart):], []byte(dataEnd))
	if !ended {
		return nil, fmt.Errorf("%w: it is cut off", ErrNoData)
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(string(data)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoData, err)
	}
	doc, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(raw)), dataUnpacks+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoData, err)
	}
	if len(doc) > dataUnpacks {
		return nil, report.ErrTooLarge
	}
	if err := report.Bounded(doc); err != nil {
		return nil, err
	}
	r := &report.Report{}
	if err := json.Unmarshal(doc, r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoData, err)
	}
	if err := r.Check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoData, err)
	}
	return r, nil
}
