package rdbread

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kvtool/kvtool/kv"
)

// TestBodies reads values as they are in the file, however they lie in the window, and names of any length.
func TestBodies(t *testing.T) {
	type entry struct {
		code byte
		name string
		body []byte
	}
	large := strings.Repeat("0123456789abcdef", 40<<10) // more than a window
	stream := parts(0, 0, 0, 0, 0)
	entries := []entry{
		{0, "small", str("v")},
		{0, "large", str(large)},
		{15, "stream", stream},
		{4, "hash", parts(2, "f", large, "g", "w")},
		{1, "list", parts(3, "a", large, large)},
		{17, "packed", packLZF(listpackOf(false, "a", "1", "b", "2"))},
		{0, large, []byte{0xc0, 7}},
		{2, "last", parts(1, "m")},
	}
	d := newDump(9)
	for _, e := range entries {
		d.key(e.code, e.name, e.body)
	}
	file := d.end()
	for name, src := range map[string]io.Reader{
		"whole": bytes.NewReader(file), "halves": iotest.HalfReader(bytes.NewReader(file)), "one byte": iotest.OneByteReader(bytes.NewReader(file)),
	} {
		r, err := NewReader(src, Options{Bodies: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			rec, err := r.Next()
			if err != nil {
				t.Fatal(name, err)
			}
			want := e.body
			if rec.Type == kv.TypeStream {
				want = nil
			}
			if code, body := r.Body(); rec.Key != e.name || code != e.code || !bytes.Equal(body, want) {
				t.Fatalf("%s: %.20q, code %d and %d bytes, want %.20q, %d and %d", name, rec.Key, code, len(body), e.name, e.code, len(want))
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Fatal(name, err)
		}
	}
	r, err := NewReader(bytes.NewReader(file), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if _, body := r.Body(); body != nil {
		t.Errorf("%q was kept although nobody asked for it", body)
	}
}
