package redis

import (
	"slices"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
)

// callsOf returns the calls of a command.
func callsOf(s kv.Server, command string) int64 {
	if i := slices.IndexFunc(s.Calls, func(c kv.Calls) bool { return c.Command == command }); i >= 0 {
		return s.Calls[i].N
	}
	return 0
}

// A server tells how it is set up and what others asked of it: the scan's own commands are not among that.
func TestServer(t *testing.T) {
	servertest.Matrix(t, func(t *testing.T, version string) {
		server := servertest.Redis(t, servertest.Options{Version: version, Args: []string{"--maxmemory-policy", "allkeys-lru"}})
		c := server.Client(t)
		c.Fill(t, 3000, func(i int) []string { return []string{"SET", "key:" + string(rune('a'+i)), "value"} })
		c.Must(t, "CONFIG", "RESETSTAT")
		c.Must(t, "MULTI")
		c.Must(t, "EXEC")
		c.Must(t, "EVAL", "return 1", "0")
		c.Must(t, "KEYS", "nothing")
		c.Must(t, "CONFIG", "SET", "appendonly", "yes")
		s := openURL(t, "redis://"+server.Addr)
		factsOf(t, s)
		all(t, s, kv.ScanOptions{Want: everyKey})
		_, info := factsOf(t, s)
		got := info.Server
		if got.Policy != "allkeys-lru" || got.AppendOnly != "yes" {
			t.Errorf("set up as %+v", got)
		}
		for command, want := range map[string]int64{"multi": 1, "eval": 1, "keys": 1, "scan": 0, "watch": 0} {
			if n := callsOf(got, command); n != want {
				t.Errorf("%s: %d calls, want %d", command, n, want)
			}
		}
		if n := callsOf(got, "other"); n < 2 || n > 50 {
			t.Errorf("%d other calls: the scan's own are counted: %+v", n, got)
		}
		c.Must(t, "ACL", "SETUSER", "noinfo", "on", ">pw", "~*", "+@all", "-info")
		if _, info := factsOf(t, openURL(t, "redis://noinfo:pw@"+server.Addr)); info.Server.Policy != "" || info.Server.Calls != nil {
			t.Errorf("without the right to ask: %+v", info.Server)
		}
	})
}

// What is no count is not counted, and too many calls are as many as there can be.
func TestCallsOfHostileServers(t *testing.T) {
	const most = "9223372036854775807"
	got := kv.Server{Calls: parseInfo("cmdstat_get:calls=" + most + ",usec=1\r\ncmdstat_set:calls=" + most + "\r\ncmdstat_scan:calls=-4,usec=1\r\n" +
		"cmdstat_multi:calls=,usec=1\r\ncmdstat_eval\r\ncmdstat_keys:7,usec=1\r\n").calls()}
	if len(got.Calls) != 2 || callsOf(got, "other") != 1<<63-1 || callsOf(got, "keys") != 7 {
		t.Errorf("%+v", got)
	}
}
