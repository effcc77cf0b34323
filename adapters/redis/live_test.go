package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// fillDBs writes keys of one template into two databases.
func fillDBs(t *testing.T, c *servertest.Client, keys int) {
	t.Helper()
	for _, db := range []string{"0", "5"} {
		c.Must(t, "SELECT", db)
		c.Fill(t, keys, func(i int) []string { return []string{"SET", fmt.Sprintf("key:%d", i), "value", "EX", "100000"} })
	}
	c.Must(t, "SELECT", "0")
}

// interrupted scans until so many records have come, is then told to stop, and returns where it stopped. Seen are the keys
// that have come before that place. The scan has a moment to read the rest of its page; behind says how many keys came of a page
// for which that was not enough, on a busy machine: they are to come again.
func interrupted(t *testing.T, s kv.Store, opt kv.ScanOptions, after int, seen map[string]int) (mark kv.Shard, behind int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var since []string
	mark = opt.Shard
	opt.Mark = func(at kv.Shard) {
		for _, key := range since {
			seen[key]++
		}
		mark, since = at, nil
	}
	n := 0
	var last error
	for r, err := range s.Scan(ctx, opt) {
		if last = err; err != nil {
			break
		}
		since = append(since, fmt.Sprint(r.DB, "/", r.Key))
		if n++; n == after {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Fatalf("after %d records: %v", n, last)
	}
	return mark, len(since)
}

// TestContinue interrupts a scan several times: what is read until then and from then on is every key, once.
func TestContinue(t *testing.T) {
	const keys = 4000
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		fillDBs(t, server.Client(t), keys)
		whole := 0 // interruptions that had time to the end of a page
		for _, opt := range []kv.ScanOptions{{}, {Want: everyKey}, {Want: everyKey, Limiter: kv.NewLimiter(1e6)}} {
			s := openURL(t, "redis://"+server.Addr)
			seen := map[string]int{}
			opt.Shard = kv.Shard{Name: "a name"}
			for _, after := range []int{1, 501, 3700, 1} { // at the beginning, in the middle, over the end of a database
				var behind int
				if opt.Shard, behind = interrupted(t, s, opt, after, seen); behind == 0 {
					whole++
				}
				if opt.Shard.Name != "a name" {
					t.Fatalf("continue at %+v", opt.Shard)
				}
			}
			var end kv.Shard
			opt.Mark = func(at kv.Shard) { end = at }
			for r, err := range s.Scan(t.Context(), opt) {
				if err != nil {
					t.Fatal(err)
				}
				seen[fmt.Sprint(r.DB, "/", r.Key)]++
			}
			for key, n := range seen {
				if n != 1 {
					t.Errorf("%s came %d times", key, n)
				}
			}
			if len(seen) != 2*keys {
				t.Errorf("%d of %d keys", len(seen), 2*keys)
			}
			if records, err := collect(t.Context(), s, kv.ScanOptions{Shard: end}); err != nil || len(records) > 0 {
				t.Errorf("behind the end: %d records, %v", len(records), err)
			}
		}
		if whole == 0 {
			t.Error("no scan that was told to stop read its page to the end")
		}
	})
}

func TestContinueElsewhere(t *testing.T) {
	server, other := servertest.Redis(t, servertest.Options{}), servertest.Redis(t, servertest.Options{})
	fillDBs(t, server.Client(t), 600)
	var mark kv.Shard // the first
	all(t, openURL(t, "redis://"+server.Addr), kv.ScanOptions{Mark: func(at kv.Shard) {
		if mark.From == nil {
			mark = at
		}
	}})
	for _, tt := range []struct {
		name, url, from, text string
	}{
		{"another server", "redis://" + other.Addr, string(mark.From), "is another server"},
		{"another database", "redis://" + server.Addr + "/5", string(mark.From), "was in database 0"},
		{"nothing", "redis://" + server.Addr, "", "no place"},
		{"of another kind", "redis://" + server.Addr, "rdb 17", "no place"},
		{"a negative database", "redis://" + server.Addr, placeForm + " x -1 0", "no place"},
		{"no cursor", "redis://" + server.Addr, placeForm + " x 0 *", "no place"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openURL(t, tt.url)
			records, err := collect(t.Context(), s, kv.ScanOptions{Shard: kv.Shard{From: []byte(tt.from)}})
			if len(records) > 0 || !errors.Is(err, kv.ErrUsage) || kv.Hint(err) == "" || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%d records, %v (%s)", len(records), err, kv.Hint(err))
			}
		})
	}
	s := openURL(t, "redis://"+fake(t, func(string) string { return "" })) // its INFO has no run_id
	_, err := collect(t.Context(), s, kv.ScanOptions{Mark: func(kv.Shard) { t.Error("marked") }})
	if err != nil {
		t.Error(err)
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{Shard: mark}); !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), "+info") {
		t.Errorf("%v (%s)", err, kv.Hint(err))
	}
}

func FuzzPlace(f *testing.F) {
	f.Add(string(place{"0123abcd", 3, "77", ""}.encode()))
	f.Add(string(place{"0123abcd", 0, "77", "zset"}.encode()))
	f.Add(placeForm + " a 0 18446744073709551615")
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := decodePlace([]byte(text))
		if !ok {
			return
		}
		if again, ok := decodePlace(p.encode()); !ok || again != p {
			t.Errorf("%q: %+v, then %+v", text, p, again)
		}
	})
}

// TestAsk checks that a scan sends for a key what whoever consumes it wants of that key, and yields what it was told.
func TestAsk(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{})
	c := server.Client(t)
	const keys = 3000
	c.Fill(t, keys, func(i int) []string { return []string{"SET", fmt.Sprintf("key:%d", i), "value"} })
	c.Must(t, "CONFIG", "RESETSTAT")
	wants := []kv.Field{kv.FieldName, kv.FieldSize, everyKey, kv.FieldType | kv.FieldTTL}
	s := openURL(t, "redis://"+server.Addr)
	var asked []string
	n := 0
	opt := kv.ScanOptions{Want: everyKey, Ask: func(key string) kv.Field {
		asked = append(asked, key)
		return wants[(len(asked)-1)%len(wants)]
	}}
	for r, err := range s.Scan(t.Context(), opt) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Key != asked[n] || r.Known != wants[n%len(wants)]|kv.FieldName {
			t.Fatalf("%d: %s knows %s, asked for %s of %s", n, r.Key, r.Known, wants[n%len(wants)], asked[n])
		}
		n++
	}
	if n != keys || len(asked) != keys {
		t.Errorf("asked about %d keys, %d came", len(asked), n)
	}
	calls := commandCalls(t, c)
	for command, want := range map[string]int{"type": keys / 2, "pttl": keys / 2, "object|encoding": keys / 4, "memory|usage": keys / 2} {
		if got := calls[command]; got < want || got > want+5 { // a probe or two
			t.Errorf("%s was sent %d times, want %d", command, got, want)
		}
	}
}

// commandCalls returns how often the server was sent each command.
func commandCalls(t *testing.T, c *servertest.Client) map[string]int {
	t.Helper()
	calls := map[string]int{}
	stats, _ := c.Must(t, "INFO", "commandstats").(string)
	for line := range strings.Lines(stats) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "cmdstat_"), ":calls=")
		if number, _, _ := strings.Cut(rest, ","); ok {
			calls[name], _ = strconv.Atoi(number)
		}
	}
	return calls
}

// TestIdleAndFrequency reads the one or the other of a sample, as the server's policy has it.
func TestIdleAndFrequency(t *testing.T) {
	const keys = 4000
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		c.Must(t, "CONFIG", "SET", "lfu-decay-time", "0") // counters would fall by themselves
		for _, tt := range []struct {
			policy, command string
			has, lacks      kv.Field
			value           func(*kv.Record) int64
		}{
			{"allkeys-lru", "IDLETIME", kv.FieldIdle, kv.FieldFreq, func(r *kv.Record) int64 { return int64(r.Idle / time.Second) }},
			{"volatile-lfu", "FREQ", kv.FieldFreq, kv.FieldIdle, func(r *kv.Record) int64 { return int64(r.Freq) }},
		} {
			c.Must(t, "CONFIG", "SET", "maxmemory-policy", tt.policy)
			c.Must(t, "FLUSHALL")
			empty := openURL(t, "redis://"+server.Addr)
			facts, info := factsOf(t, empty)
			if p := info.Provides(); p&tt.has == 0 || p&tt.lacks != 0 {
				t.Errorf("%s, empty: %s", tt.policy, facts)
			}
			c.Fill(t, keys, func(i int) []string { return []string{"SET", fmt.Sprintf("key:%d", i), "value"} })
			s := openURL(t, "redis://"+server.Addr)
			facts, info = factsOf(t, s)
			if p := info.Provides(); p&tt.has == 0 || p&tt.lacks != 0 || info.Measures()&tt.has != 0 || !strings.Contains(facts, "sampled asked of 1 key in 16") {
				t.Errorf("%s: %s", tt.policy, facts)
			}
			told := 0
			for _, r := range all(t, s, kv.ScanOptions{Want: kv.FieldIdle | kv.FieldFreq}) {
				if r.Has(tt.lacks) {
					t.Fatalf("%s knows %s", r.Key, r.Known)
				}
				if !r.Has(tt.has) {
					continue
				}
				told++
				if want, _ := c.Must(t, "OBJECT", tt.command, r.Key).(int64); tt.value(&r) > want || tt.value(&r) < want-10 {
					t.Errorf("%s: %d, OBJECT %s says %d", r.Key, tt.value(&r), tt.command, want)
				}
			}
			if told < keys/sampleOf*3/4 || told > keys/sampleOf*5/4 {
				t.Errorf("%s: %d of %d keys told it", tt.policy, told, keys)
			}
		}
	})
}

// TestHits holds the note of what the scan has added to the server's statistics against the server.
func TestHits(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		fillDBs(t, c, 1000)
		for _, want := range []kv.Field{0, kv.FieldSize, everyKey, everyKey | kv.FieldIdle} {
			s := openURL(t, "redis://"+server.Addr)
			factsOf(t, s) // the probe's own hits are not worth a note
			c.Must(t, "CONFIG", "RESETSTAT")
			all(t, s, kv.ScanOptions{Want: want})
			stats, _ := c.Must(t, "INFO", "stats").(string)
			hits, misses := parseInfo(stats).number("keyspace_hits"), parseInfo(stats).number("keyspace_misses")
			_, info := factsOf(t, s)
			note := fmt.Sprintf("Asking added %d to the server's keyspace_hits", hits)
			if told := strings.Contains(strings.Join(info.Notes, " "), note); told != (hits > 0) || misses > 0 {
				t.Errorf("%s: %d hits, %d misses, noted: %q", want, hits, misses, info.Notes)
			}
		}
	})
}

// TestTouchesNothing reads in every way there is and then asks the server what became of idle times and access counters.
func TestTouchesNothing(t *testing.T) {
	t.Parallel()
	servertest.Matrix(t, func(t *testing.T, version string) {
		t.Parallel()
		server := servertest.Redis(t, servertest.Options{Version: version})
		c := server.Client(t)
		c.Must(t, "ACL", "SETUSER", "nomem", "on", ">pw", "~*", "+@all", "-memory")
		for _, policy := range []string{"noeviction", "allkeys-lfu"} {
			command := map[string]string{"noeviction": "IDLETIME", "allkeys-lfu": "FREQ"}[policy]
			c.Must(t, "CONFIG", "SET", "maxmemory-policy", policy)
			c.Must(t, "CONFIG", "SET", "lfu-decay-time", "0") // counters would fall by themselves
			c.Must(t, "FLUSHALL")
			fill(t, c)
			c.Must(t, "SELECT", "0")
			if policy == "noeviction" {
				for idle(t, c) < 2 {
					time.Sleep(50 * time.Millisecond) // an idle time of seconds cannot be had faster
				}
			}
			before := accesses(t, c, command)
			c.Must(t, "CONFIG", "RESETSTAT")
			for _, user := range []string{"", "nomem:pw@"} { // sizes measured, sizes modelled
				for _, opt := range []kv.ScanOptions{
					{},
					{Want: kv.AllFields},
					{Want: kv.AllFields, Match: "*a*"},
					{Want: kv.AllFields, Ask: func(key string) kv.Field { return kv.Field(len(key) % 2 * int(kv.AllFields)) }},
				} {
					s := openURL(t, "redis://"+user+server.Addr)
					factsOf(t, s)
					all(t, s, opt)
				}
			}
			stats, _ := c.Must(t, "INFO", "commandstats").(string)
			checkCommands(t, c, stats)
			for key, n := range accesses(t, c, command) {
				if policy == "noeviction" && n < before[key] || policy == "allkeys-lfu" && n != before[key] {
					t.Errorf("OBJECT %s of %.40q was %d, is %d", command, key, before[key], n)
				}
			}
		}
	})
}

// accesses returns what OBJECT IDLETIME or FREQ says of each key of the database.
func accesses(t *testing.T, c *servertest.Client, command string) map[string]int64 {
	t.Helper()
	out := map[string]int64{}
	names, _ := c.Must(t, "KEYS", "*").([]any)
	for _, name := range names {
		out[name.(string)], _ = c.Must(t, "OBJECT", command, name.(string)).(int64)
	}
	return out
}

// TestServerGoesAway ends a scan from the server's side, in the ways that a server has.
func TestServerGoesAway(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, server *servertest.Server, c *servertest.Client)
		text string
	}{
		{"CLIENT KILL", func(t *testing.T, _ *servertest.Server, c *servertest.Client) {
			c.Must(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		}, "closed the connection"},
		{"SHUTDOWN", func(_ *testing.T, server *servertest.Server, _ *servertest.Client) { server.Stop() }, "closed the connection"},
		{"CLIENT PAUSE", func(t *testing.T, _ *servertest.Server, c *servertest.Client) {
			c.Must(t, "CLIENT", "PAUSE", "60000", "ALL")
		}, "no answer within"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := servertest.Redis(t, servertest.Options{})
			c := server.Client(t)
			fillDBs(t, c, 10_000)
			s := openURL(t, "redis://"+server.Addr+"?timeout=2s")
			n := 0
			var last error
			for r, err := range s.Scan(t.Context(), kv.ScanOptions{Want: everyKey}) {
				if last != nil {
					t.Fatal("something was yielded after an error")
				}
				if last = err; err != nil {
					continue
				}
				if !r.Has(everyKey) {
					t.Fatalf("half a record: %+v", r)
				}
				if n++; n == 700 {
					tt.end(t, server, c)
				}
			}
			if n < 700 || n == 20_000 || last == nil || !strings.Contains(last.Error(), tt.text) || kv.Hint(last) == "" {
				t.Errorf("after %d records: %v (%s)", n, last, kv.Hint(last))
			}
		})
	}
}

// TestServerIsFull takes all the connections that a server has: before the target is opened, and before the scan.
func TestServerIsFull(t *testing.T) {
	server := servertest.Redis(t, servertest.Options{Args: []string{"--maxclients", "4"}})
	server.Client(t).Must(t, "SET", "a", "b")
	s := openURL(t, "redis://"+server.Addr)
	factsOf(t, s)
	for full := false; !full; { // however many connections the server keeps for itself
		c, err := servertest.Dial("unix", server.Socket)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, full = c.Do("PING").(error)
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{}); err == nil || !strings.Contains(err.Error(), "max number of clients") || !strings.Contains(kv.Hint(err), "maxclients") {
		t.Errorf("%v (%s)", err, kv.Hint(err))
	}
	checkFails(t, "redis://"+server.Addr, "max number of clients", "maxclients")
}
