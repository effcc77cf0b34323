package redis

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// A watched is the server that sentinels name, or a replica of it. Which one that is may change at any time.
type watched struct {
	cfg config

	mu     sync.Mutex
	stores map[string]*store // of servers that are or were read, by address: somebody may still be using the first
}

// openWatched asks the sentinels and connects.
func openWatched(ctx context.Context, cfg config) (kv.Store, error) {
	w := &watched{cfg: cfg, stores: map[string]*store{}}
	if _, err := w.server(ctx); err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", cfg.target, err)
	}
	return w, nil
}

// Close closes the connections to all servers.
func (w *watched) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var errs []error
	for _, s := range w.stores {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}

// server returns the server to read, asked anew.
func (w *watched) server(ctx context.Context) (*store, error) {
	chosen, err := w.resolve(ctx)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stores[chosen.addr] == nil {
		w.stores[chosen.addr] = newStore(chosen)
	}
	return w.stores[chosen.addr], nil
}

// resolve finds the server to read. The sentinels may be behind, so a primary is believed only once it says itself that it
// is one.
func (w *watched) resolve(ctx context.Context) (config, error) {
	var first error
	for _, seed := range w.cfg.seeds {
		chosen, err := w.ask(ctx, seed)
		if err == nil {
			return chosen, nil
		}
		if ctx.Err() != nil {
			return config{}, ctx.Err()
		}
		first = telling(first, err)
	}
	return config{}, first
}

// ask asks one sentinel.
func (w *watched) ask(ctx context.Context, seed string) (chosen config, err error) {
	sentinel := w.cfg.at(seed, false)
	sentinel.username, sentinel.password = w.cfg.watchUser, w.cfg.watchPass
	host, _, _ := net.SplitHostPort(seed)
	var primary string
	var replicas []string
	err = sentinel.converse(ctx, func(l *link) error {
		if primary, err = l.primaryOf(w.cfg.master, host); err != nil || w.cfg.replica == replicaNo {
			return err
		}
		replicas, err = l.replicasOf(w.cfg.master, host)
		return err
	})
	if err != nil {
		return config{}, w.explain(ctx, &sentinel, err)
	}
	if w.cfg.replica != replicaNo {
		addr, why := w.cfg.pickReplica(ctx, replicas)
		switch {
		case ctx.Err() != nil:
			return config{}, ctx.Err()
		case addr != "":
			return w.named(addr), nil
		case w.cfg.replica == replicaOnly:
			return config{}, noReplica(why)
		}
	}
	chosen = w.named(primary)
	r, err := chosen.askRole(ctx)
	if err == nil && r.replica {
		err = kv.WithHint(fmt.Errorf("%w: the sentinel %s names %s, which is a replica", errNoPrimary, seed, primary),
			"try again when the failover is over; ?replica=only reads a replica")
	}
	return chosen, chosen.explain(ctx, err)
}

// named returns the configuration of a server that the sentinels have named.
func (w *watched) named(addr string) config {
	c := w.cfg.at(addr, false)
	c.target = w.cfg.target + " (server " + addr + ")"
	return c
}

// primaryOf asks for the address of the primary.
func (l *link) primaryOf(master, asked string) (string, error) {
	rep, err := l.ask([]string{master}, "SENTINEL", "GET-MASTER-ADDR-BY-NAME")
	if err != nil {
		return "", err
	}
	if rep.Kind == resp.Null {
		return "", errUnknownMaster
	}
	if rep.Kind != resp.Array || rep.N != 2 {
		return "", fmt.Errorf("%w: SENTINEL was answered otherwise", resp.ErrProtocol)
	}
	var parts [2]string
	for i := range parts {
		if rep, err = l.in.Next(); err != nil {
			return "", unexpected(err)
		}
		if rep.Kind != resp.Bulk {
			return "", fmt.Errorf("%w: an address that is no string", resp.ErrProtocol)
		}
		parts[i] = string(rep.Data)
	}
	port, _ := strconv.ParseInt(parts[1], 10, 32)
	return endpoint(parts[0], port, asked)
}

// replicasOf asks for the addresses of the replicas: of each a list of names and values in turn.
func (l *link) replicasOf(master, asked string) ([]string, error) {
	rep, err := l.ask([]string{master}, "SENTINEL", "REPLICAS")
	if err != nil {
		return nil, err
	}
	if rep.Kind != resp.Array || rep.N > maxReplicas {
		return nil, fmt.Errorf("%w: SENTINEL was answered otherwise", resp.ErrProtocol)
	}
	var addrs []string
	for range rep.N {
		fields, err := readPairs(l.in)
		if err != nil {
			return nil, unexpected(err)
		}
		port, _ := strconv.ParseInt(fields["port"], 10, 32)
		addr, err := endpoint(fields["ip"], port, asked)
		if err != nil {
			return nil, err
		}
		addrs = append(addrs, addr)
	}
	return addrs, nil
}

// readPairs reads a list of names and values in turn.
func readPairs(in *resp.Reader) (map[string]string, error) {
	head, err := in.Next()
	if err != nil {
		return nil, err
	}
	if head.Kind != resp.Array || head.N > 1000 {
		return nil, fmt.Errorf("%w: a list of names and values was expected", resp.ErrProtocol)
	}
	fields := map[string]string{}
	name := ""
	for i := range head.N {
		rep, err := in.Next()
		if err != nil {
			return nil, err
		}
		if i%2 == 1 {
			fields[name] = string(rep.Data)
		}
		name = string(rep.Data)
		if err := in.Skip(rep); err != nil {
			return nil, err
		}
	}
	return fields, nil
}

// errUnknownMaster says that the sentinels do not watch what the target names.
var errUnknownMaster = errors.New("no such name")

// explain words why a sentinel did not say which server it is.
func (w *watched) explain(ctx context.Context, sentinel *config, err error) error {
	text, ok := answer(err)
	switch {
	case errors.Is(err, errUnknownMaster), ok && text == "ERR No such master with that name":
		return kv.WithHint(fmt.Errorf("the sentinel %s watches nothing by the name of %q", sentinel.addr, w.cfg.master),
			"the name is that of sentinel.conf: sentinel monitor NAME …")
	case ok && denies(text):
		return kv.WithHint(fmt.Errorf("%s does not answer as a sentinel: %w", sentinel.addr, serverError(sentinel.redact(text))),
			"the port of a sentinel is 26379 by default; a user there needs +sentinel|get-master-addr-by-name +sentinel|replicas")
	case ok:
		return kv.WithHint(fmt.Errorf("the sentinel %s: %w", sentinel.addr, sentinel.explainAnswer(text)), "KVTOOL_SENTINEL_PASSWORD is the password there; "+
			"KVTOOL_PASSWORD is that of the servers")
	}
	return fmt.Errorf("the sentinel %s: %w", sentinel.addr, sentinel.explain(ctx, err))
}

// Scan reads the server that the sentinels name. When it fails it waits for the one that follows, about which the keys
// read so far say nothing: it is read anew.
func (w *watched) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		err := w.scan(ctx, opt, func(r *kv.Record) bool { return yield(r, nil) })
		switch {
		case err == nil, errors.Is(err, errEnough):
		case ctx.Err() != nil:
			yield(nil, ctx.Err())
		default:
			yield(nil, err)
		}
	}
}

func (w *watched) scan(ctx context.Context, opt kv.ScanOptions, yield func(*kv.Record) bool) error {
	told := int64(0) // keys that were yielded, and those that Ask was asked about
	count := func(r *kv.Record) bool {
		told++
		return yield(r)
	}
	opt.Ask = countAsks(opt.Ask, &told)
	s, err := w.server(ctx)
	for range maxRounds {
		if err != nil {
			return fmt.Errorf("scanning %s: %w", w.cfg.target, err)
		}
		err = s.scan(ctx, opt, count)
		switch {
		case err == nil:
			return w.stillIs(ctx, s)
		case errors.Is(err, errEnough), ctx.Err() != nil:
			return err
		case !fleeting(err):
			return s.scanError(ctx, err)
		}
		next, waitErr := w.await(ctx)
		if waitErr != nil {
			return s.scanError(ctx, err)
		}
		if told > 0 {
			return fmt.Errorf("%w; read anew from %s: %w", s.scanError(ctx, err), next.cfg.addr, kv.ErrRestart)
		}
		s, err = next, nil
	}
	return fmt.Errorf("scanning %s: %w", w.cfg.target, kv.WithHint(errors.New("the server fails again and again"), "what do its log and the sentinels' say?"))
}

// await waits until there is a server to read.
func (w *watched) await(ctx context.Context) (*store, error) {
	begin := time.Now()
	for {
		s, err := w.server(ctx)
		if err == nil {
			err = s.cfg.converse(ctx, (*link).loaded)
		}
		switch {
		case err == nil:
			return s, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case time.Since(begin) > patience*w.cfg.timeout:
			return nil, err
		}
		if err := pause(ctx); err != nil {
			return nil, err
		}
	}
}

// stillIs returns kv.ErrRestart if, by the end of a scan, the sentinels name another primary: what was read may be what it
// has left behind. Where they do not answer, what was read stands.
func (w *watched) stillIs(ctx context.Context, s *store) error {
	if w.cfg.replica != replicaNo {
		return nil
	}
	now, err := w.resolve(ctx)
	if err != nil || now.addr == s.cfg.addr {
		return ctx.Err()
	}
	return fmt.Errorf("scanning %s: %s has become the primary: %w", s.cfg.target, now.addr, kv.ErrRestart)
}

// Info tells what the server is that the sentinels name.
func (w *watched) Info(ctx context.Context) (*kv.Info, error) {
	s, err := w.server(ctx)
	if err != nil {
		return nil, fmt.Errorf("probing %s: %w", w.cfg.target, err)
	}
	info, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	info.Target = w.cfg.target
	info.Notes = append([]string{fmt.Sprintf("The sentinels name %s.", s.cfg.addr)}, info.Notes...)
	return info, nil
}
