package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/internal/replica"
	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/kv"
)

// A stream is servers that are read by the snapshot that each of them sends to a new replica: the data of one moment, at the cost
// of a fork. Of the commands that a replica is sent after it none is read.
//
//	stream_plan.go   what that costs is told, and whether it can be had
//	stream.go        one server after the other: handshake (internal/replica) ─▶ rdbread.Reader ─▶ records
//
// What is not in a snapshot is asked of the servers themselves, as a scan with SCAN would.
type stream struct {
	live    kv.Store // the same target, read with commands
	cfg     config
	command string // replica.PSync or Sync
	sources []*source
	slotted bool // the keys have slots

	sharding *sharding // over whose servers the keys are spread; nil: they are not

	mu      sync.Mutex
	planned bool // what a snapshot costs was told
	taken   bool // a snapshot has been asked for
}

// A source is one server of a stream.
type source struct {
	*store
	said serverInfo // when it was planned
	sum  rdbread.Summary
	how  string // by which allocator sizes are modelled, and how that is known
	read bool   // to its end
}

// openStream opens what the target names and finds out which servers are to be read.
func openStream(ctx context.Context, cfg config) (kv.Store, error) {
	st := &stream{cfg: cfg, command: replica.PSync}
	if cfg.via == viaSync {
		st.command = replica.Sync
	}
	live, err := openLive(ctx, cfg)
	if err != nil {
		return nil, err
	}
	st.live = live
	stores, err := st.find(ctx)
	if err != nil {
		return nil, errors.Join(err, live.Close())
	}
	for _, s := range stores {
		st.sources = append(st.sources, &source{store: s})
	}
	return st, nil
}

// find returns the servers: of a cluster the reader of each group.
func (st *stream) find(ctx context.Context) ([]*store, error) {
	switch live := st.live.(type) {
	case *store:
		return []*store{live}, nil
	case *watched:
		s, err := live.server(ctx)
		return []*store{s}, err
	case *cluster:
		m, err := live.look(ctx, slot.Set{})
		if err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", st.cfg.target, err)
		}
		st.slotted = true
		var stores []*store
		for i := range m.groups {
			s, _, err := live.reader(ctx, &m.groups[i])
			if err != nil {
				return nil, fmt.Errorf("connecting to %s: %w", st.cfg.target, err)
			}
			stores = append(stores, s)
		}
		return stores, nil
	case *sharding:
		var stores []*store
		for _, n := range live.nodes {
			if n.failed != nil {
				return nil, fmt.Errorf("connecting to %s: %w", st.cfg.target, n.failed)
			}
			stores = append(stores, n.store)
		}
		st.sharding = live
		return stores, nil
	}
	return nil, fmt.Errorf("%s cannot be read by a replica's stream", st.cfg.target)
}

// Close closes the connections.
func (st *stream) Close() error { return st.live.Close() }

// Examine asks the servers how they are, as without a stream.
func (st *stream) Examine(ctx context.Context) ([]kv.Exam, error) {
	e, err := kv.ExaminerOf(st.live)
	if err != nil {
		return nil, err
	}
	return e.Examine(ctx)
}

// Scan implements kv.Scanner.
func (st *stream) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return st.ScanValues(ctx, opt, nil, nil)
}

// ScanValues implements kv.ValueScanner. The servers are read one after the other, so that no two fork at a time. What is wrong
// with one is told at the end.
func (st *stream) ScanValues(
	ctx context.Context, opt kv.ScanOptions, want func(kv.Name) []kv.Ask, tell func(int, kv.Answer, []byte),
) iter.Seq2[*kv.Record, error] {
	wish := rdbread.Wish{
		Match: opt.Match, OneDB: st.cfg.db >= 0, DB: st.cfg.db, Want: opt.Want, Ask: opt.Ask, Values: want, Tell: tell,
	}
	if !st.slotted {
		wish.Want &^= kv.FieldSlot
	}
	return func(yield func(*kv.Record, error) bool) {
		if err := st.begin(ctx, opt); err != nil {
			yield(nil, err)
			return
		}
		var failed []error
		for i, src := range st.sources {
			err := st.quiet(ctx, src)
			if err == nil {
				err = src.stream(ctx, st, wish, opt.Limiter, func(r *kv.Record) bool {
					if st.sharding != nil {
						st.sharding.place(r, st.sharding.nodes[i].name, opt.Want)
					}
					return yield(r, nil)
				})
			}
			switch {
			case errors.Is(err, errEnough):
				return
			case ctx.Err() != nil:
				yield(nil, ctx.Err())
				return
			case err != nil:
				failed = append(failed, fmt.Errorf("reading the snapshot of %s: %w", src.cfg.target, err))
			}
		}
		if err := errors.Join(failed...); err != nil {
			yield(nil, err)
		}
	}
}

// begin refuses what would make servers fork unasked, or twice.
func (st *stream) begin(ctx context.Context, opt kv.ScanOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case opt.Shard.Name != "" || opt.Shard.From != nil:
		return kv.Usagef("scanning %s: a snapshot has no parts", st.cfg.target)
	case !st.planned:
		return kv.WithHint(kv.Usagef("%s makes the server fork, and this command does not ask before it does", st.cfg.target), hintScan)
	case st.taken:
		return kv.WithHint(kv.Usagef("%s was read: each further reading would be another fork", st.cfg.target),
			"what reads twice can do so with SCAN: leave ?via= out")
	}
	st.taken = true
	return nil
}

// quiet waits until no process of the servers on src's host is a fork.
func (st *stream) quiet(ctx context.Context, src *source) error {
	for _, other := range st.sources {
		if host(other.cfg.addr) != host(src.cfg.addr) {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, patience*st.cfg.timeout)
		err := other.forkless(ctx)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// forkless waits until the server has no child process. One that does not say, or has ended, is not waited for; one that is silent after it
// has said that it has one is: that is what a server with a fork is like.
func (src *source) forkless(ctx context.Context) error {
	busy := ""
	for {
		now, err := src.serverInfo(ctx)
		if err == nil {
			busy = ""
			for _, name := range []string{"rdb_bgsave_in_progress", "aof_rewrite_in_progress", "module_fork_in_progress"} {
				if now.fields[name] == "1" {
					busy = name
				}
			}
		}
		if busy == "" || err != nil && !isTimeout(err) && ctx.Err() == nil {
			return nil
		}
		if err := pause(ctx); err != nil {
			return kv.WithHint(fmt.Errorf("%s has forked already (%s), and two forks at a time on one host are not asked for", src.cfg.addr, busy),
				"try again when it has ended")
		}
	}
}

// streamPage is how many keys are read between two looks at the limiter.
const streamPage = 256

// stream asks for the snapshot and yields its records. It returns errEnough when the consumer wants no more.
func (src *source) stream(ctx context.Context, st *stream, wish rdbread.Wish, limit *kv.Limiter, yield func(*kv.Record) bool) error {
	opt := rdbread.Options{Live: true, Wish: wish, Allocator: src.profile(ctx).Allocator}
	if st.slotted {
		opt.Place = src.cfg.addr
	}
	l, err := src.cfg.link(ctx, false)
	if err != nil {
		return src.cfg.explain(ctx, err)
	}
	defer l.conn.Close()
	stop := context.AfterFunc(ctx, func() { l.conn.Close() })
	defer stop()
	snap, err := replica.Ask(l, st.command)
	if err != nil {
		return src.denied(ctx, st.command, err)
	}
	opt.Size = snap.Size()
	r, err := rdbread.NewReader(snap, opt)
	if err != nil {
		return src.broken(ctx, err, 0)
	}
	for {
		if err := limit.Wait(ctx, streamPage); err != nil {
			return err
		}
		for range streamPage {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) {
				err = r.Drain() // the mark is the server's word that all of it was sent
				st.learn(src, r, err == nil)
				return src.broken(ctx, err, r.Summary().Keys)
			}
			if err != nil {
				st.learn(src, r, false)
				return src.broken(ctx, err, r.Summary().Keys)
			}
			if !yield(rec) {
				return errEnough
			}
		}
	}
}

// learn keeps what a reading has learned.
func (st *stream) learn(src *source, r *rdbread.Reader, whole bool) {
	sum := r.Summary()
	st.mu.Lock()
	defer st.mu.Unlock()
	src.sum, src.read = sum, whole
}

// profile is how the server lays out values, by what it says itself.
func (src *source) profile(ctx context.Context) memory.Profile {
	p, how := src.said.profile()
	if a, err := src.abilities(ctx); err == nil {
		if found, err := src.layout(ctx, src.said, a); err == nil {
			p, how = found.model.Profile(), found.allocator
		}
	}
	src.how = how
	p.Cluster = false // what a key takes besides, a snapshot's reader does not count
	return p
}

// broken words the end of a stream that is not the end of its snapshot.
func (src *source) broken(ctx context.Context, err error, keys int64) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case isClosed(err):
		return kv.WithHint(fmt.Errorf("the server ended the stream after %s: it has stopped, its snapshot has failed, or what it holds back "+
			"for a replica has become too much", humanize.Counted(keys, "key")),
			"the server's log says which; client-output-buffer-limit replica is the limit for what it holds back")
	case errors.Is(err, kv.ErrCorrupt), errors.Is(err, kv.ErrUsage):
		return err
	}
	return src.cfg.explain(ctx, err)
}

// Info tells of the servers what they say themselves, and of the keys what a snapshot does.
func (st *stream) Info(ctx context.Context) (*kv.Info, error) {
	info, err := st.live.Info(ctx)
	if err != nil {
		return nil, err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	nodes := make([]told, len(st.sources))
	for i, src := range st.sources {
		sum := st.summary(ctx, src)
		nodes[i] = told{addr: src.cfg.addr, info: &kv.Info{Facts: sum.Facts(src.how, kv.Fact{}, kv.Fact{}), Ledger: sum.Lines()}}
		if !src.read {
			nodes[i].info.Ledger = nil
			continue
		}
		note := fmt.Sprintf("%s was read by its snapshot of %s, as a replica reads it.", src.cfg.addr, sum.Created.UTC().Format("2006-01-02 15:04:05 UTC"))
		info.Notes = append(info.Notes, append([]string{note}, sum.Content()...)...)
	}
	info.Facts = slices.DeleteFunc(mergeFacts(nodes), func(f kv.Fact) bool { return f.Name == "" })
	if st.slotted {
		info.Facts = append(info.Facts, placement()...)
	}
	if st.sharding != nil {
		info.Facts = append(info.Facts, st.sharding.placeFacts()...)
	}
	info.Ledger = nil
	if !slices.ContainsFunc(nodes, func(n told) bool { return n.info.Ledger == nil }) {
		info.Ledger = sumLedgers(nodes)
		info.Memory = 0
		for _, src := range st.sources {
			info.Memory += src.sum.UsedMem
		}
	}
	return info, nil
}

// summary is what the snapshot says, or will as far as the server's settings tell.
func (st *stream) summary(ctx context.Context, src *source) rdbread.Summary {
	if src.read {
		return src.sum
	}
	var sum rdbread.Summary
	if src.said.fields == nil {
		src.said, _ = src.serverInfo(ctx) // without it nothing is known but what every snapshot has
	}
	sum.Model = src.profile(ctx)
	switch policy := src.said.fields["maxmemory_policy"]; policy {
	case "allkeys-lru", "volatile-lru":
		sum.Access = kv.FieldIdle
	case "allkeys-lfu", "volatile-lfu":
		sum.Access = kv.FieldFreq
	}
	return sum
}
