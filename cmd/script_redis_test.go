package cmd

import (
	"fmt"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	layouts "github.com/kvtool/kvtool/keydesign/place"
)

// TestStreamScripts runs the command line on servers that are read as a replica reads them: STREAM with a little of everything, and
// BIG, whose snapshot is larger than what any buffer holds, and which dies when a script says so. The user "reader" of STREAM may
// not be its replica.
func TestStreamScripts(t *testing.T) {
	t.Parallel()
	args := []string{"--repl-diskless-sync-delay", "0", "--rdbcompression", "no"}
	small, big := servertest.Redis(t, servertest.Options{Args: args}), servertest.Redis(t, servertest.Options{Args: args})
	c := small.Client(t)
	fill(t, c)
	c.Must(t, "ACL", "SETUSER", "reader", "on", ">pw", "~*", "+@all", "-psync", "-replconf")
	c.Must(t, "SELECT", "0")
	value := strings.Repeat("x", 20_000)
	big.Client(t).Fill(t, 2000, func(i int) []string { return []string{"SET", fmt.Sprint("page:", i), value} })
	runScripts(t, "../testdata/script/stream", map[string]string{"STREAM": small.Addr, "BIG": big.Addr}, big.Stop)
}

// TestShardedScripts runs it on three servers over which keys are spread as Jedis spreads them, but for 150 keys that all three have,
// and 200 of the third that belong on the first. SHARDS are their names, and MAP where they are.
func TestShardedScripts(t *testing.T) {
	t.Parallel()
	names := []string{"10.0.0.1:6379", "10.0.0.2:6379", "10.0.0.3:6379"}
	layout := layouts.Jedis(names, false)
	var pairs []string
	for n, name := range names {
		s := servertest.Redis(t, servertest.Options{})
		pairs = append(pairs, name+"="+s.Addr)
		var own []string
		moved := 0
		for i := range 6000 {
			key := fmt.Sprintf("user:%d:name", i)
			at := layout.Place([]byte(key))
			if at == 0 && moved < 200 && i >= 150 { // these have stayed behind
				at = 2
				moved++
			}
			if at == n || i < 150 {
				own = append(own, key)
			}
		}
		s.Client(t).Fill(t, len(own), func(i int) []string { return []string{"SET", own[i], "value"} })
	}
	runScripts(t, "../testdata/script/sharded", map[string]string{"SHARDS": strings.Join(names, ","), "MAP": strings.Join(pairs, ",")}, nil)
}
