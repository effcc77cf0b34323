package dump

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/packed"
	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// words are strings of the kinds that are written in different ways.
func words(r *rand.Rand) string {
	switch r.IntN(7) {
	case 0:
		return strconv.FormatInt(int64(r.Uint64())>>r.IntN(64), 10)
	case 1:
		return strings.Repeat("x", r.IntN(300))
	case 2:
		return strings.Repeat("hello world ", r.IntN(30))
	case 3:
		return "0" + strconv.Itoa(r.IntN(100))
	case 4:
		b := make([]byte, r.IntN(100))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return string(b)
	case 5:
		return strconv.Itoa(r.IntN(600) - 300)
	}
	b := make([]byte, r.IntN(3000))
	for i := range b {
		b[i] = "abcd"[r.IntN(4)]
	}
	return string(b)
}

// payload is what a server dumps of a key.
func payload(t *testing.T, c *servertest.Client, key string) []byte {
	t.Helper()
	return []byte(c.Must(t, "DUMP", key).(string))
}

// read opens a payload and reads its value.
func read(t *testing.T, p []byte) *Value {
	t.Helper()
	code, body, ok := Open(p)
	if !ok {
		t.Fatalf("%x cannot be opened", p)
	}
	return readBody(t, code, body)
}

func readBody(t *testing.T, code byte, body []byte) *Value {
	t.Helper()
	v, err := new(Reader).Read(code, body, false)
	if err != nil {
		t.Fatalf("code %d, %x: %v", code, body, err)
	}
	return v
}

func TestStringsAsAServerWritesThem(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	r := rand.New(rand.NewPCG(3, 3))
	w := new(Writer)
	for range 3000 {
		s := words(r)
		c.Must(t, "SET", "k", s)
		want := payload(t, c, "k")
		got := Seal(w.String([]byte{String}, []byte(s)))
		if !bytes.Equal(got, want) {
			t.Fatalf("%q:\n%x\nand on the server\n%x", s, got, want)
		}
		if v := read(t, want); len(v.Items) != 1 || string(v.Items[0]) != s {
			t.Fatalf("%q comes back as %q", s, v.Items)
		}
	}
}

func TestLongStringsAsAServerWritesThem(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	r := rand.New(rand.NewPCG(4, 4))
	w := new(Writer)
	for _, n := range []int{16383, 16384, 70000, 1 << 20} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		c.Must(t, "SET", "k", string(b))
		if want := payload(t, c, "k"); !bytes.Equal(Seal(w.String([]byte{String}, b)), want) {
			t.Fatalf("%d bytes differ", n)
		}
	}
}

func TestSmallHashesAsAServerWritesThem(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{Args: []string{"--hash-max-listpack-value", "100000"}}).Client(t)
	r := rand.New(rand.NewPCG(5, 5))
	w := new(Writer)
	for round := range 200 {
		key := "h" + strconv.Itoa(round)
		pack := packed.New()
		var items []string
		for i := range 1 + r.IntN(40) {
			field, value := fmt.Sprint("f", i), words(r)
			c.Must(t, "HSET", key, field, value)
			pack = pack.Append([]byte(field)).Append([]byte(value))
			items = append(items, field, value)
		}
		want := payload(t, c, key)
		v := read(t, want)
		if got := texts(v.Items); !slices.Equal(got, items) || !v.Block {
			t.Fatalf("%q, want %q", got, items)
		}
		got := Seal(w.Listpack([]byte{HashListpack}, pack[pack.First():], pack.Len()))
		if code, body, _ := Open(got); code != HashListpack || !slices.Equal(texts(readBody(t, code, body).Items), items) {
			t.Fatalf("what was written is read as something else")
		}
		if len(pack) < 200 && !bytes.Equal(got, want) { // the state of a server's table shows in long ones
			t.Fatalf("%x\nand on the server\n%x", got, want)
		}
	}
}

func texts(items [][]byte) []string {
	all := make([]string, len(items))
	for i, b := range items {
		all[i] = string(b)
	}
	return all
}

func TestIntsetsAsAServerWritesThem(t *testing.T) {
	c := servertest.Redis(t, servertest.Options{}).Client(t)
	r := rand.New(rand.NewPCG(6, 6))
	w := new(Writer)
	for round := range 100 {
		key := "s" + strconv.Itoa(round)
		width := []int{2, 4, 8}[r.IntN(3)]
		members := map[int64]bool{-1 << (8*width - 2): true}
		for range r.IntN(50) {
			members[int64(r.Uint64())>>(64-8*width)] = true
		}
		var sorted []int64
		for m := range members {
			c.Must(t, "SADD", key, strconv.FormatInt(m, 10))
			sorted = append(sorted, m)
		}
		slices.Sort(sorted)
		want := payload(t, c, key)
		got := Seal(w.Intset([]byte{Intset}, len(sorted), width, func(i int) int64 { return sorted[i] }))
		if !bytes.Equal(got, want) {
			t.Fatalf("%x\nand on the server\n%x", got, want)
		}
		v := read(t, want)
		for i, m := range sorted {
			if string(v.Items[i]) != strconv.FormatInt(m, 10) {
				t.Fatalf("%q, want %d", v.Items, sorted)
			}
		}
	}
}

// TestWhatServersDump reads collections of every encoding, as each server at hand writes them.
func TestWhatServersDump(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		c := servertest.Redis(t, servertest.Options{Version: version}).Client(t)
		for _, n := range []int{1, 3, 100, 1500} {
			var list, set, hash, zset []string
			for i := range n {
				item := strings.Repeat("i", i%90) + strconv.Itoa(i)
				list, set = append(list, item), append(set, item)
				hash, zset = append(hash, item, strconv.Itoa(i*i)), append(zset, strconv.Itoa(i/3), item)
			}
			list = append(list, strings.Repeat("long", 5000))
			c.Must(t, "DEL", "list", "set", "hash", "zset")
			c.Must(t, append([]string{"RPUSH", "list"}, list...)...)
			c.Must(t, append([]string{"SADD", "set"}, set...)...)
			c.Must(t, append([]string{"HSET", "hash"}, hash...)...)
			c.Must(t, append([]string{"ZADD", "zset"}, zset...)...)
			same(t, "list", readAny(t, payload(t, c, "list")).Items, list)
			same(t, "set", sorted(readAny(t, payload(t, c, "set")).Items), slices.Sorted(slices.Values(set)))
			same(t, "hash", readPairs(readAny(t, payload(t, c, "hash")).Items), pairs(hash))
			v := readAny(t, payload(t, c, "zset"))
			var got []string
			for i, m := range v.Items {
				got = append(got, fmt.Sprint(v.Scores[i], string(m)))
			}
			var want []string
			for i := 0; i < len(zset); i += 2 {
				want = append(want, zset[i]+zset[i+1])
			}
			same(t, "zset", slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want)))
		}
	})
}

// readAny reads a payload whatever version it is of.
func readAny(t *testing.T, p []byte) *Value {
	t.Helper()
	return readBody(t, p[0], p[1:len(p)-footer])
}

func same[T ~[]byte | ~string](t *testing.T, what string, got []T, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d, want %d", what, len(got), len(want))
	}
	for i := range got {
		if string(got[i]) != want[i] {
			t.Fatalf("%s: %q at %d, want %q", what, got[i], i, want[i])
		}
	}
}

func sorted(items [][]byte) []string { return slices.Sorted(slices.Values(texts(items))) }

func readPairs(items [][]byte) []string { return pairs(texts(items)) }

func pairs(items []string) []string {
	var all []string
	for i := 0; i < len(items); i += 2 {
		all = append(all, items[i]+"="+items[i+1])
	}
	return slices.Sorted(slices.Values(all))
}

// TestOldForms are bodies that no server at hand writes.
func TestOldForms(t *testing.T) {
	ziplist := "\x1c\x00\x00\x00\x17\x00\x00\x00\x06\x00" + "\x00\x01a" + "\x03\xf3" + "\x02\xfe\x85" +
		"\x03\xc0\x00\x01" + "\x04\x01b" + "\x03\xf1" + "\xff"
	for _, c := range []struct {
		code   byte
		body   string
		valkey bool
		want   string
	}{
		{1, "\x02\x01a\xc0\x07", false, "list [a 7] []"},
		{3, "\x02\x01a\x031.5\x01b\xfe", false, "zset [a b] [1.5 +Inf]"},
		{9, "\x0d\x02\x01k\x02\x01vv.\x01l\x00\x00\xff", false, "hash [k vv l ] []"},
		{10, "\x1c" + ziplist, false, "list [a 2 -123 256 b 0] []"},
		{12, "\x1c" + ziplist, false, "zset [a -123 b] [2 256 0]"},
		{13, "\x1c" + ziplist, false, "hash [a 2 -123 256 b 0] []"},
		{14, "\x02\x1c" + ziplist + "\x1c" + ziplist, false, "list [a 2 -123 256 b 0 a 2 -123 256 b 0] []"},
		{22, "\x02\x00\x01f\x01v\x05\x01g\x01w", false, "hash [f v g w] [] 1"},
		{24, "12345678\x01\x05\x01g\x01w", false, "hash [g w] [] 1"},
		{22, "\x02\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff\x01g\x01w\x01\x00\x00\x00\x00\x00\x00\x00", true, "hash [f v g w] [] 1"},
	} {
		v, err := new(Reader).Read(c.code, []byte(c.body), c.valkey)
		if err != nil {
			t.Errorf("code %d: %v", c.code, err)
			continue
		}
		got := fmt.Sprint(v.Type, texts(v.Items), v.Scores)
		if v.FieldTTLs > 0 {
			got += fmt.Sprint(v.FieldTTLs)
		}
		if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(c.want, " ", "") {
			t.Errorf("code %d: %s, want %s", c.code, got, c.want)
		}
	}
}

func TestDamage(t *testing.T) {
	for _, c := range []struct {
		code byte
		body string
		want error
	}{
		{String, "", ErrDamaged},
		{String, "\x05abc", ErrDamaged},
		{String, "\xc4", ErrDamaged},
		{String, "\xc3\x02\x40\xff\x00\x00", ErrDamaged},
		{String, "\xc3\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00", ErrDamaged},
		{Set, "\x00", ErrEmpty},
		{Hash, "\x01\x01a", ErrDamaged},
		{HashListpack, "\x0a\x0a\x00\x00\x00\x01\x00\x81a\x02\xff", ErrDamaged}, // a field without a value
		{HashListpack, "\x07\x07\x00\x00\x00\x00\x00\xff", ErrEmpty},
		{ZSetListpack, "\x0d\x0d\x00\x00\x00\x02\x00\x81a\x02\x81x\x02\xff", ErrDamaged}, // the score is no number
		{ZSet, "\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f", ErrDamaged},                  // NaN
		{Intset, "\x0c\x03\x00\x00\x00\x01\x00\x00\x00abcd", ErrDamaged},
		{Quicklist, "\x01\x03\x01a", ErrDamaged},
		{Quicklist, "\x81\xff\xff\xff\xff\xff\xff\xff\xff", ErrDamaged},
		{15, "", ErrType},
		{7, "", ErrType},
		{noCode, "", ErrType},
	} {
		if _, err := new(Reader).Read(c.code, []byte(c.body), false); !errors.Is(err, c.want) {
			t.Errorf("code %d, %q: %v, want %v", c.code, c.body, err, c.want)
		}
	}
	sealed := Seal([]byte{String, 1, 'a'})
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 4
		if _, _, ok := Open(bad); ok {
			t.Errorf("byte %d is wrong and nobody sees it", i)
		}
	}
	if _, _, ok := Open(sealed[:9]); ok {
		t.Error("nine bytes were opened")
	}
}

// FuzzRead reads bodies of every code: no panic, and no more memory than an expansion may take.
func FuzzRead(f *testing.F) {
	f.Add(byte(Quicklist), []byte("\x01\x02\x0d\x0d\x00\x00\x00\x02\x00\x81a\x02\x81x\x02\xff"), false)
	f.Add(byte(ZSetListpack), []byte("\x0d\x0d\x00\x00\x00\x02\x00\x81a\x02\x81x\x02\xff"), false)
	f.Add(byte(13),
		[]byte("\x1c\x1c\x00\x00\x00\x17\x00\x00\x00\x06\x00\x00\x01a\x03\xf3\x02\xfe\x85\x03\xc0\x00\x01\x04\x01b\x03\xf1\xff"), false)
	f.Add(byte(9), []byte("\x0d\x02\x01k\x02\x01vv.\x01l\x00\x00\xff"), false)
	f.Add(byte(Intset), []byte("\x0a\x02\x00\x00\x00\x01\x00\x00\x00ab"), false)
	f.Add(byte(String), []byte("\xc3\x04\x14\x01aa\xe0\x09\x00"), false)
	f.Add(byte(22), []byte("\x01\x01f\x01v\xff\xff\xff\xff\xff\xff\xff\xff"), true)
	r := new(Reader)
	f.Fuzz(func(t *testing.T, code byte, body []byte, valkey bool) {
		v, err := r.Read(code, body, valkey)
		if err != nil {
			return
		}
		total := 0
		for _, item := range v.Items {
			total += len(item)
		}
		if total > 300*len(body)+300 {
			t.Fatalf("%d bytes out of %d", total, len(body))
		}
		if v.Type == kv.TypeZSet && len(v.Scores) != len(v.Items) {
			t.Fatalf("%d scores of %d members", len(v.Scores), len(v.Items))
		}
	})
}
