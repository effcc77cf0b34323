package report

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// A Value is a number, a text or Null, which is the zero value and means that it is not known.
type Value struct {
	kind valueKind
	num  float64
	text string
}

type valueKind uint8

const (
	kindNull valueKind = iota
	kindNumber
	kindText
)

// Null is the unknown value.
var Null = Value{}

// Number returns v as a value; NaN and the infinities are Null, because nothing was measured then.
func Number[N int | int64 | uint64 | float64](v N) Value {
	f := float64(v)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return Null
	}
	return Value{kind: kindNumber, num: f}
}

// Text returns s, which may hold any bytes, as a value.
func Text(s string) Value { return Value{kind: kindText, text: s} }

// Seconds returns d as a value for UnitDuration.
func Seconds(d time.Duration) Value { return Number(d.Seconds()) }

// Time returns t as a value for UnitTime, in whole seconds; the zero time is Null. With a fraction it would be written with six
// digits, which is hours off.
func Time(t time.Time) Value {
	if t.IsZero() {
		return Null
	}
	return Number(t.Unix())
}

// Number returns the number of v and whether v is one.
func (v Value) Number() (float64, bool) { return v.num, v.kind == kindNumber }

// Text returns the text of v and whether v is one.
func (v Value) Text() (string, bool) { return v.text, v.kind == kindText }

// IsNull reports whether v is unknown.
func (v Value) IsNull() bool { return v.kind == kindNull }

// MarshalJSON writes a number, a string or null; text that is not UTF-8 becomes {"b64": "…"}, so that no byte is lost.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case kindNumber:
		return appendNumber(nil, v.num), nil
	case kindText:
		return marshalText(v.text)
	}
	return []byte("null"), nil
}

// appendNumber writes whole numbers in full and others with six significant digits: more would only be noise of the
// last bits, which differs between platforms. What is read from that is written again in the same way.
func appendNumber(b []byte, f float64) []byte {
	if f != math.Trunc(f) {
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'g', 6, 64), 64)
	}
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.AppendInt(b, int64(f), 10)
	}
	return strconv.AppendFloat(b, f, 'g', 6, 64)
}

type base64Text struct {
	B64 string `json:"b64"`
}

func marshalText(s string) ([]byte, error) {
	if !utf8.ValidString(s) {
		return json.Marshal(base64Text{base64.StdEncoding.EncodeToString([]byte(s))})
	}
	return json.Marshal(s)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (v *Value) UnmarshalJSON(b []byte) error {
	var x any
	if err := json.Unmarshal(b, &x); err != nil {
		return err
	}
	switch x := x.(type) {
	case nil:
		*v = Null
	case float64:
		*v = Number(x)
	case string:
		*v = Text(x)
	case map[string]any:
		s, _ := x["b64"].(string)
		raw, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return fmt.Errorf("reading a value: %w", err)
		}
		*v = Text(string(raw))
	default:
		return fmt.Errorf("reading a value: %s is neither number, text nor null", b)
	}
	return nil
}

// MarshalJSON writes the interval with the same digits as values.
func (i Interval) MarshalJSON() ([]byte, error) {
	b := appendNumber([]byte(`{"low":`), i.Low)
	b = appendNumber(append(b, `,"high":`...), i.High)
	return append(b, '}'), nil
}

// MarshalJSON writes seconds.
func (d Duration) MarshalJSON() ([]byte, error) {
	return appendNumber(nil, time.Duration(d).Seconds()), nil
}

// UnmarshalJSON reads seconds.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s float64
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	*d = Duration(s * float64(time.Second))
	return nil
}
