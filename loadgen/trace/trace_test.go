package trace

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/kvtool/kvtool/kv"
)

// all writes what a trace yields, one access a line.
func all(r io.Reader) (string, error) {
	var b strings.Builder
	for a, err := range Read(r) {
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%s %q %d", [...]string{"?", "r", "w"}[a.Kind], a.Key, a.N)
		if a.Bytes > 0 {
			fmt.Fprintf(&b, " %dB", a.Bytes)
		}
		if a.Lost > 0 {
			fmt.Fprintf(&b, " lost %d", a.Lost)
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

func TestMonitor(t *testing.T) {
	const text = `OK
1339518083.107412 [0 127.0.0.1:60866] "set" "a" "1"
1339518083.107500 [0 127.0.0.1:60866] "mget" "a" "b\x01"
rubbish
1339518083.108000 [0 127.0.0.1:60866] "ping"
1339518083.109000 [2 lua] "incr" "c"
more rubbish`
	want := "w \"a\" 1\nr \"a\" 1\nr \"b\\x01\" 1\nw \"c\" 1 lost 1\n? \"\" 0 lost 1\n"
	for name, r := range map[string]io.Reader{
		"whole": strings.NewReader(text), "a byte at a time": iotest.OneByteReader(strings.NewReader(text)),
		"with CR": strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n")),
	} {
		if got, err := all(r); err != nil || got != want {
			t.Errorf("%s: %v\n%swant\n%s", name, err, got, want)
		}
	}
}

func TestTwitter(t *testing.T) {
	const text = "0,q:q:1:8WTfjZU14ee,17,213,4,get,0\n1,yDqF,3q,1AJrrJ1,18,27,4,add,86400\n2,k,1,2,3,frobnicate,0\n3,k,1,2,3,delete,0\n"
	want := "r \"q:q:1:8WTfjZU14ee\" 1 230B\nw \"yDqF,3q,1AJrrJ1\" 1 45B\nw \"k\" 1 3B lost 1\n"
	if got, err := all(strings.NewReader(text)); err != nil || got != want {
		t.Errorf("%v\n%swant\n%s", err, got, want)
	}
}

func TestNoTrace(t *testing.T) {
	for name, text := range map[string]string{"short": "hello\n", "long": strings.Repeat("hello\n", 10_000)} {
		if _, err := all(strings.NewReader(text)); !errors.Is(err, kv.ErrCorrupt) || kv.Hint(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, err := all(strings.NewReader("\n\n")); got != "" || err != nil {
		t.Errorf("an empty trace: %q, %v", got, err)
	}
	broken := errors.New("broken")
	if _, err := all(io.MultiReader(strings.NewReader("1.5 [0 c] \"get\" \"a\"\n"), iotest.ErrReader(broken))); !errors.Is(err,
		broken) {
		t.Errorf("a reader that fails: %v", err)
	}
}

// A value of a megabyte does not hide its key, and is not kept.
func TestLongLine(t *testing.T) {
	long := `1.5 [0 c] "set" "big" "` + strings.Repeat("x", 1<<20) + "\"\n" + `1.6 [0 c] "get" "small"` + "\n"
	if got, err := all(strings.NewReader(long)); err != nil || got != "w \"big\" 1\nr \"small\" 1\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStops(t *testing.T) {
	n := 0
	for range Read(strings.NewReader("1.5 [0 c] \"mget\" \"a\" \"b\" \"c\"\n1.5 [0 c] \"get\" \"d\"\n")) {
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("it broke off after %d accesses", n)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("OK\n1.5 [0 c] \"mget\" \"a\" \"b\"\n")
	f.Add("0,k,1,2,3,get,0\n")
	f.Fuzz(func(t *testing.T, text string) {
		for a, err := range Read(strings.NewReader(text)) {
			if err == nil && (a.N < 0 || a.Lost < 0) {
				t.Errorf("%+v", a)
			}
		}
	})
}
