package engine_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"
	"weak"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/keyspace"
)

// The reply to a command that has blocked goes out before the replies to what the client sends next, also if that is run before
// the client is woken.
func TestReplyAfterBlocking(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 2})
	waits, w := e.Connect(engine.Origin{}), e.Connect(engine.Origin{})
	expect(t, run(t, waits, "blpop q 0"), "")
	expect(t, run(t, w, "rpush q x"), ":1\r\n")
	expect(t, run(t, waits, "ping"), "*2\r\n$1\r\nq\r\n$1\r\nx\r\n+PONG\r\n")
}

// keyIn returns a key in a shard.
func keyIn(shard, shards int) string {
	for i := 0; ; i++ {
		if key := fmt.Sprint("k", i); keyspace.ShardOf(keyspace.Hash([]byte(key)), shards) == shard {
			return key
		}
	}
}

// GEORADIUS stores at the key behind the last STORE, in whichever shard that is, with its lock.
func TestLocksOfLastStore(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 4})
	s := e.Connect(engine.Origin{})
	from, to := keyIn(0, 4), keyIn(3, 4)
	run(t, s, "geoadd "+from+" 13 38 a")
	for _, word := range []string{"store", "STOREDIST"} {
		_, unlock := e.Lock(3)
		done := make(chan string)
		go func() { done <- run(t, s, "georadius "+from+" 13 38 1 km store "+from+" "+word+" "+to) }()
		select {
		case <-done:
			unlock()
			t.Fatal("it ran without the lock")
		case <-time.After(50 * time.Millisecond):
		}
		unlock()
		expect(t, <-done, ":1\r\n")
	}
}

// A client that has tracked keys is forgotten when it is gone, though nobody changes the keys.
func TestTrackingKeepsNoSession(t *testing.T) {
	e, _ := start(t, engine.Options{Shards: 1})
	stays := e.Connect(engine.Origin{})
	run(t, stays, "hello 3", "client tracking on", "get k")
	gone := func() weak.Pointer[engine.Session] {
		s := e.Connect(engine.Origin{})
		run(t, s, "hello 3", "client tracking on", "get k")
		s.Close()
		return weak.Make(s)
	}()
	run(t, stays, "exists k") // a shard knows who had it last
	for i := 0; gone.Value() != nil; i++ {
		if i == 100 {
			t.Fatal("the session is still there")
		}
		runtime.GC()
		time.Sleep(time.Millisecond)
	}
	run(t, e.Connect(engine.Origin{}), "set k 1")
	expect(t, inbox(stays), ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n")
}
