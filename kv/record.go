// Package kv holds the input words of kvtool: what any analysis may know of a store. A Store is scanned for Records, and
// a Record says of each of its facts whether it is known.
//
// The one idea is that a fact has three states. Unknown is not zero and not a sentinel: a Record names the facts it holds
// in Known, so an analysis can tell "no TTL" from "the TTL was not read" and "empty" from "not measured". Nothing here
// knows of rules, reports or any one store, and nothing outside the standard library is imported.
package kv

import "time"

// A Record is what a scan learned about one key.
type Record struct {
	Key      string        // raw bytes; for a composite key, Join(Parts)
	Parts    []Part        // composite keys only; reused by the scan
	DB       int           // logical database; 0 where a store has none
	Type     Type          // string, hash, list, …
	Encoding Encoding      // listpack, intset, skiplist, …
	Size     int64         // bytes in the store's memory: key, value and overhead
	Len      int64         // elements; 1 for a string
	TTL      TTLState      // what is known of the expiry
	ExpireAt time.Time     // with TTLAt and TTLExpired: the expiry
	Idle     time.Duration // since the last access
	Freq     uint8         // the store's access counter: Redis's is logarithmic, 0 to 255
	Place    string        // the node or the file that holds the key
	Slot     uint16        // of a cluster: 0 to 16,383
	Largest  int64         // bytes of the largest element of a collection
	Logical  int64         // with FieldStored: bytes of a string's value
	Stored   int64         // and what it takes in the file: less where the file compresses it
	Digest   uint64        // hash of a string's value
	Groups   int64         // consumer groups of a stream
	Pending  int64         // with FieldGroups: entries that were delivered and not acknowledged, over all groups
	Fault    Fault         // with FieldFault: why what was meant for an expiry is none; empty if nothing is wrong
	Read     bool          // has been read since it was written
	Chunk    int64         // bytes of the piece of memory that holds it, where a store has pieces of a few sizes: Size and what is lost
	Home     string        // the node where clients look for the key: Place, if it is where it belongs
	Indexes  []Part        // of the global indexes that hold it, the name and the value of the index's partition key; reused by the scan
	// With FieldApart, which has no value, places do not know of each other: a key may be in several of them.
	Known Field // which of the fields above mean anything in this record
	// Others is how many more keys the facts of this one stand for, where only a sample is asked for them (ScanOptions.Ask);
	// -1 where the key is one of these others, and little but its name is known. Whoever asks sets it, never an adapter.
	Others int64
}

// Has reports whether every fact of f is known.
func (r *Record) Has(f Field) bool { return r.Known&f == f }

// Stands returns how many keys the facts of this one stand for: 1 where every key is asked, else 0 for those that are not.
// Idle times and frequencies are a sample of their own, of all keys alike (Sampled), and do not go by it.
func (r *Record) Stands() int64 { return 1 + r.Others }

// A Type is the type of a value in the store's own word. Module types of Redis keep the name that their module gave.
type Type string

// The types that analyses know by name.
const (
	TypeString Type = "string"
	TypeHash   Type = "hash"
	TypeList   Type = "list"
	TypeSet    Type = "set"
	TypeZSet   Type = "zset"
	TypeStream Type = "stream"
	TypeItem   Type = "item" // of a table: attributes by name
)

// Opaque reports whether t is a module's type, whose values only the module can take apart.
func (t Type) Opaque() bool {
	switch t {
	case "", TypeString, TypeHash, TypeList, TypeSet, TypeZSet, TypeStream, TypeItem:
		return false
	}
	return true
}

// An Encoding is how the store lays a value out, in the store's own word, as OBJECT ENCODING prints it.
type Encoding string

// The encodings of the Redis family, up to Redis 8. Ziplist and zipmap are what listpack was before Redis 7 and 2.6.
const (
	EncodingInt        Encoding = "int"
	EncodingEmbstr     Encoding = "embstr"
	EncodingRaw        Encoding = "raw"
	EncodingListpack   Encoding = "listpack"
	EncodingListpackEx Encoding = "listpackex"
	EncodingZiplist    Encoding = "ziplist"
	EncodingZipmap     Encoding = "zipmap"
	EncodingIntset     Encoding = "intset"
	EncodingQuicklist  Encoding = "quicklist"
	EncodingLinkedList Encoding = "linkedlist"
	EncodingHashtable  Encoding = "hashtable"
	EncodingSkiplist   Encoding = "skiplist"
	EncodingStream     Encoding = "stream"
)

// A TTLState says what is known of a key's expiry.
type TTLState uint8

// TTLUnknown holds exactly when Known lacks FieldTTL.
const (
	TTLUnknown TTLState = iota
	TTLNone             // persistent
	TTLAt               // expires at ExpireAt
	TTLExpired          // is past ExpireAt and still there
)

// A Fault says why a value that was meant for an expiry does not do what was meant, where a store has an attribute of its items
// for that. All but FaultFar never expire.
type Fault string

// The faults.
const (
	FaultMilliseconds Fault = "milliseconds" // in place of seconds
	FaultMicroseconds Fault = "microseconds" // or a smaller unit
	FaultRelative     Fault = "relative"     // a duration in place of a time
	FaultType         Fault = "wrong type"   // a string in place of a number
	FaultOld          Fault = "too old"      // so long past that the store does not believe it
	FaultFar          Fault = "far"          // later than anybody can mean
	FaultNested       Fault = "nested"       // within a map, where the store does not look
	FaultOff          Fault = "off"          // by its name it is meant for an expiry, and the store expires nothing
)
