// Package redis reads a live server of the Redis family: Redis 6 to 8, Valkey, KeyDB; one server with all its logical
// databases, every primary of a cluster side by side, or the server that sentinels name. Reading
// never writes, moves no value over the network that was not asked for (values.go), and leaves no trace in the idle times by
// which a server evicts: what may be sent is the allow-list of internal/resp, and every connection passes through it. What
// writes is in remove.go, and what a load test runs on in session.go and its like: all of it.
//
// The one idea is that a scan is bound by the server's one thread, so that the client's part is never to let it wait:
//
//	client   SCAN ──┐ SCAN page 2, TYPE PTTL … of page 1 ──┐ SCAN page 3, TYPE PTTL … of page 2 ──┐
//	server          └─ keys of page 1 ─────────────────────┘ keys of page 2, answers for page 1 ──┘
//
// The SCAN for the page after is sent ahead of the commands for this page's keys, in one write. While the server answers
// for the keys, their answers are already being read; when the last of them is in, the next page's keys are there too. What
// can be asked only when these answers are known, the lengths of collections, goes out with a later page (length.go).
//
// What a server or a user's rights withhold is not an error. Info tries each command once and says of each fact whether it
// is measured, modelled or missing, why, and what would change that; a scan then asks for nothing that would be refused.
//
// Ordinary commands (INFO, the probes) and the handshake are go-redis's work; a scan, and whatever finds out which servers
// there are, speaks internal/resp over a connection from the same dialer.
//
// A store is one server. A cluster (cluster.go) is a store that holds stores, one a node, and reads slots rather than nodes
// (reading.go), so that a slot may move and a node may fail while it does. Behind sentinels (sentinel.go) is one server
// again, whichever it is at the moment.
package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// Adapter opens redis://, rediss:// (TLS), redis+unix:// and valkey:// targets, and those of clusters and sentinels.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:  "redis",
		Title: "Redis, Valkey and their relatives",
		Doc: "A running server, read with SCAN and commands that count as no access of a key. Without a database in the URL " +
			"every database that holds keys is read. The password comes from the URL or KVTOOL_PASSWORD. Of a cluster every " +
			"shard is read, of what sentinels watch the server that they name; any one node or sentinel is enough to find the rest.",
		Schemes: []string{
			"redis", "rediss", "redis+unix", "valkey", "redis+cluster", "rediss+cluster", "redis+sentinel", "rediss+sentinel",
		},
		Examples: []string{
			"redis://localhost:6379", "redis://auditor@cache-1:6379/0", "rediss://cache-1:6380",
			"redis+unix:///run/redis/redis.sock", "redis://cache-1:6379,cache-2:6379?shard=ketama", "redis+cluster://node-1:6379,node-2:6379?replica=prefer",
			"redis+sentinel://sentinel-1:26379,sentinel-2:26379/mymaster",
		},
		Params: []kv.Param{
			{Name: "db", Doc: "logical database; the same as a path of /N"},
			{Name: "timeout", Default: "10s", Doc: "how long to wait for a connection or an answer; for a failover, three times as long"},
			{Name: "replica", Default: "no", Doc: "no: read primaries; prefer: the replica that lags least, else the primary; only: replicas. HOST:PORT: what a load test reads as a replica"},
			{Name: "shard", Doc: "of several servers that do not know of each other, how clients spread keys over them: " + shardingNames},
			{Name: "shard_names", Default: "the hosts", Doc: "NAME,…: by which names the clients know the servers, if not by HOST:PORT"},
			{Name: "shard_tag", Doc: "two characters: of a key only what is between them decides where it is, as with twemproxy's hash_tag"},
			{Name: "via", Default: "scan", Doc: "psync: read the snapshot that the server sends to a new replica, for which it forks; what that costs is said first. sync: the same with SYNC, where PSYNC has another name"},
			{Name: "sentinel_username", Doc: "user at the sentinels"},
			{Name: "sentinel_password", Doc: "password at the sentinels; better in KVTOOL_SENTINEL_PASSWORD"},
			{Name: "address_map", Doc: "ANNOUNCED=REACHABLE,…: where to connect for an address that a cluster or a sentinel announces"},
			{Name: "tls_ca", Default: "system roots", Doc: "PEM file of the authorities that may sign the server's certificate"},
			{Name: "tls_cert", Doc: "PEM file of the client's certificate"},
			{Name: "tls_key", Doc: "PEM file of the client's key"},
			{Name: "tls_server_name", Default: "the host", Doc: "name that the server's certificate must be for"},
			{Name: "tls_skip_verify", Default: "false", Doc: "true: accept any certificate"},
		},
		Open: open,
	}
}

// A config is a target taken apart.
type config struct {
	target  string // redacted
	network string // tcp or unix
	addr    string
	topology
	via      string      // how a snapshot is asked for; "": none is, keys are read with SCAN
	tls      *tls.Config // nil: plain
	username string
	password string
	db       int // -1: all that hold keys
	timeout  time.Duration
	impact   kv.Impact
}

func configOf(t kv.Target) (config, error) {
	c := config{target: t.String(), network: "tcp", username: t.Username, password: string(t.Password), db: -1, impact: t.Impact}
	if err := Adapter().CheckParams(t); err != nil {
		return c, err
	}
	if t.URL == nil {
		return c, kv.WithHint(kv.Usagef("%s names no server", t), "redis://HOST:PORT")
	}
	if err := c.setTopology(t); err != nil {
		return c, err
	}
	if c.username != "" && c.password == "" {
		return c, kv.WithHint(kv.Usagef("%s names a user without a password", t), "set KVTOOL_PASSWORD; a user that needs none takes any")
	}
	db := t.Query.Get("db")
	if t.Scheme == "redis+unix" {
		c.network, c.addr = "unix", t.URL.Path
		if t.URL.Host != "" || c.addr == "" {
			return c, kv.WithHint(kv.Usagef("%s names no socket", t), "redis+unix:///PATH/TO/SOCKET, with three slashes")
		}
	} else {
		c.addr = hostPort(t.URL)
		if path := strings.Trim(t.URL.Path, "/"); path != "" && c.kind != sentinels {
			db = path
		}
	}
	if err := c.setDB(t, db); err != nil {
		return c, err
	}
	switch c.via = t.Query.Get("via"); c.via {
	case "scan":
		c.via = ""
	case "", viaPsync, viaSync:
	default:
		return c, kv.WithHint(kv.Usagef("%s: via is %q", t, c.via), "via is scan, psync or sync")
	}
	if err := c.setTimeout(t); err != nil {
		return c, err
	}
	return c, c.setTLS(t)
}

func hostPort(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = portRedis
	}
	return net.JoinHostPort(host, port)
}

func (c *config) setDB(t kv.Target, db string) error {
	if db == "" {
		return nil
	}
	n, err := strconv.Atoi(db)
	if err != nil || n < 0 {
		return kv.WithHint(kv.Usagef("%s: %q is no database", t, db), "databases are numbers: redis://HOST:PORT/0")
	}
	c.db = n
	return nil
}

func (c *config) setTimeout(t kv.Target) (err error) {
	c.timeout = 10 * time.Second
	if s := t.Query.Get("timeout"); s != "" {
		if c.timeout, err = time.ParseDuration(s); err != nil || c.timeout <= 0 {
			return kv.WithHint(kv.Usagef("%s: timeout is %q", t, s), "a timeout is 500ms, 10s, 1m")
		}
	}
	return nil
}

// setTLS reads the files that the parameters name. Parameters of TLS without TLS are an error: who asks for a certificate
// to be checked should not be given an open connection.
func (c *config) setTLS(t kv.Target) error {
	if !strings.HasPrefix(t.Scheme, "rediss") {
		for name := range t.Query {
			if strings.HasPrefix(name, "tls_") {
				return kv.WithHint(kv.Usagef("%s: %s without TLS", t, name), "TLS is rediss://, with two s")
			}
		}
		return nil
	}
	c.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.Query.Get("tls_server_name")}
	c.fixedName = c.tls.ServerName != ""
	if !c.fixedName {
		c.tls.ServerName, _, _ = net.SplitHostPort(c.addr)
	}
	if skip := t.Query.Get("tls_skip_verify"); skip != "" {
		v, err := strconv.ParseBool(skip)
		if err != nil {
			return kv.WithHint(kv.Usagef("%s: tls_skip_verify is %q, not true or false", t, skip), "true trusts whatever certificate there is; better: tls_ca=FILE")
		}
		c.tls.InsecureSkipVerify = v
	}
	return c.setCertificates(t)
}

func (c *config) setCertificates(t kv.Target) error {
	if ca := t.Query.Get("tls_ca"); ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return kv.WithHint(kv.Usagef("%s: reading tls_ca: %v", t, err), "tls_ca=FILE: the certificates to trust, as PEM; a path counts from the working folder")
		}
		c.tls.RootCAs = x509.NewCertPool()
		if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
			return kv.WithHint(kv.Usagef("%s: %s holds no certificate in PEM form", t, ca), "a file in PEM form begins with -----BEGIN CERTIFICATE-----")
		}
	}
	cert, key := t.Query.Get("tls_cert"), t.Query.Get("tls_key")
	if cert == "" && key == "" {
		return nil
	}
	if cert == "" || key == "" {
		return kv.WithHint(kv.Usagef("%s: tls_cert and tls_key go together", t), "tls_cert=FILE&tls_key=FILE")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return kv.WithHint(kv.Usagef("%s: reading tls_cert and tls_key: %v", t, err), "both are PEM; a path counts from the working folder")
	}
	c.tls.Certificates = []tls.Certificate{pair}
	return nil
}

// open connects and logs in, so that a server that cannot be reached is known before anything else is done.
func open(ctx context.Context, t kv.Target) (kv.Store, error) {
	cfg, err := configOf(t)
	if err != nil {
		return nil, err
	}
	if cfg.via != "" {
		return openStream(ctx, cfg)
	}
	return openLive(ctx, cfg)
}

// openLive opens what is read with commands.
func openLive(ctx context.Context, cfg config) (kv.Store, error) {
	switch cfg.kind {
	case clustered:
		return openCluster(ctx, cfg)
	case sentinels:
		return openWatched(ctx, cfg)
	case sharded:
		return openSharding(ctx, cfg)
	}
	return openSingle(ctx, cfg)
}

// openServer opens one server.
func openServer(ctx context.Context, cfg config) (*store, error) {
	asked := time.Now()
	if err := cfg.ping(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, cfg.unwell(ctx, asked, err))
	}
	return newStore(cfg), nil
}

func newStore(cfg config) *store {
	return &store{cfg: cfg, client: newClient(cfg, resp.ReadOnly), governor: newGovernor(cfg)}
}

// ping logs in once, over a connection of ours: of why one fails, go-redis keeps less than there is to say. A user who may
// not PING has logged in all the same, and a server that cannot save answers it with MISCONF and what reads as ever.
func (c *config) ping(ctx context.Context) error {
	l, err := c.link(ctx, false)
	if err != nil {
		return err
	}
	defer l.conn.Close()
	stop := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer stop()
	if c.db > 0 {
		if err := l.do([]string{strconv.Itoa(c.db)}, "SELECT"); err != nil {
			return err
		}
	}
	err = l.do(nil, "PING")
	if text, ok := answer(err); ok && awake(text) {
		return nil
	}
	return err
}

// awake reports whether a server that refuses a PING so serves reads.
func awake(text string) bool { return denies(text) || strings.HasPrefix(text, "MISCONF") }
