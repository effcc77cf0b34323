// Command peers serves with what Go programs use today in the place of a Redis, for the section "served" of the benchmark:
//
//	go run ./peers miniredis 127.0.0.1:7001    github.com/alicebob/miniredis/v2
//	go run ./peers redcon 127.0.0.1:7002       github.com/tidwall/redcon, as its README has it: one map under a lock
package main

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2"
	"github.com/tidwall/redcon"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("want miniredis or redcon, and an address")
	}
	switch args[0] {
	case "miniredis":
		m := miniredis.NewMiniRedis()
		if err := m.StartAddr(args[1]); err != nil {
			return err
		}
		select {}
	case "redcon":
		return redcon.ListenAndServe(args[1], newStore().handle, func(redcon.Conn) bool { return true }, nil)
	}
	return fmt.Errorf("no peer %s", args[0])
}

// A store is the example of redcon.
type store struct {
	mu    sync.RWMutex
	items map[string][]byte
}

func newStore() *store { return &store{items: map[string][]byte{}} }

func (s *store) handle(conn redcon.Conn, cmd redcon.Command) {
	switch strings.ToLower(string(cmd.Args[0])) {
	default:
		conn.WriteError("ERR unknown command '" + string(cmd.Args[0]) + "'")
	case "ping":
		conn.WriteString("PONG")
	case "set":
		if len(cmd.Args) != 3 {
			conn.WriteError("ERR wrong number of arguments for 'set' command")
			return
		}
		s.mu.Lock()
		s.items[string(cmd.Args[1])] = cmd.Args[2]
		s.mu.Unlock()
		conn.WriteString("OK")
	case "get":
		if len(cmd.Args) != 2 {
			conn.WriteError("ERR wrong number of arguments for 'get' command")
			return
		}
		s.mu.RLock()
		val, ok := s.items[string(cmd.Args[1])]
		s.mu.RUnlock()
		if !ok {
			conn.WriteNull()
			return
		}
		conn.WriteBulk(val)
	}
}
