package rdbread

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// textsOf reads a dump and writes down what is told: "key ask answer text".
func textsOf(t testing.TB, in io.Reader, asks []kv.Ask) []string {
	t.Helper()
	var told []string
	var key string
	_, _, err := readAll(in, Options{Wish: Wish{
		Values: func(n kv.Name) []kv.Ask { key = n.Key; return asks },
		Tell: func(i int, a kv.Answer, text []byte) {
			if len(text) > 99 {
				text = fmt.Appendf(nil, "%d bytes", len(text))
			}
			told = append(told, strings.TrimSpace(fmt.Sprintf("%s %d %s %s", key, i, [...]string{"found", "lost", "unlike"}[a], text)))
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return told
}

// each is a dump read in every way in which it may lie in the window.
func each(file []byte) map[string]io.Reader {
	return map[string]io.Reader{
		"whole": bytes.NewReader(file), "halves": iotest.HalfReader(bytes.NewReader(file)), "one byte": iotest.OneByteReader(bytes.NewReader(file)),
	}
}

var valueMembersField = []kv.Ask{{Part: kv.ContentValue}, {Part: kv.ContentMembers}, {Part: kv.ContentField, Text: "f"}}

// What is asked of each type is answered as a server would: what a type has not is unlike, a field that is not there is lost.
func TestTextsByType(t *testing.T) {
	doc := `{"f":"` + strings.Repeat("x", 90) + `","pad":"` + strings.Repeat("y", 300<<10) + `"}`
	le8 := func(n uint64) []byte { return binary.LittleEndian.AppendUint64(nil, n) }
	file := newDump(12).opcode(opAux, parts("ctime", "1000")).
		key(0, "text", str("v")).
		key(0, "number", []byte{0xc1, 0x39, 0x30}).
		key(0, "empty", str("")).
		key(0, "long", str(strings.Repeat("v", kv.LongestText+1))).
		key(0, "document", str(doc)).
		key(0, "packed", packLZF([]byte(doc))).
		key(0, "too long", str(strings.Repeat("v", kv.LongestDocument+1))).
		key(4, "hash", parts(2, "f", "1", "g", []byte{0xc0, 0xfe})).
		key(4, "without", parts(1, "g", "2")).
		key(4, "far", parts(1, "f", strings.Repeat("v", kv.LongestText+1))).
		key(2, "set", parts(2, "m", strings.Repeat("m", kv.LongestText+1))).
		key(15, "stream", parts(0, 0, 0, 0, 0)).
		opcode(opExpiry, le8(999_999)).key(0, "expired", str("v")).
		key(24, "fields", parts(le8(999_000), 3, 1, "f", "1", 1001, "g", "2", 0, "h", "3")). // at 999,000, 1,000,000 and never
		key(25, "packed fields", parts(le8(1), string(listpackOf(false, "f", "1", "999999", "g", "2", "1000000", "h", "3", "0")))).
		end()
	want := []string{
		"text 1 unlike", "text 0 found v", "text 2 unlike",
		"number 1 unlike", "number 0 found 12345", "number 2 unlike",
		"empty 1 unlike", "empty 0 lost", "empty 2 lost",
		"long 1 unlike", "long 0 unlike", "long 2 unlike",
		"document 1 unlike", "document 0 unlike", "document 2 found " + strings.Repeat("x", 90),
		"packed 1 unlike", "packed 0 unlike", "packed 2 found " + strings.Repeat("x", 90),
		"too long 1 unlike", "too long 0 unlike", "too long 2 unlike",
		"hash 0 unlike", "hash 1 found f", "hash 2 found 1", "hash 1 found g",
		"without 0 unlike", "without 1 found g", "without 2 lost",
		"far 0 unlike", "far 1 found f", "far 2 unlike",
		"set 0 unlike", "set 2 unlike", "set 1 found m", "set 1 unlike",
		"stream 0 unlike", "stream 1 unlike", "stream 2 unlike",
		"fields 0 unlike", "fields 1 found g", "fields 1 found h", "fields 2 lost",
		"packed fields 0 unlike", "packed fields 1 found g", "packed fields 1 found h", "packed fields 2 lost",
	}
	for name, in := range each(file) {
		if got := textsOf(t, in, valueMembersField); !slices.Equal(got, want) {
			t.Errorf("%s:\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

// Code 22 as Valkey 9 writes it: an expiry behind each value.
func TestTextsOfValkeyHash(t *testing.T) {
	file := newDump(11)
	file.Reset()
	file.WriteString("VALKEY080")
	file.opcode(opAux, parts("ctime", "1000")).key(22, "k", parts(2,
		"f", "1", binary.LittleEndian.AppendUint64(nil, 999_999), "g", "2", bytes.Repeat([]byte{0xff}, 8)))
	for name, in := range each(file.end()) {
		if got, want := textsOf(t, in, valueMembersField[1:]), []string{"k 0 found g", "k 1 lost"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// packedNumber is a number as an entry of a listpack, in the fewest bytes.
func packedNumber(v int64) []byte {
	switch {
	case v >= 0 && v < 128:
		return []byte{byte(v)}
	case v >= -4096 && v < 4096:
		return []byte{0xc0 | byte(uint16(v)>>8)&0x1f, byte(v)}
	case v >= -1<<15 && v < 1<<15:
		return binary.LittleEndian.AppendUint16([]byte{0xf1}, uint16(v))
	case v >= -1<<23 && v < 1<<23:
		return append([]byte{0xf2}, binary.LittleEndian.AppendUint32(nil, uint32(v))[:3]...)
	case v >= -1<<31 && v < 1<<31:
		return binary.LittleEndian.AppendUint32([]byte{0xf3}, uint32(v))
	}
	return binary.LittleEndian.AppendUint64([]byte{0xf4}, uint64(v))
}

func zippedNumber(v int64) []byte {
	switch {
	case v >= 0 && v <= 12:
		return []byte{0xf1 + byte(v)}
	case v >= -128 && v < 128:
		return []byte{0xfe, byte(v)}
	case v >= -1<<15 && v < 1<<15:
		return binary.LittleEndian.AppendUint16([]byte{0xc0}, uint16(v))
	case v >= -1<<23 && v < 1<<23:
		return append([]byte{0xf0}, binary.LittleEndian.AppendUint32(nil, uint32(v))[:3]...)
	case v >= -1<<31 && v < 1<<31:
		return binary.LittleEndian.AppendUint32([]byte{0xd0}, uint32(v))
	}
	return binary.LittleEndian.AppendUint64([]byte{0xe0}, uint64(v))
}

// blockOf packs numbers and texts into a listpack or a ziplist.
func blockOf(ziplist bool, items []any) []byte {
	var body []byte
	prev := 0
	for _, it := range items {
		var e []byte
		switch v := it.(type) {
		case int64:
			if e = packedNumber(v); ziplist {
				e = zippedNumber(v)
			}
		case string:
			switch n := len(v); {
			case n < 64 && ziplist:
				e = append([]byte{byte(n)}, v...)
			case n < 64:
				e = append([]byte{0x80 | byte(n)}, v...)
			case ziplist && n < 1<<14:
				e = append([]byte{0x40 | byte(n>>8), byte(n)}, v...)
			case ziplist:
				e = append(binary.BigEndian.AppendUint32([]byte{0x80}, uint32(n)), v...)
			case n < 1<<12:
				e = append([]byte{0xe0 | byte(n>>8), byte(n)}, v...)
			default:
				e = append(binary.LittleEndian.AppendUint32([]byte{0xf0}, uint32(n)), v...)
			}
		}
		if !ziplist {
			body = append(append(body, e...), make([]byte, memory.Backlen(int64(len(e))))...) // nobody walks backwards
			continue
		}
		if prev < 254 {
			e = append([]byte{byte(prev)}, e...)
		} else {
			e = append(binary.LittleEndian.AppendUint32([]byte{0xfe}, uint32(prev)), e...)
		}
		prev = len(e)
		body = append(body, e...)
	}
	if ziplist {
		b := binary.LittleEndian.AppendUint32(nil, uint32(10+len(body)+1))
		b = binary.LittleEndian.AppendUint16(append(b, 10, 0, 0, 0), uint16(len(items)))
		return append(append(b, body...), 0xff)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(6+len(body)+1))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(items)))
	return append(append(b, body...), 0xff)
}

// TestTextsOfBlocks puts what a rapid test draws into every form that a collection of texts has, and reads it out of each.
func TestTextsOfBlocks(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var items []any
		var want []string
		n := 2 * rapid.IntRange(1, 12).Draw(rt, "pairs")
		for range n {
			if rapid.Bool().Draw(rt, "number") {
				v := rapid.OneOf(rapid.Int64Range(-200, 200), rapid.Int64Range(-1<<24, 1<<24), rapid.Int64()).Draw(rt, "v")
				items, want = append(items, v), append(want, fmt.Sprint(v))
				continue
			}
			v := strings.Repeat("x", rapid.SampledFrom([]int{0, 1, 20, 63, 64, 300, 4096, 5000, 140_000}).Draw(rt, "length"))
			items, want = append(items, v), append(want, v)
		}
		var texts []any
		for _, w := range want {
			texts = append(texts, w)
		}
		quick := parts(2, 2, string(blockOf(false, items[:n/2])), 2, string(blockOf(false, items[n/2:])))
		file := newDump(11).
			key(1, "list", parts(append([]any{n}, texts...)...)).
			key(2, "set", parts(append([]any{n}, texts...)...)).
			key(20, "listpack", str(string(blockOf(false, items)))).
			key(20, "packed", packLZF(blockOf(false, items))).
			key(10, "ziplist", str(string(blockOf(true, items)))).
			key(10, "packed ziplist", packLZF(blockOf(true, items))).
			key(18, "nodes", quick).
			key(16, "hash", str(string(blockOf(false, items)))).
			key(17, "sorted", str(string(blockOf(false, items)))).
			end()
		got := map[string][]string{}
		key := ""
		_, _, err := readAll(bytes.NewReader(file), Options{Wish: Wish{
			Values: func(n kv.Name) []kv.Ask { key = n.Key; return []kv.Ask{{Part: kv.ContentMembers}} },
			Tell: func(_ int, a kv.Answer, text []byte) {
				if a != kv.Found {
					text = []byte("too long")
				}
				got[key] = append(got[key], string(text))
			},
		}})
		if err != nil {
			rt.Fatal(err)
		}
		var firsts []string
		for i, w := range want {
			if len(w) > kv.LongestText {
				want[i] = "too long"
			}
			if i%2 == 0 {
				firsts = append(firsts, want[i])
			}
		}
		for _, k := range []string{"list", "set", "listpack", "packed", "ziplist", "packed ziplist", "nodes"} {
			if !slices.Equal(got[k], want) {
				rt.Fatalf("%s: %.300q, want %.300q", k, got[k], want)
			}
		}
		for _, k := range []string{"hash", "sorted"} {
			if !slices.Equal(got[k], firsts) {
				rt.Fatalf("%s: %.300q, want %.300q", k, got[k], firsts)
			}
		}
	})
}

// The numbers of an intset, of each width.
func TestTextsOfIntset(t *testing.T) {
	for width, put := range map[byte]func([]byte, int64) []byte{
		2: func(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint16(b, uint16(v)) },
		4: func(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint32(b, uint32(v)) },
		8: func(b []byte, v int64) []byte { return binary.LittleEndian.AppendUint64(b, uint64(v)) },
	} {
		b := []byte{width, 0, 0, 0, 3, 0, 0, 0}
		for _, v := range []int64{-30000, 0, 7} {
			b = put(b, v)
		}
		for _, stored := range [][]byte{str(string(b)), packLZF(b)} {
			got := textsOf(t, bytes.NewReader(newDump(9).key(11, "k", stored).end()), valueMembersField[1:2])
			if want := []string{"k 0 found -30000", "k 0 found 0", "k 0 found 7"}; !slices.Equal(got, want) {
				t.Errorf("width %d: %q", width, got)
			}
		}
	}
}
