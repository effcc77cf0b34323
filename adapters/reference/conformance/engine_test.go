package conformance

import (
	"net"
	"os"
	"testing"

	"github.com/kvtool/kvtool/adapters/reference/command"
	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/server"
)

// engineAddr starts what is held against Redis and returns its address: an engine of this process. KVTOOL_CONFORMANCE names a
// server that runs already instead; "redis" is another redis-server, which tells what the suite itself has wrong.
func engineAddr(t testing.TB, o engine.Options) string {
	switch addr := os.Getenv("KVTOOL_CONFORMANCE"); addr {
	case "":
	case "redis":
		return redisAddr(t)
	default:
		return addr
	}
	o.Log = func(text string) { t.Error(text) }
	o.Config = append(o.Config, [2]string{"slowlog-log-slower-than", "-1"})
	e, err := engine.New(o, command.Table())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := server.New(e, nil)
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}
