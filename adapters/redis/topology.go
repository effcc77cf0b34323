package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/internal/abreast"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A topologyKind says what a target's hosts are.
type topologyKind uint8

const (
	single topologyKind = iota
	clustered
	sentinels
	sharded
)

// A replicaMode says which servers of a group are read.
type replicaMode string

const (
	replicaNo     replicaMode = "no"
	replicaPrefer replicaMode = "prefer"
	replicaOnly   replicaMode = "only"
)

// A topology is what a target says of how to find the servers to read.
type topology struct {
	kind     topologyKind
	seeds    []string // a cluster's nodes, the sentinels, or the servers that keys are spread over
	master   string   // what the sentinels call it
	shard    string   // how clients spread keys over servers that do not know of each other
	shardTag string   // two characters: of a key only what is between them counts
	// shardNames are the servers in the clients' words, where these are not their addresses.
	shardNames []string
	replica    replicaMode
	readFrom   []string          // the replicas that sessions read
	readonly   bool              // the server is a replica of a cluster: say READONLY first
	reach      map[string]string // where to connect for an address that is announced
	fixedName  bool              // the name in certificates is the user's, whatever the address
	watchUser  string            // at the sentinels
	watchPass  string
}

const (
	portRedis    = "6379"
	portSentinel = "26379"
)

// maxSeeds bounds how many hosts a target may name.
const maxSeeds = 1000

func (c *config) setTopology(t kv.Target) error {
	c.replica = replicaMode(t.Query.Get("replica"))
	switch c.replica {
	case "":
		c.replica = replicaNo
	case replicaNo, replicaPrefer, replicaOnly:
	default:
		if err := c.setReaders(t, string(c.replica)); err != nil {
			return err
		}
		c.replica = replicaNo
	}
	if err := c.setReach(t); err != nil {
		return err
	}
	port := portRedis
	switch {
	case strings.HasSuffix(t.Scheme, "+cluster"):
		c.kind = clustered
	case strings.HasSuffix(t.Scheme, "+sentinel"):
		c.kind, port = sentinels, portSentinel
	}
	if err := c.setSharding(t); err != nil {
		return err
	}
	if c.kind == single && strings.Contains(t.URL.Host, ",") {
		return kv.WithHint(kv.Usagef("%s names several hosts", t), "servers over which clients spread keys are redis://HOST:PORT,HOST:PORT?shard=ketama; "+
			"a cluster is redis+cluster://HOST:PORT,HOST:PORT; sentinels are redis+sentinel://HOST:PORT,HOST:PORT/NAME")
	}
	if err := c.setSentinels(t); err != nil || c.kind == single {
		return err
	}
	for host := range strings.SplitSeq(t.URL.Host, ",") {
		addr, err := withPort(host, port)
		if err != nil || len(c.seeds) == maxSeeds {
			return kv.WithHint(kv.Usagef("%s: %.100q is no host", t, host), "hosts are HOST:PORT,HOST:PORT")
		}
		c.seeds = append(c.seeds, addr)
	}
	return c.checkSharding(t)
}

// setSentinels reads what only sentinels have: the name that they give to what they watch, and a login of their own.
func (c *config) setSentinels(t kv.Target) error {
	c.watchUser, c.watchPass = t.Query.Get("sentinel_username"), t.Query.Get("sentinel_password")
	if c.kind != sentinels {
		if c.watchUser != "" || c.watchPass != "" {
			return kv.WithHint(kv.Usagef("%s: a login at sentinels without sentinels", t), "sentinels are redis+sentinel://HOST:PORT/NAME")
		}
		return nil
	}
	if c.watchUser != "" && c.watchPass == "" {
		return kv.WithHint(kv.Usagef("%s names a user at the sentinels without a password", t), "set KVTOOL_SENTINEL_PASSWORD")
	}
	c.master = strings.Trim(t.URL.Path, "/")
	if c.master == "" {
		return kv.WithHint(kv.Usagef("%s does not say which of the servers that the sentinels watch", t),
			"the name is that of sentinel.conf, sentinel monitor NAME …: redis+sentinel://HOST:PORT/NAME")
	}
	return nil
}

// setReach reads address_map, 10.0.0.1:6379=localhost:7001,….
func (c *config) setReach(t kv.Target) error {
	text := t.Query.Get("address_map")
	if text == "" {
		return nil
	}
	c.reach = map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		from, to, ok := strings.Cut(pair, "=")
		_, _, err1 := net.SplitHostPort(from)
		_, _, err2 := net.SplitHostPort(to)
		if !ok || err1 != nil || err2 != nil {
			return kv.WithHint(kv.Usagef("%s: address_map has %.100q", t, pair), "address_map=10.0.0.1:6379=localhost:7001,10.0.0.2:6379=localhost:7002")
		}
		c.reach[from] = to
	}
	return nil
}

// withPort completes host with a port.
func withPort(host, port string) (string, error) {
	if h, p, err := net.SplitHostPort(host); err == nil && p != "" {
		if h == "" {
			h = "localhost"
		}
		return net.JoinHostPort(h, p), checkPort(p)
	}
	host = strings.TrimSuffix(host, ":")
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "" {
		host = "localhost"
	}
	return net.JoinHostPort(host, port), nil
}

func checkPort(p string) error {
	_, err := strconv.ParseUint(p, 10, 16)
	return err
}

// at returns the configuration for one server, by the address that it is known by.
func (c *config) at(addr string, readonly bool) config {
	node := *c
	node.addr, node.readonly = addr, readonly
	if to, mapped := c.reach[addr]; mapped {
		node.addr = to
	}
	node.target = c.target + " (node " + addr + ")"
	if c.tls != nil && !c.fixedName {
		node.tls = c.tls.Clone()
		node.tls.ServerName, _, _ = net.SplitHostPort(node.addr)
	}
	return node
}

// A role is what a server says of its part in replication: INFO replication.
type role struct {
	unknown  bool // it may not be asked
	replica  bool
	up       bool     // of a replica: its link to the primary works, and it holds all the data
	offset   int64    // how much of the primary's stream it has
	replicas []string // of a primary: those that are online
	cluster  bool     // it is a node of a cluster
}

// roleOf asks a server.
func (l *link) roleOf() (role, error) {
	text, err := l.text(nil, "INFO")
	if said, ok := answer(err); ok && denies(said) {
		return role{unknown: true, up: true}, nil
	}
	if err != nil {
		return role{}, err
	}
	return parseRole(parseInfo(text)), nil
}

func parseRole(i serverInfo) role {
	r := role{
		replica: i.fields["role"] == "slave" || i.fields["role"] == "replica",
		up:      i.fields["master_link_status"] == "up" && i.fields["master_sync_in_progress"] != "1" && i.fields["loading"] != "1",
		offset:  i.number("slave_repl_offset"),
		cluster: i.clustered(),
	}
	for n := range min(i.number("connected_slaves"), 1000) {
		line := map[string]string{}
		for part := range strings.SplitSeq(i.fields[fmt.Sprint("slave", n)], ",") {
			name, value, _ := strings.Cut(part, "=")
			line[name] = value
		}
		if line["state"] == "online" && line["ip"] != "" && checkPort(line["port"]) == nil {
			r.replicas = append(r.replicas, net.JoinHostPort(line["ip"], line["port"]))
		}
	}
	return r
}

// pickReplica asks servers of one group what they are and returns the replica that has most of the primary's stream, among
// those whose link to it works. It returns "" and why if there is none.
func (c *config) pickReplica(ctx context.Context, addrs []string) (addr, why string) {
	type answered struct {
		role role
		err  error
	}
	answers := make([]answered, len(addrs))
	abreast.Each(len(addrs), askedAtOnce, func(i int) {
		node := c.at(addrs[i], false)
		answers[i].role, answers[i].err = node.askRole(ctx)
		answers[i].err = node.explain(ctx, answers[i].err)
	})
	best := int64(-1)
	var bad []string
	for i, a := range answers {
		switch {
		case a.err != nil:
			bad = append(bad, fmt.Sprintf("%s: %v", addrs[i], a.err))
		case !a.role.replica && !a.role.unknown: // who may not be asked is taken at the others' word
			bad = append(bad, addrs[i]+" is no replica")
		case !a.role.up:
			bad = append(bad, addrs[i]+" has lost its primary, or is still loading")
		case a.role.offset > best:
			best, addr = a.role.offset, addrs[i]
		}
	}
	if addr == "" {
		why = "there is none"
		if len(bad) > 0 {
			why = strings.Join(bad, "; ")
		}
	}
	return addr, why
}

func (c *config) askRole(ctx context.Context) (r role, err error) {
	err = c.converse(ctx, func(l *link) error {
		r, err = l.roleOf()
		return err
	})
	return r, err
}

// converse opens a connection for a few questions.
func (c *config) converse(ctx context.Context, ask func(*link) error) error {
	l, err := c.link(ctx, false)
	if err != nil {
		return err
	}
	defer l.conn.Close()
	stop := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer stop()
	if err := ask(l); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	return nil
}

// errNoReplica is the end of who asked for replica=only.
var errNoReplica = errors.New("no replica can be read")

func noReplica(why string) error {
	return kv.WithHint(fmt.Errorf("%w: %s", errNoReplica, why), "replica=prefer reads the primary then")
}

// fleeting reports whether what ended a scan may pass when the servers have settled: a node has failed, is loading, or the
// cluster waits for it. A refusal does not pass.
func fleeting(err error) bool {
	if text, ok := answer(err); ok {
		for _, code := range []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "UNBLOCKED"} {
			if strings.HasPrefix(text, code) {
				return true
			}
		}
		return false
	}
	var op *net.OpError
	var system syscall.Errno // what go-redis leaves of one
	return isClosed(err) || isTimeout(err) || errors.As(err, &op) || errors.As(err, &system) ||
		errors.Is(err, errNoReplica) || errors.Is(err, errNoPrimary)
}

// telling returns of two errors the one that says more: that of a server that has answered, or else the first.
func telling(first, next error) error {
	if first == nil || fleeting(first) && !fleeting(next) {
		return next
	}
	return first
}

// down reports whether the cluster refuses to answer for keys although this node is well.
func down(err error) bool {
	text, ok := answer(err)
	return ok && strings.HasPrefix(text, "CLUSTERDOWN")
}

// errNoPrimary says that the sentinels are behind, or that nothing has followed the primary yet.
var errNoPrimary = errors.New("there is no primary")

// pause waits a little, between two looks at servers that have not settled.
func pause(ctx context.Context) error {
	return kv.Sleep(ctx, 50*time.Millisecond)
}

// endpoint checks an address that a server has announced. An empty host is the one that was asked.
func endpoint(host string, port int64, asked string) (string, error) {
	if host == "" {
		host = asked
	}
	odd := strings.IndexFunc(host, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0
	if odd || len(host) > 255 || port < 1 || port > 65535 {
		return "", fmt.Errorf("%w: %.40q and %d are no address", resp.ErrProtocol, host, port)
	}
	return net.JoinHostPort(host, strconv.FormatInt(port, 10)), nil
}

// openSingle opens the server that a plain target names, or a replica of it where that is asked for.
func openSingle(ctx context.Context, cfg config) (kv.Store, error) {
	asked := time.Now()
	if err := cfg.ping(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, cfg.unwell(ctx, asked, err))
	}
	r, err := cfg.askRole(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, cfg.unwell(ctx, asked, err))
	}
	cfg.readonly = r.replica && r.cluster
	if r.replica || cfg.replica == replicaNo {
		return newStore(cfg), nil
	}
	if r.unknown {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, kv.WithHint(errors.New("INFO is refused, which would name the replicas"), "grant +info, or name the replica"))
	}
	addr, why := cfg.pickReplica(ctx, r.replicas)
	switch {
	case addr != "":
		chosen := cfg.at(addr, r.cluster)
		return openServer(ctx, chosen)
	case cfg.replica == replicaOnly:
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, noReplica(why))
	}
	return newStore(cfg), nil
}

// placing adds to the records of one node of a cluster where they are.
func (s *store) placing(want kv.Field, yield func(*kv.Record) bool) func(*kv.Record) bool {
	want &= kv.FieldPlace | kv.FieldSlot
	if want == 0 {
		return yield
	}
	return func(r *kv.Record) bool {
		r.Place, r.Slot = s.cfg.addr, slot.Of(r.Key)
		r.Known |= want
		return yield(r)
	}
}

// placement says that where a key is is known.
func placement() []kv.Fact {
	return []kv.Fact{
		{Name: "place", Field: kv.FieldPlace, How: kv.Measured},
		{Name: "slot", Field: kv.FieldSlot, How: kv.Measured},
	}
}
