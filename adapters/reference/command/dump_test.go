package command_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/internal/servertest"
)

// grown makes a value of every type and encoding at a key, by the same commands on both.
func grown(w *twin, r *rand.Rand, k string) {
	n := draw(r, 1, 2, 10, 127, 129, 513, 700)
	switch draw(r, "string", "list", "set", "ints", "hash", "zset", "int") {
	case "string":
		w.same("SET", k, strings.Repeat(text(r), 1+r.IntN(40)))
	case "int":
		w.same("SET", k, number(r))
	case "list":
		for i := range n {
			w.same("RPUSH", k, strings.Repeat(draw(r, "ab", "x", "0"), r.IntN(draw(r, 5, 200)))+strconv.Itoa(i))
		}
	case "set":
		for i := range n {
			w.same("SADD", k, draw(r, "m", "")+strconv.Itoa(i))
		}
	case "ints":
		shift := r.IntN(60)
		for range n {
			w.same("SADD", k, strconv.FormatInt(int64(r.Uint64())>>shift, 10))
		}
	case "hash":
		for i := range n {
			w.same("HSET", k, "f"+strconv.Itoa(i), strings.Repeat("v", r.IntN(draw(r, 3, 80))))
		}
	default:
		for i := range n {
			w.same("ZADD", k, draw(r, strconv.Itoa(r.IntN(50)), "1.5", "-inf", "inf", "1e-7", "0.1"), strings.Repeat("m",
				r.IntN(draw(r, 2, 70)))+strconv.Itoa(i))
		}
	}
}

// bulk is the content of a reply that is one string.
func bulk(t *testing.T, reply string) string {
	t.Helper()
	_, rest, ok := strings.Cut(reply, "\r\n")
	if !ok || reply[0] != '$' {
		t.Fatalf("%.100q is no string", reply)
	}
	return strings.TrimSuffix(rest, "\r\n")
}

// contents are commands that show all of a value, whatever its type.
var contents = map[string][]string{
	"list": {"LRANGE", "", "0", "-1"}, "zset": {"ZRANGE", "", "0", "-1", "WITHSCORES"},
	"string": {"GET", ""},
}

// sameValue compares a key of the engine with one of the server; sets and hashes as their DEBUG DIGEST would, by their parts.
func sameValue(w *twin, k string) {
	w.t.Helper()
	w.same("TYPE", k)
	w.same("OBJECT", "ENCODING", k)
	w.same("PEXPIRETIME", k)
	typ := strings.TrimSuffix(w.ask("TYPE", k)[1:], "\r\n")
	if show := contents[typ]; show != nil {
		args := append([]string{}, show...)
		args[1] = k
		w.same(args...)
		return
	}
	show := map[string]string{"set": "SMEMBERS", "hash": "HGETALL"}[typ]
	want, got := parts(w.ask(show, k), typ), parts(w.tell(show, k), typ)
	if fmt.Sprint(want) != fmt.Sprint(got) {
		w.t.Fatalf("%s: %.300q, want %.300q", k, got, want)
	}
}

// parts are the members of a set, or the fields of a hash with their values.
func parts(reply, typ string) map[string]string {
	lines := strings.Split(reply, "\r\n")[1:]
	all := map[string]string{}
	for i := 1; i < len(lines); i += 2 {
		if typ == "set" {
			all[lines[i]] = ""
		} else {
			all[lines[i]] = lines[i+2]
			i += 2
		}
	}
	return all
}

func TestDumpAndRestore(t *testing.T) {
	w := newTwin(t, 1)
	r := rand.New(rand.NewPCG(16, 1))
	identical, packed := 0, 0
	for round := range 80 {
		w.restart(draw(r, 1, 4))
		k := key(r)
		grown(w, r, k)
		want, got := bulk(t, w.ask("DUMP", k)), bulk(t, w.tell("DUMP", k))
		enc := w.ask("OBJECT", "ENCODING", k)
		if !strings.Contains(enc, "hashtable") { // whose order is each process's own
			packed++
			if want == got {
				identical++
			} else if len(want) < 200 {
				t.Errorf("round %d, %q: %x\nand on the server %x", round, enc, got, want)
			}
		}
		for _, payload := range []string{want, got} {
			w.same("RESTORE", "copy", "0", payload, "REPLACE")
			sameValue(w, "copy")
			w.same("RESTORE", "copy", "0", payload)
			w.same("RESTORE", "copy", far(r, 1000), payload, "ABSTTL", "REPLACE")
			sameValue(w, "copy")
		}
		damaged := []byte(want)
		damaged[r.IntN(len(damaged))] ^= 1 << r.IntN(8)
		w.same("RESTORE", "damaged", "0", string(damaged))
	}
	t.Logf("%d of %d payloads are a server's byte for byte", identical, packed)
	if identical*10 < packed*9 {
		t.Errorf("%d of %d payloads are a server's byte for byte", identical, packed)
	}
}

func TestRestoreArguments(t *testing.T) {
	w := newTwin(t, 1)
	payload := bulk(t, func() string { w.same("SET", "k", "hello"); return w.ask("DUMP", "k") }())
	r := rand.New(rand.NewPCG(17, 1))
	for range 400 {
		args := []string{"RESTORE", draw(r, "k", "new"), draw(r, "0", "-1", "x", "0", "0"), draw(r, payload, payload,
			payload, "short", payload[1:], "")}
		for range r.IntN(4) {
			args = append(args, draw(r, []string{"replace"}, []string{"ABSTTL"}, []string{"IDLETIME", number(r)},
				[]string{"freq", draw(r, "0", "255", "256", "-1", "x")}, []string{"x"}, []string{"FREQ"})...)
		}
		w.same(args...)
	}
	w.same("RESTORE", "new", "1", payload, "ABSTTL", "REPLACE")
	w.same("EXISTS", "new")
	w.same("DUMP", "none")
}

// TestIntsetStaysWide restores a set that had a number of eight bytes.
func TestIntsetStaysWide(t *testing.T) {
	w := newTwin(t, 1)
	w.same("SADD", "k", "9223372036854775807", "1", "300")
	w.same("SREM", "k", "9223372036854775807")
	payload := bulk(t, w.same("DUMP", "k"))
	w.same("RESTORE", "copy", "0", payload)
	w.same("DUMP", "copy")
	w.same("SADD", "copy", "-7")
	w.same("DUMP", "copy")
}

// TestAccess compares what RESTORE and COPY leave for the eviction policies to see.
func TestAccess(t *testing.T) {
	w := newTwin(t, 1)
	w.same("SET", "k", "hello")
	payload := bulk(t, w.ask("DUMP", "k"))
	w.same("RESTORE", "old", "0", payload, "IDLETIME", "1000")
	w.same("OBJECT", "IDLETIME", "old")
	w.same("RENAME", "old", "older")
	w.same("OBJECT", "IDLETIME", "older")
	w.same("COPY", "older", "copy")
	w.same("OBJECT", "IDLETIME", "copy")
	w.same("OBJECT", "FREQ", "copy")
	w.same("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
	w.same("RESTORE", "often", "0", payload, "FREQ", "100")
	w.same("OBJECT", "FREQ", "often")
	w.same("COPY", "often", "seldom")
	w.same("OBJECT", "FREQ", "seldom")
	w.same("MOVE", "often", "1")
	w.same("SELECT", "1")
	w.same("OBJECT", "IDLETIME", "often")
	w.same("RESTORE", "once", "0", payload)
	w.same("OBJECT", "FREQ", "once")
	w.same("SELECT", "0")
	w.same("CONFIG", "SET", "maxmemory-policy", "noeviction")
}

// TestLoad loads what servers save, and compares the keys with theirs.
func TestLoad(t *testing.T) {
	w := newTwin(t, 1)
	w.ask("DEBUG", "SET-ACTIVE-EXPIRE", "0") // what has expired is to be in the file
	r := rand.New(rand.NewPCG(18, 1))
	for i := range 60 {
		grown(w, r, "key:"+strconv.Itoa(i))
	}
	w.same("SELECT", "3")
	for i := range 20 {
		w.same("SET", "volatile:"+strconv.Itoa(i), "v", "PXAT", strconv.Itoa(4000000000000+i))
	}
	w.same("SET", strings.Repeat("long", 50000), "v")
	w.same("SELECT", "0")
	for i := range 10 {
		w.ask("SET", "expired:"+strconv.Itoa(i), "v", "PX", "1")
		w.ask("XADD", "stream:"+strconv.Itoa(i), "*", "f", "v")
	}
	file := save(t, w)
	e, err := engine.New(engine.Options{Shards: 4, Log: func(text string) { t.Error(text) }}, command.Table())
	if err != nil {
		t.Fatal(err)
	}
	got, err := command.LoadRDB(context.Background(), e, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Keys != 81 || got.Streams != 10 || got.Expired != 10 || got.Bad+got.Beyond+got.Modules+got.Twice != 0 {
		t.Errorf("%+v", got)
	}
	w.session = e.Connect(engine.Origin{})
	for i := range 60 {
		sameValue(w, "key:"+strconv.Itoa(i))
	}
	w.same("SELECT", "3")
	w.same("DBSIZE")
	for i := range 20 {
		w.same("PEXPIRETIME", "volatile:"+strconv.Itoa(i))
	}
	w.same("STRLEN", strings.Repeat("long", 50000))
}

// save returns the dump that the server of a twin writes.
func save(t *testing.T, w *twin) []byte {
	t.Helper()
	if reply := w.ask("SAVE"); reply != "+OK\r\n" {
		t.Fatal(reply)
	}
	dir := strings.Split(w.ask("CONFIG", "GET", "dir"), "\r\n")[4]
	file, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLoadOfOtherVersions loads dumps of servers older and newer than 7.0.
func TestLoadOfOtherVersions(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		c := servertest.Redis(t, servertest.Options{Version: version}).Client(t)
		for i := range 200 {
			n := strconv.Itoa(i)
			c.Must(t, "RPUSH", "list", "item:"+n)
			c.Must(t, "SADD", "set", "m"+n)
			c.Must(t, "SADD", "few", "m"+strconv.Itoa(i%9))
			c.Must(t, "HSET", "hash", "f"+n, strings.Repeat("v", i))
			c.Must(t, "ZADD", "zset", n, "m"+n)
			c.Must(t, "ZADD", "short", n, "m"+strconv.Itoa(i%9))
		}
		c.Must(t, "SAVE")
		dir := c.Must(t, "CONFIG", "GET", "dir").([]any)[1].(string)
		file, err := os.ReadFile(filepath.Join(dir, "dump.rdb"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(engine.Options{}, command.Table())
		if err != nil {
			t.Fatal(err)
		}
		got, err := command.LoadRDB(context.Background(), e, bytes.NewReader(file), 0)
		if err != nil || got != (command.Loaded{Keys: 6}) {
			t.Fatalf("%+v, %v", got, err)
		}
		w := &twin{t: t, session: e.Connect(engine.Origin{})}
		for key, want := range map[string]string{
			"LLEN list": ":200", "SCARD set": ":200", "SCARD few": ":9", "HLEN hash": ":200", "ZCARD zset": ":200", "ZCARD short": ":9",
			"HGET hash f3": "$3\r\nvvv", "ZSCORE zset m7": "$1\r\n7", "LINDEX list -1": "$8\r\nitem:199", "SISMEMBER few m8": ":1",
		} {
			if got := w.tell(strings.Fields(key)...); got != want+"\r\n" {
				t.Errorf("%s: %q, want %q", key, got, want)
			}
		}
		if _, err := command.LoadRDB(context.Background(), e, bytes.NewReader(file[:len(file)/2]), 0); err == nil {
			t.Error("half of a dump was loaded without an error")
		}
	})
}
