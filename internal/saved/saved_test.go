package saved

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type word string

// A thing has a field of every kind.
type thing struct {
	Small uint8
	Big   uint64
	Near  int16
	Far   int64
	Many  int64
	Yes   bool
	Share float64
	Name  word
	Raw   []byte
	At    time.Time
	List  []inner
	Map   map[string]int64
}

type inner struct {
	N int32
	S []string
}

func (x *thing) Form(f *Form) {
	Uint(f, &x.Small)
	Uint(f, &x.Big)
	Int(f, &x.Near)
	Int(f, &x.Far)
	Count(f, &x.Many)
	f.Bool(&x.Yes)
	f.Float(&x.Share)
	String(f, &x.Name)
	f.Bytes(&x.Raw)
	f.Time(&x.At)
	Slice(f, 1<<20, &x.List, func(i *inner) {
		Int(f, &i.N)
		Slice(f, 1<<20, &i.S, func(s *string) { String(f, s) })
	})
	if f.Reading() {
		x.Map = map[string]int64{}
	}
	OrderedMap(f, x.Map, func(k *string, v *int64) { String(f, k); Int(f, v) })
}

func full() *thing {
	return &thing{
		Small: 255, Big: math.MaxUint64, Near: -32768, Far: math.MinInt64, Many: math.MaxInt64, Yes: true, Share: -0.5,
		Name: "caf\xff", Raw: []byte{0, 1}, At: time.Date(60000, 1, 2, 3, 4, 5, 6, time.UTC),
		List: []inner{{N: math.MinInt32, S: []string{"", "a"}}, {}},
		Map:  map[string]int64{"b": 1, "": -1, "a": 0},
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, want := range []*thing{full(), {Map: map[string]int64{}, Raw: []byte{}}} {
		b, err := Append([]byte("before"), 3, want.Form)
		if err != nil {
			t.Fatal(err)
		}
		var got thing
		if err := Read(b[len("before"):], 3, got.Form); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, &got); d != "" {
			t.Error(d)
		}
	}
}

func TestNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := thing{
			Small: rapid.Uint8().Draw(t, "small"), Big: rapid.Uint64().Draw(t, "big"), Near: rapid.Int16().Draw(t, "near"),
			Far: rapid.Int64().Draw(t, "far"), Many: rapid.Int64Min(0).Draw(t, "many"), Raw: []byte{}, Map: map[string]int64{},
		}
		b, err := Append(nil, 1, want.Form)
		if err != nil {
			t.Fatal(err)
		}
		var got thing
		if err := Read(b, 1, got.Form); err != nil || !cmp.Equal(want, got) {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
	})
}

func TestEveryPrefixIsRefused(t *testing.T) {
	b, _ := Append(nil, 1, full().Form)
	for n := range b {
		var x thing
		if err := Read(b[:n], 1, x.Form); err == nil {
			t.Errorf("read %d of %d bytes without an error", n, len(b))
		}
	}
	var x thing
	if err := Read(append(b, 0), 1, x.Form); err == nil || !strings.Contains(err.Error(), "1 bytes too many") {
		t.Errorf("%v", err)
	}
}

func TestVersions(t *testing.T) {
	b, _ := Append(nil, 2, func(*Form) {})
	var read uint16
	if err := Read(b, 7, func(f *Form) { read = f.Version() }); err != nil || read != 2 {
		t.Errorf("version %d, %v", read, err)
	}
	if err := Read(b, 1, func(*Form) { t.Error("read") }); !errors.Is(err, ErrNewer) {
		t.Errorf("%v", err)
	}
	if err := Read([]byte{0}, 1, func(*Form) { t.Error("read") }); err == nil {
		t.Error("version 0 was read")
	}
}

func TestWhatIsRefused(t *testing.T) {
	var u8 uint8
	var i8 int8
	var n int64
	var yes bool
	var x float64
	var at time.Time
	m := map[string]int64{}
	for name, c := range map[string]struct {
		b    []byte
		walk func(*Form)
	}{
		"a long form of a number": {[]byte{0x81, 0}, func(f *Form) { Uint(f, &u8) }},
		"a number of 70 bits":     {bytes.Repeat([]byte{0xff}, 10), func(f *Form) { Int(f, &n) }},
		"256 in a byte":           {[]byte{0x80, 2}, func(f *Form) { Uint(f, &u8) }},
		"-129 in a byte":          {[]byte{0x81, 2}, func(f *Form) { Int(f, &i8) }},
		"2^63 of something":       {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, func(f *Form) { Count(f, &n) }},
		"true, twice":             {[]byte{2}, func(f *Form) { f.Bool(&yes) }},
		"NaN":                     {[]byte{0x7f, 0xf8, 0, 0, 0, 0, 0, 1}, func(f *Form) { f.Float(&x) }},
		"a second of 1e9 ns":      {[]byte{1, 0, 0x80, 0x94, 0xeb, 0xdc, 3}, func(f *Form) { f.Time(&at) }},
		"a map out of order":      {[]byte{2, 1, 'b', 0, 1, 'a', 0}, func(f *Form) { OrderedMap(f, m, func(k *string, v *int64) { String(f, k); Int(f, v) }) }},
		"a key twice":             {[]byte{2, 1, 'b', 0, 1, 'b', 0}, func(f *Form) { OrderedMap(f, m, func(k *string, v *int64) { String(f, k); Int(f, v) }) }},
		"a list beyond its limit": {[]byte{2, 1, 1}, func(f *Form) { var s []int64; Slice(f, 1, &s, func(v *int64) { Int(f, v) }) }},
		"what a type refuses":     {[]byte{7}, func(f *Form) { Uint(f, &u8); f.Check(u8 < 7, "%d", u8) }},
	} {
		if err := Read(append([]byte{1}, c.b...), 1, c.walk); err == nil {
			t.Errorf("%s was read", name)
		}
	}
	n = -1
	if _, err := Append(nil, 1, func(f *Form) { Count(f, &n) }); err == nil {
		t.Error("-1 was written as a count")
	}
}

// A claim of a billion elements takes no memory.
func TestClaimsTakeNoMemory(t *testing.T) {
	b := []byte{1, 0xff, 0xff, 0xff, 0xff, 3}
	for name, walk := range map[string]func(*Form){
		"list":   func(f *Form) { var s []int64; Slice(f, 1<<20, &s, func(v *int64) { Int(f, v) }) },
		"string": func(f *Form) { var s string; String(f, &s) },
		"bytes":  func(f *Form) { var s []byte; f.Bytes(&s) },
	} {
		n := testing.AllocsPerRun(10, func() {
			if err := Read(b, 1, walk); err == nil {
				t.Errorf("%s: read", name)
			}
		})
		if n > 10 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// FuzzRead holds that what is read is written again as it was: there is one form of each value.
func FuzzRead(f *testing.F) {
	for _, x := range []*thing{full(), {}} {
		b, _ := Append(nil, 1, x.Form)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var x thing
		if err := Read(b, 1, x.Form); err != nil {
			return
		}
		again, err := Append(nil, 1, x.Form)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x was read and written as %x, %v", b, again, err)
		}
	})
}
