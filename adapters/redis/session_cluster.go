package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// mostHops is how often an operation is sent on: a cluster that has settled does it once.
const mostHops = 5

// lookAgain is how soon after a look at the slot map there may be another: in a storm of MOVED one is enough.
const lookAgain = time.Second

// A router knows which node serves which slot, for all sessions of a cluster. Reading it takes no lock.
type router struct {
	c     *cluster
	owner [slot.Count]atomic.Int32 // a number of a node, and one more; 0: nobody is known

	follower [slot.Count]atomic.Int32 // the same of a replica
	replicas atomic.Int32             // the most that a primary has; 0 where one has none

	mu      sync.Mutex
	nodes   []contact // by number
	looked  time.Time
	looking bool
}

// learn asks the cluster for its slot map.
func (r *router) learn(ctx context.Context) error {
	m, err := r.c.look(ctx, slot.Set{})
	if err != nil {
		return err
	}
	most, bare := 0, false
	for i := range m.groups {
		g := &m.groups[i]
		n := r.number(contact{g.primary.addr, false})
		follower := int32(-1)
		if len(g.replicas) > 0 {
			follower = r.number(contact{g.replicas[0].addr, true})
		}
		g.slots.Each(func(s uint16) {
			r.owner[s].Store(n + 1)
			r.follower[s].Store(follower + 1)
		})
		most, bare = max(most, len(g.replicas)), bare || len(g.replicas) == 0
	}
	if bare {
		most = 0
	}
	r.replicas.Store(int32(most))
	return nil
}

// learnOnce asks unless it is known well enough: many sessions are opened at once.
func (r *router) learnOnce(ctx context.Context) error {
	r.mu.Lock()
	fresh := !r.looked.IsZero() && time.Since(r.looked) < lookAgain
	r.mu.Unlock()
	if fresh {
		return nil
	}
	if err := r.learn(ctx); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looked = time.Now()
	return nil
}

// learnAgain does so in its own time, unless somebody has just done it.
func (r *router) learnAgain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.looking || time.Since(r.looked) < lookAgain {
		return
	}
	r.looking = true
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), r.c.cfg.timeout)
		defer cancel()
		_ = r.learn(ctx) // then the old map serves on, and MOVED corrects it
		r.mu.Lock()
		defer r.mu.Unlock()
		r.looking, r.looked = false, time.Now()
	}()
}

// number returns the number of a node: one that is read as a replica has another.
func (r *router) number(at contact) int32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.Index(r.nodes, at)
	if i < 0 {
		i = len(r.nodes)
		r.nodes = append(r.nodes, at)
	}
	return int32(i)
}

func (r *router) node(n int32) contact {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nodes[n]
}

// of returns the node that serves s. Where nobody is known to, any node will say.
func (r *router) of(s uint16) int32 { return max(r.owner[s].Load()-1, 0) }

// read returns the node from which a replica's reads of s are answered: the primary, where it has none.
func (r *router) read(s uint16) int32 {
	if n := r.follower[s].Load(); n > 0 {
		return n - 1
	}
	return r.of(s)
}

// Session implements kv.Driver: a connection to each node, opened when it is needed, and commands by the slots of their keys.
func (c *cluster) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	if c.cfg.replica == replicaOnly {
		return nil, kv.WithHint(kv.Usagef("%s: operations are run on primaries", c.cfg.target), "leave out replica=only")
	}
	c.mu.Lock()
	if c.router == nil {
		c.router = &router{c: c}
	}
	r := c.router
	c.mu.Unlock()
	if err := r.learnOnce(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", c.cfg.target, err)
	}
	if opt.Epoch.IsZero() {
		opt.Epoch = time.Now()
	}
	s := &clusterSession{router: r, opt: opt, pinned: -1}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if _, err := s.member(r.of(0)); err != nil {
		s.Close()
		return nil, fmt.Errorf("connecting to %s: %w", c.cfg.target, err)
	}
	return s, nil
}

// A clusterSession is a connection to each node that has been needed so far. The nodes are asked side by side: all are sent
// what is theirs before the first is read.
type clusterSession struct {
	router *router
	opt    kv.SessionOptions
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu      sync.Mutex // of members, which Close reads
	members []*member  // by the node's number; nil: not connected

	pinned int32 // the node of the transaction, or of its WATCH; -1: there is none
	wrote  int32 // the node that was sent something last, which is asked by WAIT
	multi  bool
	nodes  []int32 // of the operations of a Do
	inside []bool  // whether each is part of a transaction
	again  struct {
		ops [2]kv.Op
		out [2]kv.Result
	}
}

// A member is the connection to a node, with what it is sent of a Do.
type member struct {
	*wire
	which []int // of the Do's operations
	mine  []kv.Op
	told  []kv.Result
	begun bool
}

// member returns the connection to a node.
func (s *clusterSession) member(n int32) (*member, error) {
	if int(n) < len(s.members) && s.members[n] != nil {
		return s.members[n], nil
	}
	who := s.router.node(n)
	node := s.router.c.cfg.at(who.addr, who.readonly)
	w, err := node.wire(s.ctx, s.opt)
	if err != nil {
		return nil, node.explain(s.ctx, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		w.Close()
		return nil, net.ErrClosed
	}
	for len(s.members) <= int(n) {
		s.members = append(s.members, nil)
	}
	s.members[n] = &member{wire: w}
	return s.members[n], nil
}

// lose forgets a connection that is broken. Who serves its slots now is asked for.
func (s *clusterSession) lose(n int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if int(n) < len(s.members) && s.members[n] != nil {
		s.members[n].Close()
		s.members[n] = nil
	}
	if s.pinned == n {
		s.pinned, s.multi = -1, false
	}
	s.router.learnAgain()
}

// Close implements kv.Session.
func (s *clusterSession) Close() error {
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, m := range s.members {
		if m != nil {
			errs = append(errs, m.Close())
		}
	}
	return errors.Join(errs...)
}

// Do implements kv.Session. A node that is not reached fails its own operations, and not the session.
func (s *clusterSession) Do(ops []kv.Op, out []kv.Result) error {
	if s.ctx.Err() != nil {
		return net.ErrClosed
	}
	for _, m := range s.members {
		if m != nil {
			m.count.Reset()
		}
	}
	if err := s.route(ops); err != nil {
		return err
	}
	if one := s.nodes[0]; !slices.ContainsFunc(s.nodes, func(n int32) bool { return n != one }) {
		if err := s.run(one, ops, out); err != nil {
			return err
		}
	} else if err := s.spread(ops, out); err != nil {
		return err
	}
	for i := range out {
		if out[i].Status == kv.Failed {
			s.follow(i, ops, out)
		}
	}
	if s.ctx.Err() != nil {
		return net.ErrClosed
	}
	return nil
}

// route finds the node of each operation.
func (s *clusterSession) route(ops []kv.Op) error {
	if len(ops) == 0 {
		return errNoCommand
	}
	s.nodes, s.inside = s.nodes[:0], s.inside[:0]
	for i := range ops {
		if len(ops[i].Args) == 0 {
			return errNoCommand
		}
		n, inside := s.place(ops, i)
		s.nodes, s.inside = append(s.nodes, n), append(s.inside, inside)
	}
	return nil
}

// place returns the node of ops[i] and whether it is part of a transaction. A transaction is that of its first key: MULTI is
// sent where what follows it goes.
func (s *clusterSession) place(ops []kv.Op, i int) (n int32, inside bool) {
	args := ops[i].Args
	var buf [longestName]byte
	name := string(lower(&buf, args[0]))
	switch {
	case s.multi:
		n = s.pinned
		if s.wrote = n; name == "exec" || name == "discard" {
			s.pinned, s.multi = -1, false
		}
		return n, true
	case name == "multi":
		for j := i + 1; s.pinned < 0 && j < len(ops); j++ {
			if at := monitor.FirstKey(ops[j].Args); at >= 0 {
				s.pinned = s.router.of(slot.Of(ops[j].Args[at]))
			}
		}
		s.pinned, s.multi = max(s.pinned, 0), true
		return s.pinned, true
	}
	at := monitor.FirstKey(args)
	switch {
	case at >= 0 && ops[i].Replica:
		n = s.router.read(slot.Of(args[at]))
	case at >= 0:
		n = s.router.of(slot.Of(args[at]))
		if s.wrote = n; name == "watch" {
			s.pinned = n
			return n, true
		}
	case name == "wait":
		n = s.wrote
	case s.pinned >= 0:
		if n = s.pinned; name == "unwatch" {
			s.pinned = -1
		}
	}
	return n, false
}

// run asks one node all of ops.
func (s *clusterSession) run(n int32, ops []kv.Op, out []kv.Result) error {
	m, err := s.member(n)
	if err == nil {
		err = m.run(ops, out)
	}
	if err == nil {
		return nil
	}
	if errors.Is(err, net.ErrClosed) || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, errNoCommand) {
		return err
	}
	at := 0
	if m != nil {
		at = m.at
	}
	s.fail(n, err, out[at:])
	return nil
}

// fail puts down that no reply has come.
func (s *clusterSession) fail(n int32, err error, out []kv.Result) {
	now := time.Since(s.opt.Epoch)
	for i := range out {
		out[i] = kv.Result{Status: kv.Failed, Sent: now, Done: now, Err: err}
	}
	s.lose(n)
}

// spread asks several nodes side by side.
func (s *clusterSession) spread(ops []kv.Op, out []kv.Result) error {
	for _, m := range s.members {
		if m != nil {
			m.which, m.mine, m.begun = m.which[:0], m.mine[:0], false
		}
	}
	for i, n := range s.nodes {
		m, err := s.member(n)
		if err != nil {
			s.fail(n, err, out[i:i+1])
			continue
		}
		m.which, m.mine = append(m.which, i), append(m.mine, ops[i])
	}
	for n, m := range s.members {
		if m == nil || len(m.which) == 0 {
			continue
		}
		m.told = slices.Grow(m.told[:0], len(m.which))[:len(m.which)]
		err := m.begin(m.mine, m.told)
		if err == nil {
			err = m.send()
		}
		if errors.Is(err, errors.ErrUnsupported) {
			return err
		}
		if err != nil {
			s.give(int32(n), m, err, out)
			continue
		}
		m.begun = true
	}
	for n, m := range s.members {
		if m != nil && m.begun {
			s.give(int32(n), m, m.finish(), out)
		}
	}
	return nil
}

// give hands out what a node has answered.
func (s *clusterSession) give(n int32, m *member, err error, out []kv.Result) {
	if err != nil {
		s.fail(n, err, m.told[m.at:])
	}
	for j, i := range m.which {
		out[i] = m.told[j]
	}
}

// follow sends ops[i] on, as long as it is told to. What is part of a transaction is not: its other half is where it was; the
// next one will find the way.
func (s *clusterSession) follow(i int, ops []kv.Op, out []kv.Result) {
	sent := out[i].Sent
	for hops := uint8(1); hops <= mostHops; hops++ {
		asking, moved, addr := redirection(out[i].Err)
		if addr == "" {
			return
		}
		if strings.HasPrefix(addr, ":") { // the host that was asked
			host, _, _ := net.SplitHostPort(s.router.node(s.nodes[i]).addr)
			addr = host + addr
		}
		n := s.router.number(contact{addr, false})
		if !asking {
			s.router.owner[moved].Store(n + 1)
			s.router.learnAgain()
		}
		out[i].Hops = hops
		if s.inside[i] {
			return
		}
		s.nodes[i] = n
		again := &s.again
		again.ops[0].Args, again.ops[1] = askingWords, ops[i]
		first := 0
		if !asking {
			first = 1
		}
		if err := s.run(n, again.ops[first:], again.out[first:]); err != nil {
			return
		}
		out[i] = again.out[1]
		out[i].Sent, out[i].Hops = sent, hops
		if out[i].Status != kv.Failed {
			return
		}
	}
}

// askingWords let a node answer for a slot that is on its way to it. It never changes.
var askingWords = [][]byte{[]byte("ASKING")}

// redirection reads "MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381"; addr is empty if err is neither.
//
// Source: https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/, "MOVED Redirection", "ASK redirection".
func redirection(err error) (asking bool, moved uint16, addr string) {
	said, ok := err.(kv.ReplyError) //nolint:errorlint // never wrapped, and errors.As allocates
	if !ok {
		return false, 0, ""
	}
	rest, ok := strings.CutPrefix(string(said), "MOVED ")
	if !ok {
		if rest, asking = strings.CutPrefix(string(said), "ASK "); !asking {
			return false, 0, ""
		}
	}
	number, where, _ := strings.Cut(rest, " ")
	n, bad := strconv.ParseUint(number, 10, 16)
	colon := strings.LastIndexByte(where, ':')
	if bad != nil || n >= slot.Count || colon < 0 || checkPort(where[colon+1:]) != nil || strings.ContainsAny(where, " \r\n") {
		return false, 0, ""
	}
	host := strings.Trim(where[:colon], "[]") // Redis writes IPv6 without brackets
	if host == "" {
		return asking, uint16(n), where[colon:]
	}
	return asking, uint16(n), net.JoinHostPort(host, where[colon+1:])
}
