package kv

import "strings"

// A Field is a set of facts about a key, one bit each. The same type says what a record has (Record.Known), what a scan
// is asked for (ScanOptions.Want), what a store can tell (Info.Provides) and what an analysis cannot do without
// (audit.Analyzer.Needs), so that nobody needs a table to translate between them.
type Field uint32

// The facts a Record may hold. FieldName says that Key is the name the application wrote, not a digest of it.
const (
	FieldName Field = 1 << iota
	FieldType
	FieldEncoding
	FieldSize
	FieldLen
	FieldTTL
	FieldIdle
	FieldFreq
	FieldPlace
	FieldSlot
	FieldLargest
	FieldStored
	FieldDigest
	FieldGroups
	FieldParts
	FieldFault
	FieldRead
	FieldChunk
	FieldHome
	FieldIndexes
	FieldApart
	fieldEnd
)

// AllFields is every fact there is.
const AllFields = fieldEnd - 1

// Universal are the facts that every key has, whatever its type: a record without one was not told it. The others are of
// some keys only: a string has no largest element, and a digest is taken of a sample.
const Universal = FieldName | FieldType | FieldEncoding | FieldSize | FieldLen | FieldTTL

var fieldNames = [...]string{
	"name", "type", "encoding", "size", "length", "ttl", "idle", "freq", "place", "slot", "largest", "stored", "digest", "groups",
	"parts", "ttl fault",
	"read", "chunk", "home", "indexes", "apart",
}

// String lists the facts of f, lowest first: "name, size, ttl".
func (f Field) String() string {
	var names []string
	for i, n := range fieldNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return strings.Join(names, ", ")
}
