// Package export writes one row a key, for programs that take over where one machine ends: DuckDB, Spark, Trino, Athena. It
// owns the columns, the formats and the one rule by which bytes become text; it knows nothing of reports, of files' names
// or of how templates are found.
//
// The one idea is that a row costs next to nothing, so that an export takes as long as reading the store. A shard's
// goroutine makes its rows in a batch of its own, by appending, and a full batch is written whole under a lock:
//
//	shard 1 ── record ──▶ batch ─┐
//	shard 2 ── record ──▶ batch ─┼─▶ Writer ──▶ file
//	shard 3 ── record ──▶ batch ─┘
//
// Unknown is empty in CSV and null elsewhere, never 0.
package export

import (
	"io"

	"github.com/kvtool/kvtool/kv"
)

// A Table says what the rows hold.
type Table struct {
	Columns   []Column
	Templates []string // the texts of the column template, by number
	Meta      []Meta   // what a format that has room for it says of the file
}

// A Meta is one line about a file.
type Meta struct{ Name, Value string }

// NoTemplate is the number of the template of a key that has none.
const NoTemplate = -1

// A Format is a way to write rows.
type Format struct {
	Name   string
	Binary bool // not fit for a terminal
	New    func(w io.Writer, t *Table) (Writer, error)
}

// Formats lists the formats.
func Formats() []Format {
	return []Format{
		{Name: "csv", New: newCSV},
		{Name: "jsonl", New: newJSONL},
		{Name: "parquet", Binary: true, New: newParquet},
	}
}

// A Writer makes one file. It is safe for concurrent use.
type Writer interface {
	NewBatch() Batch
	// Close ends the file, once every batch has been flushed. A file that is not complete says so, if its format has room
	// for it. It does not close what it writes to.
	Close(complete bool) error
}

// A Batch collects rows for its Writer. It is for one goroutine.
type Batch interface {
	Add(r *kv.Record, template int) error // r is valid during the call only
	Flush() error
}
