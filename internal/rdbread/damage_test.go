package rdbread

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// small are the dumps that are damaged in every place. Together they hold every form of value.
func small(t testing.TB) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, dir := range []string{corpus + "/", servers} {
		names, err := filepath.Glob(dir + "*.rdb")
		if err != nil || len(names) == 0 {
			t.Fatalf("no dumps in %s: %v", dir, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all[filepath.Base(name)] = b
		}
	}
	for name, b := range written() {
		all[name] = b
	}
	return all
}

// soak is whether there is time: KVTOOL_SOAK is 1, or "all" if the time is no matter.
func soak() bool { return os.Getenv("KVTOOL_SOAK") != "" }

// places returns which of the first n bytes are damaged: all of a small dump, a random sample of a large one.
func places(t *testing.T, n int) []int {
	t.Helper()
	most := 150
	if soak() {
		most = 5000
	}
	if os.Getenv("KVTOOL_SOAK") == "all" || n <= most {
		all := make([]int, n)
		for i := range all {
			all[i] = i
		}
		return all
	}
	seed := uint64(n)
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	return r.Perm(n)[:most]
}

// everything is a walk that looks into whatever can be looked into.
func everything(size int, buf []byte) Options {
	return Options{Size: int64(size), Wish: Wish{Want: kv.AllFields, Values: anyText, Tell: func(int, kv.Answer, []byte) {}}, buf: buf}
}

// anyText asks for whatever can be asked for.
func anyText(kv.Name) []kv.Ask {
	return []kv.Ask{{Part: kv.ContentValue}, {Part: kv.ContentMembers}, {Part: kv.ContentField, Text: "f"}}
}

// walkBounded walks b and fails if that allocates by what the dump says and not by what is there.
func walkBounded(t *testing.T, b []byte, opt Options) ([]kv.Record, Summary, error) {
	t.Helper()
	const fixed = 1 << 20 // model, pieces
	before := allocated()
	got, sum, err := readAll(bytes.NewReader(b), opt)
	if n := allocated() - before; n > uint64(fixed+100*len(b)) {
		t.Errorf("%d bytes allocated for a dump of %d", n, len(b))
	}
	return got, sum, err
}

// allocated returns how many bytes were allocated so far, without stopping the world.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

func TestCutAnywhere(t *testing.T) {
	buf := make([]byte, windowSize)
	for name, whole := range small(t) {
		good, sum, err := walkBounded(t, whole, everything(len(whole), buf))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		end := len(whole) - int(sum.Trailing)
		for _, at := range places(t, end) {
			got, _, err := walkBounded(t, whole[:at], everything(at, buf))
			if at > 0 && !errors.Is(err, kv.ErrCorrupt) || at == 0 && !errors.Is(err, kv.ErrUsage) {
				t.Fatalf("%s cut at %d: %v", name, at, err)
			}
			var e *Error
			if errors.As(err, &e) && e.Offset > int64(at) {
				t.Fatalf("%s cut at %d: %v", name, at, err)
			}
			checkPrefix(t, name, at, good, got)
			if e != nil && e.Keys > 0 && e.LastKey != got[len(got)-1].Key {
				t.Fatalf("%s cut at %d: last key %q", name, at, e.LastKey)
			}
		}
	}
}

func checkPrefix(t *testing.T, name string, at int, good, got []kv.Record) {
	t.Helper()
	if len(got) > len(good) {
		t.Fatalf("%s, %d: %d records of %d", name, at, len(got), len(good))
	}
	for i := range got {
		if got[i].Key != good[i].Key || got[i].Size != good[i].Size || got[i].Len != good[i].Len || !got[i].ExpireAt.Equal(good[i].ExpireAt) {
			t.Fatalf("%s, %d: record %d is %+v", name, at, i, got[i])
		}
	}
}

// TestFlipAnywhere damages one byte at a time. Where there is a checksum it must come out; where there is none the walk
// must end all the same.
func TestFlipAnywhere(t *testing.T) {
	buf := make([]byte, windowSize)
	for name, whole := range small(t) {
		flips := []byte{0x01, 0x80, 0xff}
		if soak() && len(whole) < 4096 {
			flips = []byte{0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff}
		}
		good, sum, err := walkBounded(t, whole, everything(len(whole), buf))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, at := range places(t, len(whole)-int(sum.Trailing)) {
			for _, flip := range flips {
				b := bytes.Clone(whole)
				b[at] ^= flip
				got, sum2, err := walkBounded(t, b, everything(len(b), buf))
				if err != nil && !errors.Is(err, kv.ErrCorrupt) && !errors.Is(err, kv.ErrUsage) {
					t.Fatalf("%s, byte %d ^ %#x: %v", name, at, flip, err)
				}
				if sum.Checksum != ChecksumGood || err != nil {
					continue
				}
				// Only a version that had no checksum can come out clean, and then nothing else was touched.
				if sum2.Checksum != ChecksumAbsent || at > 9 {
					t.Fatalf("%s, byte %d ^ %#x: no error, checksum %d", name, at, flip, sum2.Checksum)
				}
				if len(got) != len(good) {
					t.Fatalf("%s, byte %d ^ %#x: %d records", name, at, flip, len(got))
				}
			}
		}
	}
}

func TestErrorText(t *testing.T) {
	e := &Error{Offset: 7, DB: 2, LastKey: "canary\x1b", Keys: 3, Reading: "a hash", Reason: "why"}
	text := e.Error()
	if strings.Contains(text, "canary") {
		t.Errorf("%q", text)
	}
	for _, want := range []string{"byte 7", "db 2", "a hash", "why", "3 whole keys"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q does not say %q", text, want)
		}
	}
}

func TestForeign(t *testing.T) {
	for in, want := range map[string]string{
		"": "empty", "\x1f\x8bxxxxxxxxx": "gzip", "*2\r\n$6\r\nSELECT\r\n": "append-only", `{"key": "value"}`: "JSON", "hello\x1bworld": `"hello\x1bwor"`,
		"PK\x03\x04xxxxxxx": "zip", "file appendonly.aof.1.base.rdb seq 1 type b": "manifest",
	} {
		_, err := NewReader(strings.NewReader(in), Options{})
		if !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func TestUnknownType(t *testing.T) {
	d := newDump(9).key(0, "a", str("v")).key(99, "b", nil).end()
	got, _, err := readAll(bytes.NewReader(d), Options{})
	if len(got) != 1 || !errors.Is(err, kv.ErrCorrupt) || !strings.Contains(err.Error(), "byte 14") {
		t.Errorf("%d records, %v", len(got), err)
	}
}

// TestHostileLengths holds lengths that promise far more than there is: each must be refused at once.
func TestHostileLengths(t *testing.T) {
	huge := []byte{0x81, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	for code := range byte(26) {
		for _, size := range []int64{0, 1 << 40} {
			for _, n := range [][]byte{huge, {0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0xc3, 0x80, 0xff, 0xff, 0xff, 0xff, 0x80, 0xff, 0xff, 0xff, 0xff}} {
				d := newDump(12).key(code, "k", n).raw()
				if _, _, err := readAll(bytes.NewReader(d), Options{Size: size}); !errors.Is(err, kv.ErrCorrupt) {
					t.Errorf("type %d, size %d: %v", code, size, err)
				}
			}
		}
	}
	for _, op := range []byte{opAux, opFunction, opModuleAux, opSelectDB, opResizeDB, opSlotInfo} {
		d := append(newDump(12).raw(), append([]byte{op}, huge...)...)
		if _, _, err := readAll(bytes.NewReader(d), Options{}); !errors.Is(err, kv.ErrCorrupt) {
			t.Errorf("opcode %d: %v", op, err)
		}
	}
}

func TestAllocations(t *testing.T) {
	b, err := os.ReadFile(servers + "redis-7.0.rdb")
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	n := testing.AllocsPerRun(5, func() {
		got := 0
		d, err := NewReader(bytes.NewReader(b), Options{})
		for err == nil {
			if _, err = d.Next(); err == nil {
				got++
			}
		}
		keys = got
	})
	const fixed = 30 // window, model, type table, head
	if n > float64(keys+fixed) {
		t.Errorf("%v allocations for %d keys", n, keys)
	}
}
