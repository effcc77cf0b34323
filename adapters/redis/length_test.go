package redis

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// lengthCommands are the commands that count as an access of the key, but over a connection that does not touch.
var lengthCommands = []string{"strlen", "hlen", "llen", "scard", "zcard", "xlen"}

// tellsLengths reports whether a server of the matrix has CLIENT NO-TOUCH.
func tellsLengths(version string) bool { return version == "redis-7.2" || version == "valkey-9" }

// fillLengths writes keys of every type into two databases, each with another number of elements than the one before.
func fillLengths(t *testing.T, c *servertest.Client, keys int) {
	t.Helper()
	for _, db := range []string{"0", "5"} {
		c.Must(t, "SELECT", db)
		c.Fill(t, keys, func(i int) []string {
			key := fmt.Sprintf("key:%d", i)
			cmd := map[int][]string{1: {"HSET", key}, 2: {"RPUSH", key}, 3: {"SADD", key}, 4: {"ZADD", key}, 5: {"XADD", key, "*"}}[i%6]
			if cmd == nil {
				return []string{"SET", key, "value"}
			}
			for n := range 1 + i%7 {
				switch i % 6 {
				case 1, 5:
					cmd = append(cmd, fmt.Sprint("field", n), "v")
				case 4:
					cmd = append(cmd, fmt.Sprint(n), fmt.Sprint("member", n))
				default:
					cmd = append(cmd, fmt.Sprint("item", n))
				}
			}
			return cmd
		})
	}
	c.Must(t, "XADD", "key:5", "*", "one", "more")
	c.Must(t, "XGROUP", "CREATE", "no entries", "group", "$", "MKSTREAM")
	c.Must(t, "SELECT", "0")
}

// lengthByServer asks the server for the length of a key of the database.
func lengthByServer(t *testing.T, c *servertest.Client, r *kv.Record) int64 {
	t.Helper()
	command := map[kv.Type]string{kv.TypeHash: "HLEN", kv.TypeList: "LLEN", kv.TypeSet: "SCARD", kv.TypeZSet: "ZCARD", kv.TypeStream: "XLEN"}[r.Type]
	if command == "" {
		return 1
	}
	n, _ := c.Must(t, command, r.Key).(int64)
	return n
}

// TestLengths compares the lengths with what the server says of each key. Where it cannot be asked without counting an access
// of the key, it is not asked.
func TestLengths(t *testing.T) {
	const keys = 1300
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		fillLengths(t, c, keys)
		c.Must(t, "CONFIG", "RESETSTAT")
		for _, opt := range []kv.ScanOptions{
			{Want: kv.AllFields},
			{Want: kv.FieldLen},
			{Want: kv.AllFields, Limiter: kv.NewLimiter(1e7)},
			{Want: kv.AllFields, Match: "*1*"},
		} {
			s := openURL(t, "redis://"+server.Addr)
			facts, info := factsOf(t, s)
			got := all(t, s, opt)
			if want := 2*keys + 1; len(got) != want && opt.Match == "" {
				t.Fatalf("%d of %d keys", len(got), want)
			}
			if !tellsLengths(version) {
				if info.Provides()&kv.FieldLen != 0 || !strings.Contains(facts, "length: missing not gathered") || !strings.Contains(facts, "Redis 7.2") {
					t.Errorf("%s", facts)
				}
				continue
			}
			if info.Measures()&kv.FieldLen == 0 {
				t.Fatalf("%s", facts)
			}
			for db, number := range map[string]int{"0": 0, "5": 5} {
				c.Must(t, "SELECT", db)
				for _, r := range got {
					if r.DB != number {
						continue
					}
					if want := lengthByServer(t, c, &r); r.Len != want || !r.Has(kv.FieldLen|kv.FieldType) {
						t.Fatalf("%d/%s: %s of %d elements, said to have %d; known: %s", r.DB, r.Key, r.Type, want, r.Len, r.Known)
					}
				}
			}
			if _, after := factsOf(t, s); strings.Contains(fmt.Sprint(after.Notes), "gone") {
				t.Errorf("%q", after.Notes)
			}
		}
		if tellsLengths(version) {
			return
		}
		calls := commandCalls(t, c)
		for _, command := range lengthCommands {
			if calls[command] > 0 {
				t.Errorf("%s was sent %d times", command, calls[command])
			}
		}
	})
}

// TestLengthsAsked counts what is sent: a question for each collection that somebody wants the length of, and no other.
func TestLengthsAsked(t *testing.T) {
	const keys = 3000
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		c.Fill(t, keys, func(i int) []string {
			if i%3 == 0 {
				return []string{"SET", fmt.Sprint("string:", i), "v"}
			}
			return []string{"RPUSH", fmt.Sprint("list:", i), "a", "b"}
		})
		short := func(key string) bool { return len(key)%2 == 0 }
		s := openURL(t, "redis://"+server.Addr)
		factsOf(t, s)
		c.Must(t, "CONFIG", "RESETSTAT")
		var asked []string
		lists, n := 0, 0
		for r, err := range s.Scan(t.Context(), kv.ScanOptions{Want: kv.AllFields, Ask: func(key string) kv.Field {
			asked = append(asked, key)
			if short(key) {
				return kv.FieldType
			}
			return kv.AllFields
		}}) {
			if err != nil {
				t.Fatal(err)
			}
			if r.Key != asked[n] {
				t.Fatalf("%d: %s came, asked about %s", n, r.Key, asked[n])
			}
			if wants := !short(r.Key); r.Has(kv.FieldLen) != (wants && tellsLengths(version)) {
				t.Fatalf("%s knows %s", r.Key, r.Known)
			} else if wants && r.Type == kv.TypeList {
				lists++
			}
			n++
		}
		if n != keys {
			t.Errorf("%d of %d keys", n, keys)
		}
		if !tellsLengths(version) {
			lists = 0
		}
		if calls := commandCalls(t, c); calls["llen"] != lists || calls["hlen"]+calls["strlen"]+calls["scard"] > 0 {
			t.Errorf("LLEN was sent %d times, for %d lists: %v", calls["llen"], lists, calls)
		}
		if all(t, s, kv.ScanOptions{Want: kv.AllFields &^ kv.FieldLen}); commandCalls(t, c)["llen"] != lists {
			t.Error("lengths were asked that nobody wants")
		}
	})
}

// TestLengthRights takes the rights away that lengths need: they are missing, nothing of them is sent, and the rest is as ever.
func TestLengthRights(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		if !tellsLengths(version) {
			t.Skip("this server cannot be asked for lengths")
		}
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		fillLengths(t, c, 600)
		for _, tt := range []struct{ rights, why, hint string }{
			{leastRights(false), "NOPERM", lengthGrant},
			{leastRights(false) + " " + lengthGrant, "", ""},
			{"~* +@all -client|no-touch", "NOPERM", "+client|no-touch"},
			{"~* +@all -client", "NOPERM", "+client|no-touch"},
			{"~* +@all -hlen", "NOPERM", "+hlen"},
			{"~* +@all -xlen", "NOPERM", "+xlen"},
			{"~* +@all -type", "", ""}, // types are told by a filter
			{"~* +@all -memory", "", ""},
			{"~* +@all -strlen", "", ""},
		} {
			t.Run(tt.rights, func(t *testing.T) {
				c.Must(t, append([]string{"ACL", "SETUSER", "u", "reset", "on", ">pw"}, strings.Fields(tt.rights)...)...)
				s := openURL(t, "redis://u:pw@"+server.Addr)
				_, info := factsOf(t, s)
				c.Must(t, "CONFIG", "RESETSTAT")
				i := slices.IndexFunc(info.Facts, func(f kv.Fact) bool { return f.Name == "length" })
				if f := info.Facts[i]; (f.How == kv.Measured) != (tt.why == "") || !strings.Contains(f.Why, tt.why) || !strings.Contains(f.Hint, tt.hint) {
					t.Errorf("%+v", f)
				}
				got := all(t, s, kv.ScanOptions{Want: kv.AllFields})
				if len(got) != 1201 {
					t.Errorf("%d keys", len(got))
				}
				for _, r := range got {
					if lacks := info.Measures() &^ r.Known; lacks != 0 {
						t.Fatalf("%s lacks %s", r.Key, lacks)
					}
				}
				sent := 0
				for _, command := range lengthCommands[1:] {
					sent += commandCalls(t, c)[command]
				}
				if (sent > 0) != (tt.why == "") {
					t.Errorf("%d commands for lengths were sent", sent)
				}
			})
		}
	})
}

// TestContinueLengths interrupts a scan that holds pages back, several times: every key comes once, with its length.
func TestContinueLengths(t *testing.T) {
	const keys = 2600
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		fillLengths(t, server.Client(t), keys)
		for _, opt := range []kv.ScanOptions{{Want: kv.AllFields}, {Want: kv.AllFields, Limiter: kv.NewLimiter(1e6)}} {
			s := openURL(t, "redis://"+server.Addr)
			seen := map[string]int{}
			for _, after := range []int{1, 501, 2100, 1} { // at the beginning, in the middle, over the end of a database
				opt.Shard, _ = interrupted(t, s, opt, after, seen)
			}
			for r, err := range s.Scan(t.Context(), opt) {
				if err != nil {
					t.Fatal(err)
				}
				if r.Has(kv.FieldLen) != tellsLengths(version) {
					t.Fatalf("%s knows %s", r.Key, r.Known)
				}
				seen[fmt.Sprint(r.DB, "/", r.Key)]++
			}
			for key, n := range seen {
				if n != 1 {
					t.Errorf("%s came %d times", key, n)
				}
			}
			if len(seen) != 2*keys+1 {
				t.Errorf("%d of %d keys", len(seen), 2*keys+1)
			}
		}
	})
}

// lengthServer answers as a server of three pages of a hash each, whose lengths a script tells.
func lengthServer(answer script) script {
	return func(c string) string {
		if reply := answer(c); reply != "" {
			return reply
		}
		name, key, _ := strings.Cut(c, " ")
		switch {
		case strings.HasPrefix(c, "SCAN 0 COUNT 10"):
			return page("0", "a", "b", "c")
		case strings.HasPrefix(c, "SCAN"):
			cursor, _, _ := strings.Cut(key, " ")
			next := map[string][2]string{"0": {"1", "a"}, "1": {"2", "b"}, "2": {"0", "c"}}[cursor]
			return page(next[0], next[1])
		case name == "TYPE":
			return "+hash\r\n"
		case slices.Contains(lengthCommands, strings.ToLower(name)):
			return ":3\r\n"
		}
		return ""
	}
}

// TestLengthAnswers checks what becomes of answers to the question for a length.
func TestLengthAnswers(t *testing.T) {
	const whole = "a 3, b 3, c 3"
	for _, tt := range []struct{ reply, want, note, err string }{
		{"", whole, "", ""},
		{":0\r\n", "a 3, c 3", "1 key gone", ""},
		{"-ASK 3300 10.0.0.1:6379\r\n", "a 3, c 3", "1 key gone", ""},
		{"-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", "a 3, b ?, c 3", "", ""},
		{"-NOPERM No permissions to access a key\r\n", "a 3, b ?, c 3", "HLEN was refused for 1 key", ""},
		{":-1\r\n", "a 3, b ?, c 3", "", ""},
		{"$-1\r\n", "a 3", "", "HLEN was answered otherwise"},
		{"+OK\r\n", "a 3", "", "HLEN was answered otherwise"},
		{"-LOADING Redis is loading the dataset in memory\r\n", "a 3", "", "loading"},
		{hangUp, "a 3", "", "closed the connection"},
	} {
		for _, limiter := range []*kv.Limiter{nil, kv.NewLimiter(1e6)} {
			t.Run(tt.reply, func(t *testing.T) {
				s := openURL(t, "redis://"+fake(t, lengthServer(on("HLEN b", tt.reply))))
				if _, info := factsOf(t, s); info.Measures()&kv.FieldLen == 0 {
					t.Fatalf("%+v", info.Facts)
				}
				records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.FieldLen, Limiter: limiter})
				var got []string
				for _, r := range records {
					n := "?"
					if r.Has(kv.FieldLen) {
						n = fmt.Sprint(r.Len)
					}
					got = append(got, r.Key+" "+n)
				}
				if said := fmt.Sprint(err); strings.Join(got, ", ") != tt.want || (err != nil) != (tt.err != "") || !strings.Contains(said, tt.err) {
					t.Errorf("%v, %v", got, err)
				}
				if _, info := factsOf(t, s); !strings.Contains(fmt.Sprint(info.Notes), tt.note) {
					t.Errorf("%q", info.Notes)
				}
			})
		}
	}
}

// TestNotQuiet checks that no length is asked of a server that does not say a plain yes to CLIENT NO-TOUCH.
func TestNotQuiet(t *testing.T) {
	for _, reply := range []string{
		"-ERR unknown subcommand 'NO-TOUCH'. Try CLIENT HELP.\r\n", "-ERR syntax error\r\n", "-NOPERM User u has no permissions to run the 'client|no-touch' command\r\n",
	} {
		var mu sync.Mutex
		s := openURL(t, "redis://"+fake(t, lengthServer(func(c string) string {
			mu.Lock()
			defer mu.Unlock()
			if name, _, _ := strings.Cut(c, " "); slices.Contains(lengthCommands, strings.ToLower(name)) {
				t.Errorf("%s: it was sent %s", reply, c)
			}
			if strings.HasPrefix(c, "CLIENT NO-TOUCH") {
				return reply
			}
			return ""
		})))
		facts, info := factsOf(t, s)
		if info.Provides()&kv.FieldLen != 0 || !strings.Contains(facts, "length: missing") {
			t.Errorf("%s%s", reply, facts)
		}
		if records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields}); err != nil || len(records) != 3 {
			t.Errorf("%d records, %v", len(records), err)
		}
	}
}

// A counting connection counts what is written, and keeps it.
type counting struct {
	canned
	writes []string
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes = append(c.writes, string(p))
	return len(p), nil
}

// TestLengthsAddNoRoundTrip looks at what goes out in one write: the lengths of a page with the keys of the page after the
// next. Only behind the last page they go alone.
func TestLengthsAddNoRoundTrip(t *testing.T) {
	const pages = 6
	names := func(p int) []string { return []string{fmt.Sprintf("hash:%d", p), fmt.Sprintf("string:%d", p)} }
	answers := ""
	for p := range pages {
		cursor := fmt.Sprint((p + 1) % pages)
		answers += page(cursor, names(p)...)
		if p > 2 {
			answers += ":7\r\n" // the length of page p-3
		}
		if p > 0 {
			answers += "+hash\r\n+string\r\n" // the types of page p-1
		}
	}
	answers += ":7\r\n+hash\r\n+string\r\n:7\r\n:7\r\n"
	c := &counting{canned: canned{data: []byte(answers)}}
	var got []string
	sc := &scan{
		ctx: t.Context(), opt: kv.ScanOptions{Want: kv.FieldLen}, abilities: &abilities{}, count: countMost, words: map[string]string{},
		place: place{cursor: "0"}, link: newLink(c, time.Second),
		yield: func(r *kv.Record) bool {
			got = append(got, fmt.Sprint(r.Key, " ", r.Len))
			return true
		},
	}
	if err := sc.prepare(); err != nil {
		t.Fatal(err)
	}
	if err := sc.database(); err != nil {
		t.Fatal(err)
	}
	var want []string
	for p := range pages {
		want = append(want, names(p)[0]+" 7", names(p)[1]+" 1")
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	sent := make([]string, len(c.writes))
	for i, w := range c.writes {
		for p := range pages {
			for _, command := range []string{"TYPE", "HLEN"} {
				if strings.Contains(w, command+"\r\n$6\r\n"+names(p)[0]) {
					sent[i] += fmt.Sprint(command, p, " ")
				}
			}
		}
	}
	if want := []string{"", "TYPE0 ", "TYPE1 ", "HLEN0 TYPE2 ", "HLEN1 TYPE3 ", "HLEN2 TYPE4 ", "HLEN3 TYPE5 ", "HLEN4 ", "HLEN5 "}; !slices.Equal(sent, want) {
		t.Errorf("%q", sent)
	}
}
