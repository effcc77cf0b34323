package conformance

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/internal/servertest"
)

// requests are what a client may send, right and wrong: the seeds of all that is mutated.
var requests = []string{
	"PING\r\n", "ping\n", "\r\n", "\n\n\nPING\r\n", "SET k v\r\nGET k\r\n", "SET k \"a b\\x41\\n\"\r\nGET k\r\n",
	"SET k 'it\\'s'\r\nGET k\r\n",
	"SET k \"open\r\n", "SET k 'open\r\nPING\r\n", "GET \"k\"x\r\n", "  PING  \r\n", "ECHO \"\"\r\n", "ECHO \"\\xzz\\q\"\r\n",
	"*1\r\n$4\r\nPING\r\n", "*2\r\n$4\r\nECHO\r\n$3\r\na\r\nb\r\n", "*2\r\n$4\r\nECHO\r\n$3\r\na\r\n\r\n",
	"*0\r\n*1\r\n$4\r\nPING\r\n",
	"*-1\r\n*1\r\n$4\r\nPING\r\n", "*-2147483648\r\nPING\r\n", "*\r\nPING\r\n", "*a\r\n", "*1a\r\n", "* 1\r\n",
	"*+1\r\n$4\r\nPING\r\n", "*01\r\n$4\r\nPING\r\n",
	"*1048576\r\n", "*1048577\r\n", "*2147483648\r\n", "*9223372036854775808\r\n", "*99999999999999999999\r\n",
	"*1\r\n$-1\r\n", "*1\r\n$\r\n", "*1\r\n$a\r\n", "*1\r\n$536870912\r\n", "*1\r\n$536870913\r\n",
	"*1\r\n$9223372036854775808\r\n",
	"*1\r\n$0\r\n\r\nPING\r\n", "*2\r\n$0\r\n\r\n$1\r\nx\r\n", "*1\r\nPING\r\n", "*1\r\n:4\r\n", "*1\r\n+PING\r\n",
	"*2\r\n$4\r\nECHO\r\n*1\r\n$1\r\na\r\n",
	"*1\r\n$4\r\nPINGxxPING\r\n", "*1\r\n$4\r\nPING\n\nPING\r\n", "*1\n$4\nPING\n",
	"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\x00\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
	"$4\r\nPING\r\n", ":1\r\n", "+OK\r\n", "-ERR\r\n", "_\r\n", "%1\r\n+a\r\n+b\r\n", "\x00\xff\xfe\r\n",
	"GET / HTTP/1.1\r\nAccept: x\r\n\r\n",
	"\x16\x03\x01\x02\x00\x01\x00\r\n", "QUIT\r\nPING\r\n", "*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n",
	"MULTI\r\nSET k 1\r\nINCR k\r\nEXEC\r\n", "MULTI\r\nGET\r\nEXEC\r\n", "LPUSH l a b c\r\nLRANGE l 0 -1\r\nLPOP l 2\r\n",
	"HSET h a 1\r\nHGETALL h\r\nHDEL h a\r\n",
	"ZADD z 1 a 2 b\r\nZRANGE z 0 -1 WITHSCORES\r\nZINCRBY z 1 a\r\n", "SADD s 1 2 3\r\nSMEMBERS s\r\n",
	"SETRANGE k 5 x\r\nAPPEND k y\r\nGETRANGE k 0 -1\r\n",
	"SUBSCRIBE c\r\nPING\r\nUNSUBSCRIBE\r\n", "HELLO 9\r\n", "SELECT 3\r\nDBSIZE\r\n",
	"NOSUCH " + strings.Repeat("x", 200) + "\r\n", strings.Repeat("a", 3000) + "\r\n",
	"SETBIT b 7 1\r\nBITCOUNT b\r\n", "INCRBYFLOAT f 1.5\r\n", "RENAME k k2\r\nEXISTS k k2\r\n", "PFADD p a\r\nPFCOUNT p\r\n",
	"GEOADD g 13 38 p\r\nGEOPOS g p\r\n", "DUMP k\r\n", "OBJECT ENCODING k\r\n", "SORT l ALPHA\r\n", "LPOS l a RANK -1\r\n",
}

// attacks are what a browser can be made to send to a server. Redis closes the connection at once; what it had to say to the
// lines before may be lost.
var attacks = []string{
	"POST / HTTP/1.1\r\n\r\nSET k v\r\n", "PING\r\nHost: x\r\nPING\r\n", "PING\r\nhost:\r\nPING\r\n",
	"*1\r\n$4\r\npost\r\nPING\r\n",
}

// Wires are two servers that are sent the same bytes.
type wires struct {
	addr    [2]string
	control [2]*conn
	avoid   []string // what no input may contain: commands that the engine lacks, or that say something else each time
}

func newWires(t testing.TB, reference string) *wires {
	w := &wires{addr: [2]string{reference, engineAddr(t, engine.Options{Shards: 2})}}
	have := commandsOf(t, w.addr[1])
	for i, addr := range w.addr {
		c, err := dial(addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		w.control[i] = c
	}
	for name := range commandsOf(t, reference) {
		if base, _, _ := strings.Cut(name, "|"); !have[name] && !have[base] {
			w.avoid = append(w.avoid, name)
		}
	}
	w.avoid = append(w.avoid, "shutdown", "debug", "config", "client", "monitor", "time", "info", "hello", "command", "random",
		"rand", "spop",
		"slowlog", "latency", "memory", "lastsave", "post", "host", "scan", "pause", "keys", "members", "getall", "auth", "acl", "save",
		"psync", "swapdb", "flush")
	return w
}

// usable reports whether two servers must reply the same to an input.
func (w *wires) usable(input []byte) bool {
	lower := bytes.ToLower(input)
	for _, word := range w.avoid {
		if bytes.Contains(lower, []byte(word)) {
			return false
		}
	}
	return len(input) < 60_000
}

// talk sends an input, in so many pieces, and nothing more; it returns all that comes until the server closes the connection.
func talk(addr string, input []byte, pieces int) ([]byte, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(patience))
	size := max(1, (len(input)+pieces-1)/pieces)
	for len(input) > 0 {
		n := min(size, len(input))
		if _, err := nc.Write(input[:n]); err != nil {
			break // it has closed the connection, and said why
		}
		if input = input[n:]; len(input) > 0 {
			time.Sleep(200 * time.Microsecond)
		}
	}
	nc.(*net.TCPConn).CloseWrite()
	out, err := io.ReadAll(nc)
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) {
		err = nil
	}
	return out, err
}

// check sends an input to both servers and compares what they say.
func (w *wires) check(t testing.TB, input []byte, pieces int) bool {
	t.Helper()
	var out [2][]byte
	for i, addr := range w.addr {
		if r, err := w.control[i].do("FLUSHALL"); err != nil || r.isError() {
			t.Fatalf("server %d: %v %v, before %q", i, r, err, input)
		}
		var err error
		if out[i], err = talk(addr, input, pieces); err != nil {
			t.Fatalf("server %d: %v after %q to %q", i, err, out[i], input)
		}
		out[i] = inOrder(out[i])
	}
	if !bytes.Equal(out[0], out[1]) {
		t.Errorf("to %.3000q\nredis  %.1000q\nengine %.1000q", input, out[0], out[1])
		return false
	}
	return true
}

// unsubscribed is what a client is told for each channel or pattern that it has left, up to the name's length.
var unsubscribed = regexp.MustCompile(`^[*>]3\r\n\$1[123]\r\n[ps]?unsubscribe\r\n\$(\d+)\r\n`)

// inOrder sorts the channels that a client leaves all at once, which are told in the order of a table.
func inOrder(out []byte) []byte {
	var done []byte
	for len(out) > 0 {
		var heads, names, tails [][]byte
		for m := unsubscribed.FindSubmatch(out); m != nil; m = unsubscribed.FindSubmatch(out) {
			n, _ := strconv.Atoi(string(m[1]))
			head := len(m[0]) - len(m[1]) - len("$\r\n")
			end := len(m[0]) + n + len("\r\n")
			if end > len(out) {
				break
			}
			tail := end + bytes.IndexByte(out[end:], '\n') + 1
			heads, names, tails = append(heads, out[:head]), append(names, out[head:end]), append(tails, out[end:tail])
			out = out[tail:]
		}
		slices.SortFunc(names, bytes.Compare)
		for i := range names {
			done = append(append(append(done, heads[i]...), names[i]...), tails[i]...)
		}
		if len(names) == 0 {
			done, out = append(done, out[0]), out[1:]
		}
	}
	return done
}

// TestProtocol sends requests that are malformed in every way, whole and in pieces, and many that are mutated.
func TestProtocol(t *testing.T) {
	t.Parallel()
	w := newWires(t, redisAddr(t))
	for _, text := range requests {
		if w.usable([]byte(text)) {
			w.check(t, []byte(text), 1)
			w.check(t, []byte(text), 3)
		}
	}
	for _, text := range attacks {
		out, err := talk(w.addr[1], []byte(text), 1)
		if err != nil || !strings.HasPrefix("+PONG\r\n", string(out)) {
			t.Errorf("to %q: %q %v", text, out, err)
		}
	}
	seed := seedOf(t)
	r := rand.New(rand.NewPCG(seed, 3))
	n, bad := 0, 0
	for end := time.Now().Add(budget(3 * time.Second)); time.Now().Before(end) && bad < 20; n++ {
		input := mutate(r)
		if w.usable(input) && !w.check(t, input, 1+r.IntN(3)) {
			bad++
		}
	}
	t.Logf("%d inputs", n)
}

// mutate joins some requests and damages them.
func mutate(r *rand.Rand) []byte {
	var b []byte
	for range 1 + r.IntN(4) {
		b = append(b, requests[r.IntN(len(requests))]...)
	}
	for range r.IntN(4) {
		i := r.IntN(len(b))
		switch r.IntN(6) {
		case 0:
			b[i] = byte(r.IntN(256))
		case 1:
			b[i] = "\r\n*$:-0123456789 \"'\\"[r.IntN(20)]
		case 2:
			b = append(b[:i], b[min(len(b), i+1+r.IntN(4)):]...)
		case 3:
			b = append(b[:i], append([]byte("\r\n"), b[i:]...)...)
		case 4:
			b = append(b[:i], append([]byte("9"), b[i:]...)...)
		case 5:
			b = b[:i]
		}
		if len(b) == 0 {
			return []byte("\n")
		}
	}
	return b
}

// FuzzProtocol looks for bytes to which the engine says something else than a redis-server.
func FuzzProtocol(f *testing.F) {
	for _, text := range requests {
		f.Add([]byte(text))
	}
	if _, err := os.Stat("/proc"); err != nil {
		f.Skip("servers end with their test on Linux alone")
	}
	w := newWires(f, servertest.Redis(f, servertest.Options{}).Addr)
	f.Fuzz(func(t *testing.T, input []byte) {
		if w.usable(input) {
			w.check(t, input, 1)
		}
	})
}
