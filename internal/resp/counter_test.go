package resp

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// told is what a Counter, or a Reader in its place, says of one reply.
func told(null, whole bool, err []byte, bytes int, values [][]byte) string {
	var b strings.Builder
	fmt.Fprintf(&b, "null=%v whole=%v err=%q bytes=%d", null, whole, err, bytes)
	for _, v := range values {
		if v == nil {
			b.WriteString(" nil")
			continue
		}
		fmt.Fprintf(&b, " %q", v)
	}
	return b.String()
}

// count reads the first reply of b with a Counter, in pieces of size bytes.
func count(b []byte, size int, want bool) (string, error) {
	var c Counter
	c.Reset()
	c.Begin(want)
	at := 0
	for end := min(size, len(b)); ; end = min(end+size, len(b)) {
		used, done, err := c.Feed(b[at:end])
		at += used
		if err != nil {
			return "", err
		}
		if done {
			return told(c.Null, c.Whole, c.Err, c.Bytes, c.Values()), nil
		}
		if end == len(b) {
			return "", errCut
		}
	}
}

var errCut = errors.New("cut")

// naive reads the same with a Reader.
func naive(b []byte, want bool) (string, error) {
	r := NewReader(bytes.NewReader(b), 64)
	values := [][]byte{}
	var null, whole bool
	var failed []byte
	for left, first := int64(1), true; left > 0; first = false {
		rep, err := r.Next()
		if err != nil {
			return "", err
		}
		left--
		switch rep.Kind {
		case Array:
			left += rep.N
			continue
		case Null:
			null = first
			values = append(values, nil)
			continue
		case Int:
			rep.Data = fmt.Append(nil, rep.N)
		case Error:
			if failed == nil {
				failed, whole = append([]byte{}, rep.Data...), first
			}
			rep.Data = append([]byte{'-'}, rep.Data...)
		}
		values = append(values, append([]byte{}, rep.Data...))
	}
	if !want || whole {
		values = nil
	}
	unread := r.src.(*bytes.Reader).Len() + r.Buffered()
	return told(null, whole, failed, len(b)-unread, values), nil
}

func TestCounter(t *testing.T) {
	for _, reply := range []string{
		"+OK\r\n", ":17\r\n", ":-9223372036854775808\r\n", "$5\r\nhello\r\n", "$0\r\n\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n",
		"-OOM command not allowed\r\n", "*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n+y\r\n", "*2\r\n+OK\r\n-WRONGTYPE no\r\n",
		"*1\r\n*1\r\n*1\r\n$2\r\n\r\n\r\n", "$100\r\n" + strings.Repeat("x", 100) + "\r\n",
	} {
		for _, want := range []bool{false, true} {
			expected, err := naive([]byte(reply), want)
			if err != nil {
				t.Fatal(err)
			}
			for size := 1; size <= len(reply); size++ {
				if got, err := count([]byte(reply), size, want); got != expected || err != nil {
					t.Errorf("%q in pieces of %d: %s, %v; want %s", reply, size, got, err, expected)
				}
			}
		}
	}
	for _, bad := range []string{"HTTP/1.1", "\x15\x03\x01", "$-2\r\n", "*-2\r\n", ":x\r\n", "$1\r\nxx\r\n", ":1\n\n\n", "\n\r\n", "$99999999999\r\n", "+" + strings.Repeat("x", maxLine+1)} {
		if got, err := count([]byte(bad), len(bad), false); !errors.Is(err, ErrProtocol) {
			t.Errorf("%.40q is read as %s, %v", bad, got, err)
		}
	}
}

func FuzzCounter(f *testing.F) {
	f.Add([]byte("*2\r\n$1\r\nx\r\n:12\r\n"), 3, true)
	f.Add([]byte("-ERR x\r\n"), 1, false)
	f.Fuzz(func(t *testing.T, b []byte, size int, want bool) {
		expected, wrong := naive(b, want)
		if size < 1 {
			return
		}
		got, err := count(b, size, want)
		// A Reader makes numbers of numbers; a Counter keeps how they were written: :-0, :007, :+1.
		odd := want && (bytes.Contains(b, []byte(":0")) || bytes.Contains(b, []byte(":-0")) || bytes.Contains(b, []byte(":+")))
		if wrong == nil && (err != nil || got != expected) && !odd {
			t.Errorf("%q in pieces of %d: %s, %v; want %s", b, size, got, err, expected)
		}
		if wrong != nil && err == nil && !errors.Is(wrong, ErrProtocol) {
			t.Errorf("%q is read as %s, a Reader says %v", b, got, wrong)
		}
	})
}

// TestCounterAllocates nothing once it is warm.
func TestCounterAllocates(t *testing.T) {
	var c Counter
	reply := []byte("*3\r\n:1\r\n$3\r\nabc\r\n-ERR x\r\n")
	if n := testing.AllocsPerRun(100, func() {
		c.Reset()
		c.Begin(true)
		if used, done, err := c.Feed(reply); used != len(reply) || !done || err != nil {
			t.Fatal(used, done, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
