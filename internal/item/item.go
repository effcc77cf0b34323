// Package item takes items of DynamoDB apart: lines of DynamoDB JSON and of Ion text, as exports hold them. It owns what an item
// is made of, how many bytes DynamoDB counts for it, and what the value of a TTL attribute means. It knows no files, tables or
// networks.
//
// The one idea is that an item is measured while it is read, front to back and once: of its bytes nothing is kept but the few
// attributes that were asked for by name, which are its key and its TTL.
//
//	{"Item":{"pk":{"S":"USER#1"},"n":{"N":"12"}}} ──▶ size 2+6 + 1+2, 2 attributes, pk = USER#1
//
// Sizes are those of the developer guide ("DynamoDB item sizes and formats"), made exact by comparing with DynamoDB Local.
package item

import "fmt"

// A Kind is the type of an attribute.
type Kind uint8

// The kinds, in the words of the protocol. None is an attribute that is not there.
const (
	None Kind = iota
	S
	N
	B
	BOOL
	NULL
	SS
	NS
	BS
	L
	M
)

func (k Kind) String() string {
	return [...]string{"none", "S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}[k]
}

// Key reports whether an attribute of this kind can be part of a key.
func (k Kind) Key() bool { return k == S || k == N || k == B }

// A Value is an attribute that was asked for. Text is of S its UTF-8, of N its shortest decimal form, of B its bytes; of other
// kinds nothing.
type Value struct {
	Kind Kind
	Text []byte
}

// An Item is what was learned about one item. It may be used again for the next.
type Item struct {
	Size       int64 // bytes by DynamoDB's count, names included, without what storage adds
	Attributes int64 // at the top
	Numbers    int64 // anywhere: the size of each is published as approximate
	Largest    int64 // bytes of the largest attribute, with its name
	Picked     []Value
	// Nested says of each name that was asked for whether it is a name within a map somewhere.
	Nested []bool

	text []byte // what Picked points into where it is not the line
}

func (it *Item) reset(names int) {
	it.Size, it.Attributes, it.Numbers, it.Largest = 0, 0, 0, 0
	it.text = it.text[:0]
	if cap(it.Picked) < names {
		it.Picked, it.Nested = make([]Value, names), make([]bool, names)
	}
	it.Picked, it.Nested = it.Picked[:names], it.Nested[:names]
	clear(it.Picked)
	clear(it.Nested)
}

// A Line is a line of an export: an item, or what became of one.
type Line struct {
	Item           // as it is now; of a deleted one its key alone, and Size is 0
	Change   bool  // of an incremental export
	Deleted  bool  // with Change: it is no more
	Written  int64 // with Change: when, in microseconds of Unix time; 0 if the line does not say
	Previous int64 // with Change: bytes before; 0 if the line does not say or it was not there
	// Keys are the names of the key's attributes, in the order of the line; valid until the next line.
	Keys [][]byte

	keyed Item
	old   Item
}

// deepest is how deep lists and maps may be nested: DynamoDB allows 32 levels.
const deepest = 40

// A SyntaxError says where a line is not what it should be.
type SyntaxError struct {
	Offset int // in the line, in bytes
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// A Reader reads lines. The zero value asks for no attributes. It is for one goroutine.
type Reader struct {
	Names []string // of the attributes to pick, at the top of an item
	// Each, unless it is nil, sees every attribute at the top of an item as it is now. What it is handed is valid during the call.
	Each func(name []byte, v Value)

	b    []byte
	i    int
	it   *Item
	last scalar // the value that was read last
}

// A scalar is where a value stands in the line.
type scalar struct {
	kind    Kind
	raw     []byte
	escaped bool
}

func (r *Reader) fail(what string) error { return &SyntaxError{r.i, what} }

func (r *Reader) begin(line []byte, it *Item) {
	r.b, r.i = line, 0
	r.open(it)
}

// open has what follows measured into it.
func (r *Reader) open(it *Item) {
	it.reset(len(r.Names))
	r.it = it
}

// attribute adds an attribute at the top of the item, by the bytes of its name and of its value.
func (r *Reader) attribute(name, value int64) {
	r.it.Size += name + value
	r.it.Attributes++
	r.it.Largest = max(r.it.Largest, name+value)
}

// pick keeps the attribute that was read last if it is the one of that index, and hands it to Each.
func (r *Reader) pick(index int, name []byte, f form) {
	if index < 0 && r.Each == nil {
		return
	}
	v := Value{Kind: r.last.kind}
	if v.Kind.Key() {
		v.Text = r.text(f)
	}
	if index >= 0 {
		r.it.Picked[index] = v
	}
	if r.Each != nil {
		r.Each(name, v)
	}
}

// index returns which of Names a name is, or -1.
func (r *Reader) index(name []byte) int {
	for i, n := range r.Names {
		if n == string(name) {
			return i
		}
	}
	return -1
}

// within notes a name of a map.
func (r *Reader) within(name []byte) {
	if i := r.index(name); i >= 0 {
		r.it.Nested[i] = true
	}
}

// peek returns the byte that comes next, or 0 at the end.
func (r *Reader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

// Sizes of what holds values, in bytes.
const (
	Container = 3 // a list or a map
	Element   = 1 // each of its elements
)

// Unset is the size of BOOL and NULL.
const Unset = 1

// finish makes of a line with a change what it says of the item now.
func (l *Line) finish(image, keyed bool) error {
	switch {
	case !l.Change && !image:
		return &SyntaxError{0, "no Item"}
	case !l.Change || image:
		return nil
	case !keyed:
		return &SyntaxError{0, "neither NewImage nor Keys"}
	}
	l.Deleted = true
	l.Item, l.keyed = l.keyed, l.Item
	l.Item.Size, l.Item.Numbers, l.Item.Largest = 0, 0, 0
	return nil
}
