package rdbread

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/kvtool/kvtool/kv"
)

func TestWritten(t *testing.T) {
	type want struct {
		key string
		typ kv.Type
		enc kv.Encoding
		n   int64
	}
	for name, wants := range map[string][]want{
		"zset-text":     {{"k", "zset", "skiplist", 3}},
		"zipmap":        {{"k", "hash", "zipmap", 2}, {"walked", "hash", "zipmap", 2}},
		"ziplist-walk":  {{"k", "list", "ziplist", 4}, {"lzf", "hash", "ziplist", 200}},
		"listpack-walk": {{"k", "hash", "listpack", 2}, {"lzf", "set", "listpack", 400}},
		"expiry":        {{"s", "string", "embstr", 1}, {"ms", "string", "embstr", 1}, {"none", "string", "embstr", 1}},
		"hash-ttl":      {{"rc", "hash", "hashtable", 2}, {"ga", "hash", "hashtable", 1}, {"rc-lp", "hash", "listpackex", 1}, {"lp", "hash", "listpackex", 2}},
		"plain-node":    {{"k", "list", "quicklist", 4}, {"bare", "list", "quicklist", 1}},
	} {
		for _, chunked := range []bool{false, true} {
			var in io.Reader = bytes.NewReader(written()[name])
			if chunked {
				in = iotest.OneByteReader(in)
			}
			got, _, err := readAll(in, Options{})
			if err != nil || len(got) != len(wants) {
				t.Fatalf("%s: %d records, %v", name, len(got), err)
			}
			for i, w := range wants {
				g := got[i]
				if g.Key != w.key || g.Type != w.typ || g.Encoding != w.enc || g.Len != w.n || g.Size <= 0 {
					t.Errorf("%s: %+v, want %+v", name, g, w)
				}
			}
			if name == "expiry" && (!got[0].ExpireAt.Equal(time.Unix(1, 0)) || !got[1].ExpireAt.Equal(time.Unix(5, 0)) || got[2].TTL != kv.TTLNone) {
				t.Errorf("%+v", got)
			}
		}
	}
}

func TestModule(t *testing.T) {
	got, sum, err := readAll(bytes.NewReader(written()["module"]), Options{})
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if got[0].Has(kv.FieldLen) || !got[0].Has(kv.FieldSize) || len(got[0].Type) != 9 || sum.Modules[string(got[0].Type)] != 1 {
		t.Errorf("%+v %+v", got[0], sum)
	}
}

func TestExpiredAgainstCreation(t *testing.T) {
	at := func(ms uint64) []byte {
		return []byte{byte(ms), byte(ms >> 8), byte(ms >> 16), byte(ms >> 24), byte(ms >> 32), 0, 0, 0}
	}
	d := newDump(9).opcode(opAux, parts("ctime", "1000")).
		opcode(opExpiry, at(999_999)).key(0, "past", str("v")).
		opcode(opExpiry, at(1_000_001)).key(0, "future", str("v")).end()
	got, _, err := readAll(bytes.NewReader(d), Options{})
	if err != nil || got[0].TTL != kv.TTLExpired || got[1].TTL != kv.TTLAt {
		t.Errorf("%+v, %v", got, err)
	}
}

// What no server says of itself is not believed: a time that no report can be of, memory that cannot be added up.
func TestWhatADumpSaysIsBounded(t *testing.T) {
	for _, c := range []struct {
		name, value string
		created     time.Time
		memory      int64
	}{
		{"ctime", "253402300799", time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), 0},
		{"ctime", "253402300800", time.Time{}, 0},
		{"ctime", "-1", time.Time{}, 0},
		{"used-mem", "281474976710656", time.Time{}, 1 << 48},
		{"used-mem", "281474976710657", time.Time{}, 0},
		{"used-mem", "-1", time.Time{}, 0},
	} {
		d := newDump(9).opcode(opAux, parts(c.name, c.value)).key(0, "k", str("v")).end()
		_, sum, err := readAll(bytes.NewReader(d), Options{})
		if err != nil || !sum.Created.Equal(c.created) || sum.UsedMem != c.memory {
			t.Errorf("%s %s: %v, %d, %v", c.name, c.value, sum.Created, sum.UsedMem, err)
		}
	}
}

func TestLongNames(t *testing.T) {
	a, b := strings.Repeat("n", maxName+1), strings.Repeat("n", maxName)+"m"
	d := newDump(9).key(0, a, str("v")).key(0, b, str("v")).opcode(0, append(packLZF([]byte(a)), str("v")...)).key(0, a[:maxName], str("v")).end()
	got, _, err := readAll(bytes.NewReader(d), Options{})
	if err != nil || len(got) != 4 {
		t.Fatal(len(got), err)
	}
	if got[0].Key == got[1].Key || got[0].Key != got[2].Key || got[3].Key != a[:maxName] {
		t.Errorf("%.20q… %d, %d, %d, %d bytes", got[0].Key, len(got[0].Key), len(got[1].Key), len(got[2].Key), len(got[3].Key))
	}
	if got[0].Size < maxName {
		t.Errorf("size %d", got[0].Size)
	}
}

func TestMatch(t *testing.T) {
	d := newDump(9).key(0, "a:1", str("v")).key(0, "b:1", str("v")).key(0, "a:2", str("v")).end()
	got, sum, err := readAll(bytes.NewReader(d), Options{Wish: Wish{Match: "a:*"}})
	if err != nil || len(got) != 2 || got[1].Key != "a:2" || sum.Keys != 3 {
		t.Errorf("%+v, %+v, %v", got, sum, err)
	}
	cut := newDump(9).key(0, "a:1", str("v")).key(0, "b:1", str("v")).raw()
	_, _, err = readAll(bytes.NewReader(cut), Options{Wish: Wish{Match: "a:*"}})
	if e := (*Error)(nil); !errors.As(err, &e) || e.LastKey != "b:1" || e.Keys != 2 {
		t.Errorf("%v does not know the last key that was read", err)
	}
}

// TestValueLargerThanWindow hops over values of many windows.
func TestValueLargerThanWindow(t *testing.T) {
	big := strings.Repeat("x", 3*windowSize+5)
	d := newDump(9).key(0, "big", str(big)).key(2, "set", parts(2, big, "small")).key(0, "last", str("v")).end()
	got, sum, err := readAll(iotest.HalfReader(bytes.NewReader(d)), Options{})
	if err != nil || len(got) != 3 || sum.Checksum != ChecksumGood || got[0].Size < int64(len(big)) || got[1].Len != 2 {
		t.Errorf("%d records, %+v, %v", len(got), sum, err)
	}
}
