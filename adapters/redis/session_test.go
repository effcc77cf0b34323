package redis

import (
	"testing"

	"github.com/kvtool/kvtool/internal/servertest"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/kv/kvtest"
)

// TestDriver holds sessions to the contract, over each way that a server is reached.
func TestDriver(t *testing.T) {
	for _, x := range []struct {
		name string
		opt  servertest.Options
		url  func(s *servertest.Server) string
	}{
		{"tcp", servertest.Options{}, func(s *servertest.Server) string { return "redis://" + s.Addr }},
		{"a socket", servertest.Options{}, func(s *servertest.Server) string { return "redis+unix://" + s.Socket + "?db=3" }},
		{"TLS", servertest.Options{TLS: true}, func(s *servertest.Server) string { return "rediss://" + s.Addr + "/2?tls_skip_verify=true" }},
		{"password", servertest.Options{Args: []string{"--requirepass", "secret"}}, func(s *servertest.Server) string {
			return "redis://:secret@" + s.Addr
		}},
	} {
		t.Run(x.name, func(t *testing.T) {
			server := servertest.Redis(t, x.opt)
			url := x.url(server)
			first := driver(t, url)
			allocations := 0.0
			if x.opt.TLS {
				allocations = 2
			}
			kvtest.TestDriver(t, kvtest.DriverConfig{Allocations: allocations, Open: func(t *testing.T) kv.Driver {
				d := driver(t, url)
				s, err := first.Session(t.Context(), kv.SessionOptions{})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := s.Do([]kv.Op{kvtest.Op("FLUSHALL")}, make([]kv.Result, 1)); err != nil {
					t.Fatal(err)
				}
				return d
			}})
		})
	}
}

func driver(t *testing.T, url string) kv.Driver {
	t.Helper()
	d, err := kv.DriverOf(openURL(t, url))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
