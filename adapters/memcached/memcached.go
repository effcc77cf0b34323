// Package memcached reads live servers of Memcached over its text protocol, with a client of its own: no library has metadump,
// watch, me and stats. Reading never touches what a server evicts by: neither the time of an item's last access nor whether it was
// ever fetched is changed by metadump, me and stats, and nothing else is sent.
//
// The one idea is that a dump of the hash table is a stream that the server pushes at its own pace: one command, then a line for
// each item until END. So a scan is one connection a server, read as fast as it comes, and what a line does not say (the clock, the
// chunks of the slab classes) is asked once before it:
//
//	stats, stats settings, stats slabs ──▶ clock, limits, classes
//	lru_crawler metadump hash ──▶ key=user%3A2 exp=1795392066 la=1795391770 cas=3 fetch=yes cls=1 size=72 ──▶ kv.Record
//
// Several servers are one store, of a shard each. They do not know of each other: which of them has a key is the clients' affair,
// and what the hash of clients would not look for is found (Record.Home). What a load test runs on is in session.go and its like:
// that writes.
//
// Sources of what is said here of the protocol: doc/protocol.txt, proto_text.c, crawler.c and logger.c of memcached 1.6.
package memcached

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Adapter opens memcached:// and memcached+unix:// targets.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:  "memcached",
		Title: "Memcached",
		Doc: "A running server, read with lru_crawler metadump and stats, which leave the items' last access as it was; or several, " +
			"each of which is read. User and password (ASCII authentication, -Y) come from the URL, the password better from KVTOOL_PASSWORD.",
		Schemes:  []string{"memcached", "memcached+unix"},
		Examples: []string{"memcached://localhost:11211", "memcached://cache-1:11211,cache-2:11211", "memcached+unix:///run/memcached.sock"},
		Params: []kv.Param{
			{Name: "timeout", Default: "10s", Doc: "how long to wait for a connection or an answer; for a busy crawler, three times as long"},
			{Name: "placement", Default: "ketama", Doc: "of several servers, where clients look for a key: ketama, modulo, or unknown"},
		},
		Open: open,
	}
}

// A config is a target taken apart.
type config struct {
	target    string // redacted
	network   string // tcp or unix
	servers   []string
	placement string
	username  string
	password  string
	timeout   time.Duration
}

// defaultPort is memcached's.
const defaultPort = "11211"

func configOf(t kv.Target) (config, error) {
	c := config{
		target: t.String(), network: "tcp", placement: "ketama", username: t.Username, password: string(t.Password), timeout: 10 * time.Second,
	}
	if err := Adapter().CheckParams(t); err != nil {
		return c, err
	}
	if t.URL == nil {
		return c, kv.WithHint(kv.Usagef("%s names no server", t), "memcached://HOST:PORT")
	}
	if err := c.setServers(t); err != nil {
		return c, err
	}
	if s := t.Query.Get("timeout"); s != "" {
		var err error
		if c.timeout, err = time.ParseDuration(s); err != nil || c.timeout <= 0 {
			return c, kv.WithHint(kv.Usagef("%s: timeout is %q", t, s), "a timeout is 500ms, 10s, 1m")
		}
	}
	switch p := t.Query.Get("placement"); p {
	case "":
	case "ketama", "modulo", "unknown":
		c.placement = p
	default:
		return c, kv.WithHint(kv.Usagef("%s: placement is %q", t, p), "placements: ketama, modulo, unknown")
	}
	return c, c.checkLogin(t)
}

func (c *config) setServers(t kv.Target) error {
	if t.Scheme == "memcached+unix" {
		if t.URL.Host != "" || t.URL.Path == "" {
			return kv.WithHint(kv.Usagef("%s names no socket", t), "memcached+unix:///PATH/TO/SOCKET, with three slashes")
		}
		c.network, c.servers = "unix", []string{t.URL.Path}
		return nil
	}
	if path := strings.Trim(t.URL.Path, "/"); path != "" {
		return kv.WithHint(kv.Usagef("%s: memcached has no databases", t), "memcached://HOST:PORT, without a path")
	}
	seen := map[string]bool{}
	for s := range strings.SplitSeq(t.URL.Host, ",") {
		addr, err := hostPort(s)
		if err != nil {
			return kv.WithHint(kv.Usagef("%s: %q is no server", t, s), "memcached://HOST:PORT,HOST:PORT")
		}
		if seen[addr] {
			return kv.WithHint(kv.Usagef("%s names %s twice", t, addr), "name each server once, as the clients do")
		}
		seen[addr] = true
		c.servers = append(c.servers, addr)
	}
	return nil
}

// hostPort completes HOST or HOST:PORT.
func hostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), defaultPort
	}
	if strings.Contains(host, ":") && !strings.HasPrefix(s, "[") || strings.ContainsAny(s, " @/") {
		return "", errors.New("not HOST:PORT")
	}
	if host == "" {
		host = "localhost"
	}
	if port == "" {
		port = defaultPort
	}
	return net.JoinHostPort(host, port), nil
}

// checkLogin refuses what ASCII authentication cannot say: user and password are the two words of a line.
func (c *config) checkLogin(t kv.Target) error {
	switch {
	case c.username == "" && c.password == "":
		return nil
	case c.username == "":
		return kv.WithHint(kv.Usagef("%s: a password without a user", t), "memcached://USER@HOST:PORT, and the password in KVTOOL_PASSWORD")
	case c.password == "":
		return kv.WithHint(kv.Usagef("%s names a user without a password", t), "set KVTOOL_PASSWORD")
	case strings.ContainsAny(c.username, " \r\n") || strings.ContainsAny(c.password, "\r\n"):
		return kv.WithHint(kv.Usagef("%s: memcached takes no user with a space, and no password with a line break", t), "give the user another name or password: memcached itself cannot read this one")
	}
	return nil
}

// open connects to each server, so that a target that cannot be read is known before anything else is done. Of several servers one
// is enough: the others are missing from the report, which says so.
func open(ctx context.Context, t kv.Target) (kv.Store, error) {
	cfg, err := configOf(t)
	if err != nil {
		return nil, err
	}
	s := newStore(cfg)
	asked := time.Now()
	var failed []error
	for _, srv := range s.servers {
		l, err := srv.link(ctx)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		l.close()
	}
	if len(failed) == len(s.servers) {
		err := errors.Join(failed...)
		if slices.ContainsFunc(failed, silent) && ctx.Err() == nil {
			err = &kv.Unwell{Err: err, Since: asked, Examiner: s}
		}
		return nil, err
	}
	return s, nil
}

// silent reports whether a server was reached and has answered nothing.
func silent(err error) bool {
	var timeout net.Error
	var dial *net.OpError
	return errors.As(err, &timeout) && timeout.Timeout() && !(errors.As(err, &dial) && dial.Op == "dial")
}
