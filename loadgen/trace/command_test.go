package trace

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/kv"
)

// commands writes what a trace yields, one command a line.
func commands(r io.Reader, opt CommandOptions) (string, error) {
	var b strings.Builder
	for c, err := range Commands(r, opt) {
		if err != nil {
			return b.String(), err
		}
		at := "?"
		if c.Timed {
			at = c.At.String()
		}
		if c.Whole {
			at = "~" + at
		}
		fmt.Fprintf(&b, "%s %s %d %q", at, c.Client, c.DB, c.Words)
		if c.Size >= 0 {
			fmt.Fprintf(&b, " %dB %q", c.Size, c.Tail)
		}
		if c.Lost > 0 {
			fmt.Fprintf(&b, " lost %d", c.Lost)
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

func resp(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, w := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(w), w)
	}
	return b.String()
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		opt              CommandOptions
	}{
		{
			"monitor", "OK\n1339518083.107412 [0 a:1] \"set\" \"k\\x00\" \"v\"\nrubbish\n1339518084.1 [2 lua] \"get\" \"k\"\n",
			"0s a:1 0 [\"set\" \"k\\x00\" \"v\"]\n992.588ms lua 2 [\"get\" \"k\"] lost 1\n",
			CommandOptions{},
		},
		{
			"twitter", "5,a,b,3,213,4,set,60\n7,k,1,0,4,get,0\n8,k,1,9,4,add,0\n",
			"~0s 4 0 [\"SET\" \"a,b\"] 213B [\"PX\" \"60000\"]\n~2s 4 0 [\"GET\" \"k\"]\n~3s 4 0 [\"SET\" \"k\"] 9B [\"NX\"]\n",
			CommandOptions{},
		},
		{
			"csv", "key,op,size,ts,client,host\na,set,10,1.5,c,x\n\"b,c\",get,,1.75,d,y\nz,frobnicate,,2,e,y\nbad\n",
			"0s c 0 [\"SET\" \"a\"] 10B []\n250ms d 0 [\"GET\" \"b,c\"]\n? - 0 [] lost 2\n",
			CommandOptions{},
		},
		{
			"csv without names", "1000,x,set,k,5,2\n2000,x,del,k,0,0\n", "0s  0 [\"SET\" \"k\"] 5B [\"PX\" \"2000\"]\n1s  0 [\"DEL\" \"k\"]\n",
			CommandOptions{Columns: []string{"ts_ms", "-", "op", "key", "size", "ttl"}},
		},
		{
			"jsonl", `{"ts":3,"op":"set","key":"k","size":4,"ttl":0.5,"client":"q"}` + "\n" + `{"ts":3.25,"op":"GET","key":{"b64":"AAE="}}` + "\n{\n",
			"~0s q 0 [\"SET\" \"k\"] 4B [\"PX\" \"500\"]\n250ms  0 [\"GET\" \"\\x00\\x01\"]\n? - 0 [] lost 1\n",
			CommandOptions{},
		},
		{
			"aof", resp("SELECT", "3") + "#TS:100\r\n" + resp("SET", "k", "v\r\nw") + resp("DEL", "") + "#TS:102\r\n" + resp("INCR", "n"),
			"~0s  3 [\"SET\" \"k\" \"v\\r\\nw\"]\n~0s  3 [\"DEL\" \"\"]\n~2s  3 [\"INCR\" \"n\"]\n",
			CommandOptions{},
		},
		{"aof without times", resp("SET", "k", "v"), "?  0 [\"SET\" \"k\" \"v\"]\n", CommandOptions{}},
		{"nothing", "", "", CommandOptions{}},
	} {
		want := strings.ReplaceAll(c.want, "? - 0", "?  0")
		for how, r := range map[string]io.Reader{"": strings.NewReader(c.text), ", a byte at a time": iotest.OneByteReader(strings.NewReader(c.text))} {
			if got, err := commands(r, c.opt); err != nil || got != want {
				t.Errorf("%s%s: %v\n%swant\n%s", c.name, how, err, got, want)
			}
		}
	}
}

func TestNoCommands(t *testing.T) {
	aof := resp("SET", "k", "value")
	for name, text := range map[string]string{
		"prose": "hello\n", "much prose": strings.Repeat("hello\n", 1000), "a base in RDB form": "REDIS0011\xfa\x09",
		"cut within a word": aof[:len(aof)-4], "cut within a number": aof[:2], "cut behind a number": aof[:5], "not a word": "*1\r\n:1\r\n",
		"words that are not there": "*1000000\r\n$4\r\n", "a word that is not there": "*1\r\n$500000000\r\nx", "no end": "*1\r\n$1\r\nxyz",
		"a number too large": "*1\r\n$99999999999999\r\nx", "junk behind a command": aof + "hello\r\n",
	} {
		if _, err := commands(strings.NewReader(text), CommandOptions{}); !errors.Is(err, kv.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := errors.New("broken")
	for _, text := range []string{"1.5 [0 c] \"get\" \"a\"\n", aof} {
		if _, err := commands(io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken)), CommandOptions{}); !errors.Is(err, broken) {
			t.Errorf("a reader that fails: %v", err)
		}
	}
}

// A command that is cut is not replayed as what is left of it.
func TestCutCommand(t *testing.T) {
	text := `1.5 [0 c] "set" "big" "` + strings.Repeat("x", 1<<20) + "\"\n" + `1.6 [0 c] "get" "small"` + "\n"
	if got, err := commands(strings.NewReader(text), CommandOptions{}); err != nil || got != "0s c 0 [\"get\" \"small\"] lost 1\n" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestCommandsStop(t *testing.T) {
	for _, text := range []string{strings.Repeat(resp("GET", "a"), 5), strings.Repeat("1.5 [0 c] \"get\" \"a\"\n", 5), "1.5 [0 c] \"get\" \"a\"\nbad\n"} {
		n := 0
		for range Commands(strings.NewReader(text), CommandOptions{}) { // whose loop panics if it goes on behind the break
			n++
			break
		}
		if n != 1 {
			t.Errorf("%d commands of %q", n, text)
		}
	}
}

// Whatever was asked is read again as it was asked, from an append-only file.
func TestAOFRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var text, want strings.Builder
		for range rapid.IntRange(1, 5).Draw(t, "commands") {
			words := rapid.SliceOfN(rapid.StringN(0, 20, 40), 1, 5).Draw(t, "words")
			if len(words) == 2 && strings.EqualFold(words[0], "select") {
				continue
			}
			text.WriteString(resp(words...))
			fmt.Fprintf(&want, "?  0 %q\n", words)
		}
		if got, err := commands(strings.NewReader(text.String()), CommandOptions{}); err != nil || got != want.String() {
			t.Fatalf("%v\n%q\nwant\n%q", err, got, want.String())
		}
	})
}

// The same accesses in all tables are the same commands.
func TestTablesAgree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var csv, json, twitter strings.Builder
		csv.WriteString("ts,client,op,key,size,ttl\n")
		at := 0
		for range rapid.IntRange(1, 10).Draw(t, "rows") {
			at += rapid.IntRange(0, 3).Draw(t, "gap")
			client := rapid.IntRange(0, 3).Draw(t, "client")
			op := rapid.SampledFrom([]string{"get", "set", "add", "delete", "incr"}).Draw(t, "op")
			key := rapid.StringMatching(`[a-z:]{1,8}`).Draw(t, "key")
			size, ttl := rapid.IntRange(0, 1000).Draw(t, "size"), rapid.IntRange(0, 90).Draw(t, "ttl")
			fmt.Fprintf(&csv, "%d,%d,%s,%s,%d,%d\n", at, client, op, key, size, ttl)
			fmt.Fprintf(&json, "{\"ts\":%d,\"client\":\"%d\",\"op\":%q,\"key\":%q,\"size\":%d,\"ttl\":%d}\n", at, client, op, key, size, ttl)
			fmt.Fprintf(&twitter, "%d,%s,%d,%d,%d,%s,%d\n", at, key, len(key), size, client, op, ttl)
		}
		want, err := commands(strings.NewReader(csv.String()), CommandOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{json.String(), twitter.String()} {
			if got, err := commands(strings.NewReader(text), CommandOptions{}); err != nil || got != want {
				t.Fatalf("%v\n%swant\n%s", err, got, want)
			}
		}
	})
}

func FuzzCommands(f *testing.F) {
	for _, text := range []string{
		"OK\n1.5 [0 c] \"mget\" \"a\" \"b\"\n", "0,k,1,2,3,get,0\n", "ts,op,key\n1,get,a\n", `{"ts":1,"op":"get","key":"k"}`, "#TS:5\r\n" + resp("SET", "a", "b"),
		resp("SELECT", "1") + resp("GET", "x"), "REDIS0011",
	} {
		f.Add(text, false)
	}
	f.Add("1,get,k", true)
	f.Fuzz(func(t *testing.T, text string, columns bool) {
		var opt CommandOptions
		if columns {
			opt.Columns = []string{"ts_us", "op", "key"}
		}
		for c, err := range Commands(strings.NewReader(text), opt) {
			if err != nil {
				continue
			}
			if c.At < 0 || c.At > time.Duration(1<<62) || c.Lost < 0 || c.Size < -1 || c.Size > maxSize || len(c.Words) == 0 && c.Lost == 0 {
				t.Errorf("%s: %+v", strconv.Quote(text), c)
			}
		}
	})
}
