package redis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// What HOTKEYS of Redis 8.6 takes and answers (src/hotkeys.c; https://redis.io/docs/latest/commands/hotkeys/):
//
//	HOTKEYS START METRICS 2 CPU NET COUNT k DURATION seconds    +OK, or an error while somebody's session runs
//	HOTKEYS GET     an array of one map: all-commands-all-slots-us n, by-cpu-time-us [key n …], by-net-bytes [key n …], …
//	HOTKEYS STOP    +OK, or null when it has ended by itself
//	HOTKEYS RESET   +OK
//
// Of a session that nobody ends, a server stops counting after DURATION.
const (
	hotkeysMost  = 64 // keys
	hotkeysGrace = 10 * time.Second
)

// hotkeysFact says whether the server counts by key.
func (s *store) hotkeysFact(ctx context.Context) (kv.Fact, error) {
	f := kv.Fact{Name: string(kv.TraceServer)}
	var reply any
	err := s.cfg.converse(ctx, func(l *link) (err error) {
		reply, err = l.tree(resp.Watch, "HOTKEYS", "GET")
		return err
	})
	text, said := answer(err)
	switch {
	case said:
		f.Why = s.cfg.redact(text)
		if f.Hint = "HOTKEYS is of Redis 8.6 and later"; mayBeGranted(text) {
			f.Hint = "grant: ACL SETUSER " + userName(s.cfg.username) + " +hotkeys"
		}
		return f, nil
	case err != nil:
		return f, s.cfg.explain(ctx, err)
	}
	if h := hotkeysOf(reply); h != nil && h.active {
		f.Why, f.Hint = "somebody else's HOTKEYS session is running", "wait until it has ended, or end it: HOTKEYS STOP"
		return f, nil
	}
	f.How = kv.Measured
	return f, nil
}

// hotkeys has one server count for the window, and tells what it counted. The session is ended and its memory freed however
// this ends, unless the server cannot be reached any more: then it ends by itself.
func (t *trace) hotkeys(ctx context.Context, s *store, out chan<- []kv.Access) (err error) {
	keys := min(max(t.opt.Keys, 1), hotkeysMost)
	last := int(max(time.Second, t.opt.Window+hotkeysGrace).Seconds())
	start := []string{"HOTKEYS", "START", "METRICS", "2", "CPU", "NET", "COUNT", strconv.Itoa(keys), "DURATION", strconv.Itoa(last)}
	if ctx.Err() != nil {
		return nil
	}
	// An interrupt while the server answers must not leave a session behind: that is over soon, and then it is ended.
	starting, started := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.timeout)
	err = s.cfg.converse(starting, func(l *link) error {
		_, err := l.tree(resp.Watch, start...)
		return err
	})
	started()
	if err != nil {
		return t.failed(ctx, s, "hotkeys", err)
	}
	<-ctx.Done() // the end of the window, or of everything
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.timeout)
	defer cancel()
	var h *hotkeysReply
	err = s.cfg.converse(after, func(l *link) error {
		if _, err := l.tree(resp.Watch, "HOTKEYS", "STOP"); err != nil {
			return err
		}
		reply, err := l.tree(resp.Watch, "HOTKEYS", "GET")
		h = hotkeysOf(reply)
		if _, reset := l.tree(resp.Watch, "HOTKEYS", "RESET"); reset != nil {
			err = errors.Join(err, reset)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("watching %s: %w", s.cfg.addr, s.cfg.explain(after, err))
	}
	if h == nil {
		return fmt.Errorf("watching %s: %w", s.cfg.addr, errors.New("the server has lost what it counted: somebody has reset it"))
	}
	out <- h.accesses(t.place(s))
	return nil
}

// A hotkeysReply is what HOTKEYS GET tells.
type hotkeysReply struct {
	active     bool
	cpu, bytes int64 // of all commands; the first in microseconds
	byCPU      []keyCount
	byBytes    []keyCount
}

type keyCount struct {
	key string
	n   int64
}

// hotkeysOf reads an answer; nil if there is none.
func hotkeysOf(reply any) *hotkeysReply {
	fields, _ := reply.([]any)
	if len(fields) == 1 {
		fields, _ = fields[0].([]any)
	}
	if len(fields) == 0 {
		return nil
	}
	h := &hotkeysReply{}
	for i := 0; i+1 < len(fields); i += 2 {
		name, _ := fields[i].(string)
		n, _ := fields[i+1].(int64)
		switch name {
		case "tracking-active":
			h.active = n == 1
		case "all-commands-all-slots-us":
			h.cpu = n
		case "net-bytes-all-commands-all-slots":
			h.bytes = n
		case "by-cpu-time-us":
			h.byCPU = keyCounts(fields[i+1])
		case "by-net-bytes":
			h.byBytes = keyCounts(fields[i+1])
		}
	}
	return h
}

func keyCounts(list any) (counts []keyCount) {
	pairs, _ := list.([]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok1 := pairs[i].(string)
		n, ok2 := pairs[i+1].(int64)
		if ok1 && ok2 && n >= 0 {
			counts = append(counts, keyCount{key, n})
		}
	}
	return counts
}

// accesses are what was told of each key, and last what all keys took.
func (h *hotkeysReply) accesses(place string) []kv.Access {
	at := map[string]int{}
	var out []kv.Access
	get := func(key string) *kv.Access {
		i, ok := at[key]
		if !ok {
			i = len(out)
			at[key], out = i, append(out, kv.Access{Key: key, Place: place})
		}
		return &out[i]
	}
	for _, c := range h.byCPU {
		get(c.key).CPU = time.Duration(c.n) * time.Microsecond
	}
	for _, c := range h.byBytes {
		get(c.key).Bytes = c.n
	}
	return append(out, kv.Access{Place: place, CPU: time.Duration(h.cpu) * time.Microsecond, Bytes: h.bytes, Whole: true})
}

// What an answer may have: so deep it nests, and so many values. CLUSTER SLOT-STATS of all slots has 200,000.
const (
	maxDepth  = 5
	maxValues = 1 << 20
)

// tree sends a command of these words and returns the whole answer: nil, a string, an int64 or a []any of these.
func (l *link) tree(mode resp.Mode, words ...string) (any, error) {
	named := min(2, len(words))
	c, err := mode.Command(len(words)-named, words[:named]...)
	if err != nil {
		return nil, err
	}
	l.out.Add(c, words[named:]...)
	if err := l.out.Send(l); err != nil {
		return nil, err
	}
	rep, err := l.in.Next()
	if err == nil && rep.Kind == resp.Error {
		err = serverError(rep.Data)
	}
	if err != nil {
		return nil, err
	}
	return l.whole(rep)
}

// whole reads the rest of an answer that begins with rep.
func (l *link) whole(rep resp.Reply) (any, error) {
	left := maxValues
	return l.value(rep, maxDepth, &left)
}

func (l *link) value(rep resp.Reply, depth int, left *int) (any, error) {
	if *left--; *left < 0 {
		return nil, fmt.Errorf("%w: an answer of more than %d values", resp.ErrProtocol, maxValues)
	}
	switch rep.Kind {
	case resp.Int:
		return rep.N, nil
	case resp.Bulk, resp.Simple, resp.Error:
		return string(rep.Data), nil
	case resp.Null:
		return nil, nil
	}
	if depth == 0 {
		return nil, fmt.Errorf("%w: an answer that nests too deep", resp.ErrProtocol)
	}
	list := []any{}
	for range rep.N {
		next, err := l.in.Next()
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		v, err := l.value(next, depth-1, left)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// settingPatterns are the settings that are asked for: none that holds a secret, a path or an address.
var settingPatterns = [...]string{
	"maxmemory*", "lfu-*", "hash-max-*", "list-max-*", "set-max-*", "zset-max-*", "stream-node-max-*", "appendonly", "appendfsync",
	"save", "activedefrag", "lazyfree-*", "notify-keyspace-events", "databases", "cluster-slot-stats-enabled", "hz", "dynamic-hz",
	"active-expire-effort", "client-output-buffer-limit", "timeout", "tcp-keepalive", "maxclients", "io-threads",
}

// Stats returns what the server counts by slot, and its settings.
func (s *store) Stats(ctx context.Context) ([]kv.Stats, error) {
	st := kv.Stats{Place: s.cfg.addr, At: time.Now(), Settings: map[string]string{}}
	err := s.cfg.converse(ctx, func(l *link) error {
		text, err := l.tree(resp.Watch, "INFO", "commandstats")
		if _, refused := answer(err); err != nil && !refused {
			return err
		}
		st.At = time.Now()
		if stats, ok := text.(string); ok {
			st.Calls = parseInfo(stats).countCalls(func(string) bool { return true })
		}
		for _, p := range settingPatterns {
			reply, err := l.tree(resp.Watch, "CONFIG", "GET", p)
			if _, refused := answer(err); refused {
				break
			}
			if err != nil {
				return err
			}
			addSettings(st.Settings, reply)
		}
		return l.slotStats(&st)
	})
	if err != nil {
		return nil, s.cfg.explain(ctx, err)
	}
	st.SlotsWhy = s.cfg.redact(st.SlotsWhy)
	return []kv.Stats{st}, nil
}

func addSettings(to map[string]string, reply any) {
	pairs, _ := reply.([]any)
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		value, _ := pairs[i+1].(string)
		if name != "" {
			to[strings.ToLower(name)] = value
		}
	}
}

// slotStats asks for the counters of all slots: Valkey 8, Redis 8.2.
func (l *link) slotStats(st *kv.Stats) error {
	reply, err := l.tree(resp.ReadOnly, "CLUSTER", "SLOT-STATS", "SLOTSRANGE", "0", "16383")
	if text, refused := answer(err); refused {
		st.SlotsWhy = text
		return nil
	}
	if err != nil {
		return err
	}
	list, _ := reply.([]any)
	timed := false
	for _, x := range list {
		pair, _ := x.([]any)
		if len(pair) != 2 {
			continue
		}
		n, ok := pair[0].(int64)
		fields, _ := pair[1].([]any)
		if !ok || n < 0 || n > 16383 {
			continue
		}
		slot := kv.SlotStats{Slot: uint16(n)}
		for i := 0; i+1 < len(fields); i += 2 {
			v, _ := fields[i+1].(int64)
			switch name, _ := fields[i].(string); name {
			case "key-count":
				slot.Keys = v
			case "cpu-usec":
				slot.CPU, timed = time.Duration(v)*time.Microsecond, true
			case "network-bytes-in", "network-bytes-out":
				slot.Bytes += v
			}
		}
		st.Slots = append(st.Slots, slot)
	}
	if !timed && len(st.Slots) > 0 {
		st.SlotsWhy = "the server counts keys alone: cluster-slot-stats-enabled is no"
	}
	return nil
}

// Stats returns the Stats of every primary.
func (c *cluster) Stats(ctx context.Context) ([]kv.Stats, error) {
	servers, err := c.primaries(ctx)
	if err != nil {
		return nil, err
	}
	var all []kv.Stats
	for _, s := range servers {
		st, err := s.Stats(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, st...)
	}
	return all, nil
}

// Stats returns those of the server that the sentinels name.
func (w *watched) Stats(ctx context.Context) ([]kv.Stats, error) {
	s, err := w.server(ctx)
	if err != nil {
		return nil, err
	}
	return s.Stats(ctx)
}
