package kv

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
)

// A Name is a key of a logical database.
type Name struct {
	DB  int
	Key string
}

// A Getter looks keys up by their names. Nothing that it asks counts as an access of the key.
type Getter interface {
	// Get asks for the facts of want, in the order of names, and calls fn for each in that order, with nil where there is no such
	// key. The record is valid during the call. Names with nothing wanted but FieldName are asked whether they exist. Of a cluster
	// the primaries are asked: a replica may not have heard yet.
	Get(ctx context.Context, want Field, names []Name, fn func(i int, r *Record)) error
}

// A Content says which texts of a value are meant.
type Content uint8

// The contents of a value.
const (
	ContentNone    Content = iota
	ContentValue           // the whole of a string
	ContentField           // a field of a hash, or of a string that is a JSON object
	ContentMembers         // each member of a set or a sorted set, element of a list, field name of a hash
	ContentHas             // whether it has such a member
)

// An Ask is a question about a value.
type Ask struct {
	Name
	Part Content
	Text string // ContentField: the field. ContentHas: the member
}

// An Answer is how a question about a value was answered.
type Answer uint8

// The answers. Lost is the answer where what was asked for was there once and the key or its part is not.
const (
	Found     Answer = iota // with a text
	Lost                    // no such key, field or member
	Unlike                  // a value of a type that has no such part
	Forbidden               // this user may not read it
)

// A ValueReader reads texts out of values.
type ValueReader interface {
	// ReadValues answers asks in their order. It calls fn for each text that is found, once with any other answer, and not at all
	// for an empty collection. The text is valid during the call.
	ReadValues(ctx context.Context, asks []Ask, fn func(i int, a Answer, text []byte)) error
	// Touches says what reading values does to the store besides: "" is nothing.
	Touches(ctx context.Context) (string, error)
}

// Bounds of the texts that are read of values, in bytes: a name is no longer than the one, and a document that has a field no
// longer than the other. What is longer is answered with Unlike, and not fetched.
const (
	LongestText     = 4 << 10
	LongestDocument = 1 << 20
)

// A ValueScanner reads texts of values in the pass that reads the records: of what can be read from front to back alone.
type ValueScanner interface {
	// ScanValues is Scan that asks want, before each record, what of that key's value is wanted, and tells the answers to tell as
	// ReadValues does; then the record comes. Nothing is asked of a key that has expired, nor by ContentHas. Both are called from
	// the goroutine that consumes the scan. The Name of an ask is not looked at, and the asks may change once the record has come.
	ScanValues(ctx context.Context, opt ScanOptions, want func(Name) []Ask, tell func(i int, a Answer, text []byte)) iter.Seq2[*Record, error]
}

// GetterOf returns s as a Getter. The error is errors.ErrUnsupported where it is none.
func GetterOf(s Store) (Getter, error) {
	if g, ok := s.(Getter); ok {
		return g, nil
	}
	return nil, &kindError{errors.New("this kind of target cannot be asked about one key"), errors.ErrUnsupported}
}

// ValueReaderOf returns s as a ValueReader. The error is errors.ErrUnsupported where it is none.
func ValueReaderOf(s Store) (ValueReader, error) {
	if v, ok := s.(ValueReader); ok {
		return v, nil
	}
	return nil, &kindError{errors.New("the values of this kind of target are not read"), errors.ErrUnsupported}
}

// ValueScannerOf returns s as a ValueScanner. The error is errors.ErrUnsupported where it is none.
func ValueScannerOf(s Store) (ValueScanner, error) {
	if v, ok := s.(ValueScanner); ok {
		return v, nil
	}
	return nil, &kindError{errors.New("the values of this kind of target are not read"), errors.ErrUnsupported}
}

// JSONField returns the text of a field of a JSON object, by a path of names: "user.id". Numbers are as they are written.
func JSONField(doc []byte, path string) ([]byte, Answer) {
	if len(doc) == 0 {
		return nil, Lost
	}
	raw := json.RawMessage(doc)
	for name := range strings.SplitSeq(path, ".") {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil, Unlike
		}
		value, ok := object[name]
		if !ok || string(value) == "null" {
			return nil, Lost
		}
		raw = value
	}
	var text string
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return []byte(text), Found
	case raw[0] == '{' || raw[0] == '[':
		return nil, Unlike
	}
	return raw, Found
}
