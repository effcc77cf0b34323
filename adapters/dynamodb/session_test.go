package dynamodb

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// A gate passes requests on to a server, and none while it is shut.
type gate struct {
	mu   sync.RWMutex
	next http.Handler
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	g.next.ServeHTTP(w, r)
}

func driverOf(t *testing.T, target string) kv.Driver {
	t.Helper()
	d, err := kv.DriverOf(openTable(t, target))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func sessionOf(t *testing.T, target string) kv.Session {
	t.Helper()
	s, err := driverOf(t, target).Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A session keeps the contract of drivers, on a server of the protocol.
func TestDriver(t *testing.T) {
	endpoint := servertest.DynamoDB(t)
	c := clientOf(endpoint)
	to, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{next: httputil.NewSingleHostReverseProxy(to)}
	front := httptest.NewServer(g)
	t.Cleanup(front.Close)
	tables := 0
	kvtest.TestDriver(t, kvtest.DriverConfig{
		Open: func(t *testing.T) kv.Driver {
			tables++
			name := fmt.Sprint("driver", tables)
			create(t, c, name, "S", "")
			return driverOf(t, "dynamodb://"+name+"?endpoint="+front.URL)
		},
		Stall: func(*testing.T) func() {
			g.mu.Lock()
			return g.mu.Unlock
		},
		Largest:     300 << 10,
		Batch:       400,
		Allocations: 10_000, // the SDK's: about 300 a request
	})
	t.Run("commands", func(t *testing.T) { testCommands(t, sessionOf(t, "dynamodb://driver1?endpoint="+endpoint)) })
	t.Run("transactions", func(t *testing.T) { testTransactions(t, endpoint) })
	t.Run("expired", func(t *testing.T) { testExpired(t, sessionOf(t, "dynamodb://driver1?endpoint="+endpoint)) })
	t.Run("composite", func(t *testing.T) {
		create(t, c, "two", "B", "S")
		s := openTable(t, "dynamodb://two?endpoint="+endpoint)
		w, err := s.(kv.Driver).Session(t.Context(), kv.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		kvtest.Lines(t, w, "SET alone v", "SET USER#1|ORDER#2 w", `SET a\|b x`, "SET a|b|c x")
		keys, err := scanAll(t.Context(), s)
		if err != nil || len(keys) != 3 {
			t.Fatal(keys, err)
		}
		for _, k := range keys { // as cleaning up does
			if got := kvtest.Lines(t, w, "UNLINK "+k)[0]; got != "1" {
				t.Errorf("%q: %s", k, got)
			}
		}
	})
	t.Run("numbers for keys", func(t *testing.T) {
		create(t, c, "numbers", "N", "")
		_, err := driverOf(t, "dynamodb://numbers?endpoint="+endpoint).Session(t.Context(), kv.SessionOptions{})
		if !errors.Is(err, kv.ErrUsage) || kv.Hint(err) == "" {
			t.Error(err)
		}
	})
}

func testCommands(t *testing.T, s kv.Session) {
	for _, x := range [][2]string{
		{"SET a 1 PX 100000", "OK"},
		{"TTL a", "100"},
		{"GETEX a EX 200", "1"},
		{"TTL a", "200"},
		{"GETEX nothing EX 100", "miss nil"},
		{"PEXPIRE a 50000", "1"},
		{"TTL a", "50"},
		{"EXPIRE nothing 5", "0"},
		{"EXISTS nothing", "0"},
		{"PERSIST a", "1"},
		{"PERSIST a", "0"},
		{"PTTL a", "-1"},
		{"PTTL nothing", "-2"},
		{"SET b x", "OK"},
		{"SET b y NX", "miss nil"},
		{"SET b y XX", "OK"},
		{"SET c y XX", "miss nil"},
		{"SETNX b z", "0"},
		{"SETNX d z", "1"},
		{"SETEX e 10 v", "OK"},
		{"PSETEX e 10000 v", "OK"},
		{"GETSET e w", "v"},
		{"GETSET f v", "miss nil"},
		{"GETDEL f", "v"},
		{"GETDEL f", "miss nil"},
		{"STRLEN b", "1"},
		{"STRLEN nothing", "0"},
		{"EXISTS b nothing b", "2"},
		{"MGET a nothing b a", "1 nil y 1"},
		{"INCR n", "1"},
		{"INCRBY n 41", "42"},
		{"DECRBY n 50", "-8"},
		{"DECR n", "-9"},
		{"GET n", "-9"},
		{"INCR a", "2"},
		{"SET zeros 007", "OK"},
		{"GET zeros", "007"},
		{"HSET h f v g 12", "2"},
		{"HSET h f w x 1", "1"},
		{"HGETALL h", "f w g 12 x 1"},
		{"HKEYS h", "f g x"},
		{"HVALS h", "w 12 1"},
		{"HLEN h", "3"},
		{"HINCRBY h g -2", "10"},
		{"HGET h g", "10"},
		{"HGET h no", "miss nil"},
		{"HMGET h x no", "1 nil"},
		{"HDEL h x no x", "1"},
		{"HGETALL nothing", "miss "},
		{"HLEN nothing", "0"},
		{"HSET h value v", "failed: " + string(errReserved)},
		{"HSET h pk v", "failed: " + string(errReserved)},
		{"HSET h f", "failed: " + string(errSyntax)},
		{"HSET h f v g", "failed: " + string(errSyntax)},
		{"GET h", "failed: " + string(errWrongType)},
		{"HGETALL b", "failed: " + string(errWrongType)},
		{"SADD s m n m", "2"},
		{"SADD s n o", "1"},
		{"SMEMBERS s", "m n o"},
		{"SCARD s", "3"},
		{"SISMEMBER s m", "1"},
		{"SISMEMBER s x", "0"},
		{"SREM s m x", "1"},
		{"SREM nothing m", "0"},
		{"SCARD nothing", "0"},
		{"SMEMBERS b", "failed: " + string(errWrongType)},
		{"DEL a b nothing", "2"},
		{"UNLINK d", "1"},
		{"PING", "PONG"},
		{"SET e", "failed: " + string(errSyntax)},
		{"SET e v EX", "failed: " + string(errSyntax)},
		{"SET e v EX 0", "failed: " + string(errSyntax)},
		{"SET e v EX 1 PX 1", "failed: " + string(errSyntax)},
		{"SET e v KEEPTTL", "failed: " + string(errSyntax)},
		{"SET e v NX XX", "failed: " + string(errSyntax)},
		{"INCRBY n x", "failed: " + string(errNotNumber)},
		{"LPUSH l v", "failed: ERR DynamoDB has no LPUSH"},
		{"GET a|b|c", "failed: " + string(errParts)},
		{"GET |", "failed: " + string(errParts)},
		{"EXEC", "failed: ERR EXEC without MULTI"},
		{"GET e", "w"}, // what was refused has left nothing behind
	} {
		got := kvtest.Lines(t, s, x[0])[0]
		if n, err := strconv.Atoi(x[1]); err == nil && strings.HasPrefix(x[0], "TTL ") && got == fmt.Sprint(n-1) {
			continue // a second has gone by
		}
		if got != x[1] {
			t.Errorf("%.40s: %q, want %q", x[0], got, x[1])
		}
	}
	if got := kvtest.Lines(t, s, "INCR zeros")[0]; !strings.HasPrefix(got, "failed: ValidationException ") {
		t.Errorf("INCR of text: %q", got)
	}
	raw := "\xff\x00"
	ops := []kv.Op{kvtest.Op("SET", "raw", raw), kvtest.Op("GET", "raw"), kvtest.Op("GET", "")}
	ops[1].Want = true
	out := make([]kv.Result, len(ops))
	if err := s.Do(ops, out); err != nil || string(out[1].Values[0]) != raw || out[2].Err != errNoKey {
		t.Errorf("%v, %+v", err, out)
	}
	info := kvtest.Lines(t, s, "INFO")[0]
	for _, want := range []string{"read_units:", "write_units:", "failed_conditions:", "throttled:0\r\n"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in %s", want, info)
		}
	}
}

// A transaction is one conditional write: it does all or nothing, and nothing if what was read has changed.
func testTransactions(t *testing.T, endpoint string) {
	target := "dynamodb://driver1?endpoint=" + endpoint
	s, other := sessionOf(t, target), sessionOf(t, target)
	for _, x := range []struct {
		send []string
		want string
	}{
		{[]string{"MULTI", "HSET p f v g w", "PEXPIRE p 60000", "EXEC"}, "2 1"},
		{[]string{"MULTI", "HINCRBY p n 3", "HINCRBY p m 1", "EXEC"}, "3 1"},
		{[]string{"MULTI", "HINCRBY p n 3", "HSET p f x", "EXEC"}, "6 0"},
		{[]string{"MULTI", "HVALS p", "DEL p", "EXEC"}, "x w 1 6 1"},
		{[]string{"MULTI", "HVALS p", "DEL p", "EXEC"}, "0"},
		{[]string{"MULTI", "SET q 1", "EXEC"}, "failed: " + string(errSeveral)},
		{[]string{"MULTI", "HSET p f v", "HSET q f v", "EXEC"}, "failed: " + string(errSeveral)},
		{[]string{"MULTI", "HSET p f v", "LPUSH p v", "EXEC"}, "failed: EXECABORT Transaction discarded because of previous errors."},
		{[]string{"MULTI", "EXEC"}, ""},
		{[]string{"WATCH lock", "MULTI", "DEL lock", "EXEC"}, "failed: ERR what is watched was not read"},
		{[]string{"EXISTS p", "EXISTS q"}, "0"},
	} {
		got := kvtest.Lines(t, s, x.send...)
		if got[len(got)-1] != x.want {
			t.Errorf("%q: %q, want %q", x.send, got, x.want)
		}
	}
	release := func(meanwhile string) string {
		kvtest.Lines(t, s, "SET lock mine PX 60000", "WATCH lock", "GET lock")
		kvtest.Lines(t, other, meanwhile)
		return kvtest.Lines(t, s, "MULTI", "DEL lock", "EXEC")[2]
	}
	for meanwhile, want := range map[string]string{
		"GET lock": "1", "SET lock theirs": "miss nil", "DEL lock": "miss nil", "SET lock mine": "1",
	} {
		if got := release(meanwhile); got != want {
			t.Errorf("%s meanwhile: %q, want %q", meanwhile, got, want)
		}
	}
	bucket := func(meanwhile string) string {
		kvtest.Lines(t, s, "WATCH bucket", "HMGET bucket tokens at")
		kvtest.Lines(t, other, meanwhile)
		return kvtest.Lines(t, s, "MULTI", "HSET bucket tokens 9.5 at 1", "PEXPIRE bucket 60000", "EXEC")[3]
	}
	for _, x := range [][2]string{{"DEL bucket", "2 1"}, {"HSET bucket x 1", "0 1"}, {"HSET bucket at 7", "miss nil"}, {"DEL bucket", "miss nil"}} {
		if got := bucket(x[0]); got != x[1] {
			t.Errorf("%s meanwhile: %q, want %q", x[0], got, x[1])
		}
	}
	if got := kvtest.Lines(t, s, "WATCH a", "UNWATCH", "MULTI", "HSET u f v", "EXEC"); got[4] != "1" {
		t.Errorf("after UNWATCH: %q", got)
	}
}

// What has expired is gone, although the table has not removed it.
func testExpired(t *testing.T, s kv.Session) {
	setup := []string{"SET x v PX 1", "HSET y f v", "PEXPIRE y 1", "SET z 5 PX 1", "SET lock theirs PX 1"}
	kvtest.Lines(t, s, setup...)
	time.Sleep(2 * time.Millisecond) // they end by this clock
	for _, x := range [][2]string{
		{"GET x", "miss nil"},
		{"PTTL x", "-2"},
		{"EXISTS x", "0"},
		{"MGET x", "nil"},
		{"PEXPIRE x 1000", "0"},
		{"GETEX x PX 1000", "miss nil"},
		{"SET x w XX", "miss nil"},
		{"GETSET x w", "miss nil"},
		{"HSET y g w", "1"},
		{"HGETALL y", "g w"},
		{"PTTL y", "-1"},
		{"INCR z", "1"},
		{"PTTL z", "-1"},
		{"SET lock mine NX PX 60000", "OK"},
		{"SET lock mine NX PX 60000", "miss nil"},
		{"GET lock", "mine"},
	} {
		if got := kvtest.Lines(t, s, x[0])[0]; got != x[1] {
			t.Errorf("%s: %q, want %q", x[0], got, x[1])
		}
	}
}

func TestLacks(t *testing.T) {
	var s store
	for line, want := range map[string]bool{
		"GET ": false, "get ": false, "SET   PX  NX": false, "SET   KEEPTTL": true, "GETEX  PX ": false, "GETEX  PERSIST": true, "HSET   ": false,
		"LPUSH  ": true, "EVAL": true, "MULTI": true, "MULTI HSET PEXPIRE": false, "MULTI HVALS DEL": false, "MULTI DEL": false,
		"MULTI HSET DEL": true, "MULTI SET": true, "MULTI ZADD": true, "WATCH ": false, "EXEC": false, "MSET  ": true,
	} {
		if got := s.Lacks(strings.Split(line, " ")) != ""; got != want {
			t.Errorf("%q: lacks %v", line, got)
		}
	}
}

// Throttling ends an operation, is counted by its reason, and is not tried again: who is throttled has to know.
func TestThrottledLoad(t *testing.T) {
	const reason = "TableWriteKeyRangeThroughputExceeded"
	refused := failure(400, "ProvisionedThroughputExceededException", `,"ThrottlingReasons":[{"reason":"`+reason+`","resource":"arn:x"}]`)
	f := &fake{answers: map[string][]string{
		"GetItem": {`200 {"ConsumedCapacity":{"CapacityUnits":1}}`},
		"PutItem": {refused, refused, `200 {"ConsumedCapacity":{"CapacityUnits":3}}`},
		"UpdateItem": {
			failure(400, "ThrottlingException", ""), failure(400, "ExpiredTokenException", ""), failure(500, "InternalServerError", ""),
			"503 <html>", `200 {"ConsumedCapacity":{"CapacityUnits":1}}`,
		},
	}}
	s := openTable(t, serve(t, f))
	w, err := s.(kv.Driver).Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var got []string
	for range 3 {
		got = append(got, kvtest.Lines(t, w, "SET a v")...)
	}
	for range 5 {
		got = append(got, kvtest.Lines(t, w, "INCR a")...)
	}
	for i, want := range []string{
		"failed: " + reason, "failed: " + reason, "OK", "failed: ThrottlingException", "failed: ExpiredTokenException", "failed: InternalServerError",
		"failed: HTTP503", "1",
	} {
		if !strings.HasPrefix(got[i], want) {
			t.Errorf("%d: %q, want %q", i, got[i], want)
		}
	}
	info := kvtest.Lines(t, w, "INFO")[0]
	for _, want := range []string{"read_units:1\r\n", "write_units:4\r\n", "throttled_" + reason + ":2\r\n", "throttled:3\r\n"} {
		if !strings.Contains(info, want) {
			t.Errorf("no %q in %s", want, info)
		}
	}
	about, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(about.Notes, "\n")
	for _, want := range []string{"took 1 read units and 4 write units", "Throttled 2 times: " + reason} {
		if !strings.Contains(notes, want) {
			t.Errorf("no %q in %s", want, notes)
		}
	}
}

// What BatchGetItem leaves out for now is asked for again, and counted.
func TestUnprocessed(t *testing.T) {
	left := `200 {"Responses":{"shop":[{"pk":{"S":"a"},"value":{"S":"1"}}]},"UnprocessedKeys":{"shop":{"Keys":[{"pk":{"S":"b"}}]}}}`
	rest := `200 {"Responses":{"shop":[{"pk":{"S":"b"},"value":{"S":"2"}}]}}`
	f := &fake{answers: map[string][]string{"GetItem": {`200 {}`}, "BatchGetItem": {left, rest}}}
	w := sessionOf(t, serve(t, f))
	if got := kvtest.Lines(t, w, "MGET a b c")[0]; got != "1 2 nil" {
		t.Errorf("%q", got)
	}
	if info := kvtest.Lines(t, w, "INFO")[0]; !strings.Contains(info, "throttled_UnprocessedKeys:1\r\n") {
		t.Error(info)
	}
}

// A session that cannot be says why.
func TestNoSession(t *testing.T) {
	for _, x := range []struct{ answer, says string }{
		{failure(400, "ExpiredTokenException", ""), "expired"},
		{failure(400, "ResourceNotFoundException", ""), "list-tables"},
	} {
		d := driverOf(t, serve(t, &fake{answers: map[string][]string{"GetItem": {x.answer}}}))
		if _, err := d.Session(t.Context(), kv.SessionOptions{}); err == nil || !strings.Contains(kv.Hint(err), x.says) {
			t.Errorf("%v, hint %q", err, kv.Hint(err))
		}
	}
	d := driverOf(t, serve(t, &fake{answers: map[string][]string{"GetItem": {failure(400, "AccessDeniedException", "")}}}))
	if _, err := d.Session(t.Context(), kv.SessionOptions{}); err != nil {
		t.Errorf("one that may only write: %v", err)
	}
}
