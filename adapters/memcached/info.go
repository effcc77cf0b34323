package memcached

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
)

// A state is what a server says of itself.
type state struct {
	addr     string
	version  string
	general  stats
	settings stats
	slabs    stats
	items    stats
	clock    clock
}

func (srv *server) state(ctx context.Context) (*state, error) {
	l, err := srv.link(ctx)
	if err != nil {
		return nil, err
	}
	defer l.close()
	st := &state{addr: srv.addr, version: l.version}
	for _, q := range []struct {
		group string
		to    *stats
	}{{"", &st.general}, {"settings", &st.settings}, {"slabs", &st.slabs}, {"items", &st.items}} {
		if *q.to, err = l.optional(q.group); err != nil {
			return nil, fmt.Errorf("asking %s: %w", srv.addr, srv.explain(ctx, err))
		}
	}
	st.clock = clockOf(st.general, time.Now())
	return st, nil
}

// Info implements kv.Store. A server of several that does not answer is a note: its keys are missing.
func (s *store) Info(ctx context.Context) (*kv.Info, error) {
	info := &kv.Info{Adapter: "memcached", Product: "memcached", Target: s.cfg.target, Live: true, KeysKnown: true}
	var failed []error
	for _, srv := range s.servers {
		st, err := srv.state(ctx)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		info.Keys += st.general.number("curr_items")
		info.KeysKnown = info.KeysKnown && st.general["curr_items"] != ""
		info.Memory += st.general.number("bytes")
		if server := st.server(); info.Facts == nil {
			info.Version, info.Server, info.Facts = st.version, server, st.facts()
		} else {
			if info.Version != st.version {
				info.Version = ""
			}
			info.Server.Add(&server)
			info.Facts = least(info.Facts, st.facts())
		}
		info.Notes = append(info.Notes, st.notes(len(s.servers) > 1)...)
	}
	if len(failed) == len(s.servers) {
		return nil, errors.Join(failed...)
	}
	for _, err := range failed {
		info.KeysKnown = false
		info.Notes = append(info.Notes, "Missing here: "+err.Error()+".")
	}
	info.Facts = append(info.Facts, s.placeFacts()...)
	return info, nil
}

// least keeps of each fact what the server can tell that can least.
func least(a, b []kv.Fact) []kv.Fact {
	for i := range a {
		if b[i].How < a[i].How {
			a[i] = b[i]
		}
	}
	return a
}

// Why an item has no type, encoding or length.
const (
	whyNoType   = "memcached keeps bytes, and what they are its clients know"
	whyNoFreq   = "memcached does not count accesses by key"
	whyOldDump  = "lru_crawler metadump is of memcached 1.4.31 and later"
	hintOldDump = "update the server: before, no command lists all keys without locking it"
)

// facts says what the server can tell, the same in the same order of each.
func (st *state) facts() []kv.Fact {
	scan := st.dumps()
	of := func(name string, field kv.Field) kv.Fact {
		return kv.Fact{Name: name, Field: field, How: scan.How, Why: scan.Why, Hint: scan.Hint}
	}
	all := []kv.Fact{
		scan, of("name", kv.FieldName), of("size", kv.FieldSize), of("ttl", kv.FieldTTL), of("idle", kv.FieldIdle), of("read", kv.FieldRead),
		of("chunk", kv.FieldChunk),
	}
	if scan.How == kv.Measured {
		all[4].Why = "to a minute: a server notes an access no oftener"
		if st.slabs["active_slabs"] == "" {
			all[6] = kv.Fact{Name: "chunk", Field: kv.FieldChunk, Why: "the server does not answer stats slabs", Hint: "a proxy does not: name the servers behind it"}
		}
	}
	for _, f := range []kv.Field{kv.FieldType, kv.FieldEncoding, kv.FieldLen} {
		all = append(all, kv.Fact{Name: f.String(), Field: f, Why: whyNoType})
	}
	return append(all, kv.Fact{Name: "freq", Field: kv.FieldFreq, Why: whyNoFreq, Hint: "kvtool hotkeys TARGET watches for a while"})
}

// dumps says whether the server lists its keys.
func (st *state) dumps() kv.Fact {
	f := kv.Fact{Name: "scan"}
	r := releaseOf(st.version)
	switch {
	case r != release{} && r.before(firstMetadump):
		f.Why, f.Hint = whyOldDump, hintOldDump
	case st.settings["dump_enabled"] == "no":
		f.Why, f.Hint = "the server was started with -X, and lists no keys", "start it without -X (--disable-dumping)"
	case st.settings["lru_crawler"] == "no":
		f.Why, f.Hint = "the server's crawler is off, and without it no key is listed", hintCrawler
	default:
		f.How = kv.Measured
	}
	return f
}

// placeFacts are about which of several servers has a key.
func (s *store) placeFacts() []kv.Fact {
	if len(s.servers) == 1 {
		return nil
	}
	home := kv.Fact{Name: "home", Field: kv.FieldHome, How: kv.Modelled, Why: "by the hash that clients are said to use: " + s.cfg.placement}
	if s.ring == nil {
		home.How, home.Why, home.Hint = kv.Missing, "nobody has said by which hash clients choose a server", "?placement=ketama, or modulo"
	}
	return []kv.Fact{{Name: "place", Field: kv.FieldPlace, How: kv.Measured}, home, {Name: "apart", Field: kv.FieldApart, How: kv.Measured}}
}

// notes are what a reader of the report must know of this server.
func (st *state) notes(named bool) []string {
	var notes []string
	of := "The server"
	if named {
		of = st.addr
	}
	if st.clock.behind != 0 {
		notes = append(notes, fmt.Sprintf("%s's clock is %s %s this machine's; TTLs are by the server's.", of,
			humanize.Duration(st.clock.behind.Abs().Seconds()), map[bool]string{true: "behind", false: "ahead of"}[st.clock.behind > 0]))
	}
	if !strings.HasPrefix(st.version, "1.") {
		notes = append(notes, fmt.Sprintf("%s calls itself %.40q: a proxy, perhaps, which answers for servers that should be named themselves.", of, st.version))
	}
	if r := releaseOf(st.version); r != (release{}) && r.before(firstWhole) && !r.before(firstMetadump) {
		notes = append(notes, of+" is older than 1.5.6: its dumps may end without saying so.")
	}
	return notes
}

// server is how the server is set up, and what it was asked.
func (st *state) server() kv.Server {
	g := st.general
	s := kv.Server{
		MaxMemory: g.number("limit_maxbytes"), Evicted: g.number("evictions"), Settings: st.settingsToTell(),
		Hits: g.number("get_hits"), Misses: g.number("get_misses"),
		EvictedUnread: g.number("evicted_unfetched"), ExpiredUnread: g.number("expired_unfetched"), Refused: g.number("listen_disabled_num"),
	}
	if up := g.number("uptime"); up > 0 {
		s.Started = st.clock.time(st.clock.now - up)
	}
	switch st.settings["evictions"] {
	case "on":
		s.Policy = "lru"
	case "off":
		s.Policy = "noeviction"
	}
	for _, c := range []struct {
		command string
		stats   []string
	}{
		{"get", []string{"cmd_get"}},
		{"set", []string{"cmd_set"}},
		{"touch", []string{"cmd_touch"}},
		{"delete", []string{"delete_hits", "delete_misses"}},
		{"incr", []string{"incr_hits", "incr_misses"}},
		{"decr", []string{"decr_hits", "decr_misses"}},
		{"cas", []string{"cas_hits", "cas_misses", "cas_badval"}},
		{"flush_all", []string{"cmd_flush"}},
	} {
		n := int64(0)
		for _, name := range c.stats {
			n += max(0, g.number(name))
		}
		if n > 0 {
			s.Count(c.command, n)
		}
	}
	for _, c := range classesOf(st.slabs, st.items) {
		s.Classes = append(s.Classes, kv.Class{
			Chunk: c.chunk, Used: c.used, Free: c.free, Pages: c.pages, Evicted: c.evicted, EvictedUnread: c.evictedUnread,
			OutOfMemory: c.outOfMemory, Age: time.Duration(c.age) * time.Second,
		})
	}
	return s
}

// settingsToTell are those that say how the server behaves, without paths, addresses and names of interfaces.
func (st *state) settingsToTell() map[string]string {
	told := map[string]string{}
	for _, name := range []string{
		"maxbytes", "maxconns", "evictions", "growth_factor", "chunk_size", "num_threads", "cas_enabled", "item_size_max", "slab_reassign",
		"slab_automove", "slab_chunk_max", "lru_crawler", "lru_maintainer_thread", "lru_segmented", "temp_lru", "hash_algorithm", "dump_enabled",
		"auth_enabled_ascii", "track_sizes", "udpport",
	} {
		if v, ok := st.settings[name]; ok {
			told[name] = v
		}
	}
	if len(told) == 0 {
		return nil
	}
	return told
}
