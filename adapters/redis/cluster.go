package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A cluster is the nodes of a Redis Cluster as one store.
type cluster struct {
	cfg      config
	memory   int           // how many keys a reading may remember
	patience time.Duration // how long a failover may take

	mu     sync.Mutex
	known  []string           // addresses to ask for the slot map, the one that answered last first
	stores map[contact]*store // of nodes that are or were read
	blind  map[string]string  // nodes that may not be asked what they give away, and their words
	router *router            // of sessions; nil until there is one
}

// A contact is an address and how it is spoken to.
type contact struct {
	addr     string
	readonly bool
}

// openCluster asks the seeds for the slot map.
func openCluster(ctx context.Context, cfg config) (kv.Store, error) {
	c := &cluster{cfg: cfg, memory: maxSeen, patience: patience * cfg.timeout, known: slices.Clone(cfg.seeds), stores: map[contact]*store{}, blind: map[string]string{}}
	switch _, err := c.look(ctx, slot.Set{}); {
	case secretive(err):
		return openSeed(ctx, cfg, err)
	case err != nil:
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, err)
	}
	return c, nil
}

// Close closes the connections to all nodes.
func (c *cluster) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var errs []error
	for _, s := range c.stores {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// look returns the slot map as some node has it, and of the slots of want which are on their way to another node.
func (c *cluster) look(ctx context.Context, want slot.Set) (*slotMap, error) {
	c.mu.Lock()
	known := slices.Clone(c.known)
	c.mu.Unlock()
	var first error
	for _, addr := range known {
		groups, err := c.ask(ctx, addr)
		if err == nil {
			m := newSlotMap(groups)
			c.remember(addr, m)
			c.lookMoving(ctx, m, want)
			return m, ctx.Err()
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		first = telling(first, err)
	}
	return nil, first
}

// ask asks one node for the slot map.
func (c *cluster) ask(ctx context.Context, addr string) (groups []group, err error) {
	node := c.cfg.at(addr, false)
	host, _, _ := net.SplitHostPort(addr)
	err = node.converse(ctx, func(l *link) error {
		groups, err = l.groupsOf(host, node.tls != nil)
		return err
	})
	return groups, c.explainMap(ctx, &node, err)
}

// explainMap words why a node did not say who serves what.
func (c *cluster) explainMap(ctx context.Context, node *config, err error) error {
	text, ok := answer(err)
	switch {
	case err == nil:
		return nil
	case ok && strings.Contains(text, "cluster support disabled"):
		return kv.WithHint(fmt.Errorf("%s is a single server, not a node of a cluster", node.addr), "redis://"+node.addr+" reads it")
	case ok && denies(text):
		return kv.WithHint(fmt.Errorf("%s does not say who serves which slots: %w", node.addr, serverError(node.redact(text))),
			"grant: ACL SETUSER "+userName(c.cfg.username)+clusterGrant)
	case errors.Is(err, errNoCluster):
		return kv.WithHint(fmt.Errorf("%s: %w", node.addr, err), "has the cluster been formed? redis://"+node.addr+" reads this server alone")
	case ok || fleeting(err) || !errors.Is(err, resp.ErrProtocol):
		return fmt.Errorf("%s: %w", node.addr, node.explain(ctx, err))
	}
	return fmt.Errorf("%s: %w", node.addr, err)
}

// clusterGrant is what a user needs for a cluster, besides fullGrant.
const clusterGrant = " +cluster|slots +cluster|shards +cluster|nodes +cluster|info +readonly +asking"

// remember notes whom to ask next time.
func (c *cluster) remember(answered string, m *slotMap) {
	known := []string{answered}
	for i := range m.groups {
		known = append(known, m.groups[i].primary.addr)
	}
	for i := range m.groups {
		for _, r := range m.groups[i].replicas {
			known = append(known, r.addr)
		}
	}
	known = append(known, c.cfg.seeds...)
	listed := make(map[string]bool, len(known))
	once := slices.DeleteFunc(known, func(addr string) bool {
		before := listed[addr]
		listed[addr] = true
		return before
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = once
}

// lookMoving asks the primaries of want what they are giving away. One that does not answer is giving nothing away, as
// long as it does not.
func (c *cluster) lookMoving(ctx context.Context, m *slotMap, want slot.Set) {
	for _, g := range slices.Clone(m.groups) {
		if both := g.slots.And(want); both.Empty() {
			continue
		}
		node := c.cfg.at(g.primary.addr, false)
		var text string
		err := node.converse(ctx, func(l *link) (err error) {
			text, err = l.text(nil, "CLUSTER", "NODES")
			return err
		})
		if said, ok := answer(err); ok && denies(said) {
			c.mu.Lock()
			c.blind[g.primary.addr] = node.redact(said)
			c.mu.Unlock()
		}
		host, _, _ := net.SplitHostPort(g.primary.addr)
		m.move(&g, parseNodes(text, host))
	}
}

// store returns the store of one node, to be closed with the cluster. After a failover a node that was read as a replica is
// read as a primary by another store: somebody may still be using the first.
func (c *cluster) store(addr string, readonly bool) *store {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := contact{addr, readonly}
	if c.stores[at] == nil {
		c.stores[at] = newStore(c.cfg.at(addr, readonly))
	}
	return c.stores[at]
}

// reader returns the node of a group that is to be read.
func (c *cluster) reader(ctx context.Context, g *group) (*store, node, error) {
	if c.cfg.replica == replicaNo {
		return c.store(g.primary.addr, false), g.primary, nil
	}
	addrs := make([]string, len(g.replicas))
	for i, r := range g.replicas {
		addrs[i] = r.addr
	}
	addr, why := c.cfg.pickReplica(ctx, addrs)
	switch {
	case ctx.Err() != nil:
		return nil, node{}, ctx.Err()
	case addr != "":
		return c.store(addr, true), g.replicas[slices.Index(addrs, addr)], nil
	case c.cfg.replica == replicaOnly:
		return nil, node{}, fmt.Errorf("%s: %w", g, noReplica(why))
	}
	return c.store(g.primary.addr, false), g.primary, nil
}

// Shards returns one shard for each primary, named by its slots: they are what it reads, wherever they are by then.
func (c *cluster) Shards(ctx context.Context, _ int) ([]kv.Shard, error) {
	m, err := c.look(ctx, slot.Set{})
	if err != nil {
		return nil, err
	}
	shards := make([]kv.Shard, len(m.groups))
	for i := range m.groups {
		shards[i].Name = m.groups[i].slots.String()
	}
	return shards, nil
}

// Scan reads the slots of a shard, or all that somebody serves.
func (c *cluster) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		err := c.scan(ctx, opt, func(r *kv.Record) bool { return yield(r, nil) })
		switch {
		case err == nil, errors.Is(err, errEnough):
		case ctx.Err() != nil:
			yield(nil, ctx.Err())
		default:
			yield(nil, err)
		}
	}
}

func (c *cluster) scan(ctx context.Context, opt kv.ScanOptions, yield func(*kv.Record) bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	slots, err := slot.ParseSet(opt.Shard.Name)
	if err != nil {
		return kv.Usagef("scanning %s: %.100q is no part of a cluster: %v", c.cfg.target, opt.Shard.Name, err)
	}
	if opt.Shard.Name == "" {
		m, err := c.look(ctx, slot.Set{})
		if err != nil {
			return fmt.Errorf("scanning %s: %w", c.cfg.target, err)
		}
		slots = m.served()
	}
	r := &reading{c: c, ctx: ctx, opt: opt, slots: slots, yield: yield}
	r.opt.Ask = countAsks(opt.Ask, &r.told)
	return r.run()
}

// patience is how long a failover may take, in timeouts. A cluster notices a dead node in 15 seconds by default, and needs
// about two more to agree on who follows.
const patience = 3

// await waits until the nodes of a task can be read again, and returns why if they cannot in good time.
func (c *cluster) await(ctx context.Context, t task, why error) error {
	begin := time.Now()
	for {
		replicated, err := c.ready(ctx, t)
		wait := c.cfg.timeout
		if replicated {
			wait = c.patience
		}
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case time.Since(begin) > wait:
			return why
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// ready returns an error as long as one of the nodes that a task is about, as things are now, cannot be read, or the cluster
// is down. It also reports whether there is a replica that may follow.
func (c *cluster) ready(ctx context.Context, t task) (replicated bool, err error) {
	m, err := c.look(ctx, t.slots)
	if err != nil {
		return false, err
	}
	for _, now := range m.holders(t.slots) {
		if now.coming != t.coming {
			continue
		}
		g := m.byID(now.id)
		replicated = replicated || len(g.replicas) > 0
		s, _, err := c.reader(ctx, g)
		if err == nil {
			err = s.cfg.converse(ctx, (*link).healthy)
		}
		if err != nil {
			return replicated, err
		}
	}
	return replicated, nil
}

// healthy returns an error if the node does not answer for keys.
func (l *link) healthy() error {
	text, err := l.text(nil, "CLUSTER", "INFO")
	if said, ok := answer(err); ok && denies(said) {
		return nil // the scan will see
	}
	if err == nil && parseInfo(text).fields["cluster_state"] != "ok" {
		err = serverError("CLUSTERDOWN The cluster is down")
	}
	if err != nil {
		return err
	}
	return l.loaded()
}

// loaded returns an error if the server is still loading.
func (l *link) loaded() error {
	text, err := l.text(nil, "INFO")
	if err == nil && parseInfo(text).fields["loading"] == "1" {
		err = serverError("LOADING Redis is loading the dataset in memory")
	}
	if said, ok := answer(err); ok && denies(said) {
		return nil
	}
	return err
}
