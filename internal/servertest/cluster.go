package servertest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long servers may take to agree on something.
const patience = 30 * time.Second

// Until calls ok until it is true, and fails the test if that takes too long.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// startAll starts servers side by side.
func startAll(t testing.TB, version string, all []Options) []*Server {
	t.Helper()
	binary := Binary(t, version)
	servers, errs := make([]*Server, len(all)), make([]error, len(all))
	var wg sync.WaitGroup
	for i, o := range all {
		wg.Go(func() {
			for range 3 { // as in Redis
				if servers[i], errs[i] = start(t, binary, o); errs[i] == nil {
					return
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			t.Fatalf("starting %s: %v", Name(version), err)
		}
	}
	return servers
}

// ClusterOptions says which cluster to start.
type ClusterOptions struct {
	Version string
	Args    []string
	TLS     bool
	Spare   int // primaries without slots, besides the three that have them
}

// A ServerCluster is a cluster of three primaries, each with a third of the slots in order, and a replica of each.
type ServerCluster struct {
	Primaries []*Server // and those without slots, at the end
	Replicas  []*Server // Replicas[i] is that of Primaries[i]
	IDs       []string  // of Primaries
	Key       string    // with TLS: the key to the certificate that all nodes have, which is their CA
}

// nodeTimeout is after how long a node is held dead: short, but not as short as a busy machine may be silent.
const nodeTimeout = "1500"

// Cluster starts a cluster and waits until all its nodes serve.
func Cluster(t testing.TB, o ClusterOptions) *ServerCluster {
	t.Helper()
	Binary(t, o.Version)
	node := Options{Version: o.Version, TLS: o.TLS, Args: append([]string{
		"--cluster-enabled", "yes", "--cluster-node-timeout", nodeTimeout, "--repl-diskless-sync-delay", "0",
		"--cluster-replica-validity-factor", "0", "--repl-ping-replica-period", "1", // a replica is listed once it has received something
	}, o.Args...)}
	if o.TLS {
		node.Cert, node.Key = Certificate(t, t.TempDir())
		node.Args = append(node.Args, "--tls-cluster", "yes", "--tls-replication", "yes")
	}
	all := make([]Options, 6+o.Spare)
	for i := range all {
		all[i] = node
	}
	servers := startAll(t, o.Version, all)
	c := &ServerCluster{Key: node.Key, Primaries: append(servers[:3:3], servers[6:]...), Replicas: servers[3:6]}
	c.form(t, servers)
	return c
}

// form makes one cluster of servers that are six or more by themselves.
func (c *ServerCluster) form(t testing.TB, servers []*Server) {
	t.Helper()
	clients := make([]*Client, len(servers))
	for i, s := range servers {
		clients[i] = s.Client(t)
		clients[i].Must(t, "CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(i+1))
	}
	for i := range 3 {
		args := []string{"CLUSTER", "ADDSLOTS"}
		for n := i * 16384 / 3; n < (i+1)*16384/3; n++ {
			args = append(args, fmt.Sprint(n))
		}
		clients[i].Must(t, args...)
	}
	for i, cl := range clients { // each meets each: word of mouth takes seconds
		for _, s := range servers[i+1:] {
			host, port, _ := net.SplitHostPort(s.Addr)
			cl.Must(t, "CLUSTER", "MEET", host, port)
		}
	}
	Until(t, "the nodes meet", func() bool {
		for _, cl := range clients {
			nodes, _ := cl.Do("CLUSTER", "NODES").(string)
			if strings.Count(nodes, "\n") != len(servers) || strings.Contains(nodes, "handshake") {
				return false
			}
		}
		return true
	})
	for _, s := range c.Primaries {
		id, _ := s.Client(t).Must(t, "CLUSTER", "MYID").(string)
		c.IDs = append(c.IDs, id)
	}
	for i, s := range c.Replicas {
		s.Client(t).Must(t, "CLUSTER", "REPLICATE", c.IDs[i])
	}
	Until(t, "the cluster serves", func() bool {
		for i, cl := range clients {
			info, _ := cl.Do("CLUSTER", "INFO").(string)
			slots, _ := cl.Do("CLUSTER", "SLOTS").([]any)
			ok := strings.Contains(info, "cluster_state:ok") && len(slots) == 3
			for _, s := range slots {
				parts, _ := s.([]any)
				ok = ok && len(parts) == 4 // the range, the primary, the replica
			}
			if !ok || i >= 3 && i < 6 && !linked(cl) {
				return false
			}
		}
		return true
	})
}

// linked reports whether a replica holds what its primary holds.
func linked(c *Client) bool {
	info, _ := c.Do("INFO", "replication").(string)
	return strings.Contains(info, "master_link_status:up")
}

// WaitReplicas waits until the replicas have received all that the primaries have written.
func (c *ServerCluster) WaitReplicas(t testing.TB) {
	t.Helper()
	for i := range c.Replicas {
		waitReplica(t, c.Primaries[i].Client(t), c.Replicas[i].Client(t))
	}
}

func waitReplica(t testing.TB, primary, replica *Client) {
	t.Helper()
	Until(t, "the replica follows", func() bool {
		p, _ := primary.Do("INFO", "replication").(string)
		r, _ := replica.Do("INFO", "replication").(string)
		return field(p, "master_repl_offset") == field(r, "slave_repl_offset") && linked(replica)
	})
}

func field(info, name string) string {
	_, rest, _ := strings.Cut(info, name+":")
	value, _, _ := strings.Cut(rest, "\r\n")
	return value
}

// A Sentinels is a primary with two replicas, and three sentinels that watch it by the name of "main".
type Sentinels struct {
	Servers   []*Server // the primary, and its replicas
	Sentinels []*Server
	clients   []*Client // of Servers
}

// WaitReplicas waits until the replicas have received all that the primary has written.
func (s *Sentinels) WaitReplicas(t testing.TB) {
	t.Helper()
	for _, replica := range s.clients[1:] {
		waitReplica(t, s.clients[0], replica)
	}
}

// passwordOf returns what a server's arguments say is its password.
func passwordOf(args []string) string {
	if i := slices.Index(args, "--requirepass"); i >= 0 {
		return args[i+1]
	}
	return ""
}

// StartSentinels starts servers and sentinels and waits until the sentinels know all of them. args go to the servers.
func StartSentinels(t testing.TB, version string, args, conf []string) *Sentinels {
	t.Helper()
	one := Options{Version: version, Args: append([]string{"--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1"}, args...)}
	servers := startAll(t, version, []Options{one, one, one})
	host, port, _ := net.SplitHostPort(servers[0].Addr)
	password := passwordOf(args)
	clients := make([]*Client, len(servers))
	for i, s := range servers {
		clients[i] = s.Client(t)
		if password != "" {
			clients[i].Must(t, "AUTH", password)
		}
	}
	for _, c := range clients[1:] {
		c.Must(t, "REPLICAOF", host, port)
	}
	Until(t, "the replicas follow", func() bool { return linked(clients[1]) && linked(clients[2]) })
	watch := append([]string{
		"sentinel monitor main " + host + " " + port + " 2",
		"sentinel down-after-milliseconds main 1000",
		"sentinel failover-timeout main 3000",
	}, conf...)
	s := &Sentinels{Servers: servers, clients: clients}
	for range 3 {
		s.Sentinels = append(s.Sentinels, sentinel(t, version, watch))
	}
	sentinels := make([]*Client, len(s.Sentinels))
	for i, one := range s.Sentinels {
		sentinels[i] = one.Client(t)
		for _, line := range conf {
			if password, ok := strings.CutPrefix(line, "requirepass "); ok {
				sentinels[i].Must(t, "AUTH", password)
			}
		}
	}
	Until(t, "the sentinels know all", func() bool {
		for _, c := range sentinels {
			text := fmt.Sprint(c.Do("SENTINEL", "MASTER", "main"))
			if !strings.Contains(text, "num-slaves 2") || !strings.Contains(text, "num-other-sentinels 2") {
				return false
			}
		}
		return true
	})
	return s
}

func sentinel(t testing.TB, version string, watch []string) *Server {
	t.Helper()
	binary := Binary(t, version)
	var err error
	for range 3 { // as in Redis
		var s *Server
		if s, err = startSentinel(t, binary, watch); err == nil {
			return s
		}
	}
	t.Fatalf("starting a sentinel of %s: %v", Name(version), err)
	return nil
}

// startSentinel starts a sentinel with a configuration file of its own, since it rewrites that.
func startSentinel(t testing.TB, binary string, watch []string) (*Server, error) {
	port, err := freePort(false)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "kvtool")
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &Server{Addr: "127.0.0.1:" + port, Socket: filepath.Join(dir, "s"), done: make(chan struct{})}
	conf := append([]string{"port " + port, "bind 127.0.0.1", "dir " + dir, "unixsocket " + s.Socket}, watch...)
	file := filepath.Join(dir, "sentinel.conf")
	if err := os.WriteFile(file, []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
		return nil, err
	}
	return s, s.launch(t, binary, file, "--sentinel")
}
