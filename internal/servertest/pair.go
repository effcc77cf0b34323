package servertest

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
)

// Pair starts a primary and a replica of it, and waits until the replica follows. Through is the address at which the replica is to
// find the primary, such as that of a proxy to it; nil is the primary's own. args go to both.
func Pair(t testing.TB, args []string, through func(addr string) string) (primary, replica *Server) {
	t.Helper()
	one := Options{Args: append(slices.Clone(args), "--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1")}
	servers := startAll(t, Distribution, []Options{one, one})
	addr := servers[0].Addr
	if through != nil {
		addr = through(addr)
	}
	host, port, _ := net.SplitHostPort(addr)
	c := servers[1].Client(t)
	c.Must(t, "REPLICAOF", host, port)
	Until(t, "the replica follows", func() bool { return linked(c) })
	first := servers[0].Client(t)
	Until(t, "the primary has it online", func() bool { // which it is a moment later
		return strings.Contains(fmt.Sprint(first.Must(t, "INFO", "replication")), "state=online")
	})
	return servers[0], servers[1]
}
