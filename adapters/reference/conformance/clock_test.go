package conformance

import (
	"testing"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// clockStart is where the clock of these tests stands first.
const clockStart = 1_700_000_000_000

// TestClock moves the clock and asks what is left of keys: to the millisecond, as t_string.c and expire.c have it. An expired key
// is there until somebody asks for it, which DBSIZE tells.
func TestClock(t *testing.T) {
	clock := engine.NewManualClock(time.UnixMilli(clockStart))
	addr := engineAddr(t, engine.Options{Shards: 2, Clock: clock})
	c, err := dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, s := range []struct {
		wait time.Duration // before the command
		args string
		want string
	}{
		{0, "DEBUG SET-ACTIVE-EXPIRE 0", "+OK\r\n"},
		{0, "SET k v PX 2500", "+OK\r\n"},
		{0, "PEXPIRETIME k", ":1700000002500\r\n"},
		{0, "EXPIRETIME k", ":1700000003\r\n"}, // rounded
		{0, "TTL k", ":3\r\n"},                 // rounded
		{time.Millisecond, "TTL k", ":2\r\n"},
		{998 * time.Millisecond, "PTTL k", ":1501\r\n"},
		{0, "TTL k", ":2\r\n"},
		{2 * time.Millisecond, "TTL k", ":1\r\n"},
		{1499 * time.Millisecond, "PTTL k", ":0\r\n"}, // due now is not over yet
		{0, "GET k", "$1\r\nv\r\n"},
		{time.Millisecond, "DBSIZE", ":1\r\n"}, // over, but nobody has asked
		{0, "GET k", "$-1\r\n"},
		{0, "DBSIZE", ":0\r\n"},
		{0, "PTTL k", ":-2\r\n"},
		{0, "SET k v EX 1", "+OK\r\n"},
		{0, "APPEND k w", ":2\r\n"}, // keeps the TTL
		{500 * time.Millisecond, "PTTL k", ":500\r\n"},
		{0, "SET k v KEEPTTL", "+OK\r\n"},
		{501 * time.Millisecond, "EXISTS k", ":0\r\n"},
		{0, "SET k v PX 10", "+OK\r\n"},
		{11 * time.Millisecond, "SET k v XX", "$-1\r\n"},
		{0, "SET k v PX 10", "+OK\r\n"},
		{11 * time.Millisecond, "SET k v NX GET", "$-1\r\n"},
		{0, "RPUSH l a", ":1\r\n"},
		{0, "PEXPIRE l 10", ":1\r\n"},
		{0, "RENAME l m", "+OK\r\n"},
		{0, "PTTL m", ":10\r\n"},
		{0, "COPY m n", ":1\r\n"},
		{10 * time.Millisecond, "LRANGE n 0 -1", "*1\r\n$1\r\na\r\n"},
		{time.Millisecond, "LRANGE n 0 -1", "*0\r\n"},
		{0, "RPUSHX m b", ":0\r\n"},
		{0, "SADD s 1 2", ":2\r\n"},
		{0, "EXPIREAT s 1700000100", ":1\r\n"},
		{0, "EXPIRE s 1 GT", ":0\r\n"},
		{0, "PERSIST s", ":1\r\n"},
		{0, "EXPIRE s 1 GT", ":0\r\n"}, // no TTL is the longest
		{0, "EXPIRE s 1 LT", ":1\r\n"},
		{0, "EXPIRE s -1", ":1\r\n"},
		{0, "EXISTS s", ":0\r\n"},
		{0, "DEBUG SET-ACTIVE-EXPIRE 1", "+OK\r\n"},
	} {
		clock.Advance(s.wait)
		r, err := c.do(splitWords(t, s.args)...)
		if err != nil || r.raw != s.want {
			t.Errorf("%s: %s, want %q (%v)", s.args, r, s.want, err)
		}
	}
}
