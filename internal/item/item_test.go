package item

import (
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/kv"
)

// The sizes are those of the table in the design, which were compared with DynamoDB Local (its tests are in adapters/dynamodb).
func TestSize(t *testing.T) {
	for _, c := range []struct {
		json, ion string // of a value
		size      int64
	}{
		{`{"S":""}`, `""`, 0},
		{`{"S":"abc"}`, `"abc"`, 3},
		{`{"S":"ä\n\u00e4"}`, `"ä\n\xe4"`, 5},
		{`{"S":"\ud83d\ude00\ud83d"}`, `"\U0001F600\uFFFD"`, 7},
		{`{"S":"\"\\\/"}`, `"\"\\\/"`, 3},
		{`{"N":"0"}`, `0.`, 1},
		{`{"N":"-0.00"}`, `-0.00`, 1},
		{`{"N":"100"}`, `1d2`, 2},
		{`{"N":"-100"}`, `-100`, 3},
		{`{"N":"1700000010"}`, `1700000010.`, 6},
		{`{"N":"12345678901234567890123456789012345678"}`, `12345678901234567890123456789012345678.`, 20},
		{`{"N":"1.5E+3"}`, `1.5d3`, 2},
		{`{"B":""}`, `{{}}`, 0},
		{`{"B":"AP8="}`, `{{AP8=}}`, 2},
		{`{"B":"AP//"}`, `{{ AP// }}`, 3},
		{`{"BOOL":true}`, `true`, 1},
		{`{"NULL":true}`, `null`, 1},
		{`{"NULL":true}`, `null.string`, 1},
		{`{"SS":["a","bc"]}`, `$dynamodb_SS::["a","bc"]`, 3},
		{`{"NS":["1","-200"]}`, `$dynamodb_NS::[1.,-2d2]`, 5},
		{`{"BS":["AP8="]}`, `$dynamodb_BS::[{{AP8=}}]`, 2},
		{`{"L":[]}`, `[]`, 3},
		{`{"L":[{"S":"a"},{"N":"1"}]}`, `["a",1.]`, 3 + 2 + 3},
		{`{"M":{}}`, `{}`, 3},
		{`{"M":{"ab":{"L":[{"NULL":true}]}}}`, `{ab:[null]}`, 3 + 1 + 2 + 3 + 1 + 1},
		{`{"M":{"a b":{"S":"x"}}}`, `{'a b':"x"}`, 3 + 1 + 3 + 1},
	} {
		var r Reader
		var l Line
		if err := r.JSON([]byte(`{"Item":{"n":`+c.json+`}}`), &l); err != nil || l.Size != 1+c.size || l.Attributes != 1 {
			t.Errorf("%s: %d bytes, %v, want %d", c.json, l.Size-1, err, c.size)
		}
		if err := r.Ion([]byte(`$ion_1_0 {Item:{n:`+c.ion+`}}`), &l); err != nil || l.Size != 1+c.size || l.Largest != 1+c.size {
			t.Errorf("%s: %d bytes, %v, want %d", c.ion, l.Size-1, err, c.size)
		}
	}
}

// What was picked is the same of both forms.
func TestPicked(t *testing.T) {
	r := Reader{Names: []string{"pk", "n", "b", "gone", "ttl"}}
	for form, read := range map[string]func() (*Line, error){
		"json": func() (*Line, error) {
			l := &Line{}
			return l, r.JSON([]byte(`{"Item":{"n":{"N":"6.00E2"},"pk":{"S":"a\u00e4\t"},"b":{"B":"AP8="},"m":{"M":{"ttl":{"N":"1"}}}}}`), l)
		},
		"ion": func() (*Line, error) {
			l := &Line{}
			return l, r.Ion([]byte(`$ion_1_0 {Item:{n:6.00d2,'pk':"a\u00e4\t",b:{{AP8=}},m:{ttl:1.}}}`), l)
		},
	} {
		l, err := read()
		if err != nil {
			t.Fatal(form, err)
		}
		p := l.Picked
		if string(p[0].Text) != "aä\t" || p[1].Kind != N || string(p[1].Text) != "600" || string(p[2].Text) != "\x00\xff" || p[3].Kind != None {
			t.Errorf("%s: %q", form, p)
		}
		if l.Nested[3] || !l.Nested[4] || p[4].Kind != None {
			t.Errorf("%s: nested %v", form, l.Nested)
		}
	}
}

func TestChanges(t *testing.T) {
	r := Reader{Names: []string{"id"}}
	for _, c := range []struct {
		json, ion string
		deleted   bool
		size, old int64
	}{
		{
			`{"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},"Keys":{"id":{"S":"k"}},"NewImage":{"id":{"S":"k"},"x":{"N":"1"}}}`,
			`$ion_1_0 {Record:{Metadata:{WriteTimestampMicros:1680109764d6},Keys:{id:"k"},NewImage:{id:"k",x:1.}}}`, false, 6, 0,
		},
		{
			`{"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},"NewImage":{"id":{"S":"k"}},"OldImage":{"id":{"S":"k"},"x":{"S":"abc"}},"Keys":{"id":{"S":"k"}}}`,
			`{Record:{NewImage:{id:"k"},OldImage:{id:"k",x:"abc"},Keys:{id:"k"},Metadata:{WriteTimestampMicros:1680109764000000}}}`, false, 3, 7,
		},
		{
			`{"Metadata":{"WriteTimestampMicros":{"N":"1680109764000000"}},"Keys":{"id":{"S":"k"}},"OldImage":{"id":{"S":"k"}}}`,
			`{Record:{Metadata:{WriteTimestampMicros:1680109764000000.},Keys:{id:"k"},OldImage:{id:"k"}}}`, true, 0, 3,
		},
	} {
		var l Line
		for form, err := range map[string]error{"json": r.JSON([]byte(c.json), &l), "ion": r.Ion([]byte(c.ion), &l)} {
			if err != nil {
				t.Fatal(form, err)
			}
			if !l.Change || l.Deleted != c.deleted || l.Size != c.size || l.Previous != c.old || l.Written != 1680109764000000 ||
				string(l.Picked[0].Text) != "k" || len(l.Keys) != 1 || string(l.Keys[0]) != "id" {
				t.Errorf("%s: %+v", form, l)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	var r Reader
	var l Line
	deep := strings.Repeat(`{"L":[`, 50) + strings.Repeat(`]}`, 50)
	for _, line := range []string{
		``, `{`, `{}`, `[]`, `{"Item":{}`, `{"Item":{}}x`, `{"Item":{"a":{"S":"x}}}`, `{"Item":{"a":{"N":"x"}}}`, `{"Item":{"a":{"X":"1"}}}`,
		`{"Item":{"a":{"B":"abc"}}}`, `{"Item":{"a":{"BOOL":1}}}`, `{"Item":{"a":{"S":"\x"}}}`, `{"Item":{"a":{"S":"\u12"}}}`, `{"Other":{}}`,
		`{"Item":{"a":"x"}}`, `{"Item":{"a":{"SS":"x"}}}`, `{"Item":{"a":{"N":"1E9999"}}}`, `{"Metadata":{}}`, `{"Item":{"a":` + deep + `}}`,
	} {
		var syntax *SyntaxError
		if err := r.JSON([]byte(line), &l); !errors.As(err, &syntax) {
			t.Errorf("%.60s: %v", line, err)
		}
	}
	for _, line := range []string{
		``, `$ion_1_0`, `$ion_1_0 {`, `{Item:{a:1.}} x`, `{Item:{a:'''x'''}}`, `{Item:{a:word}}`, `{Item:{a:$dynamodb_SS::[1]}}`, `{Item:{a:{{x}}}}`,
		`{Item:{a:"\q"}}`, `{Item:{a:"x}}`, `{Item:{a 1.}}`, `{Item:{a:1-}}`, `{Record:{Metadata:{}}}`, `{Item:{a:` + strings.Repeat("[", 50) + `}}`,
	} {
		var syntax *SyntaxError
		if err := r.Ion([]byte(line), &l); !errors.As(err, &syntax) {
			t.Errorf("%.60s: %v", line, err)
		}
	}
}

// Numbers in their plain form are equal where they are equal, and compare as they do.
func TestNumbers(t *testing.T) {
	number := rapid.Custom(func(t *rapid.T) string {
		text := rapid.StringMatching(`-?[0-9]{1,12}(\.[0-9]{0,12})?`).Draw(t, "digits")
		if rapid.Bool().Draw(t, "scaled") {
			text += rapid.StringMatching(`[eEdD][+-]?[0-9]{1,2}`).Draw(t, "exponent")
		}
		return text
	})
	value := func(text string) *big.Rat {
		r, ok := new(big.Rat).SetString(strings.NewReplacer("d", "e", "D", "e").Replace(text))
		if !ok {
			t.Fatal(text)
		}
		return r
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		x, y := appendDecimal(nil, []byte(a)), appendDecimal(nil, []byte(b))
		if value(string(x)).Cmp(value(a)) != 0 {
			t.Fatalf("%s became %s", a, x)
		}
		want := value(a).Cmp(value(b))
		if got := CompareNumbers(x, y); got != want && got*want <= 0 {
			t.Fatalf("%s and %s: %d, want %d", x, y, got, want)
		}
		if (string(x) == string(y)) != (want == 0) {
			t.Fatalf("%s and %s", x, y)
		}
		whole, part, _ := strings.Cut(strings.Trim(string(x), "-"), ".")
		pairs := strings.Repeat("0", len(whole)%2) + whole + part + strings.Repeat("0", len(part)%2)
		for strings.HasPrefix(pairs, "00") {
			pairs = pairs[2:]
		}
		for strings.HasSuffix(pairs, "00") {
			pairs = pairs[:len(pairs)-2]
		}
		size := int64(len(pairs)/2) + 1
		if value(a).Sign() < 0 {
			size++
		}
		if value(a).Sign() == 0 {
			size = 1
		}
		if n, ok := numberSize([]byte(a)); !ok || n != size {
			t.Fatalf("%s takes %d bytes, want %d", a, n, size)
		}
	})
}

func TestExpiry(t *testing.T) {
	now := time.Unix(1_790_000_000, 0)
	n := func(text string) Value { return Value{N, []byte(text)} }
	for _, c := range []struct {
		name   string
		value  Value
		nested bool
		state  kv.TTLState
		at     int64 // in milliseconds
		fault  kv.Fault
	}{
		{"past", n("1789999999"), false, kv.TTLExpired, 1_789_999_999_000, ""},
		{"past, with decimals", n("1789999999.5"), false, kv.TTLExpired, 1_789_999_999_500, ""},
		{"future", n("1790000001"), false, kv.TTLAt, 1_790_000_001_000, ""},
		{"milliseconds", n("1790000001000"), false, kv.TTLNone, 0, kv.FaultMilliseconds},
		{"microseconds", n("1790000001000000"), false, kv.TTLNone, 0, kv.FaultMicroseconds},
		{"nanoseconds", n("1790000001000000000"), false, kv.TTLNone, 0, kv.FaultMicroseconds},
		{"no time at all", n("1" + strings.Repeat("0", 100)), false, kv.TTLNone, 0, kv.FaultMicroseconds},
		{"six years past", n("1600000000"), false, kv.TTLNone, 0, kv.FaultOld},
		{"zero", n("0"), false, kv.TTLNone, 0, kv.FaultOld},
		{"before 1970", n("-5"), false, kv.TTLNone, 0, kv.FaultOld},
		{"a day", n("86400"), false, kv.TTLNone, 0, kv.FaultRelative},
		{"digits in a string", Value{S, []byte("1790000001")}, false, kv.TTLNone, 0, kv.FaultType},
		{"a map", Value{Kind: M}, true, kv.TTLNone, 0, kv.FaultType},
		{"in a map", Value{}, true, kv.TTLNone, 0, kv.FaultNested},
		{"missing", Value{}, false, kv.TTLNone, 0, ""},
		{"in twenty years", n("2420000000"), false, kv.TTLAt, 2_420_000_000_000, kv.FaultFar},
	} {
		state, at, fault := Expiry(c.value, c.nested, now)
		ms := int64(0)
		if !at.IsZero() {
			ms = at.UnixMilli()
		}
		if state != c.state || ms != c.at || fault != c.fault {
			t.Errorf("%s: state %d at %v, %q", c.name, state, at, fault)
		}
	}
}

// An item that is read is JSON, and its parts are no larger than the line.
func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"Item":{"n":{"N":"6.00E2"},"pk":{"S":"a\u00e4\t"},"b":{"B":"AP8="},"m":{"M":{"ttl":{"L":[{"NULL":true},{"BOOL":false}]}}}}}`))
	f.Add([]byte(`{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"pk":{"S":"k"}},"OldImage":{"ns":{"NS":["1"]}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r := Reader{Names: []string{"pk", "n"}}
		var l Line
		if r.JSON(line, &l) != nil {
			return
		}
		if !json.Valid(line) && json.Valid([]byte(strings.ToValidUTF8(string(line), "?"))) {
			t.Errorf("read, and is no JSON: %q", line)
		}
		if l.Size < 0 || l.Size > 3*int64(len(line)) {
			t.Errorf("%q takes %d bytes", line, l.Size)
		}
	})
}

func FuzzIon(f *testing.F) {
	f.Add([]byte(`$ion_1_0 {Item:{n:6.00d2,'p\x6b':"a\u00e4\t",b:{{AP8=}},m:{ttl:[1.,null.int,true]},s:$dynamodb_NS::[1,2]}}`))
	f.Add([]byte(`{Record:{Metadata:{WriteTimestampMicros:1680109764d6},Keys:{id:"k"},NewImage:{id:"k",x:-1.5e3}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		r := Reader{Names: []string{"pk", "n"}}
		var l Line
		if r.Ion(line, &l) == nil && (l.Size < 0 || l.Size > 3*int64(len(line))) {
			t.Errorf("%q takes %d bytes", line, l.Size)
		}
	})
}

func BenchmarkJSON(b *testing.B) {
	line := []byte(`{"Item":{"pk":{"S":"USER#1001"},"sk":{"S":"ORDER#2026-01-01#000"},"total":{"N":"1200"},"lines":{"L":[{"M":{"sku":{"S":"P0"},` +
		`"n":{"N":"0"}}},{"M":{"sku":{"S":"P1"},"n":{"N":"1"}}}]},"blob":{"S":"` + strings.Repeat("x", 400) + `"}}}`)
	r := Reader{Names: []string{"pk", "sk", "ttl"}}
	var l Line
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if err := r.JSON(line, &l); err != nil {
			b.Fatal(err)
		}
	}
}
