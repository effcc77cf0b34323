package export

import (
	"bytes"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/kvtool/kvtool/kv"
)

// keyTemplates are hostile: a template is made of keys' bytes.
var keyTemplates = []string{"user:{int}", "=cmd,\"\xff\n", ""}

// unknown is what a cell without a value reads as.
const unknown = "<unknown>"

// cellsOf is the model that the formats are held against: what each column of a row says, by the record alone.
func cellsOf(r *kv.Record, template int) []string {
	cells := make([]string, numColumns)
	set := func(c column, known bool, v any) {
		cells[c] = unknown
		if known {
			cells[c] = fmt.Sprint(v)
		}
	}
	set(colDB, true, r.DB)
	set(colKey, r.Has(kv.FieldName), r.Key)
	set(colBase64, r.Has(kv.FieldName), base64.StdEncoding.EncodeToString([]byte(r.Key)))
	set(colTemplate, template >= 0, "")
	if template >= 0 {
		cells[colTemplate] = keyTemplates[template]
	}
	set(colType, r.Has(kv.FieldType), r.Type)
	set(colEncoding, r.Has(kv.FieldEncoding), r.Encoding)
	set(colBytes, r.Has(kv.FieldSize), r.Size)
	set(colElements, r.Has(kv.FieldLen), r.Len)
	set(colExpireAt, r.TTL > kv.TTLNone, r.ExpireAt.UTC().Format(instantLayout))
	set(colPersistent, r.Has(kv.FieldTTL), r.TTL == kv.TTLNone)
	set(colIdle, r.Has(kv.FieldIdle), int64(r.Idle/time.Second))
	set(colFreq, r.Has(kv.FieldFreq), r.Freq)
	set(colSlot, r.Has(kv.FieldSlot), r.Slot)
	set(colPlace, r.Has(kv.FieldPlace), r.Place)
	set(colLargest, r.Has(kv.FieldLargest), r.Largest)
	set(colLogical, r.Has(kv.FieldStored), r.Logical)
	set(colStored, r.Has(kv.FieldStored), r.Stored)
	set(colGroups, r.Has(kv.FieldGroups), r.Groups)
	set(colPending, r.Has(kv.FieldGroups), r.Pending)
	return cells
}

// readers read a file back, one cell a column, with the escapes of text undone.
var readers = map[string]func(t *testing.T, b []byte) [][]string{"csv": readCSV, "jsonl": readJSONL, "parquet": readParquet}

func isText(c column) bool {
	return slices.Contains([]column{colKey, colTemplate, colType, colEncoding, colPlace}, c)
}

func readCSV(t *testing.T, b []byte) [][]string {
	t.Helper()
	// Package csv does not tell an empty field from a quoted one; mark the unquoted.
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatalf("%v in\n%s", err, b)
	}
	if want := columnNames(All()); !slices.Equal(rows[0], want) {
		t.Fatalf("the head is %q, want %q", rows[0], want)
	}
	lines := bytes.Split(bytes.TrimSuffix(b, []byte("\n")), []byte("\n"))
	if len(lines) != len(rows) {
		t.Fatalf("%d rows on %d lines", len(rows), len(lines))
	}
	for i, row := range rows[1:] {
		empty := unquotedEmpty(lines[i+1])
		for c, v := range row {
			switch {
			case empty[c]:
				row[c] = unknown
			case isText(column(c)):
				if v != "" && strings.ContainsRune("=+-@", rune(v[0])) {
					t.Errorf("a spreadsheet takes %q for a formula", v)
				}
				row[c] = unescape(v)
			}
		}
	}
	return rows[1:]
}

// unquotedEmpty tells of each field of a line whether there is nothing at all.
func unquotedEmpty(line []byte) []bool {
	var empty []bool
	inside, n := false, 0
	for _, c := range append(line[:len(line):len(line)], ',') {
		switch {
		case c == ',' && !inside:
			empty = append(empty, n == 0)
			n = -1
		case c == '"':
			inside = !inside
		}
		n++
	}
	return empty
}

func readJSONL(t *testing.T, b []byte) [][]string {
	t.Helper()
	var rows [][]string
	for line := range bytes.Lines(b) {
		d := json.NewDecoder(bytes.NewReader(line))
		d.UseNumber()
		var o map[string]any
		if err := d.Decode(&o); err != nil || d.More() {
			t.Fatalf("%v in %s", err, line)
		}
		var row []string
		for _, c := range All() {
			v, ok := o[c.Name]
			s, text := v.(string)
			switch {
			case !ok:
				t.Fatalf("no %s in %s", c.Name, line)
			case v == nil:
				s = unknown
			case text && isText(c.id):
				s = unescape(s)
			case !text:
				s = fmt.Sprint(v)
			}
			row = append(row, s)
		}
		rows = append(rows, row)
	}
	return rows
}

func readParquet(t *testing.T, b []byte) [][]string {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for i, field := range f.Schema().Fields() {
		if want := All()[i].Name; field.Name() != want {
			t.Fatalf("column %d is %s, want %s", i, field.Name(), want)
		}
	}
	var rows [][]string
	for _, g := range f.RowGroups() {
		in := g.Rows()
		buf := make([]parquet.Row, 100)
		for {
			n, err := in.ReadRows(buf)
			for _, r := range buf[:n] {
				rows = append(rows, parquetCells(r))
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		in.Close()
	}
	return rows
}

func parquetCells(r parquet.Row) []string {
	row := make([]string, len(r))
	for c, v := range r {
		switch {
		case v.IsNull():
			row[c] = unknown
		case isText(column(c)):
			row[c] = unescape(string(v.ByteArray()))
		case column(c) == colExpireAt:
			row[c] = time.UnixMilli(v.Int64()).UTC().Format(instantLayout)
		default:
			row[c] = v.String()
		}
	}
	return row
}

func columnNames(columns []Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// randomRecord knows some facts, and has rubbish where it knows none.
func randomRecord(rnd *rand.Rand) (*kv.Record, int) {
	r := &kv.Record{
		Key: randomText(rnd), DB: rnd.IntN(16), Type: kv.Type(randomWord(rnd)), Encoding: kv.Encoding(randomWord(rnd)),
		Size: rnd.Int64(), Len: rnd.Int64N(1000), ExpireAt: time.UnixMilli(rnd.Int64N(lastTime)),
		Idle: time.Duration(rnd.Int64()), Freq: uint8(rnd.Uint32()), Place: randomText(rnd), Slot: uint16(rnd.IntN(16384)),
		Largest: rnd.Int64N(100), Logical: rnd.Int64N(100), Stored: rnd.Int64N(100), Groups: rnd.Int64N(5), Pending: rnd.Int64N(5),
		Known: kv.Field(rnd.Uint32()) & kv.AllFields,
	}
	if r.Has(kv.FieldTTL) {
		r.TTL = kv.TTLNone + kv.TTLState(rnd.IntN(3))
	}
	return r, rnd.IntN(len(keyTemplates)+1) - 1
}

func randomWord(rnd *rand.Rand) string {
	return []string{"string", "hash", "", "=odd,\"module", "bin\xff"}[rnd.IntN(5)]
}

func randomText(rnd *rand.Rand) string {
	const odd = "=+-@,\"\\x4F\n\r\t\x00\x7f\xff\xc3é日{}: 'aB"
	var b strings.Builder
	for range rnd.IntN(12) {
		b.WriteByte(odd[rnd.IntN(len(odd))])
	}
	return b.String()
}

// write returns the file of the records.
func write(t testing.TB, f Format, table *Table, n int, next func(i int) (*kv.Record, int)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := f.New(&out, table)
	if err != nil {
		t.Fatal(err)
	}
	b := w.NewBatch()
	for i := range n {
		r, template := next(i)
		if err := b.Add(r, template); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(b.Flush(), w.Close(true)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestFormats reads back what was written, with the reader of somebody else, and compares it with the records.
func TestFormats(t *testing.T) {
	for _, f := range Formats() {
		t.Run(f.Name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(1, 1))
			var want [][]string
			b := write(t, f, &Table{Columns: All(), Templates: keyTemplates}, 5000, func(int) (*kv.Record, int) {
				r, template := randomRecord(rnd)
				want = append(want, cellsOf(r, template))
				return r, template
			})
			compareRows(t, readers[f.Name](t, b), want)
		})
	}
}

func compareRows(t *testing.T, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		for c, column := range All() {
			if got[i][c] != want[i][c] {
				t.Fatalf("row %d: %s is %q, want %q", i, column.Name, got[i][c], want[i][c])
			}
		}
	}
}

func FuzzFormats(f *testing.F) {
	f.Add("=user:1,\"\xff", "list", "node\n1", uint32(kv.AllFields), int64(1)<<40)
	f.Fuzz(func(t *testing.T, key, typ, place string, known uint32, at int64) {
		r := &kv.Record{Key: key, Type: kv.Type(typ), Place: place, Known: kv.Field(known) & kv.AllFields}
		if r.Has(kv.FieldTTL) {
			r.TTL, r.ExpireAt = kv.TTLAt, time.UnixMilli(millis(time.UnixMilli(at)))
		}
		want := [][]string{cellsOf(r, 0)}
		for _, format := range Formats() {
			b := write(t, format, &Table{Columns: All(), Templates: keyTemplates}, 1, func(int) (*kv.Record, int) { return r, 0 })
			compareRows(t, readers[format.Name](t, b), want)
		}
	})
}

// TestParquetRowGroups holds the memory of a large file: many rows are many row groups, and so are few long names.
func TestParquetRowGroups(t *testing.T) {
	f := Formats()[2]
	for name, c := range map[string]struct{ rows, keyLen, least int }{
		"rows":  {2*groupRows + 1, 10, 3},
		"bytes": {1500, 50_000, 2},
	} {
		t.Run(name, func(t *testing.T) {
			r := kv.Record{Known: kv.FieldName}
			pad := strings.Repeat("k", c.keyLen)
			b := write(t, f, &Table{Columns: All()[1:2]}, c.rows, func(i int) (*kv.Record, int) {
				r.Key = pad + strconv.Itoa(i)
				return &r, NoTemplate
			})
			file, err := parquet.OpenFile(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			if groups := len(file.RowGroups()); file.NumRows() != int64(c.rows) || groups < c.least {
				t.Errorf("%d rows in %d row groups", file.NumRows(), groups)
			}
		})
	}
}

func TestParquetSaysWhetherItIsComplete(t *testing.T) {
	for _, complete := range []bool{true, false} {
		var out bytes.Buffer
		w, err := newParquet(&out, &Table{Columns: Default(), Meta: []Meta{{"kvtool.target", "rdb:x"}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(complete); err != nil {
			t.Fatal(err)
		}
		f, err := parquet.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
		if err != nil {
			t.Fatal(err)
		}
		said, _ := f.Lookup("kvtool.complete")
		if target, _ := f.Lookup("kvtool.target"); said != strconv.FormatBool(complete) || target != "rdb:x" {
			t.Errorf("complete %v: the file says %q, of %q", complete, said, target)
		}
	}
}

// usual is a record as dumps have them.
func usual() *kv.Record {
	return &kv.Record{
		Key: "session:0f8fad5b-d9cb-469f-a165-70867728950e", Type: kv.TypeString, Encoding: kv.EncodingRaw, Size: 328, Len: 1,
		TTL: kv.TTLAt, ExpireAt: time.UnixMilli(1_790_000_000_123), Known: kv.Universal,
	}
}

// A row allocates nothing.
func TestRowsAreFree(t *testing.T) {
	for _, f := range Formats() {
		w, err := f.New(io.Discard, &Table{Columns: Default(), Templates: keyTemplates})
		if err != nil {
			t.Fatal(err)
		}
		b, r := w.NewBatch(), usual()
		for range groupRows + batchRows {
			if err := b.Add(r, 0); err != nil {
				t.Fatal(err)
			}
		}
		// Parquet's pages cost something now and then, but not a row.
		if n := testing.AllocsPerRun(batchRows, func() { b.Add(r, 0) }); n > 0 {
			t.Errorf("%s: %v allocations a row", f.Name, n)
		}
	}
}

// BenchmarkAdd measures one row of what docs/benchmarks.md compares, and of everything.
func BenchmarkAdd(b *testing.B) {
	seven := slices.Clone(All()[:colExpireAt+1])
	seven = slices.Delete(seven, int(colTemplate), int(colTemplate)+1)
	for name, columns := range map[string][]Column{"seven": seven, "default": Default()} {
		for _, f := range Formats() {
			b.Run(name+"/"+f.Name, func(b *testing.B) {
				w, err := f.New(io.Discard, &Table{Columns: columns, Templates: keyTemplates})
				if err != nil {
					b.Fatal(err)
				}
				batch, r := w.NewBatch(), usual()
				keys := make([]string, 1<<16)
				for i := range keys {
					keys[i] = fmt.Sprintf("session:%016x-%d", rand.Uint64(), i)
				}
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					i++
					r.Key = keys[i&(len(keys)-1)]
					r.Size, r.ExpireAt = int64(i&1023), time.UnixMilli(1_790_000_000_123+int64(i*7919)%(30*dayMillis))
					if err := batch.Add(r, 0); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
