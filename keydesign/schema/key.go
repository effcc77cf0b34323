package schema

// A Key is the parsed text of a template's key: literals and placeholders in turn.
//
//	key  = { literal | "{{" | "}}" | "{" name [ ":" type ] "}" | "{" type "}" }
type Key []Piece

// A Piece is a literal, or a placeholder if Type is set.
type Piece struct {
	Literal string
	Field   string // name of the placeholder; empty if it has only a type
	Type    *Type  // resolved: that of the field, if the placeholder names one
}

// A TypeKind names what values a placeholder takes.
type TypeKind string

// The types. Their arguments are in Type.
const (
	TypeInt      TypeKind = "int"
	TypeUint     TypeKind = "uint" // (min,max)
	TypeSeq      TypeKind = "seq"  // a dense counter
	TypeHex      TypeKind = "hex"  // (n)
	TypeObjectID TypeKind = "objectid"
	TypeUUID     TypeKind = "uuid"
	TypeULID     TypeKind = "ulid"
	TypeStr      TypeKind = "str" // (max): no strong separator
	TypeWord     TypeKind = "word"
	TypeSlug     TypeKind = "slug"
	TypeEnum     TypeKind = "enum"   // [a,b]
	TypeBin      TypeKind = "bin"    // (n)
	TypeJSON     TypeKind = "json"   // the rest of the key
	TypeOpaque   TypeKind = "opaque" // (n)
	TypeGeohash  TypeKind = "geohash"
	TypeFloat    TypeKind = "float"
	TypeEmail    TypeKind = "email"
	TypeIP       TypeKind = "ip"
	TypeMAC      TypeKind = "mac"
	TypeURL      TypeKind = "url"
	TypePhone    TypeKind = "phone"
	TypeTSs      TypeKind = "ts_s"  // (step)
	TypeTSms     TypeKind = "ts_ms" // (step)
	TypeDate     TypeKind = "date"  // (fmt)
	TypeISOWeek  TypeKind = "isoweek"
	TypeHash     TypeKind = "hash"   // (algo,len,of:field)
	TypeBucket   TypeKind = "bucket" // (n) or (n,of:field)
	TypeRE       TypeKind = "re"     // ("RE2"), anchored
)

// A Type is the set of values that a placeholder takes.
type Type struct {
	Kind     TypeKind
	N        int64    // length, most bytes, or number of buckets; 0 is not given
	Min, Max int64    // of uint
	Step     int64    // of ts_s, in seconds, and ts_ms, in milliseconds
	Values   []string // of enum
	Algo     string   // of hash
	Layout   string   // of date: yyyymmdd, yyyy-mm-dd, …
	Of       string   // field that hash and bucket are made from
	Pattern  string   // of re
	Span     bool     // values may hold separators
}
