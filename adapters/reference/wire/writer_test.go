package wire_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/wire"
)

func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		name         string
		write        func(w *wire.Writer)
		resp2, resp3 string
	}{
		{"int", func(w *wire.Writer) { w.Int(-7); w.Int(7); w.Int(70) }, ":-7\r\n:7\r\n:70\r\n", ":-7\r\n:7\r\n:70\r\n"},
		{"bulk", func(w *wire.Writer) { w.Bulk([]byte("a\r\n")); w.Text("") }, "$3\r\na\r\n\r\n$0\r\n\r\n", "$3\r\na\r\n\r\n$0\r\n\r\n"},
		{"bulk int", func(w *wire.Writer) { w.BulkInt(-12) }, "$3\r\n-12\r\n", "$3\r\n-12\r\n"},
		{"status", func(w *wire.Writer) { w.Simple("PONG"); w.OK() }, "+PONG\r\n+OK\r\n", "+PONG\r\n+OK\r\n"},
		{"error", func(w *wire.Writer) { w.Error("ERR a\r\nb") }, "-ERR a  b\r\n", "-ERR a  b\r\n"},
		{"null", func(w *wire.Writer) { w.Null() }, "$-1\r\n", "_\r\n"},
		{"null array", func(w *wire.Writer) { w.NullArray() }, "*-1\r\n", "_\r\n"},
		{"aggregates", func(w *wire.Writer) { w.Array(12); w.Map(1); w.Set(1); w.Push(1) }, "*12\r\n*2\r\n*1\r\n*1\r\n", "*12\r\n%1\r\n~1\r\n>1\r\n"},
		{"bool", func(w *wire.Writer) { w.Bool(true); w.Bool(false) }, ":1\r\n:0\r\n", "#t\r\n#f\r\n"},
		{"double", func(w *wire.Writer) { w.Double(0.1) }, "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n"},
		{"infinity", func(w *wire.Writer) { w.Double(math.Inf(-1)) }, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{"large", func(w *wire.Writer) { w.Double(1e20) }, "$5\r\n1e+20\r\n", ",1e+20\r\n"},
		{"whole", func(w *wire.Writer) { w.Double(1e15) }, "$16\r\n1000000000000000\r\n", ",1000000000000000\r\n"},
		{"big", func(w *wire.Writer) { w.BigNumber("12") }, "$2\r\n12\r\n", "(12\r\n"},
		{"verbatim", func(w *wire.Writer) { w.Verbatim("txt", "ab") }, "$2\r\nab\r\n", "=6\r\ntxt:ab\r\n"},
		{"late header", func(w *wire.Writer) { w.Int(1); at := w.Begin(); w.Int(2); w.Int(3); w.EndMap(at, 1) }, ":1\r\n*2\r\n:2\r\n:3\r\n", ":1\r\n%1\r\n:2\r\n:3\r\n"},
	} {
		var two, three wire.Writer
		three.SetProtocol(3)
		tt.write(&two)
		tt.write(&three)
		if string(two.Bytes()) != tt.resp2 || string(three.Bytes()) != tt.resp3 {
			t.Errorf("%s: %q and %q, want %q and %q", tt.name, two.Bytes(), three.Bytes(), tt.resp2, tt.resp3)
		}
	}
}

func TestWriteAllocatesNothing(t *testing.T) {
	var w wire.Writer
	n := testing.AllocsPerRun(100, func() {
		w.Reset()
		at := w.Begin()
		w.Int(123456)
		w.Double(1.5)
		w.BulkInt(77)
		w.Text("abc")
		w.EndArray(at, 4)
	})
	if n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestBulks: strings of every length, alone in memory and with more behind them, come out as Bulk writes them one by one.
func TestBulks(t *testing.T) {
	var all [][]byte
	for n := range 120 {
		long := bytes.Repeat([]byte{byte('a' + n%26)}, n+n%3*40)
		all = append(all, long[:n], long[:n:n])
	}
	var one, at wire.Writer
	for range 2 { // into a buffer that has to grow, and into one that has grown
		one.Reset()
		at.Reset()
		one.OK()
		at.OK()
		for i := range len(all) + 1 {
			at.Bulks(all[:i])
			for _, b := range all[:i] {
				one.Bulk(b)
			}
		}
		if !bytes.Equal(one.Bytes(), at.Bytes()) {
			t.Fatal("Bulks and Bulk differ")
		}
	}
}
