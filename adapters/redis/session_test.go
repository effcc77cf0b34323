package redis

import (
	"fmt"
	"strings"
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

// TestClusterDriver holds sessions of a cluster to the contract, and has them sent on.
func TestClusterDriver(t *testing.T) {
	cluster := servertest.Cluster(t, servertest.ClusterOptions{})
	url := "redis+cluster://" + cluster.Primaries[1].Addr
	open := func(t *testing.T) kv.Driver {
		for _, p := range cluster.Primaries {
			p.Client(t).Must(t, "FLUSHALL")
		}
		return driver(t, url)
	}
	kvtest.TestDriver(t, kvtest.DriverConfig{Open: open, Cluster: true, Allocations: 1})
	t.Run("replica", func(t *testing.T) { testClusterReplica(t, cluster, open(t)) })
	t.Run("moved", func(t *testing.T) { testMoved(t, cluster, open(t)) })
}

// testClusterReplica reads what was written from the replica of its slot, once WAIT has said that it is there; WAIT asks the node that
// was written to.
func testClusterReplica(t *testing.T, cluster *servertest.ServerCluster, d kv.Driver) {
	store, ok := d.(kv.Replicated)
	if !ok {
		t.Fatal("a cluster without replicas")
	}
	driver, err := store.ReplicaDriver(t.Context())
	if err != nil || driver.Replicas() != 1 {
		t.Fatal(err)
	}
	s, err := driver.Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, r := range cluster.Replicas {
		r.Client(t).Must(t, "CONFIG", "RESETSTAT")
	}
	out := make([]kv.Result, 3)
	for i, key := range []string{"{bar}x", "foo{}{bar}", "{foo}y"} { // of the first node, the second and the third
		for _, ops := range [][]kv.Op{{kvtest.Op("SET", key, "v")}, {kvtest.Op("WAIT", "1", "5000")}, {kvtest.Op("GET", key), kvtest.Op("GET", key), kvtest.Op("GET", "{bar}x")}} {
			for j := range ops {
				ops[j].Want = true
				ops[j].Replica = j == 1 || len(ops) == 3 && j == 2
			}
			if err := s.Do(ops, out[:len(ops)]); err != nil {
				t.Fatal(err)
			}
			for j := range ops {
				if out[j].Err != nil || out[j].Hops > 0 || len(out[j].Values) != 1 {
					t.Errorf("%s: %q: %+v", key, ops[j].Args, out[j])
				}
			}
			if string(ops[0].Args[0]) == "WAIT" && string(out[0].Values[0]) != "1" {
				t.Errorf("%s: WAIT says %q", key, out[0].Values[0])
			}
		}
		if info, _ := cluster.Replicas[i].Client(t).Must(t, "INFO", "commandstats").(string); !strings.Contains(info, "cmdstat_get:calls=") {
			t.Errorf("%s was not read from the replica", key)
		}
	}
}

// testMoved gives a slot away while a session works: it is sent on with ASK, then with MOVED, and then knows the way.
func testMoved(t *testing.T, cluster *servertest.ServerCluster, d kv.Driver) {
	s, err := d.Session(t.Context(), kv.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	number := "5061" // of {bar}; the first node has up to 5460
	from, to := cluster.Primaries[0].Client(t), cluster.Primaries[2].Client(t)
	set := func(want uint8, class string) {
		t.Helper()
		ops := []kv.Op{kvtest.Op("SET", "{bar}x", "1"), kvtest.Op("SET", "foo{}{bar}", "1"), kvtest.Op("GET", "{bar}x")}
		out := make([]kv.Result, len(ops))
		if err := s.Do(ops, out); err != nil {
			t.Fatal(err)
		}
		if out[0].Hops != want || out[0].Status != kv.OK || out[1].Hops != 0 || out[2].Status != kv.OK {
			t.Errorf("%s: %+v, want %d hops", class, out, want)
		}
	}
	set(0, "before")
	from.Must(t, "DEL", "{bar}x")
	to.Must(t, "CLUSTER", "SETSLOT", number, "IMPORTING", cluster.IDs[0])
	from.Must(t, "CLUSTER", "SETSLOT", number, "MIGRATING", cluster.IDs[2])
	set(1, "ASK")
	set(1, "ASK")
	for _, p := range []*servertest.Client{to, from, cluster.Primaries[1].Client(t)} {
		p.Must(t, "CLUSTER", "SETSLOT", number, "NODE", cluster.IDs[2])
	}
	set(1, "MOVED")
	set(0, "after")
	cluster.Primaries[1].Stop() // it has slot 8363: its operations fail, and no others
	out := make([]kv.Result, 2)
	if err := s.Do([]kv.Op{kvtest.Op("GET", "foo{}{bar}"), kvtest.Op("GET", "{bar}x")}, out); err != nil || out[0].Status != kv.Failed || out[1].Err != nil {
		t.Errorf("a node that is dead: %v, %+v", err, out)
	}
}

func TestRedirection(t *testing.T) {
	for said, want := range map[string]string{
		"MOVED 3999 127.0.0.1:6381": "false 3999 127.0.0.1:6381", "ASK 1 host:1": "true 1 host:1", "MOVED 7 ::1:6379": "false 7 [::1]:6379",
		"MOVED 7 :6379": "false 7 :6379", "MOVED 16384 h:1": "", "MOVED x h:1": "", "MOVED 1": "", "MOVED": "", "ERR MOVED 1 h:1": "",
		"MOVED 1 h:99999": "", "ASK 1 h:1 x": "", "MOVED 1 [::1]:5": "false 1 [::1]:5",
	} {
		got := ""
		if asking, n, addr := redirection(kv.ReplyError(said)); addr != "" {
			got = fmt.Sprint(asking, " ", n, " ", addr)
		}
		if got != want {
			t.Errorf("%q sends on to %q, want %q", said, got, want)
		}
	}
}
