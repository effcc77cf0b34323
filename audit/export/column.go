package export

import (
	"github.com/kvtool/kvtool/kv"
)

// A Column is one fact of a key, as a column.
type Column struct {
	Name  string
	Needs kv.Field // what a record must know to have a value here
	id    column
}

// A column numbers the columns, in the order of All.
type column uint8

const (
	colDB column = iota
	colKey
	colTemplate
	colType
	colEncoding
	colBytes
	colElements
	colExpireAt
	colIdle
	colFreq
	colSlot
	colPlace
	colLargest
	colLogical
	colStored
	colGroups
	colPending
	colPersistent
	colBase64
	numColumns
)

// defaults is how many columns of All there are where none are asked for.
const defaults = int(colSlot) + 1

// All lists every column; those up to slot are there unless others are asked for.
func All() []Column {
	return []Column{
		{"db", kv.FieldType, colDB}, // a store that knows no more than names knows of no databases either
		{"key", kv.FieldName, colKey},
		{"template", kv.FieldName, colTemplate},
		{"type", kv.FieldType, colType},
		{"encoding", kv.FieldEncoding, colEncoding},
		{"bytes", kv.FieldSize, colBytes},
		{"elements", kv.FieldLen, colElements},
		{"expire_at", kv.FieldTTL, colExpireAt},
		{"idle_seconds", kv.FieldIdle, colIdle},
		{"freq", kv.FieldFreq, colFreq},
		{"slot", kv.FieldSlot, colSlot},
		{"place", kv.FieldPlace, colPlace},
		{"largest", kv.FieldLargest, colLargest},
		{"logical", kv.FieldStored, colLogical},
		{"stored", kv.FieldStored, colStored},
		{"groups", kv.FieldGroups, colGroups},
		{"pending", kv.FieldGroups, colPending},
		{"persistent", kv.FieldTTL, colPersistent},
		{"key_base64", kv.FieldName, colBase64},
	}
}

// Default lists the columns of an export that asks for none in particular.
func Default() []Column { return All()[:defaults] }

// Template reports whether c is the column of templates, which no store tells: see Options.Classify.
func (c Column) Template() bool { return c.id == colTemplate }

// Want is what a scan must be asked for to fill the columns.
func (t *Table) Want() kv.Field {
	var f kv.Field
	for _, c := range t.Columns {
		if c.id != colDB {
			f |= c.Needs
		}
	}
	return f
}

// integer returns the value of an integer column of a record that knows it.
func integer(r *kv.Record, id column) int64 {
	switch id {
	case colBytes:
		return r.Size
	case colElements:
		return r.Len
	case colIdle:
		return int64(r.Idle / 1e9)
	case colFreq:
		return int64(r.Freq)
	case colSlot:
		return int64(r.Slot)
	case colLargest:
		return r.Largest
	case colLogical:
		return r.Logical
	case colStored:
		return r.Stored
	case colGroups:
		return r.Groups
	case colPending:
		return r.Pending
	}
	return int64(r.DB)
}

// word returns the value of a column that has few different ones.
func word(r *kv.Record, id column) string {
	switch id {
	case colType:
		return string(r.Type)
	case colEncoding:
		return string(r.Encoding)
	}
	return r.Place
}

// knows reports whether the record has a value for the column. The database is known of every record: see All.
func (c *Column) knows(r *kv.Record, template int) bool {
	switch c.id {
	case colDB:
		return true
	case colTemplate:
		return template >= 0
	case colExpireAt:
		return r.TTL == kv.TTLAt || r.TTL == kv.TTLExpired
	}
	return r.Known&c.Needs == c.Needs
}
