package rdbread

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/lzf"
	"github.com/kvtool/kvtool/kv"
)

// FuzzWalk reads anything as a dump: it ends, with a sum of sizes that is not negative, and says what is wrong.
func FuzzWalk(f *testing.F) {
	for _, b := range small(f) {
		if len(b) < 4096 {
			f.Add(b)
		}
	}
	buf := make([]byte, maxNeed) // a fuzzing process runs one input at a time
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, opt := range []Options{{}, {Size: int64(len(b)), NoChecksum: true, Live: true, Wish: Wish{Match: "*a[^b]*"}}, {Wish: Wish{Want: kv.AllFields}}, everything(len(b), nil)} {
			opt.buf = buf
			got, _, err := readAll(bytes.NewReader(b), opt)
			if err != nil && !errors.Is(err, kv.ErrCorrupt) && !errors.Is(err, kv.ErrUsage) {
				t.Fatal(err)
			}
			for _, r := range got {
				if r.Size < 0 || r.Len < 0 || r.Type == "" || r.Largest < 0 || r.Logical < 0 || r.Stored < 0 || r.Pending < 0 || r.Idle < 0 {
					t.Fatalf("%+v", r)
				}
			}
		}
	})
}

// fuzzBlob reads b as a block through read: raw and from an LZF string, by its own count and walked, whole in the window
// and byte by byte. All ways must agree, except that a walk may find damage that a look at the head cannot.
func fuzzBlob(f *testing.F, seeds [][]byte, read func(*window) (n, size int64), slow func(*blobReader, *entries)) {
	for _, s := range seeds {
		f.Add(s)
	}
	buf := make([]byte, maxNeed) // a fuzzing process runs one input at a time
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		var n, longest [4]int64
		var errs [4]error
		for i := range 4 {
			stored := str(string(b))
			if i%2 == 1 {
				stored = packLZF(b)
			}
			w := newWindow(bytes.NewReader(stored), -1, buf)
			w.inside, w.longest = i >= 2, -1
			var size int64
			n[i], size = read(w)
			longest[i], errs[i] = w.longest, w.err
			if w.err == nil && (size != int64(len(b)) || n[i] < 0 || w.need(1)) {
				t.Fatalf("way %d: %d entries, %d bytes of %d", i, n[i], size, len(b))
			}
		}
		for i := range 4 {
			if (errs[i] == nil) != (errs[i&2] == nil) || errs[i] == nil && (n[i] != n[0] || longest[i] != longest[i&2]) {
				t.Fatalf("%d, %d, %v", n, longest, errs)
			}
		}
		if slow == nil || errs[2] != nil {
			return
		}
		w := newWindow(bytes.NewReader(b), -1, buf)
		e := entries{longest: -1}
		slow(w.open(blob{size: int64(len(b)), stored: int64(len(b))}), &e)
		if w.err != nil || e.longest != longest[2] {
			t.Fatalf("slowly %d, else %d: %v", e.longest, longest[2], w.err)
		}
	})
}

func FuzzListpack(f *testing.F) {
	fuzzBlob(f, [][]byte{listpackOf(false, "a", "b"), listpackOf(true, "a", "b"), listpackOf(false, strings.Repeat("c", 63))},
		func(w *window) (n, size int64) { return w.listpack(allEntries) }, (*blobReader).countListpack)
}

func FuzzZiplist(f *testing.F) {
	fuzzBlob(f, [][]byte{ziplistOf(false, "a", "b"), ziplistOf(true, "a", "b"), ziplistOf(false, strings.Repeat("c", 63))},
		func(w *window) (n, size int64) { return w.ziplist(allEntries) }, (*blobReader).countZiplist)
}

func FuzzZipmap(f *testing.F) {
	fuzzBlob(f, [][]byte{zipmapOf(false, "a", "b"), zipmapOf(true, "a", "b")}, (*window).zipmap, (*blobReader).countZipmap)
}

func FuzzIntset(f *testing.F) {
	fuzzBlob(f, [][]byte{{2, 0, 0, 0, 1, 0, 0, 0, 7, 0}}, (*window).intset, nil)
}

// FuzzStream reads the body of a stream.
func FuzzStream(f *testing.F) {
	id := "0123456789abcdef"
	f.Add(parts(1, id, string(listpackOf(false, "a")), 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, "g", 1, 1, 1, 1, []byte(id), []byte("12345678"), 1, 1, "c", []byte("12345678"), []byte("12345678"), 1, []byte(id)), 3)
	buf := make([]byte, maxNeed)
	f.Fuzz(func(t *testing.T, b []byte, v int) {
		d := newDump(11).key([]byte{15, 19, 21}[uint(v)%3], "k", b).end()
		if got, _, err := readAll(bytes.NewReader(d), Options{buf: buf, Wish: Wish{Want: kv.AllFields}}); err == nil && len(got) > 0 && got[0].Size < 0 {
			t.Fatalf("%+v", got)
		}
	})
}

// FuzzLZF compares the two ways to expand, and what was packed with what comes out.
func FuzzLZF(f *testing.F) {
	f.Add([]byte{2, 'a', 'b', 'c', 0x20, 0}, []byte("aaaaaaaaaaaaaaaaaaaaaaaaaabc"))
	buf := make([]byte, maxNeed)
	f.Fuzz(func(t *testing.T, stored, plain []byte) {
		dst := make([]byte, 1<<12)
		n, ok := lzf.Expand(dst, stored)
		tight := make([]byte, n)
		if m, ok := lzf.Expand(tight[:n:n], stored); ok && (m != n || !bytes.Equal(tight, dst[:n])) {
			t.Fatalf("%x without room, %x with", tight[:m], dst[:n])
		}
		slow := slowly(stored, n, buf)
		if ok && !bytes.Equal(dst[:n], slow) {
			t.Fatalf("%x, and slowly %x", dst[:n], slow)
		}
		if len(plain) == 0 {
			return
		}
		w := newWindow(bytes.NewReader(packLZF(plain)), -1, buf)
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
func slowly(stored []byte, n int, buf []byte) []byte {
	w := newWindow(bytes.NewReader(stored), -1, buf)
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
