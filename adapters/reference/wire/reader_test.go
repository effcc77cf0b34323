package wire_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// feed gives in to a Reader in pieces of at most size bytes, and returns what it makes of them.
func feed(r *wire.Reader, in []byte, size int) (requests [][]string, err error) {
	for {
		for {
			args, err := r.Next()
			if err != nil {
				return requests, err
			}
			if args == nil {
				break
			}
			var words []string
			for _, a := range args {
				words = append(words, string(a))
			}
			requests = append(requests, words)
		}
		if len(in) == 0 {
			return requests, nil
		}
		n := copy(r.Space(), in[:min(size, len(in))])
		r.Advance(n)
		in = in[n:]
	}
}

func TestRequests(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", `[["GET" "k"]]`},
		{"*1\r\n$0\r\n\r\n", `[[""]]`},
		{"*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", `[["PING"]]`},
		{"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI", `[["PING"]]`},
		{"*1\r\n$4\r\nPINGxx*1\r\n$1\r\na\r\n", `[["PING"] ["a"]]`}, // the end of an argument is not looked at
		{"*1\rX$1\rXa\r\n", `[["a"]]`},
		{"PING\r\n", `[["PING"]]`},
		{"\r\n\n  \nset a  b\n", `[["set" "a" "b"]]`},
		{`set "a\x41\n\q\"" 'b\'\n'` + "\n", `[["set" "aA\nq\"" "b'\\n"]]`},
		{"a\"b\" c\n", `[["ab" "c"]]`},
		{"\"\"\n", `[[""]]`},
		{"abc", `[]`},
		{"a\x00b\n", `[]`},
	} {
		for size := 1; size < 70; size += 7 {
			var r wire.Reader
			got, err := feed(&r, []byte(tt.in), size)
			if err != nil || fmt.Sprintf("%q", got) != tt.want {
				t.Errorf("%q in pieces of %d: %q, %v, want %s", tt.in, size, got, err, tt.want)
			}
		}
	}
}

func TestProtocolErrors(t *testing.T) {
	long := strings.Repeat("x", 64<<10)
	for _, tt := range []struct{ in, want string }{
		{"*x\r\n", "invalid multibulk length"},
		{"*\r\n", "invalid multibulk length"},
		{"*01\r\n", "invalid multibulk length"},
		{"*2147483648\r\n", "invalid multibulk length"},
		{"*" + long, "too big mbulk count string"},
		{"*1\r\nGET\r\n", "expected '$', got 'G'"},
		{"*1\r\n$-1\r\n", "invalid bulk length"},
		{"*1\r\n$536870913\r\n", "invalid bulk length"},
		{"*1\r\n$99999999999999999999\r\n", "invalid bulk length"},
		{"*1\r\n$" + long, "too big bulk count string"},
		{long + "x", "too big inline request"},
		{"\"a\n", "unbalanced quotes in request"},
		{"\"a\"b\n", "unbalanced quotes in request"},
		{"'a\\'\n", "unbalanced quotes in request"},
	} {
		var r wire.Reader
		if _, err := feed(&r, []byte(tt.in), 1<<20); err == nil || err.Error() != "Protocol error: "+tt.want {
			t.Errorf("%.40q: %v, want %s", tt.in, err, tt.want)
		}
	}
}

func TestGuest(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"*11\r\n", "Protocol error: unauthenticated multibulk length"},
		{"*1\r\n$16385\r\n", "Protocol error: unauthenticated bulk length"},
	} {
		r := wire.Reader{Guest: true}
		if _, err := feed(&r, []byte(tt.in), 100); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v, want %s", tt.in, err, tt.want)
		}
	}
}

// What is announced costs nothing: only what arrives does.
func TestAnnouncedLength(t *testing.T) {
	var r wire.Reader
	if _, err := feed(&r, []byte("*1000000\r\n$536870912\r\nabc"), 1<<20); err != nil {
		t.Fatal(err)
	}
	if r.Size() > 8<<10 {
		t.Errorf("a buffer of %d bytes for 30 bytes", r.Size())
	}
}

// A request is the same however it is cut, and whatever came before it.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.SliceOfN(rapid.StringN(0, -1, 3000), 1, 5), 1, 8).Draw(t, "requests")
		var in []byte
		for _, req := range want {
			in = fmt.Appendf(in, "*%d\r\n", len(req))
			for _, a := range req {
				in = fmt.Appendf(in, "$%d\r\n%s\r\n", len(a), a)
			}
		}
		var r wire.Reader
		got, err := feed(&r, in, rapid.IntRange(1, 5000).Draw(t, "piece"))
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("got %q, %v", got, err)
		}
	})
}

func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-1": -1, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63} {
		if n, ok := wire.ParseInt([]byte(text)); !ok || n != want {
			t.Errorf("%q: %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{"", "-", "-0", "01", "+1", " 1", "1 ", "1e3", "9223372036854775808", "-9223372036854775809"} {
		if n, ok := wire.ParseInt([]byte(text)); ok {
			t.Errorf("%q is %d", text, n)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, in := range []string{
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING\r\n", "*0\r\n", "*-1\r\n$", "set 'a' \"\\x00\"\n", "*1\r\n$-5\r\n", "*3\r\n$2\r\nab\r\n$0\r\n\r\n",
	} {
		f.Add([]byte(in), 3)
	}
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		var whole, cut wire.Reader
		a, aErr := feed(&whole, in, len(in)+1)
		b, bErr := feed(&cut, in, 1+(size&0xff))
		if fmt.Sprintf("%q", a) != fmt.Sprintf("%q", b) {
			t.Fatalf("whole %q, in pieces %q", a, b)
		}
		if fmt.Sprint(aErr) != fmt.Sprint(bErr) {
			t.Fatalf("whole %v, in pieces %v", aErr, bErr)
		}
		if whole.Size() > 2*len(in)+8<<10 {
			t.Fatalf("a buffer of %d bytes for %d", whole.Size(), len(in))
		}
	})
}

func TestReadAllocatesNothing(t *testing.T) {
	in := bytes.Repeat([]byte("*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n"), 16)
	var r wire.Reader
	n := testing.AllocsPerRun(100, func() {
		r.Advance(copy(r.Space(), in))
		for {
			if args, err := r.Next(); args == nil || err != nil {
				return
			}
		}
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRead(b *testing.B) {
	in := bytes.Repeat([]byte("*3\r\n$3\r\nSET\r\n$16\r\nkey:000000000001\r\n$3\r\nxxx\r\n"), 16)
	var r wire.Reader
	for range b.N {
		r.Advance(copy(r.Space(), in))
		for {
			if args, _ := r.Next(); args == nil {
				break
			}
		}
	}
}

// What a long request took is given back when it is over, though a connection goes on to send short ones.
func TestLongRequestIsForgotten(t *testing.T) {
	var r wire.Reader
	feed := func(s string) [][]byte {
		for len(s) > 0 {
			n := copy(r.Space(), s)
			r.Advance(n)
			s = s[n:]
		}
		args, err := r.Next()
		if err != nil || args == nil {
			t.Fatal(args, err)
		}
		return args
	}
	last := func() weak.Pointer[byte] {
		args := feed("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n" + strings.Repeat("x", 1<<20) + "\r\n")
		return weak.Make(&args[2][0])
	}()
	feed("*1\r\n$4\r\nPING\r\n")
	for i := 0; last.Value() != nil; i++ {
		if i == 100 {
			t.Fatal("the argument is still there")
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	runtime.KeepAlive(&r)
}
