package rdbread

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// walkAll reads a dump with all facts wanted, by key.
func walkAll(t *testing.T, d []byte, opt Options) map[string]kv.Record {
	t.Helper()
	if opt.Want == 0 {
		opt.Want = kv.AllFields
	}
	got, _, err := readAll(bytes.NewReader(d), opt)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]kv.Record{}
	for _, r := range got {
		all[r.Key] = r
	}
	return all
}

func TestLargest(t *testing.T) {
	s40 := strings.Repeat("x", 40)
	big := strings.Repeat("y", maxNeed) // with its head, a block that does not fit in one piece
	le8 := make([]byte, 8)
	lpBig := listpackEntry("small", big)
	d := newDump(11).
		key(1, "list", parts(2, "ab", s40)).
		key(2, "set", parts(3, "ab", s40, "c")).
		key(2, "set of one empty member", parts(1, "")).
		key(4, "hash", parts(1, "f", s40)).
		key(5, "zset", parts(2, "a", le8, s40, le8)).
		key(3, "zset text", parts(1, s40, []byte{253})).
		key(16, "hash listpack", str(string(listpackOf(false, "f", s40, "g", "h")))).
		key(17, "zset listpack", str(string(listpackOf(false, "abc", "123.456789", "d", "1")))).
		key(20, "set listpack, packed", packLZF(listpackOf(false, "abc", s40))).
		key(13, "hash ziplist", str(string(ziplistOf(true, "f", s40)))).
		key(12, "zset ziplist", packLZF(ziplistOf(false, "abc", "1234567890"))).
		key(9, "zipmap", str(string(zipmapOf(false, "f", s40, "g", "hi")))).
		key(25, "hash with expiries", parts(le8, string(listpackOf(false, "f", "vw", "1234567890123")))).
		key(18, "list of nodes", parts(3, 2, string(listpackOf(false, "a", "bc")), 1, s40, 2, string(listpackOf(false, "a")))).
		key(18, "list of one large node", parts(1, 2, string(lpBig))).
		key(14, "old list", parts(1, string(ziplistOf(false, "abcd", "e")))).
		key(16, "packed and large", packLZF(listpackEntry("f", big))).
		key(11, "intset", str(string([]byte{2, 0, 0, 0, 1, 0, 0, 0, 7, 0}))).
		key(0, "string", str(s40)).
		end()
	all := walkAll(t, d, Options{})
	for key, want := range map[string]int64{
		"list": 40, "set": 40, "set of one empty member": 0, "hash": 40, "zset": 40, "zset text": 40, "hash listpack": 40, "zset listpack": 3,
		"set listpack, packed": 40, "hash ziplist": 40, "zset ziplist": 3, "zipmap": 40, "hash with expiries": 2, "list of nodes": 40,
		"list of one large node": maxNeed, "old list": 4, "packed and large": maxNeed,
	} {
		if r := all[key]; !r.Has(kv.FieldLargest) || r.Largest != want {
			t.Errorf("%s: largest %d, known %s, want %d", key, r.Largest, r.Known, want)
		}
	}
	for _, key := range []string{"intset", "string"} {
		if r := all[key]; r.Has(kv.FieldLargest) {
			t.Errorf("%s has a largest element", key)
		}
	}
	for key, r := range walkAll(t, d, Options{Wish: Wish{Want: kv.FieldSize}}) {
		if extra := r.Known &^ always; extra != 0 {
			t.Errorf("%s: %s, which nobody asked for", key, extra)
		}
	}
}

// listpackEntry packs strings of any length.
func listpackEntry(items ...string) []byte {
	var body []byte
	for _, s := range items {
		e := append([]byte{0xf0}, binary.LittleEndian.AppendUint32(nil, uint32(len(s)))...)
		e = append(e, s...)
		body = append(append(body, e...), make([]byte, memory.Backlen(int64(len(e))))...)
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(6+len(body)+1))
	b = binary.LittleEndian.AppendUint16(b, uint16(len(items)))
	return append(append(b, body...), 0xff)
}

// TestBlockContradictsItself has damage inside a block that only a walk through it can find.
func TestBlockContradictsItself(t *testing.T) {
	lp := listpackOf(false, "f", "v")
	lp[4] = 4 // entries
	short := listpackOf(false, "f", "v")
	short[6] = 0x80 | 60 // a string that is longer than the block
	for name, b := range map[string][]byte{"count": lp, "length": short} {
		d := newDump(11).key(16, "k", str(string(b))).end()
		if _, _, err := readAll(bytes.NewReader(d), Options{Wish: Wish{Want: kv.FieldLargest}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestStoredAndDigest(t *testing.T) {
	long := strings.Repeat("long value ", 3*maxNeed/11)
	values := []string{"7", "1234567890123", "short", strings.Repeat("v", 32), "some text of more than thirty-two bytes", long}
	d := newDump(9)
	for i := range 64 * len(values) {
		v := values[i%len(values)]
		switch {
		case v == "7":
			d.opcode(0, append(str(fmt.Sprint("k", i)), 0xc0, 7))
		case i%2 == 0 && len(v) > 20:
			d.opcode(0, append(str(fmt.Sprint("k", i)), packLZF([]byte(v))...))
		default:
			d.key(0, fmt.Sprint("k", i), str(v))
		}
	}
	all := walkAll(t, d.end(), Options{})
	digests := 0
	for i := range 64 * len(values) {
		v := values[i%len(values)]
		r := all[fmt.Sprint("k", i)]
		packed := i%2 == 0 && len(v) > 20
		if !r.Has(kv.FieldStored) || r.Logical != int64(len(v)) || packed != (r.Stored != r.Logical) {
			t.Fatalf("%q: %d bytes stored as %d", r.Key, r.Logical, r.Stored)
		}
		if !r.Has(kv.FieldDigest) {
			continue
		}
		digests++
		if len(v) < digestMin || r.Digest != xxh3.HashString(v) {
			t.Fatalf("%q of %d bytes: digest %x", r.Key, len(v), r.Digest)
		}
	}
	if digests < 6 || digests > 24 {
		t.Errorf("%d digests of 192 strings of a length worth it, want 1 in %d", digests, digestOneIn)
	}
}

func TestIdleAndFreq(t *testing.T) {
	huge := []byte{0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	d := newDump(9).opcode(opIdle, num(100)).key(0, "a", str("v")).opcode(opIdle, huge).key(0, "b", str("v")).
		key(0, "none", str("v")).opcode(opFreq, []byte{7}).key(0, "another kind", str("v")).end()
	got, sum, err := readAll(bytes.NewReader(d), Options{})
	if err != nil || sum.Access != kv.FieldIdle {
		t.Fatal(sum.Access, err)
	}
	if got[0].Idle != 100*time.Second || got[1].Idle <= 0 || !got[1].Has(kv.FieldIdle) {
		t.Errorf("idle for %v, %v", got[0].Idle, got[1].Idle)
	}
	if got[2].Has(kv.FieldIdle) || got[3].Has(kv.FieldIdle) || got[3].Has(kv.FieldFreq) {
		t.Errorf("known %s, %s", got[2].Known, got[3].Known)
	}
	d = newDump(9).opcode(opFreq, []byte{200}).key(0, "a", str("v")).end()
	if got, sum, err := readAll(bytes.NewReader(d), Options{}); err != nil || sum.Access != kv.FieldFreq || got[0].Freq != 200 || !got[0].Has(kv.FieldFreq) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSlotAndPlace(t *testing.T) {
	d := newDump(12).opcode(opSlotInfo, parts(1, 2, 3)).key(0, "user:{42}:cart", str("v")).end()
	got, sum, err := readAll(bytes.NewReader(d), Options{Place: "node-1.rdb", Wish: Wish{Want: kv.AllFields}})
	if err != nil || !sum.Slots {
		t.Fatal(sum, err)
	}
	if r := got[0]; !r.Has(kv.FieldSlot|kv.FieldPlace) || r.Slot != slot.Of("42") || r.Place != "node-1.rdb" {
		t.Errorf("%+v", r)
	}
}

func TestGroups(t *testing.T) {
	id := []byte("0123456789abcdef")
	le8 := make([]byte, 8)
	pending := func(n int) []byte {
		b := num(uint64(n))
		for range n {
			b = append(b, parts(id, le8, 1)...)
		}
		return b
	}
	stream := parts(1, string(id), string(listpackOf(false, "name", "a value")), 1, 1, 1, 1, 0, 0, 0, 0,
		2, "g", 1, 1, 1, pending(3), 1, "c", le8, le8, 2, id, id, "h", 1, 1, 1, pending(1), 0)
	d := newDump(11).key(21, "s", stream).key(21, "none", parts(0, 0, 1, 1, 0, 0, 0, 0, 0, 0)).end()
	all := walkAll(t, d, Options{})
	if r := all["s"]; !r.Has(kv.FieldGroups) || r.Groups != 2 || r.Pending != 4 || r.Largest != 7 {
		t.Errorf("%d groups, %d pending, largest %d", r.Groups, r.Pending, r.Largest)
	}
	if r := all["none"]; !r.Has(kv.FieldGroups) || r.Groups != 0 || r.Pending != 0 || r.Has(kv.FieldLargest) {
		t.Errorf("%+v", r)
	}
}

func TestAsk(t *testing.T) {
	d := newDump(9).key(2, "a", parts(1, "m")).key(2, "b", parts(1, "m")).key(2, "c", parts(1, "m")).end()
	var asked []string
	got, _, err := readAll(bytes.NewReader(d), Options{Wish: Wish{Match: "[ab]", Want: kv.AllFields, Ask: func(key string) kv.Field {
		asked = append(asked, key)
		if key == "a" {
			return kv.FieldSize
		}
		return kv.FieldLargest
	}}})
	if err != nil || !slices.Equal(asked, []string{"a", "b"}) {
		t.Fatal(asked, err)
	}
	if got[0].Has(kv.FieldLargest) || !got[1].Has(kv.FieldLargest) {
		t.Errorf("%s, %s", got[0].Known, got[1].Known)
	}
}
