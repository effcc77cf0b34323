package resp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// replies reads all of in and prints what Next returned, for a comparison in one line.
func replies(r io.Reader, size int) (string, error) {
	var b strings.Builder
	in := NewReader(r, size)
	for {
		rep, err := in.Next()
		if err == io.EOF {
			return b.String(), nil
		}
		if err != nil {
			return b.String(), err
		}
		fmt.Fprintf(&b, "%c%d%q ", rep.Kind, rep.N, rep.Data)
	}
}

func TestReader(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"+OK\r\n", `+0"OK" `},
		{"+\r\n", `+0"" `},
		{"-ERR no\r\n", `-0"ERR no" `},
		{":0\r\n:-2\r\n:9223372036854775807\r\n:-9223372036854775808\r\n", `:0"" :-2"" :9223372036854775807"" :-9223372036854775808"" `},
		{"$0\r\n\r\n", `$0"" `},
		{"$5\r\na\r\nb\n\r\n", `$0"a\r\nb\n" `},
		{"$-1\r\n*-1\r\n", `_0"" _0"" `},
		{"*0\r\n", `*0"" `},
		{"*2\r\n$1\r\n7\r\n*1\r\n:1\r\n", `*2"" $0"7" *1"" :1"" `},
		{"$200\r\n" + strings.Repeat("x", 200) + "\r\n:1\r\n", `$0"` + strings.Repeat("x", 200) + `" :1"" `},
	} {
		for _, whole := range []bool{true, false} {
			var src io.Reader = strings.NewReader(c.in)
			if !whole {
				src = iotest.OneByteReader(src)
			}
			got, err := replies(src, 64)
			if err != nil || got != c.want {
				t.Errorf("%.60q, whole %v: %s, %v; want %s", c.in, whole, got, err, c.want)
			}
		}
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, in := range []string{
		"\r\n", "\n", "+OK\n", "x\r\n", "\x15\x03\x03\x00\x02\x02P", "HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-x",
		":\r\n", ":-\r\n", ":1x\r\n", ":99999999999999999999\r\n", ":9223372036854775808\r\n", ":-9223372036854775809\r\n",
		"$-2\r\n", "*-2\r\n", "$536870913\r\n", "*1048577\r\n", "$1\r\nab\r\n", "$1\r\na\nb",
		"+" + strings.Repeat("x", maxLine+1),
	} {
		if _, err := replies(strings.NewReader(in), 64); !errors.Is(err, ErrProtocol) {
			t.Errorf("%.40q: %v, want ErrProtocol", in, err)
		}
	}
	for _, in := range []string{"+", "+OK", "+OK\r", "$3\r\n", "$3\r\nab", "$3\r\nabc\r", ":1"} {
		if _, err := replies(strings.NewReader(in), 64); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v, want io.ErrUnexpectedEOF", in, err)
		}
	}
}

// A length is a promise of the other side. The buffer must grow with what comes, not with what is promised.
func TestReaderBelievesBytesNotLengths(t *testing.T) {
	in := NewReader(strings.NewReader(fmt.Sprintf("$%d\r\nabc", MaxBulk)), 64)
	if _, err := in.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatal(err)
	}
	if len(in.buf) > 128 {
		t.Errorf("a buffer of %d bytes for a few", len(in.buf))
	}
}

func TestReaderGivesMemoryBack(t *testing.T) {
	big := "$4000000\r\n" + strings.Repeat("x", 4000000) + "\r\n"
	in := NewReader(strings.NewReader(big+strings.Repeat(":1\r\n", 100)), 64)
	for range 101 {
		if _, err := in.Next(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := in.Next(); err != io.EOF {
		t.Fatal(err)
	}
	if len(in.buf) > keepBuffer {
		t.Errorf("%d bytes kept", len(in.buf))
	}
}

func TestReaderStaysBroken(t *testing.T) {
	in := NewReader(strings.NewReader("x\r\n+OK\r\n"), 64)
	for range 2 {
		if _, err := in.Next(); !errors.Is(err, ErrProtocol) {
			t.Error(err)
		}
	}
}

func TestSkip(t *testing.T) {
	in := NewReader(strings.NewReader("*2\r\n*2\r\n:1\r\n*0\r\n$1\r\nx\r\n+next\r\n*2\r\n:1\r\n"), 64)
	rep, err := in.Next()
	if err == nil {
		err = in.Skip(rep)
	}
	if err != nil {
		t.Fatal(err)
	}
	if rep, err = in.Next(); err != nil || string(rep.Data) != "next" {
		t.Fatalf("%q, %v", rep.Data, err)
	}
	if rep, err = in.Next(); err != nil {
		t.Fatal(err)
	}
	if err = in.Skip(rep); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func TestBatch(t *testing.T) {
	usage, err := ReadOnly.Command(1, "MEMORY", "USAGE")
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	b.Add(usage, "a\r\nb")
	b.Add(usage, "")
	if b.Len() != 2 {
		t.Errorf("%d requests", b.Len())
	}
	var out bytes.Buffer
	if err := b.Send(&out); err != nil {
		t.Fatal(err)
	}
	const want = "*3\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\n$4\r\na\r\nb\r\n*3\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\n$0\r\n\r\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
	if b.Len() != 0 || b.Size() != 0 {
		t.Error("a batch that was sent is not empty")
	}
}

func TestAddEach(t *testing.T) {
	typ, _ := ReadOnly.Command(1, "TYPE")
	usage, _ := ReadOnly.Command(1, "MEMORY", "USAGE")
	for _, arg := range []string{"", "a", strings.Repeat("long", 100000)} {
		var each, one Batch
		for range 3 {
			each.AddEach([]Command{typ, usage, typ}, arg)
			one.Add(typ, arg)
			one.Add(usage, arg)
			one.Add(typ, arg)
		}
		if !bytes.Equal(each.buf, one.buf) || each.Len() != 9 {
			t.Errorf("%d requests of %d bytes, want %d", each.Len(), each.Size(), one.Size())
		}
	}
	scan, _ := ReadOnly.Command(3, "SCAN")
	var b Batch
	b.AddEach([]Command{typ, scan}, "a")
	if err := b.Send(io.Discard); !errors.Is(err, ErrRefused) {
		t.Error(err)
	}
}

func TestBatchRefuses(t *testing.T) {
	usage, _ := ReadOnly.Command(1, "MEMORY", "USAGE")
	for name, add := range map[string]func(*Batch){
		"too few":    func(b *Batch) { b.Add(usage) },
		"too many":   func(b *Batch) { b.Add(usage, "a", "b") },
		"not made":   func(b *Batch) { b.Add(Command{}) },
		"then right": func(b *Batch) { b.Add(usage); b.Add(usage, "a") },
	} {
		var b Batch
		var out bytes.Buffer
		add(&b)
		if err := b.Send(&out); !errors.Is(err, ErrRefused) || out.Len() > 0 {
			t.Errorf("%s: %v, sent %q", name, err, out.String())
		}
	}
}

// writing are commands that must never get out, and some that only read and are refused all the same.
var writing = []string{
	"SET", "GETSET", "GETDEL", "GETEX", "DEL", "UNLINK", "EXPIRE", "PERSIST", "RENAME", "COPY", "RESTORE", "MIGRATE", "MOVE",
	"FLUSHALL", "FLUSHDB", "SWAPDB", "HSET", "LPUSH", "SADD", "ZADD", "XADD", "XREADGROUP", "INCR", "APPEND", "SORT", "TOUCH",
	"EVAL", "EVALSHA", "FCALL", "SCRIPT LOAD", "FUNCTION LOAD", "CONFIG SET", "CONFIG REWRITE", "CONFIG GET", "DEBUG OBJECT",
	"SHUTDOWN", "SAVE", "BGSAVE", "BGREWRITEAOF", "REPLICAOF", "SLAVEOF", "FAILOVER", "CLUSTER RESET", "PSYNC", "SYNC", "MONITOR",
	"SUBSCRIBE", "PUBLISH", "ACL SETUSER", "ACL DELUSER", "CLIENT KILL", "CLIENT PAUSE", "CLIENT REPLY", "MULTI", "EXEC",
	"OBJECT HELP", "MEMORY PURGE", "MEMORY DOCTOR", "LATENCY RESET", "SLOWLOG RESET", "SLOWLOG GET", "LATENCY LATEST", "CLIENT LIST",
	"ACL GETUSER", "ACL LIST", "COMMAND INFO", "MODULE LOAD", "RESET", "QUIT",
	"KEYS", "GET", "MGET", "DUMP", "HGETALL", "SMEMBERS", "LRANGE", "HLEN", "LLEN", "SCARD", "ZCARD", "XLEN", "STRLEN",
	"CLUSTER SETSLOT", "CLUSTER FAILOVER", "CLUSTER FORGET", "CLUSTER MEET", "CLUSTER ADDSLOTS", "CLUSTER GETKEYSINSLOT",
	"READWRITE", "SENTINEL FAILOVER", "SENTINEL SET", "SENTINEL RESET", "SENTINEL MONITOR", "SENTINEL MASTERS",
	"", "MEMORY", "OBJECT", "CLIENT", "ACL", "CLUSTER", "SENTINEL", "COMMAND", "SCANX",
}

func TestGuard(t *testing.T) {
	for _, c := range writing {
		words := strings.Fields(c)
		if ReadOnly.Allows(words...) {
			t.Errorf("%s is allowed", c)
		}
		if cmd, err := ReadOnly.Command(1, words...); err == nil {
			t.Errorf("%s: a command was made: %q", c, cmd.head)
		}
	}
	for _, c := range []string{
		"SCAN", "scan", "Type", "PTTL", "object encoding", "OBJECT FREQ", "object IDLETIME", "MEMORY usage", "memory STATS", "INFO", "DBSIZE", "PING", "AUTH", "HELLO", "SELECT",
		"CLIENT NO-TOUCH", "CLIENT SETNAME", "ACL WHOAMI", "READONLY", "ASKING", "CLUSTER SLOTS", "cluster nodes", "CLUSTER INFO",
		"SENTINEL GET-MASTER-ADDR-BY-NAME", "sentinel replicas", "SENTINEL MASTER",
	} {
		if !ReadOnly.Allows(strings.Fields(c)...) {
			t.Errorf("%s is refused", c)
		}
	}
	lengths := []string{"STRLEN", "HLEN", "LLEN", "SCARD", "ZCARD", "XLEN"}
	for _, c := range writing {
		if NoTouch.Allows(strings.Fields(c)...) != slices.Contains(lengths, c) {
			t.Errorf("NoTouch allows lengths besides, and nothing else: %s", c)
		}
	}
	watching := []string{"MONITOR", "CONFIG GET", "SLOWLOG GET", "LATENCY LATEST", "CLIENT LIST", "ACL GETUSER", "ACL LIST", "COMMAND INFO"}
	for _, c := range writing {
		if Watch.Allows(strings.Fields(c)...) != slices.Contains(watching, c) {
			t.Errorf("Watch allows to watch, and nothing else: %s", c)
		}
	}
}

func request(words ...string) string { return string(AppendRequest(nil, words...)) }

func TestGuardedWriter(t *testing.T) {
	ok := request("SCAN", "0") + request("memory", "usage", "DEL")
	for _, c := range []struct {
		name, in string
		sent     bool
	}{
		{"allowed", ok, true},
		{"nothing", "", true},
		{"one of three", ok + request("SET", "a", "b"), false},
		{"in pieces", ok[:len(ok)-3], false},
		{"inline", "FLUSHALL\r\n", false},
		{"inline after", request("PING") + "FLUSHALL\r\n", false},
		{"empty request", "*0\r\n", false},
		{"no request", "*-1\r\n", false},
		{"nested", "*1\r\n*1\r\n$4\r\nPING\r\n", false},
		{"a number for a word", "*2\r\n$4\r\nPING\r\n:1\r\n", false},
	} {
		var out bytes.Buffer
		n, err := ReadOnly.Guard(&out).Write([]byte(c.in))
		if sent := err == nil && out.String() == c.in && n == len(c.in); sent != c.sent || !c.sent && (out.Len() > 0 || !errors.Is(err, ErrRefused)) {
			t.Errorf("%s: %v, sent %q", c.name, err, out.String())
		}
	}
}

// What is refused may be a password that got into the wrong place.
func TestGuardNamesNoArguments(t *testing.T) {
	_, err := ReadOnly.Guard(io.Discard).Write([]byte(request("CONFIG", "SET", "requirepass", "hunter2")))
	if err == nil || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "requirepass") {
		t.Error(err)
	}
}

func TestNoAllocations(t *testing.T) {
	usage, _ := ReadOnly.Command(1, "MEMORY", "USAGE")
	const text = "+string\r\n:-1\r\n$8\r\nlistpack\r\n:72\r\n$-1\r\n*1\r\n:1\r\n-NOPERM\r\n"
	src := strings.NewReader(text)
	in := NewReader(src, 1024)
	var b Batch
	key := strings.Repeat("k", 30)
	round := func() {
		for range 10 {
			b.Add(usage, key)
		}
		_ = b.Send(io.Discard)
		src.Reset(text)
		for range 8 {
			if _, err := in.Next(); err != nil {
				t.Fatal(err)
			}
		}
	}
	round()
	if n := testing.AllocsPerRun(100, round); n > 0 {
		t.Errorf("%v allocations a round", n)
	}
}

func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n", "+string\r\n:-2\r\n$-1\r\n-ERR x\r\n", "$536870912\r\nx", "*1048576\r\n",
		"\x15\x03\x01", ":9223372036854775808\r\n", "$3\r\nab", "+\r\n", "*1\r\n*1\r\n*1\r\n",
	} {
		f.Add([]byte(s), byte(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, step byte) {
		whole, errWhole := replies(bytes.NewReader(data), 64)
		// The same bytes in other pieces are the same replies.
		pieces, errPieces := replies(&stepReader{data, int(step)%17 + 1}, 1024)
		if whole != pieces || fmt.Sprint(errWhole) != fmt.Sprint(errPieces) {
			t.Errorf("whole %s %v\npieces %s %v", whole, errWhole, pieces, errPieces)
		}
		in := NewReader(bytes.NewReader(data), 64)
		if rep, err := in.Next(); err == nil {
			_ = in.Skip(rep)
		}
		if len(in.buf) > 4*len(data)+128 {
			t.Errorf("a buffer of %d bytes for %d", len(in.buf), len(data))
		}
	})
}

// A stepReader gives a few bytes at a time.
type stepReader struct {
	data []byte
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.data[:min(r.step, len(r.data))])
	r.data = r.data[n:]
	return n, nil
}

// FuzzGuard holds that what the guard lets through is what it would have been asked about: reading the bytes again with
// another reader gives only allowed commands.
func FuzzGuard(f *testing.F) {
	f.Add([]byte(request("SCAN", "0") + request("PING")))
	f.Add([]byte(request("SET", "a", "b")))
	f.Add([]byte("*2\r\n$6\r\nMEMORY\r\n$5\r\nUSAGE\r\nFLUSHALL\r\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		if _, err := ReadOnly.Guard(&out).Write(data); err != nil {
			if out.Len() > 0 {
				t.Errorf("%q was refused and sent", data)
			}
			return
		}
		for rest := string(data); rest != ""; {
			var words int
			if _, err := fmt.Sscanf(rest, "*%d\r\n", &words); err != nil || words < 1 {
				t.Fatalf("%q was sent", data)
			}
			_, rest, _ = strings.Cut(rest, "\r\n")
			var parts []string
			for range words {
				var n int
				if _, err := fmt.Sscanf(rest, "$%d\r\n", &n); err != nil {
					t.Fatalf("%q was sent", data)
				}
				_, rest, _ = strings.Cut(rest, "\r\n")
				parts = append(parts, rest[:n])
				rest = rest[n+2:]
			}
			if !ReadOnly.Allows(parts...) {
				t.Errorf("%q was sent", parts)
			}
		}
	})
}

func BenchmarkReader(b *testing.B) {
	text := strings.Repeat("+string\r\n:-1\r\n$8\r\nlistpack\r\n:72\r\n", 500)
	src := strings.NewReader(text)
	in := NewReader(src, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		src.Reset(text)
		for range 2000 {
			if _, err := in.Next(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/key")
}

func BenchmarkBatch(b *testing.B) {
	usage, _ := ReadOnly.Command(1, "MEMORY", "USAGE")
	key := strings.Repeat("k", 24)
	var batch Batch
	b.ReportAllocs()
	for b.Loop() {
		for range 2000 {
			batch.Add(usage, key)
		}
		_ = batch.Send(io.Discard)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/500, "ns/key")
}
