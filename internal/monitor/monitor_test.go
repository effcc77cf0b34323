package monitor

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// touched writes what a command does: "r a", "w b".
func touched(words ...string) string {
	var out []string
	Keys(words, func(key string, kind kv.OpKind) {
		out = append(out, [...]string{"?", "r", "w"}[kind]+" "+key)
	})
	return strings.Join(out, ", ")
}

func TestKeys(t *testing.T) {
	for command, want := range map[string]string{
		"GET a":                               "r a",
		"set a v EX 10":                       "w a",
		"MSET a 1 b 2":                        "w a, w b",
		"MGET a b c":                          "r a, r b, r c",
		"DEL a b":                             "w a, w b",
		"BLPOP a b 0":                         "w a, w b",
		"COPY a b":                            "r a, w b",
		"SINTERSTORE d a b":                   "w d, r a, r b",
		"BITOP AND d a b":                     "w d, r a, r b",
		"ZUNIONSTORE d 2 a b WEIGHTS 1 2":     "w d, r a, r b",
		"ZINTERCARD 2 a b LIMIT 3":            "r a, r b",
		"BLMPOP 0 2 a b LEFT":                 "w a, w b",
		"XREAD COUNT 2 STREAMS a b 0 0":       "r a, r b",
		"XREADGROUP GROUP g c STREAMS a >":    "w a",
		"XGROUP CREATE a g $":                 "w a",
		"MIGRATE h 1 a 0 10":                  "w a",
		"ZRANGESTORE d a 0 1":                 "w d, r a",
		"MSETEX 2 a 1 b 2 EX 9":               "w a, w b",
		"OBJECT FREQ a":                       "",
		"EVAL x 1 a":                          "",
		"PING":                                "",
		"NOSUCH a":                            "",
		"ZUNION x a":                          "",
		"XREAD STREAMS":                       "",
		"ZUNION 1000000000000000000000000 a":  "",
		"ZUNION 9 a b":                        "r a, r b",
		"MIGRATE h 1  0 10 COPY KEYS a b":     "w a, w b",
		"GEOSEARCHSTORE d a FROMMEMBER m BOX": "w d, r a",
	} {
		if got := touched(strings.Split(command, " ")...); got != want {
			t.Errorf("%s touches %q, want %q", command, got, want)
		}
	}
}

func TestParse(t *testing.T) {
	var l Line
	if !Parse([]byte(`1339518083.107412 [3 127.0.0.1:60866] "set" "a\"b" "\x00\\\n"`), false, &l) {
		t.Fatal("not read")
	}
	if l.DB != 3 || l.Client != "127.0.0.1:60866" || l.At.UnixMicro() != 1339518083107412 ||
		fmt.Sprintf("%q", l.Words) != `["set" "a\"b" "\x00\\\n"]` {
		t.Errorf("%+v", l)
	}
	if !Parse([]byte(`+1.5 [0 lua] "mset" "a" "1" "b" "long val`), true, &l) || len(l.Words) != 4 {
		t.Errorf("of a cut line: %q", l.Words)
	}
	for _, bad := range []string{
		"", "OK", "+OK", "1.2", "1.2 [0 x", `x.y [0 c] "get" "a"`, `1.2 [x c] "get"`, `1.2 [-1 c] "get"`, `1.2 [0] "get"`,
		`1.2 [0 c] get a`, `1.2 [0 c] "get" "a`, `1.2 [0 c] "get" "\x0"`, `1.2 [0 c] `, `-1 [0 c] "get" "a"`,
	} {
		if Parse([]byte(bad), false, &l) {
			t.Errorf("%q was read: %+v", bad, l)
		}
	}
}

// sdscatrepr as Redis has it, for words of any bytes.
func quote(w string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(w) {
		switch c := w[i]; {
		case c == '\\' || c == '"':
			b.WriteString("\\" + string([]byte{c}))
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\a':
			b.WriteString(`\a`)
		case c >= ' ' && c < 0x7f:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, `\x%02x`, c)
		}
	}
	return b.String() + `"`
}

func TestParseReadsWhatServersWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }), 1, 5).Draw(t,
			"words")
		line := "12.000034 [0 c]"
		for _, w := range words {
			line += " " + quote(w)
		}
		var l Line
		if !Parse([]byte(line), false, &l) || fmt.Sprintf("%q", l.Words) != fmt.Sprintf("%q", words) {
			t.Fatalf("%s is %q", line, l.Words)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`1339518083.107412 [3 127.0.0.1:60866] "set" "a\"b" "\x00\\\n"`), false)
	f.Add([]byte(`1.5 [0 lua] "zunion" "3" "a"`), true)
	f.Fuzz(func(t *testing.T, line []byte, cut bool) {
		var l Line
		if Parse(line, cut, &l) && len(l.Words) == 0 {
			t.Error("a line without words")
		}
		l.Accesses(func(string, kv.OpKind) {})
	})
}

// TestKeysAgreeWithServers asks servers where the keys of each command of the table are.
func TestKeysAgreeWithServers(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		c := servertest.Redis(t, servertest.Options{Version: version}).Client(t)
		compared := 0
		for name, p := range places {
			words := []string{name, "a", "b", "c", "d"}
			got, ok := c.Do(append([]string{"COMMAND", "GETKEYS"}, words...)...).([]any)
			if !ok {
				continue // the command is not there, or wants other arguments
			}
			compared++
			var want, have []string
			for _, k := range got {
				want = append(want, fmt.Sprint(k))
			}
			Keys(words, func(key string, _ kv.OpKind) { have = append(have, key) })
			if fmt.Sprint(want) != fmt.Sprint(have) {
				t.Errorf("%s: %v, and the server says %v (%+v)", name, have, want, p)
			}
		}
		if compared == 0 {
			t.Error("the server says of no command where its keys are")
		}
	})
}

// TestFirstKey holds FirstKey against Keys where both know a command.
func TestFirstKey(t *testing.T) {
	for command, want := range map[string]int{
		"GET a": 1, "Set a v": 1, "BITOP AND d a b": 2, "ZUNIONSTORE d 2 a b": 1, "ZUNION 2 a b": 2, "BLMPOP 0 2 a b LEFT": 3,
		"XREAD COUNT 2 STREAMS a b 0 0": 4, "XGROUP CREATE a g $": 2, "EVAL x 1 a": 3, "EVAL x 0 a": -1, "MEMORY USAGE a": 2,
		"OBJECT FREQ a": 2, "PING": -1, "PING x": -1, "NOSUCH a": -1, "GET": -1, "WATCH a": 1, "MULTI": -1, "ZUNION 2": -1,
	} {
		var words [][]byte
		for w := range strings.FieldsSeq(command) {
			words = append(words, []byte(w))
		}
		if got := FirstKey(words); got != want {
			t.Errorf("the first key of %s is word %d, want %d", command, got, want)
		}
	}
	get := [][]byte{[]byte("ZRANGE"), []byte("a")}
	if n := testing.AllocsPerRun(100, func() { FirstKey(get) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
