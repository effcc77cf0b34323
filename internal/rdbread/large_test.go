package rdbread

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// repeated gives the same bytes n times, so that a dump of any size needs no room.
func repeated(p []byte, n int64) io.Reader {
	return io.LimitReader(&loop{p: p}, int64(len(p))*n)
}

type loop struct {
	p  []byte
	at int
}

func (l *loop) Read(b []byte) (int, error) {
	n := 0
	for n < len(b) {
		m := copy(b[n:], l.p[l.at:])
		n += m
		l.at = (l.at + m) % len(l.p)
	}
	return n, nil
}

// TestLargestKeys reads keys that are far larger than what may be held, with all that can be wanted of them: a list of
// many nodes, a hash of a million elements, long strings as they are and compressed, a block that fits in no window. What is
// allocated is that much and no more, whatever their size; with KVTOOL_SOAK the list alone has 2 GB.
func TestLargestKeys(t *testing.T) {
	scale := int64(16)
	if soak() {
		scale = 1
	}
	var d []io.Reader
	size := int64(0)
	add := func(r io.Reader, n int64) { d, size = append(d, r), size+n }
	head := func(code byte, name string, rest ...any) {
		b := append(append([]byte{code}, str(name)...), parts(rest...)...)
		add(bytes.NewReader(b), int64(len(b)))
	}
	body := func(p []byte, n int64) { add(repeated(p, n), int64(len(p))*n) }

	magic := newDump(11).raw()
	add(bytes.NewReader(magic), int64(len(magic)))
	node := parts(2, string(listpackEntry(string(bytes.Repeat([]byte("item"), 2040)))))
	nodes := (2 << 30) / int64(len(node)) / scale
	head(18, "list", int(nodes))
	body(node, nodes)
	fields := 1_000_000 / scale
	head(4, "hash", int(fields))
	body(parts("field name", "a value of some length"), fields)
	for i := range 64 { // so that some names are those of which a digest is taken
		n := int64(64<<20) / scale / 16
		name := string(rune('A' + i))
		head(0, "raw "+name, int(n))
		body([]byte("x"), n)
		run := []byte{0, 'y', 0xe0, 255, 0} // a literal, and the same 264 times more
		head(0, "lzf "+name, []byte{0xc3}, int(n/32*5), int(n/32*265))
		body(run, n/32)
	}
	entry := []byte{0x81, 'z', 2, 0x82, 'z', 'z', 3}
	entries := int64(1<<20) / scale
	lp := binary.LittleEndian.AppendUint32(nil, uint32(6+int64(len(entry))*entries+1))
	lp = append(lp, 0xff, 0xff) // more than it can count
	head(16, "block", int(6+int64(len(entry))*entries+1), lp)
	body(entry, entries)
	add(bytes.NewReader([]byte{0xff, opEOF}), 2)
	add(bytes.NewReader(make([]byte, 8)), 8) // no checksum

	before := allocated()
	found, unlike := int64(0), int64(0)
	tell := func(_ int, a kv.Answer, _ []byte) {
		switch a {
		case kv.Found:
			found++
		case kv.Unlike:
			unlike++
		}
	}
	members := func(kv.Name) []kv.Ask { return []kv.Ask{{Part: kv.ContentMembers}} }
	got, sum, err := readAll(io.MultiReader(d...), Options{Size: size, Wish: Wish{Want: kv.AllFields, Values: members, Tell: tell}})
	took := allocated() - before
	if err != nil || len(got) != 3+2*64 {
		t.Fatal(len(got), err)
	}
	if sum.Checksum != ChecksumZero || got[0].Len != nodes || got[0].Largest != 8160 || got[1].Len != fields {
		t.Errorf("%+v", got[:2])
	}
	if r := got[len(got)-1]; r.Len != entries || r.Largest != 2 {
		t.Errorf("%+v", r)
	}
	if found != fields+entries || unlike != nodes+2*64 { // an item is too long for a name, and a string has no members
		t.Errorf("%d texts and %d that are none, want %d and %d", found, unlike, fields+entries, nodes+2*64)
	}
	digests := map[uint64]int{}
	for _, r := range got[2 : len(got)-1] {
		if r.Has(kv.FieldDigest) {
			digests[r.Digest]++
		}
	}
	if len(digests) != 2 {
		t.Errorf("%d digests of two values", len(digests))
	}
	if took > 4<<20 {
		t.Errorf("%d bytes allocated for a dump of %d", took, size)
	}
	t.Logf("dump of %d MiB, %d KiB allocated", size>>20, took>>10)
}
