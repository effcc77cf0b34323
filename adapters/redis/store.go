package redis

import (
	"context"
	"fmt"
	"slices"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
)

// A store is one server. Its go-redis client has one connection; each scan opens its own.
type store struct {
	cfg      config
	client   *goredis.Client
	governor *governor

	mu      sync.Mutex
	probed  *abilities // nil until the first probe
	found   layout     // without a model until Info was asked
	learned learned
	idle    []*asking // connections for lookups that nobody has at the moment
}

// learned is what scans have found out and Info tells afterwards.
type learned struct {
	vanished int64
	hits     int64            // that the scan has added to the server's statistics
	sent     map[string]int64 // commands of scans, by name
	refused  [numAttrs]refusal
	rounding int64 // what the allocator adds to the values of so many keys
	rounded  int64
}

// A refusal counts the keys for which one command was refused, although it is allowed as such: rights by key pattern.
type refusal struct {
	keys int64
	text string // of the first
}

// Close ends the connections.
func (s *store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.idle {
		l.conn.Close()
	}
	s.idle = nil
	return s.client.Close()
}

// abilities returns what this user may do, probed once.
func (s *store) abilities(ctx context.Context) (*abilities, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probed != nil {
		return s.probed, nil
	}
	a, err := s.probe(ctx)
	if err != nil {
		return nil, err
	}
	s.probed = a
	return a, nil
}

// learn adds what one scan has found out.
func (s *store) learn(l *learned) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learned.vanished += l.vanished
	s.learned.hits += l.hits
	s.learned.sent = addCounts(s.learned.sent, l.sent)
	s.learned.rounding += l.rounding
	s.learned.rounded += l.rounded
	for i, r := range l.refused {
		if r.keys > 0 && s.learned.refused[i].keys == 0 {
			s.learned.refused[i].text = r.text
		}
		s.learned.refused[i].keys += r.keys
	}
}

// Info tells what the server is and what this user may ask it.
func (s *store) Info(ctx context.Context) (*kv.Info, error) {
	a, err := s.abilities(ctx)
	if err != nil {
		return nil, fmt.Errorf("probing %s: %w", s.cfg.target, err)
	}
	now, err := s.serverInfo(ctx)
	if err != nil {
		return nil, fmt.Errorf("probing %s: %w", s.cfg.target, err)
	}
	info := &kv.Info{
		Adapter:  "redis",
		Product:  now.product(),
		Version:  now.version(),
		Target:   s.cfg.target,
		Live:     true,
		Memory:   max(0, now.number("used_memory")),
		Resident: max(0, now.number("used_memory_rss")),
		Server:   now.server(a.calls),
		Facts:    a.facts(),
		Notes:    s.notes(now, a),
		Burdens:  s.governor.burdens(),
	}
	if now.clustered() {
		info.Facts = append(info.Facts, placement()...)
	}
	info.Keys, info.KeysKnown, err = s.keys(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("probing %s: %w", s.cfg.target, err)
	}
	if info.Ledger, err = s.ledger(ctx, now, a); err != nil {
		return nil, fmt.Errorf("probing %s: %w", s.cfg.target, err)
	}
	return info, nil
}

// keys returns how many keys a scan would yield. INFO says it of all databases, DBSIZE of the one that is selected.
func (s *store) keys(ctx context.Context, now serverInfo) (n int64, known bool, err error) {
	if now.lists {
		for _, db := range now.databases() {
			if s.cfg.db < 0 || s.cfg.db == db.number {
				n += db.keys
			}
		}
		return n, true, nil
	}
	n, err = s.client.Do(ctx, "DBSIZE").Int64()
	if _, ok := answer(err); ok {
		return 0, false, nil
	}
	return n, err == nil, s.cfg.explain(ctx, err)
}

func (s *store) notes(now serverInfo, a *abilities) []string {
	notes := now.notes()
	if a.service != nil {
		notes = append(notes, a.service.note())
	}
	if a.service != nil && a.service.OneNode {
		notes = slices.DeleteFunc(notes, func(n string) bool { return n == noteNode })
	}
	if s.cfg.tls != nil && s.cfg.tls.InsecureSkipVerify {
		notes = append(notes, "The server's certificate was not checked: somebody else may have answered.")
	}
	if !now.lists && s.cfg.db < 0 {
		notes = append(notes, "INFO does not list the databases: which databases hold keys is unknown, and only database 0 is read.")
	}
	if a.noKey {
		notes = append(notes, "No key was found to probe with: rights that depend on the key's name are not known.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.learned.hits; n > 0 {
		notes = append(notes, fmt.Sprintf("Asking added %d to the server's keyspace_hits: a hit ratio taken over this time is too high.", n))
	}
	if n := s.learned.vanished; n > 0 {
		notes = append(notes, fmt.Sprintf("%s gone when asked for attributes: not counted.", humanize.Counted(n, "key")))
	}
	for i, r := range s.learned.refused {
		if r.keys > 0 {
			notes = append(notes, fmt.Sprintf("%s was refused for %s: %s", attrs[i].command, humanize.Counted(r.keys, "key"), s.cfg.redact(r.text)))
		}
	}
	return notes
}
