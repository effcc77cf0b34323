package trace

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The columns of comma-separated values, and their units: seconds since any time, or thousandths, or millionths.
const (
	columnSeconds = "ts"
	columnMillis  = "ts_ms"
	columnMicros  = "ts_us"
	columnClient  = "client"
	columnOp      = "op"
	columnKey     = "key"
	columnSize    = "size" // bytes of the value
	columnTTL     = "ttl"  // seconds
	columnNone    = "-"
)

// Columns lists what a column may be.
func Columns() []string {
	return []string{columnSeconds, columnMillis, columnMicros, columnClient, columnOp, columnKey, columnSize, columnTTL, columnNone}
}

// tableNames returns the columns that a line of names says, nil if it is none: it must name a key and an operation. A name that is
// not known is left out.
func tableNames(line []byte) []string {
	names := strings.Split(strings.ToLower(string(line)), ",")
	for i, n := range names {
		if names[i] = strings.Trim(strings.TrimSpace(n), `"`); !slices.Contains(Columns(), names[i]) {
			names[i] = columnNone
		}
	}
	if !slices.Contains(names, columnKey) || !slices.Contains(names, columnOp) {
		return nil
	}
	return names
}

// newTable returns the parser of lines with the given columns.
func newTable(columns []string) lineParser {
	return func(line []byte, cut bool, c *Command) bool {
		if names := tableNames(line); names != nil && !cut && slices.Equal(names, columns) {
			return true // the line of names: nothing to do
		}
		fields, ok := split(line)
		if cut || !ok || len(fields) != len(columns) {
			return false
		}
		var r row
		for i, f := range fields {
			if !r.set(columns[i], f) {
				return false
			}
		}
		return r.command(c)
	}
}

// split returns the fields of a line, which may be in quotes.
func split(line []byte) ([]string, bool) {
	if bytes.IndexByte(line, '"') < 0 {
		return strings.Split(string(line), ","), true
	}
	r := csv.NewReader(bytes.NewReader(line))
	fields, err := r.Read()
	return fields, err == nil
}

// A row is one line, its numbers in seconds and bytes.
type row struct {
	ts          float64
	timed       bool
	whole       bool
	client, op  string
	key         string
	size, expir float64
}

// set sets one column. It returns false for what is no number where one is needed.
func (r *row) set(column, field string) bool {
	switch column {
	case columnClient:
		r.client = field
	case columnOp:
		r.op = strings.TrimSpace(field)
	case columnKey:
		r.key = field
	case columnSize, columnTTL:
		n, ok := amount(field)
		if column == columnSize {
			r.size = n
		} else {
			r.expir = n
		}
		return ok
	case columnSeconds, columnMillis, columnMicros:
		n, ok := amount(field)
		unit := map[string]float64{columnSeconds: 1, columnMillis: 1e-3, columnMicros: 1e-6}[column]
		r.ts, r.timed = n*unit, strings.TrimSpace(field) != ""
		r.whole = column == columnSeconds && n == math.Trunc(n)
		return ok
	}
	return true
}

// amount reads a number that is not negative; nothing is 0.
func amount(s string) (float64, bool) {
	if s = strings.TrimSpace(s); s == "" {
		return 0, true
	}
	n, err := strconv.ParseFloat(s, 64)
	return n, err == nil && n >= 0 && n < 1<<50
}

// command sets the command of a row.
func (r *row) command(c *Command) bool {
	if r.ts >= maxSeconds || r.expir >= maxSeconds {
		return false
	}
	c.At, c.Timed, c.Whole, c.Client = time.Duration(r.ts*float64(time.Second)), r.timed, r.timed && r.whole, r.client
	return c.operate(r.op, r.key, int64(r.size), time.Duration(r.expir*float64(time.Second)))
}

// parseJSON reads kvtool's own form: {"ts":1.5,"client":"a","op":"set","key":"k","size":100,"ttl":60}. A key that is not UTF-8 is
// {"b64":"…"}.
func parseJSON(line []byte, cut bool, c *Command) bool {
	var in struct {
		TS     *float64        `json:"ts"`
		Client string          `json:"client"`
		Op     string          `json:"op"`
		Key    json.RawMessage `json:"key"`
		Size   float64         `json:"size"`
		TTL    float64         `json:"ttl"`
	}
	if cut || json.Unmarshal(line, &in) != nil || in.Size < 0 || in.TTL < 0 {
		return false
	}
	r := row{client: in.Client, op: in.Op, size: in.Size, expir: in.TTL}
	if in.TS != nil {
		r.ts, r.timed, r.whole = *in.TS, true, *in.TS == math.Trunc(*in.TS)
	}
	var b64 struct {
		B64 string `json:"b64"`
	}
	if json.Unmarshal(in.Key, &r.key) != nil {
		if json.Unmarshal(in.Key, &b64) != nil {
			return false
		}
		raw, err := base64.StdEncoding.DecodeString(b64.B64)
		if err != nil {
			return false
		}
		r.key = string(raw)
	}
	return r.ts >= 0 && r.command(c)
}
