package schema

import (
	"fmt"
	"strconv"
	"strings"
)

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

// String returns the text of the type, from which ParseType makes the same type. Span is no part of it.
func (t Type) String() string {
	switch t.Kind {
	case TypeEnum:
		values := make([]string, len(t.Values))
		for i, v := range t.Values {
			values[i] = enumValue(v)
		}
		return "enum[" + strings.Join(values, ",") + "]"
	case TypeRE:
		return `re("` + quotePattern(t.Pattern) + `")`
	}
	if args := t.args(); len(args) > 0 {
		return string(t.Kind) + "(" + strings.Join(args, ",") + ")"
	}
	return string(t.Kind)
}

// args returns the arguments in the order in which they are written.
func (t Type) args() []string {
	var args []string
	if t.Algo != "" {
		args = append(args, t.Algo)
	}
	if t.Max != 0 {
		args = append(args, strconv.FormatInt(t.Min, 10), strconv.FormatInt(t.Max, 10))
	}
	if n := t.N + t.Step; n != 0 { // no type has both
		args = append(args, strconv.FormatInt(n, 10))
	}
	if t.Layout != "" {
		args = append(args, t.Layout)
	}
	if t.Of != "" {
		args = append(args, "of:"+t.Of)
	}
	return args
}

// enumValue writes a value of an enum, in quotes if it holds what has a meaning in keys.
func enumValue(v string) string {
	if v == "" || strings.ContainsAny(v, `,[]{}"\ `) || !printable(v) {
		return strconv.Quote(v)
	}
	return v
}

func printable(s string) bool {
	for _, r := range s {
		if !strconv.IsPrint(r) || r == '\uFFFD' {
			return false
		}
	}
	return true
}

// quotePattern escapes the quotes of a pattern that are not escaped yet, which does not change what it matches.
func quotePattern(p string) string {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch {
		case p[i] == '\\' && i+1 < len(p):
			b.WriteByte(p[i])
			i++
		case p[i] == '"':
			b.WriteByte('\\')
		}
		b.WriteByte(p[i])
	}
	return b.String()
}

// kindNames returns the names of all types.
func kindNames() []string {
	var names []string
	for _, k := range TypeKinds() {
		names = append(names, string(k))
	}
	return names
}

// TypeKinds returns all types.
func TypeKinds() []TypeKind {
	return []TypeKind{
		TypeInt, TypeUint, TypeSeq, TypeHex, TypeObjectID, TypeUUID, TypeULID, TypeStr, TypeWord, TypeSlug, TypeEnum, TypeBin,
		TypeJSON, TypeOpaque, TypeGeohash, TypeFloat, TypeEmail, TypeIP, TypeMAC, TypeURL, TypePhone, TypeTSs, TypeTSms,
		TypeDate, TypeISOWeek, TypeHash, TypeBucket, TypeRE,
	}
}

// maxLength is the longest value whose length a type may give: the most repetitions that RE2 knows.
const maxLength = 1000

// digests are the hashes, and how many hex digits each has.
func digests() map[string]int64 {
	return map[string]int64{"md5": 32, "sha1": 40, "sha256": 64, "xxh3": 16, "crc32": 8}
}

// setArgs reads the arguments of a type that has them in parentheses.
func (t *Type) setArgs(args []string) error {
	switch t.Kind {
	case TypeHex, TypeStr, TypeBin, TypeOpaque, TypeGeohash:
		return t.integers(args, maxLength, &t.N)
	case TypeTSs, TypeTSms:
		return t.integers(args, 1<<50, &t.Step)
	case TypeUint:
		return t.setRange(args)
	case TypeDate:
		return t.setLayout(args)
	case TypeHash:
		return t.setHash(args)
	case TypeBucket:
		if len(args) > 1 {
			if err := t.setOf(args[1]); err != nil {
				return err
			}
			args = args[:1]
		}
		return t.integers(args, 1<<50, &t.N)
	}
	if t.Kind == TypeInt {
		return fmt.Errorf("int has no arguments: uint(min,max) has")
	}
	return fmt.Errorf("%s has no arguments", t.Kind)
}

// integers reads as many numbers from 1 to most as there are places for.
func (t *Type) integers(args []string, most int64, places ...*int64) error {
	if len(args) != len(places) {
		return fmt.Errorf("%s: want %d number in the parentheses", t.Kind, len(places))
	}
	for i, a := range args {
		n, err := strconv.ParseInt(a, 10, 64)
		if err != nil || n < 1 || n > most {
			return fmt.Errorf("%s(%s): want a number from 1 to %d", t.Kind, a, most)
		}
		*places[i] = n
	}
	return nil
}

func (t *Type) setRange(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("uint: want (min,max)")
	}
	lo, err := strconv.ParseUint(args[0], 10, 63)
	hi, err2 := strconv.ParseUint(args[1], 10, 63)
	if err != nil || err2 != nil || hi == 0 || lo > hi {
		return fmt.Errorf("uint(%s,%s): want two whole numbers, the smaller first", args[0], args[1])
	}
	t.Min, t.Max = int64(lo), int64(hi)
	return nil
}

func (t *Type) setLayout(args []string) error {
	t.Layout = strings.Join(args, ",")
	if _, ok := layoutRegexp(t.Layout); !ok {
		return fmt.Errorf("date(%s): want yyyy, mm, dd, hh, mm and ss in this order, such as date(yyyymmdd)", t.Layout)
	}
	return nil
}

func (t *Type) setHash(args []string) error {
	t.Algo = args[0]
	full, ok := digests()[t.Algo]
	if !ok {
		return fmt.Errorf("hash(%s): want md5, sha1, sha256, xxh3 or crc32", t.Algo)
	}
	args = args[1:]
	if len(args) > 0 && !strings.HasPrefix(args[0], "of:") {
		if err := t.integers(args[:1], full, &t.N); err != nil {
			return fmt.Errorf("hash(%s,%s): %s has %d digits", t.Algo, args[0], t.Algo, full)
		}
		args = args[1:]
	}
	if len(args) > 1 {
		return fmt.Errorf("hash: want (algo,len,of:field)")
	}
	if len(args) == 1 {
		return t.setOf(args[0])
	}
	return nil
}

func (t *Type) setOf(arg string) error {
	of, ok := strings.CutPrefix(arg, "of:")
	if !ok || !isName(of) {
		return fmt.Errorf("%s: %s: want of:FIELD", t.Kind, arg)
	}
	t.Of = of
	return nil
}

// complete checks what a type without arguments lacks.
func (t *Type) complete() error {
	switch {
	case t.Kind == TypeHash && t.Algo == "":
		return fmt.Errorf("hash: want (algo), such as hash(sha256)")
	case t.Kind == TypeBucket && t.N == 0:
		return fmt.Errorf("bucket: want (n), the number of buckets")
	}
	return nil
}
