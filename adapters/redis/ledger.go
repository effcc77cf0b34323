package redis

import (
	"context"
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/internal/memory"
	"github.com/kvtool/kvtool/kv"
)

// ledger lists what the server's memory holds besides keys and values. Figures come from MEMORY STATS; where this user may
// not ask for them, what INFO says takes their place and the dicts are modelled. There is no ledger without INFO, nor of one
// database where others hold keys: the memory in use is that of all.
func (s *store) ledger(ctx context.Context, now serverInfo, a *abilities) ([]kv.Line, error) {
	if now.number("used_memory") == 0 || !now.lists || s.cfg.db >= 0 && s.othersHoldKeys(now) {
		return nil, nil
	}
	stats, refused, err := s.memoryStats(ctx)
	if err != nil {
		return nil, err
	}
	found, err := s.layout(ctx, now, a)
	if err != nil {
		return nil, err
	}
	lines := []kv.Line{{Name: "startup", Bytes: now.number("used_memory_startup"), How: kv.Measured}}
	if refused == "" {
		lines = append(lines, stats.dicts(found.model)...)
		lines = append(lines, stats.buffers()...)
	} else {
		lines = append(lines, now.dicts(found.model, refused)...)
		lines = append(lines, now.buffers()...)
	}
	return append(lines, s.rounding(now, found)), nil
}

func (s *store) othersHoldKeys(now serverInfo) bool {
	for _, db := range now.databases() {
		if db.number != s.cfg.db {
			return true
		}
	}
	return false
}

// memoryStats is the answer to MEMORY STATS: numbers by name, and one more list of them for each database.
type memoryStats struct {
	numbers   map[string]int64
	databases []map[string]int64
}

func (s *store) memoryStats(ctx context.Context) (st memoryStats, refused string, err error) {
	answered, err := s.client.Do(ctx, "MEMORY", "STATS").Result()
	if text, ok := answer(err); ok {
		return st, s.cfg.redact(text), s.fatal(ctx, text, err)
	}
	if err != nil {
		return st, "", s.cfg.explain(ctx, err)
	}
	reply, _ := answered.([]any)
	st.numbers = numbers(reply)
	for i := 0; i+1 < len(reply); i += 2 {
		name, _ := reply[i].(string)
		if of, ok := reply[i+1].([]any); ok && strings.HasPrefix(name, "db.") {
			st.databases = append(st.databases, numbers(of))
		}
	}
	if len(st.numbers) == 0 {
		return st, "MEMORY STATS was answered with no numbers", nil
	}
	return st, "", nil
}

// numbers returns the whole numbers of a flat list of names and values.
func numbers(flat []any) map[string]int64 {
	m := map[string]int64{}
	for i := 0; i+1 < len(flat); i += 2 {
		name, isText := flat[i].(string)
		n, isNumber := flat[i+1].(int64)
		if isText && isNumber {
			m[name] = n
		}
	}
	return m
}

// dicts takes out of the overhead of the main dicts what is counted in each key.
func (st memoryStats) dicts(m *memory.Model) []kv.Line {
	var main, expires int64
	for _, db := range st.databases {
		main += db["overhead.hashtable.main"]
		expires += db["overhead.hashtable.expires"] + db["overhead.hashtable.slot-to-keys"]
	}
	main -= st.numbers["keys.count"] * m.CountedInKeys()
	return []kv.Line{
		{Name: "main_dict", Bytes: max(0, main), How: kv.Measured},
		{Name: "expires_dict", Bytes: expires, How: kv.Measured},
	}
}

func (st memoryStats) buffers() []kv.Line {
	return []kv.Line{
		{Name: "replication_backlog", Bytes: st.numbers["replication.backlog"], How: kv.Measured},
		{Name: "replica_buffers", Bytes: st.numbers["clients.slaves"], How: kv.Measured},
		{Name: "client_buffers", Bytes: st.numbers["clients.normal"], How: kv.Measured},
		{Name: "cluster_links", Bytes: st.numbers["cluster.links"], How: kv.Measured},
		{Name: "aof_buffer", Bytes: st.numbers["aof.buffer"], How: kv.Measured},
		{Name: "scripts", Bytes: st.numbers["lua.caches"] + st.numbers["functions.caches"], How: kv.Measured},
	}
}

// dicts models the tables from the numbers of keys, as if none of them was growing at the moment.
func (i serverInfo) dicts(m *memory.Model, refused string) []kv.Line {
	var main, expires int64
	for _, db := range i.databases() {
		main += m.MainDict(db.keys)
		expires += m.ExpiresDict(db.expires)
	}
	return []kv.Line{
		{Name: "main_dict", Bytes: main, How: kv.Modelled, Why: refused},
		{Name: "expires_dict", Bytes: expires, How: kv.Modelled, Why: refused},
	}
}

func (i serverInfo) buffers() []kv.Line {
	return []kv.Line{
		{Name: "replication_backlog", Bytes: i.number("mem_replication_backlog"), How: kv.Measured},
		{Name: "replica_buffers", Bytes: i.number("mem_clients_slaves"), How: kv.Measured},
		{Name: "client_buffers", Bytes: i.number("mem_clients_normal"), How: kv.Measured},
		{Name: "cluster_links", Bytes: i.number("mem_cluster_links"), How: kv.Measured},
		{Name: "aof_buffer", Bytes: i.number("mem_aof_buffer"), How: kv.Measured},
		{Name: "scripts", Bytes: i.number("used_memory_scripts"), How: kv.Measured},
	}
}

// rounding says what the allocator adds to structs that MEMORY USAGE counts as they are, from what the scans have seen.
func (s *store) rounding(now serverInfo, f layout) kv.Line {
	var keys, expires int64
	for _, db := range now.databases() {
		keys += db.keys
		expires += db.expires
	}
	bytes := keys*f.model.KeyRounding() + expires*f.model.ExpiryRounding()
	s.mu.Lock()
	if n := s.learned.rounded; n > 0 {
		bytes += int64(float64(s.learned.rounding) / float64(n) * float64(keys))
	}
	s.mu.Unlock()
	return kv.Line{
		Name: "allocator_rounding", Bytes: bytes, How: kv.Modelled,
		Why: fmt.Sprintf("%s, %s", f.model.Profile().Allocator, f.allocator),
	}
}

// account notes what the allocator adds to a value that the server has sized, and to those that it stands for, if Info has
// found out how the server lays out values.
func (sc *scan) account(r *kv.Record) {
	m, keys := sc.sizes, r.Stands()
	if m == nil || keys <= 0 || !r.Has(kv.FieldSize|kv.FieldEncoding) {
		return
	}
	n := int64(-1)
	if r.Has(kv.FieldLen) {
		n = r.Len
	}
	key := int64(len(r.Key))
	value := r.Size - m.Key(key)
	if r.TTL == kv.TTLAt {
		value -= m.Expiry(key)
	}
	sc.learned.rounded += keys
	sc.learned.rounding += keys * m.Rounding(r.Type, r.Encoding, value, n)
}
