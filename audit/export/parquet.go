package export

import (
	"io"
	"sync"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/kvtool/kvtool/kv"
)

// A row group is held in memory, encoded and compressed, until it is written: so many rows, or fewer where names are long.
// Engines read row groups side by side and like them of this size; DuckDB's own are of 122,880 rows. What the foot of the
// file says of each group is held to the end; so every growAfter groups, groups become larger.
const (
	groupRows  = 120 * batchRows
	groupBytes = 32 << 20 // of text
	growAfter  = 128
	batchRows  = 1 << 10
	pageBytes  = 512 << 10
	batchBytes = 256 << 10 // of text
)

// parquetWriter writes Apache Parquet: one row group after another, pages compressed by zstd, dictionaries for the columns
// that have few values.
type parquetWriter struct {
	columns   []Column
	templates [][]byte

	mu    sync.Mutex
	w     *parquet.GenericWriter[any]
	rows  int // of the row group
	bytes int
	done  int // row groups
}

func newParquet(w io.Writer, t *Table) (Writer, error) {
	schema := parquet.NewSchema("keys", newSchema(t.Columns))
	p := &parquetWriter{columns: t.Columns, templates: each(t.Templates, appendPlain)}
	p.w = parquet.NewGenericWriter[any](w, schema,
		parquet.CreatedBy("kvtool", "", ""),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest}),
		parquet.PageBufferSize(pageBytes),
		parquet.WriteBufferSize(blockSize),
		parquet.DataPageStatistics(true),
	)
	for _, m := range t.Meta {
		p.w.SetKeyValueMetadata(m.Name, m.Value)
	}
	return p, nil
}

// A schema is a group whose fields keep their order; parquet.Group sorts them by name.
type schema struct {
	parquet.Group
	order []Column
}

func newSchema(columns []Column) schema {
	s := schema{parquet.Group{}, columns}
	for _, c := range columns {
		s.Group[c.Name] = node(c.id)
	}
	return s
}

func (s schema) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range s.Group.Fields() {
		byName[f.Name()] = f
	}
	fields := make([]parquet.Field, len(s.order))
	for i, c := range s.order {
		fields[i] = byName[c.Name]
	}
	return fields
}

// node is the type of a column. All but the database may be null.
func node(id column) parquet.Node {
	switch id {
	case colDB:
		return parquet.Encoded(parquet.Int(32), &parquet.RLEDictionary)
	case colKey, colBase64:
		return parquet.Optional(parquet.String())
	case colTemplate, colType, colEncoding, colPlace:
		return parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
	case colExpireAt:
		return parquet.Optional(parquet.Timestamp(parquet.Millisecond))
	case colPersistent:
		return parquet.Optional(parquet.Leaf(parquet.BooleanType))
	case colFreq, colSlot:
		return parquet.Optional(parquet.Int(32))
	}
	return parquet.Optional(parquet.Int(64))
}

func (p *parquetWriter) NewBatch() Batch {
	b := &parquetBatch{out: p, cells: make([][]parquet.Value, len(p.columns))}
	for i := range b.cells {
		b.cells[i] = make([]parquet.Value, 0, batchRows)
	}
	return b
}

// Close writes what is left, and the foot, which says whether the file is complete.
func (p *parquetWriter) Close(complete bool) error {
	state := "true"
	if !complete {
		state = "false"
	}
	p.w.SetKeyValueMetadata("kvtool.complete", state)
	return p.w.Close()
}

// take appends the rows of b to the row group.
func (p *parquetWriter) take(b *parquetBatch) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, w := range p.w.ColumnWriters() {
		if _, err := w.WriteRowValues(b.cells[i]); err != nil {
			return err
		}
	}
	p.rows += b.rows
	p.bytes += len(b.text)
	if p.rows < groupRows*(1+p.done/growAfter) && p.bytes < groupBytes {
		return nil
	}
	p.rows, p.bytes, p.done = 0, 0, p.done+1
	return p.w.Flush()
}

// A parquetBatch is some rows, column by column.
type parquetBatch struct {
	out   *parquetWriter
	cells [][]parquet.Value
	rows  int
	text  []byte // what the cells of text point into
	words [numColumns]cell
}

func (b *parquetBatch) Add(r *kv.Record, template int) error {
	for i := range b.out.columns {
		c := &b.out.columns[i]
		v, level := parquet.Value{}, 0
		if c.knows(r, template) {
			v, level = b.value(c.id, r, template), 1
		}
		if c.id == colDB {
			level = 0 // never null
		}
		b.cells[i] = append(b.cells[i], v.Level(0, level, i))
	}
	b.rows++
	if b.rows < batchRows && len(b.text) < batchBytes {
		return nil
	}
	return b.Flush()
}

func (b *parquetBatch) value(id column, r *kv.Record, template int) parquet.Value {
	switch id {
	case colKey:
		return b.own(appendPlain, r.Key)
	case colBase64:
		return b.own(appendBase64, r.Key)
	case colTemplate:
		return parquet.ByteArrayValue(b.out.templates[template])
	case colType, colEncoding, colPlace:
		return parquet.ByteArrayValue(b.word(id, word(r, id)))
	case colExpireAt:
		return parquet.Int64Value(millis(r.ExpireAt))
	case colPersistent:
		return parquet.BooleanValue(r.TTL == kv.TTLNone)
	case colDB, colFreq, colSlot:
		return parquet.Int32Value(int32(integer(r, id)))
	}
	return parquet.Int64Value(integer(r, id))
}

// own returns the text that make appends, kept until the batch is flushed.
func (b *parquetBatch) own(make func([]byte, string) []byte, s string) parquet.Value {
	from := len(b.text)
	b.text = make(b.text, s)
	return parquet.ByteArrayValue(b.text[from:])
}

// word returns the text of a word. Other cells may still point to that of the last one, so a new one gets bytes of its own.
func (b *parquetBatch) word(id column, value string) []byte {
	c := &b.words[id]
	if c.text == nil || c.value != value {
		c.value, c.text = value, appendPlain(make([]byte, 0, len(value)), value)
	}
	return c.text
}

func (b *parquetBatch) Flush() error {
	if b.rows == 0 {
		return nil
	}
	err := b.out.take(b)
	for i := range b.cells {
		b.cells[i] = b.cells[i][:0]
	}
	b.rows, b.text = 0, b.text[:0]
	return err
}

// appendPlain appends a text by the rule of text.go and no other.
func appendPlain(b []byte, s string) []byte { return appendText(b, s, survey(s)) }
