package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// hangUp is the answer of a script that closes the connection.
const hangUp = "hang up"

// A script answers a command, given as one string; "" leaves the answer to the fake's own.
type script func(command string) string

// fake runs a server of two keys, a and b, whose answers a script may change.
func fake(t *testing.T, answer script) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
			wg.Go(func() { serve(conn, answer) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return l.Addr().String()
}

func serve(conn net.Conn, answer script) {
	defer conn.Close()
	in := resp.NewReader(conn, 1024)
	for {
		head, err := in.Next()
		if err != nil {
			return
		}
		var words []string
		for range head.N {
			word, err := in.Next()
			if err != nil {
				return
			}
			words = append(words, string(word.Data))
		}
		command := strings.Join(words, " ")
		reply := answer(command)
		if reply == "" {
			reply = usual(command)
		}
		if before, hangs := strings.CutSuffix(reply, hangUp); hangs {
			fmt.Fprint(conn, before)
			return
		}
		if _, err := fmt.Fprint(conn, reply); err != nil {
			return
		}
	}
}

const fakeInfo = "redis_version:7.0.15\r\nrole:master\r\nused_memory:1000\r\ndb0:keys=2,expires=0,avg_ttl=0\r\n"

func bulk(s string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(s), s) }

func page(cursor string, keys ...string) string {
	b := "*2\r\n" + bulk(cursor) + fmt.Sprintf("*%d\r\n", len(keys))
	for _, k := range keys {
		b += bulk(k)
	}
	return b
}

// usual is what a server of two keys answers.
func usual(command string) string {
	name, _, _ := strings.Cut(strings.ToUpper(command), " ")
	switch name {
	case "PING":
		return "+PONG\r\n"
	case "AUTH", "SELECT", "CLIENT":
		return "+OK\r\n"
	case "INFO":
		return bulk(fakeInfo)
	case "SCAN":
		return page("0", "a", "b")
	case "TYPE":
		return "+string\r\n"
	case "PTTL":
		return ":-1\r\n"
	case "OBJECT":
		switch {
		case strings.HasPrefix(command, "OBJECT IDLETIME"):
			return ":60\r\n"
		case strings.HasPrefix(command, "OBJECT FREQ"):
			return "-ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that …\r\n"
		}
		return bulk("embstr")
	case "MEMORY":
		return ":56\r\n"
	case "DBSIZE":
		return ":2\r\n"
	case "STRLEN":
		return ":3\r\n"
	}
	return "-ERR unknown command '" + command + "'\r\n"
}

// on answers commands that begin with prefix.
func on(prefix, reply string) script {
	return func(command string) string {
		if strings.HasPrefix(command, prefix) {
			return reply
		}
		return ""
	}
}

// collect scans as far as it goes.
func collect(ctx context.Context, s kv.Store, opt kv.ScanOptions) (records []kv.Record, err error) {
	for r, e := range s.Scan(ctx, opt) {
		if e != nil {
			return records, e
		}
		records = append(records, *r)
	}
	return records, nil
}

// TestConnectErrors checks what is said of a server that cannot be used, and that no password is in it.
func TestConnectErrors(t *testing.T) {
	const password = "s3cret-word"
	for _, tt := range []struct {
		name, text, hint string
		script           script
	}{
		{"loading", "still loading", "try again", on("PING", "-LOADING Redis is loading the dataset in memory\r\n")},
		{"protected mode", "protected mode", "password", on("", "-DENIED Redis is running in protected mode because protected mode is enabled\r\n")},
		{"too many clients", "max number of clients", "maxclients", on("", "-ERR max number of clients reached\r\n")},
		{"lost its primary", "lost its primary", "link is up", on("PING", "-MASTERDOWN Link with MASTER is down\r\n")},
		{"hangs up", "closed the connection", "rediss://", on("", hangUp)},
		{"a TLS server", "no server of the Redis family", "port", on("", "\x15\x03\x01\x00\x02\x02\x46"+hangUp)},
		{"a web server", "no server of the Redis family", "port", on("", "HTTP/1.1 400 Bad Request\r\n\r\n"+hangUp)},
		{"quotes the password", "unknown command", "", on("AUTH", "-ERR unknown command 'AUTH', with args beginning with: '"+password+"'\r\n")},
		{"silent", "no answer within", "timeout", func(string) string { time.Sleep(400 * time.Millisecond); return hangUp }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			timeout := "30s" // a busy machine is no silent server
			if tt.hint == "timeout" {
				timeout = "200ms"
			}
			url := "redis://:" + password + "@" + fake(t, tt.script) + "?timeout=" + timeout
			s, err := tryOpen(t, url)
			if err == nil {
				s.Close()
				t.Fatal("it opened")
			}
			if all := err.Error() + kv.Hint(err); strings.Contains(all, password) {
				t.Errorf("the password is told: %s", all)
			}
			if !strings.Contains(err.Error(), tt.text) || !strings.Contains(kv.Hint(err), tt.hint) {
				t.Errorf("%v\nhint: %s", err, kv.Hint(err))
			}
		})
	}
}

// TestHosted takes commands away as services do, in their words.
func TestHosted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		script  script
		missing kv.Field
		facts   string
	}{
		{"no memory usage", on("MEMORY", "-ERR unknown command 'MEMORY', with args beginning with: 'USAGE' 'a'\r\n"), 0, "size: modelled ERR unknown"},
		{"not available", on("OBJECT", "-ERR This command is not available in this service\r\n"), kv.FieldEncoding, "audit a dump"},
		{"no object, no memory, no client", func(c string) string {
			for _, no := range []string{"OBJECT", "MEMORY", "CLIENT"} {
				if strings.HasPrefix(c, no) {
					return "-ERR unknown command '" + no + "'\r\n"
				}
			}
			return ""
		}, kv.FieldEncoding | kv.FieldSize, "size: missing ERR unknown"},
		{"no info", on("INFO", "-NOPERM this user has no permissions to run the 'info' command\r\n"), 0, "info: missing NOPERM"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openURL(t, "redis://"+fake(t, tt.script))
			facts, info := factsOf(t, s)
			if lacks := everyKey &^ info.Provides(); lacks != tt.missing || !strings.Contains(facts, tt.facts) {
				t.Errorf("lacks %s\n%s", lacks, facts)
			}
			records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
			if err != nil || len(records) != 2 {
				t.Errorf("%d records, %v", len(records), err)
			}
		})
	}
}

func TestScanRefused(t *testing.T) {
	s := openURL(t, "redis://"+fake(t, on("SCAN", "-NOPERM this user has no permissions to run the 'scan' command\r\n")))
	facts, info := factsOf(t, s)
	if info.Provides()&everyKey != everyKey&^kv.FieldName || !strings.Contains(facts, "scan: missing") || !strings.Contains(facts, "-@all +scan") {
		t.Errorf("%s", facts)
	}
	if _, err := collect(t.Context(), s, kv.ScanOptions{}); err == nil || !strings.Contains(kv.Hint(err), "+scan") {
		t.Errorf("%v (%s)", err, kv.Hint(err))
	}
}

// TestKeysGo checks keys that are gone between SCAN and their attributes, in each way that a server may say so.
func TestKeysGo(t *testing.T) {
	for _, tt := range []struct{ command, reply string }{
		{"TYPE b", "+none\r\n"},
		{"PTTL b", ":-2\r\n"},
		{"OBJECT ENCODING b", "$-1\r\n"},
		{"OBJECT ENCODING b", "-ERR no such key\r\n"},
		{"MEMORY USAGE b", "$-1\r\n"},
		{"MEMORY USAGE b", "-MOVED 3300 10.0.0.1:6379\r\n"},
	} {
		t.Run(tt.reply, func(t *testing.T) {
			s := openURL(t, "redis://"+fake(t, on(tt.command, tt.reply)))
			records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
			if err != nil || len(records) != 1 || records[0].Key != "a" {
				t.Errorf("%+v, %v", records, err)
			}
			if _, info := factsOf(t, s); !strings.Contains(fmt.Sprint(info.Notes), "1 key gone") {
				t.Errorf("%q", info.Notes)
			}
		})
	}
}

func TestRefusedByName(t *testing.T) {
	s := openURL(t, "redis://"+fake(t, on("TYPE b", "-NOPERM No permissions to access a key\r\n")))
	records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
	if err != nil || len(records) != 2 || !records[0].Has(kv.FieldType) || records[1].Has(kv.FieldType) || !records[1].Has(kv.FieldSize) {
		t.Errorf("%+v, %v", records, err)
	}
	if _, info := factsOf(t, s); !strings.Contains(fmt.Sprint(info.Notes), "TYPE was refused for 1 key: NOPERM") {
		t.Errorf("%q", info.Notes)
	}
}

// TestScanBreaks checks that what was read whole is yielded, and then an error that says what happened.
func TestScanBreaks(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script script
		keys   int
		text   string
	}{
		{"dies between keys", on("TYPE b", hangUp), 1, "closed the connection"},
		{"dies within an answer", on("OBJECT ENCODING b", "$6\r\nemb"+hangUp), 1, "closed the connection"},
		{"dies at once", on("SCAN 0 COUNT 125", hangUp), 0, "closed the connection"},
		{"loads", on("TYPE b", "-LOADING Redis is loading the dataset in memory\r\n"), 1, "still loading"},
		{"stuck cursor", on("SCAN", page("7", "a")), 0, "does not get on from cursor"},
		{"a number for SCAN", on("SCAN 0 COUNT 125", ":1\r\n"), 0, "SCAN was answered otherwise"},
		{"three parts for SCAN", on("SCAN 0 COUNT 125", "*3\r\n:1\r\n:2\r\n:3\r\n"), 0, "SCAN was answered otherwise"},
		{"a number for a cursor", on("SCAN 0 COUNT 125", "*2\r\n:0\r\n*0\r\n"), 0, "SCAN was answered otherwise"},
		{"names that are none", on("SCAN 0 COUNT 125", "*2\r\n$1\r\n0\r\n*1\r\n:1\r\n"), 0, "a name that is no string"},
		{"a promise of names", on("SCAN 0 COUNT 125", "*2\r\n$1\r\n0\r\n*1048576\r\n"+hangUp), 0, "closed the connection"},
		{"a promise of bytes", on("SCAN 0 COUNT 125", "*2\r\n$1\r\n0\r\n*1\r\n$536870912\r\nx"+hangUp), 0, "closed the connection"},
		{"a string for a number", on("PTTL b", "+1\r\n"), 1, "PTTL was answered otherwise"},
		{"an array for a type", on("TYPE b", "*1\r\n+x\r\n"), 1, "TYPE was answered otherwise"},
		{"no type", on("TYPE b", "$-1\r\n"), 1, "TYPE was answered otherwise"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := openURL(t, "redis://"+fake(t, tt.script))
			records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
			if len(records) != tt.keys || err == nil || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%d records, %v", len(records), err)
			}
			for _, r := range records {
				if !r.Has(everyKey) {
					t.Errorf("half a record: %+v", r)
				}
			}
		})
	}
}

// TestHostileValues checks answers that are well formed and make no sense: they must not become a claim.
func TestHostileValues(t *testing.T) {
	s := openURL(t, "redis://"+fake(t, func(c string) string {
		switch c {
		case "MEMORY USAGE a":
			return ":-5\r\n"
		case "TYPE a":
			return "+\r\n"
		case "OBJECT ENCODING a":
			return "$0\r\n\r\n"
		case "PTTL b":
			return ":9223372036854775807\r\n"
		}
		return ""
	}))
	records, err := collect(t.Context(), s, kv.ScanOptions{Want: kv.AllFields})
	if err != nil || len(records) != 2 {
		t.Fatal(records, err)
	}
	if bad := kv.FieldSize | kv.FieldType | kv.FieldEncoding; records[0].Known&bad != 0 {
		t.Errorf("knows %s", records[0].Known)
	}
	if at := records[1].ExpireAt; records[1].TTL != kv.TTLAt || at.Before(time.Now()) {
		t.Errorf("expires at %v", at)
	}
}

func TestCancel(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	addr := fake(t, func(c string) string {
		if c == "TYPE b" {
			<-release // no answer
		}
		return ""
	})
	s := openURL(t, "redis://"+addr)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start := time.Now()
	n := 0
	var last error
	for _, err := range s.Scan(ctx, kv.ScanOptions{Want: kv.AllFields}) {
		if last = err; err == nil {
			n++
			cancel()
		}
	}
	if n != 1 || !errors.Is(last, context.Canceled) {
		t.Errorf("%d records, %v", n, last)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v to end", d)
	}
}

// TestOnlyWhatIsWanted checks that nothing is asked that nobody reads.
func TestOnlyWhatIsWanted(t *testing.T) {
	for _, tt := range []struct {
		want  kv.Field
		asked string
	}{
		{0, ""},
		{kv.FieldName | kv.FieldLen, ""},
		{kv.FieldTTL, "PTTL"},
		{kv.FieldType | kv.FieldSize, "TYPE MEMORY"},
		{kv.AllFields, "TYPE PTTL OBJECT MEMORY"},
	} {
		var mu sync.Mutex
		var asked []string
		s := openURL(t, "redis://"+fake(t, func(c string) string {
			if name, key, _ := strings.Cut(c, " "); strings.HasSuffix(key, "b") {
				mu.Lock()
				asked = append(asked, name)
				mu.Unlock()
			}
			return ""
		}))
		if _, err := collect(t.Context(), s, kv.ScanOptions{Want: tt.want}); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		if got := strings.Join(asked, " "); got != tt.asked {
			t.Errorf("%s: asked %q, want %q", tt.want, got, tt.asked)
		}
		mu.Unlock()
	}
}

func TestLimiter(t *testing.T) {
	s := openURL(t, "redis://"+fake(t, func(string) string { return "" }))
	l := kv.NewLimiter(0.001)
	if err := l.Wait(t.Context(), 1); err != nil { // the first is free, and takes the time of all that follow
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	records, err := collect(ctx, s, kv.ScanOptions{Limiter: l})
	if len(records) > 0 || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%d records, %v", len(records), err)
	}
}

func TestProducts(t *testing.T) {
	for _, tt := range []struct{ info, product, version string }{
		{"redis_version:7.0.15\r\n", "redis", "7.0.15"},
		{"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n", "valkey", "9.1.2"},
		{"redis_version:6.3.4\r\nmvcc_depth:0\r\n", "keydb", "6.3.4"},
		{"redis_version:7.4.0\r\ndragonfly_version:df-v1.30.0\r\n", "dragonfly", "1.30.0"},
		{"", "redis", ""},
	} {
		i := parseInfo(tt.info)
		if i.product() != tt.product || i.version() != tt.version {
			t.Errorf("%q: %s %s", tt.info, i.product(), i.version())
		}
	}
	if !tested("redis", "7.0.15") || !tested("valkey", "9.1.2") || tested("redis", "7.4.1") || tested("redis", "70.0") || tested("valkey", "8.0.1") {
		t.Error("tested versions")
	}
	for info, note := range map[string]string{
		"redis_version:7.4.1\r\n":                      "was not tested",
		"redis_version:7.0.1\r\nrole:slave\r\n":        "replica",
		"redis_version:7.0.1\r\ncluster_enabled:1\r\n": "one node of a cluster",
	} {
		if notes := fmt.Sprint(parseInfo(info).notes()); !strings.Contains(notes, note) {
			t.Errorf("%q: %s", info, notes)
		}
	}
}

// TestInfoWithoutDatabases reads database 0 of a server, or of the proxy before it, whose INFO lists none: an empty list
// would be an empty store, and a gate that passes.
func TestInfoWithoutDatabases(t *testing.T) {
	if listed := parseInfo("# Server\r\nredis_version:7.0.15\r\n"); listed.lists {
		t.Error("no databases are listed")
	}
	if empty := parseInfo("# Server\r\nredis_version:7.0.15\r\n# Keyspace\r\n"); !empty.lists || len(empty.databases()) != 0 {
		t.Error("an empty store lists no database, and says so")
	}
}
