package rdbread

import (
	"bytes"
	"errors"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// FuzzWalk reads anything as a dump: it ends, with a sum of sizes that is not negative, and says what is wrong.
func FuzzWalk(f *testing.F) {
	for _, b := range small(f) {
		if len(b) < 4096 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, opt := range []Options{{}, {Size: int64(len(b)), NoChecksum: true, Live: true, Match: "*a[^b]*"}} {
			got, _, err := readAll(bytes.NewReader(b), opt)
			if err != nil && !errors.Is(err, kv.ErrCorrupt) && !errors.Is(err, kv.ErrUsage) {
				t.Fatal(err)
			}
			for _, r := range got {
				if r.Size < 0 || r.Len < 0 || r.Type == "" {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}

// fuzzBlob reads b as a block through read, raw and from an LZF string, with and without its own count.
func fuzzBlob(f *testing.F, seeds [][]byte, read func(*window) (n, size int64)) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		raw := newWindow(bytes.NewReader(str(string(b))), -1)
		n, size := read(raw)
		packed := newWindow(bytes.NewReader(packLZF(b)), -1)
		n2, size2 := read(packed)
		if (raw.err == nil) != (packed.err == nil) {
			t.Fatalf("raw: %v, packed: %v", raw.err, packed.err)
		}
		if raw.err == nil && (n != n2 || size != size2 || size != int64(len(b)) || n < 0) {
			t.Fatalf("raw: %d of %d, packed: %d of %d", n, size, n2, size2)
		}
		if raw.err == nil && (raw.need(1) || packed.need(1)) {
			t.Fatal("something is left")
		}
	})
}

func FuzzListpack(f *testing.F) {
	fuzzBlob(f, [][]byte{listpackOf(false, "a", "b"), listpackOf(true, "a", "b")}, (*window).listpack)
}

func FuzzZiplist(f *testing.F) {
	fuzzBlob(f, [][]byte{ziplistOf(false, "a", "b"), ziplistOf(true, "a", "b")}, (*window).ziplist)
}

func FuzzZipmap(f *testing.F) {
	fuzzBlob(f, [][]byte{zipmapOf(false, "a", "b"), zipmapOf(true, "a", "b")}, (*window).zipmap)
}

func FuzzIntset(f *testing.F) {
	fuzzBlob(f, [][]byte{{2, 0, 0, 0, 1, 0, 0, 0, 7, 0}}, (*window).intset)
}

// FuzzStream reads the body of a stream.
func FuzzStream(f *testing.F) {
	id := "0123456789abcdef"
	f.Add(parts(1, id, string(listpackOf(false, "a")), 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, "g", 1, 1, 1, 1, []byte(id), []byte("12345678"), 1, 1, "c", []byte("12345678"), []byte("12345678"), 1, []byte(id)), 3)
	f.Fuzz(func(t *testing.T, b []byte, v int) {
		d := newDump(11).key([]byte{15, 19, 21}[uint(v)%3], "k", b).end()
		if got, _, err := readAll(bytes.NewReader(d), Options{}); err == nil && len(got) > 0 && got[0].Size < 0 {
			t.Fatalf("%+v", got)
		}
	})
}

// FuzzLZF compares the two ways to expand, and what was packed with what comes out.
func FuzzLZF(f *testing.F) {
	f.Add([]byte{2, 'a', 'b', 'c', 0x20, 0}, []byte("aaaaaaaaaaaaaaaaaaaaaaaaaabc"))
	f.Fuzz(func(t *testing.T, stored, plain []byte) {
		dst := make([]byte, 1<<12)
		n, ok := expand(dst, stored)
		slow := slowly(stored, n)
		if ok && !bytes.Equal(dst[:n], slow) {
			t.Fatalf("%x, and slowly %x", dst[:n], slow)
		}
		if len(plain) == 0 {
			return
		}
		w := newWindow(bytes.NewReader(packLZF(plain)), -1)
		b := w.blob()
		in := w.open(b)
		out := make([]byte, 0, len(plain))
		for range b.size {
			out = append(out, in.byte())
		}
		if w.err != nil || !bytes.Equal(out, plain) {
			t.Fatalf("%q came back as %q: %v", plain, out, w.err)
		}
	})
}

// slowly expands the first n bytes one by one.
func slowly(stored []byte, n int) []byte {
	w := newWindow(bytes.NewReader(stored), -1)
	in := w.open(blob{size: int64(n), stored: int64(len(stored)), packed: true})
	out := make([]byte, 0, n)
	for range n {
		out = append(out, in.byte())
	}
	if w.err != nil {
		return nil
	}
	return out
}
