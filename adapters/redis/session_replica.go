package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/kvtool/kvtool/kv"
)

// A replicated is a primary with its replicas, as a driver whose sessions reach both. It is asked anew for each session who is the
// primary: after a failover that is the replica which was promoted, or whom the sentinels name.
type replicated struct {
	cfg     config
	watched *watched // nil: cfg is the server

	mu       sync.Mutex
	replicas []string // the last ones that were known
	primary  string
	turn     int // sessions take the replicas in turn
}

// ReplicaDriver implements kv.Replicated: the replicas that the target names with replica=HOST:PORT, or that the server lists.
func (s *store) ReplicaDriver(ctx context.Context) (kv.ReplicaDriver, error) {
	return (&replicated{cfg: s.cfg}).begin(ctx)
}

// ReplicaDriver implements kv.Replicated with the server that the sentinels name and the replicas that this one lists.
func (w *watched) ReplicaDriver(ctx context.Context) (kv.ReplicaDriver, error) {
	return (&replicated{cfg: w.cfg, watched: w}).begin(ctx)
}

// begin looks once: what is missing is said before anything is run.
func (d *replicated) begin(ctx context.Context) (kv.ReplicaDriver, error) {
	if _, err := d.find(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", d.cfg.target, err)
	}
	for _, addr := range d.cfg.readFrom {
		node := d.cfg.at(addr, false)
		r, err := node.askRole(ctx)
		if err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", node.target, node.explain(ctx, err))
		}
		if !r.replica && !r.unknown {
			return nil, kv.WithHint(kv.Usagef("%s is no replica", addr), "redis-cli -p PORT REPLICAOF HOST PORT makes it one")
		}
	}
	if d.Replicas() == 0 {
		return nil, kv.WithHint(fmt.Errorf("%s lists no replica that is online", d.cfg.target), "name one: ?replica=HOST:PORT")
	}
	return d, nil
}

// Replicas implements kv.ReplicaDriver.
func (d *replicated) Replicas() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.replicas)
}

// Primary implements kv.ReplicaDriver.
func (d *replicated) Primary() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.primary
}

// find returns the configuration of who is the primary now, and notes it and its replicas.
func (d *replicated) find(ctx context.Context) (config, error) {
	at := d.cfg
	if d.watched != nil {
		s, err := d.watched.server(ctx)
		if err != nil {
			return config{}, err
		}
		at = s.cfg
	}
	r, err := at.askRole(ctx)
	if err == nil && !r.replica {
		d.note(at.addr, r)
		return at, nil
	}
	if err = at.explain(ctx, err); err == nil {
		err = kv.WithHint(fmt.Errorf("%w: %s is a replica", errNoPrimary, at.addr), "name the primary")
	}
	d.mu.Lock()
	others := slices.Clone(d.replicas)
	d.mu.Unlock()
	for _, addr := range others { // one of them may have taken over
		node := d.cfg.at(addr, false)
		if r, failed := node.askRole(ctx); failed == nil && !r.replica && !r.unknown {
			d.note(addr, r)
			return node, nil
		}
	}
	return config{}, err
}

// note remembers what a primary has said. Those that it has lost stay known: one of them may take over.
func (d *replicated) note(primary string, r role) {
	d.mu.Lock()
	defer d.mu.Unlock()
	listed := r.replicas
	if len(d.cfg.readFrom) > 0 {
		listed = slices.DeleteFunc(slices.Clone(d.cfg.readFrom), func(addr string) bool { return addr == primary })
	}
	if d.primary = primary; len(listed) > 0 {
		d.replicas = listed
	}
}

// reader returns whom the next session is to read from.
func (d *replicated) reader(primary config) config {
	d.mu.Lock()
	defer d.mu.Unlock()
	others := slices.DeleteFunc(slices.Clone(d.replicas), func(addr string) bool { return addr == d.primary })
	if len(others) == 0 { // it has been promoted, and nobody follows it
		return primary
	}
	d.turn++
	return d.cfg.at(others[d.turn%len(others)], false)
}

// Session implements kv.Driver: a connection to the primary and one to a replica.
func (d *replicated) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	at, err := d.find(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", d.cfg.target, err)
	}
	p := &pair{}
	for i, cfg := range []config{at, d.reader(at)} {
		w, err := cfg.wire(ctx, opt)
		if err != nil {
			p.Close()
			return nil, fmt.Errorf("connecting to %s: %w", cfg.target, cfg.explain(ctx, err))
		}
		p.two[i] = &member{wire: w}
	}
	return p, nil
}

// A pair is a session with two servers: what says Op.Replica goes to the second. The two are asked side by side.
type pair struct {
	two [2]*member
}

// Close implements kv.Session.
func (p *pair) Close() error {
	var errs []error
	for _, m := range p.two {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}

// Do implements kv.Session.
func (p *pair) Do(ops []kv.Op, out []kv.Result) error {
	for _, m := range p.two {
		m.which, m.mine = m.which[:0], m.mine[:0]
		m.count.Reset()
	}
	for i := range ops {
		m := p.two[0]
		if ops[i].Replica {
			m = p.two[1]
		}
		m.which, m.mine = append(m.which, i), append(m.mine, ops[i])
	}
	for _, m := range p.two {
		if len(m.which) == len(ops) {
			return m.run(ops, out)
		}
	}
	return p.both(out)
}

// both sends each what is its own before it reads what either has to say.
func (p *pair) both(out []kv.Result) error {
	for _, m := range p.two {
		m.told = slices.Grow(m.told[:0], len(m.which))[:len(m.which)]
		err := m.begin(m.mine, m.told)
		if err == nil {
			err = m.send()
		}
		if err != nil {
			return err
		}
	}
	for _, m := range p.two {
		if err := m.finish(); err != nil {
			return err
		}
		for j, i := range m.which {
			out[i] = m.told[j]
		}
	}
	return nil
}

// setReaders reads replica=HOST:PORT,HOST:PORT.
func (c *config) setReaders(t kv.Target, text string) error {
	for addr := range strings.SplitSeq(text, ",") {
		host, port, err := net.SplitHostPort(addr)
		if err != nil || host == "" || checkPort(port) != nil {
			return kv.WithHint(kv.Usagef("%s: %.100q is no replica", t, addr), "replica=HOST:PORT, or one of no, prefer and only")
		}
		c.readFrom = append(c.readFrom, addr)
	}
	if strings.Contains(t.Scheme, "+cluster") || strings.Contains(t.Scheme, "+sentinel") {
		return kv.WithHint(kv.Usagef("%s: replicas by name", t), "a cluster and sentinels say themselves who is a replica: leave it out")
	}
	return nil
}

// ReplicaDriver implements kv.Replicated: of each slot the first replica that the cluster lists.
func (c *cluster) ReplicaDriver(ctx context.Context) (kv.ReplicaDriver, error) {
	c.mu.Lock()
	if c.router == nil {
		c.router = &router{c: c}
	}
	r := c.router
	c.mu.Unlock()
	if err := r.learnOnce(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", c.cfg.target, err)
	}
	if n := r.replicas.Load(); n == 0 {
		return nil, kv.WithHint(fmt.Errorf("%s: a primary has no replica", c.cfg.target), "CLUSTER REPLICATE makes one")
	}
	return clusterReplicas{c}, nil
}

// A clusterReplicas is a cluster whose sessions reach replicas: they all do.
type clusterReplicas struct{ *cluster }

// Replicas implements kv.ReplicaDriver: the most that a primary has.
func (c clusterReplicas) Replicas() int { return int(c.router.replicas.Load()) }

// Primary implements kv.ReplicaDriver: there are many.
func (c clusterReplicas) Primary() string { return "" }
