package conformance

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// tool runs a program of Redis's with the address of a server, and returns what it prints.
func tool(t *testing.T, addr, stdin string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(args[0])
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append([]string{"-h", host, "-p", port}, args[1:]...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", args, err, out)
	}
	return string(out)
}

// benchmarks are what redis-benchmark runs when it is not told otherwise.
var benchmarks = []string{
	"PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "LPUSH", "RPUSH", "LPOP", "RPOP", "SADD", "HSET", "SPOP", "ZADD",
	"ZPOPMIN",
	"LPUSH (needed to benchmark LRANGE)", "LRANGE_100 (first 100 elements)", "LRANGE_300 (first 300 elements)",
	"LRANGE_500 (first 500 elements)",
	"LRANGE_600 (first 600 elements)", "MSET (10 keys)",
}

// TestRedisBenchmark runs all that redis-benchmark does by itself, on both protocols, with and without pipelines.
func TestRedisBenchmark(t *testing.T) {
	addr := engineAddr(t, engine.Options{Shards: 2})
	for _, more := range [][]string{{"-P", "1"}, {"-P", "16", "-3"}, {"-P", "5", "-r", "1000"}} {
		out := tool(t, addr, "", append([]string{"redis-benchmark", "-n", "500", "-c", "10", "--csv"}, more...)...)
		for _, name := range benchmarks {
			if !strings.Contains(out, "\n\""+name) {
				t.Errorf("%q: no %s in\n%s", more, name, out)
			}
		}
		if strings.Contains(strings.ToLower(out), "err") {
			t.Errorf("%q: %s", more, out)
		}
	}
}

// shell is what redis-cli is told to do.
const shell = `set greeting "hello world"
get greeting
append greeting "\x00\xff"
strlen greeting
get nosuch
incr greeting
rpush list a b c
lrange list 0 -1
hset hash field value number 5
hgetall hash
sadd set 1 2 3
smembers set
zadd zset 1.5 a 2 b
zrange zset 0 -1 withscores
nosuch
get
multi
incr counter
lpush counter x
exec
type zset
object encoding set
command count extra
select 1
dbsize
select 0
geoadd g 13.361389 38.115556 Palermo
geopos g Palermo nosuch
lpos list c rank -1
config get maxmemory
memory usage nosuch
`

// TestRedisCli compares what redis-cli prints of a redis-server and of the engine.
func TestRedisCli(t *testing.T) {
	addr := [2]string{redisAddr(t), engineAddr(t, engine.Options{Shards: 2})}
	var mass bytes.Buffer
	for i := range 500 {
		mass.Write(appendCommand(nil, []string{"RPUSH", "mass:" + string(rune('a'+i%26*(i%3)/2)), strings.Repeat("x", i)}))
	}
	// Progress and time are no part of the comparison.
	loose := regexp.MustCompile(`\[[0-9.]+%\].*|in [0-9.]+ seconds|[0-9.]+ msec.*`)
	for _, c := range []struct {
		stdin string
		args  []string
	}{
		{shell, nil},
		{shell, []string{"-3"}},
		{shell, []string{"--csv"}},
		{shell, []string{"--json"}},
		{shell, []string{"--no-raw"}},
		{"", []string{"flushall"}},
		{mass.String(), []string{"--pipe"}},
		{"", []string{"--bigkeys"}},
		{"", []string{"--scan", "--pattern", "mass:[abc]"}},
		{"", []string{"-x", "set", "stdin"}},
		{"", []string{"-n", "3", "-r", "3", "incr", "n"}},
		{"value from stdin", []string{"-x", "set", "k"}},
		{"", []string{"--no-raw", "getrange", "k", "0", "4"}},
		{"", []string{"-e", "lrange", "mass:a", "0", "2"}},
	} {
		var out [2]string
		for i := range addr {
			out[i] = loose.ReplaceAllString(tool(t, addr[i], c.stdin, append([]string{"redis-cli"}, c.args...)...), "")
			if c.args != nil && c.args[0] == "--scan" {
				out[i] = strings.Join(slices.Sorted(slices.Values(strings.Fields(out[i]))), "\n")
			}
		}
		if c.args != nil && c.args[0] == "--bigkeys" {
			_, out[0], _ = strings.Cut(out[0], "summary")
			_, out[1], _ = strings.Cut(out[1], "summary")
		}
		if out[0] != out[1] {
			t.Errorf("redis-cli %q:\nredis\n%s\nengine\n%s", c.args, out[0], out[1])
		}
	}
}

// TestRedisCliRuns runs what redis-cli does for its own reasons, and what it prints is another each time.
func TestRedisCliRuns(t *testing.T) {
	addr := engineAddr(t, engine.Options{Shards: 2})
	tool(t, addr, "", "redis-cli", "mset", "a", "1", "b", "2")
	for _, args := range [][]string{
		{"--memkeys"},
		{"info"},
		{"info", "everything"},
		{"client", "list"},
		{"memory", "stats"},
		{"command", "docs"},
		{"latency", "histogram"},
	} {
		if out := tool(t, addr, "", append([]string{"redis-cli"}, args...)...); strings.HasPrefix(out, "ERR") || len(out) < 20 {
			t.Errorf("redis-cli %q: %.500s", args, out)
		}
	}
}
