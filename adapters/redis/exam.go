package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// Examine opens a line to the server.
func (s *store) Examine(context.Context) ([]kv.Exam, error) { return []kv.Exam{&exam{cfg: s.cfg}}, nil }

// Examine opens a line to each primary of the cluster.
func (c *cluster) Examine(ctx context.Context) ([]kv.Exam, error) {
	servers, err := c.primaries(ctx)
	if err != nil {
		return nil, err
	}
	exams := make([]kv.Exam, len(servers))
	for i, s := range servers {
		exams[i] = &exam{cfg: s.cfg}
	}
	return exams, nil
}

// Examine opens a line to the server that the sentinels name.
func (w *watched) Examine(ctx context.Context) ([]kv.Exam, error) {
	s, err := w.server(ctx)
	if err != nil {
		return nil, err
	}
	return []kv.Exam{&exam{cfg: s.cfg, watched: w}}, nil
}

// unwell is explain, and marks the error of a server that was reached and does not serve: it may still be asked how it is. Asked is
// when it was asked first.
func (c *config) unwell(ctx context.Context, asked time.Time, err error) error {
	explained := c.explain(ctx, err)
	if text, ok := answer(err); ok {
		for _, code := range []string{"LOADING", "BUSY ", "MASTERDOWN"} {
			if strings.HasPrefix(text, code) {
				return &kv.Unwell{Err: explained, Examiner: lines{*c}}
			}
		}
		return explained
	}
	var dial *net.OpError
	if isTimeout(err) && c.tls == nil && !(errors.As(err, &dial) && dial.Op == "dial") {
		return &kv.Unwell{Err: explained, Since: asked, Examiner: lines{*c}}
	}
	return explained
}

// lines examines a server without a store.
type lines struct{ cfg config }

// Examine opens a line.
func (l lines) Examine(context.Context) ([]kv.Exam, error) { return []kv.Exam{&exam{cfg: l.cfg}}, nil }

// An exam is a line to one server. Its connection is made when it is first needed.
type exam struct {
	cfg     config
	watched *watched // nil: no sentinels are known

	mu     sync.Mutex
	link   *link
	closed bool
}

// Place returns the server's address.
func (e *exam) Place() string { return e.cfg.addr }

// Close ends the connection.
func (e *exam) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	return e.hangUp()
}

// hangUp ends the connection; the lock is held.
func (e *exam) hangUp() error {
	if e.link == nil {
		return nil
	}
	l := e.link
	e.link = nil
	return l.conn.Close()
}

var errClosed = errors.New("the exam is over")

// connect returns the connection, and how long it took to make it; 0 if it was there.
func (e *exam) connect(ctx context.Context) (l *link, took time.Duration, err error) {
	e.mu.Lock()
	l, closed := e.link, e.closed
	e.mu.Unlock()
	if closed {
		return nil, 0, errClosed
	}
	if l != nil {
		return l, 0, nil
	}
	began := time.Now()
	conn, err := e.cfg.dial(ctx)
	took = time.Since(began)
	if err != nil {
		return nil, 0, err
	}
	l = newLink(conn, e.cfg.timeout)
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		conn.Close()
		return nil, 0, errClosed
	}
	e.link = l
	return l, took, nil
}

// ask asks over the connection, which is made and greeted first if there is none. What the server refuses is a kv.ReplyError; with any
// other error the connection has ended, and it is a kv.Silence.
func (e *exam) ask(ctx context.Context, question func(*link) error) error {
	asked := time.Now()
	l, took, err := e.connect(ctx)
	reached := err == nil
	if reached {
		stop := context.AfterFunc(ctx, func() { l.conn.Close() })
		if took > 0 {
			err = l.greet(&e.cfg, false)
		}
		if err == nil {
			err = question(l)
		}
		stop()
	}
	if err == nil {
		return nil
	}
	if text, ok := answer(err); ok && (took == 0 || !strings.HasPrefix(text, "WRONGPASS") && !strings.HasPrefix(text, "NOAUTH")) {
		return kv.ReplyError(e.cfg.redact(text))
	}
	e.mu.Lock()
	_ = e.hangUp() // it has failed already
	e.mu.Unlock()
	s := &kv.Silence{Asked: asked, Waited: time.Since(asked), Connected: took, Reached: reached, Closed: reached && isClosed(err)}
	if ctx.Err() != nil || isTimeout(err) {
		s.Closed = false
		s.Err = fmt.Errorf("no answer within %s", s.Waited.Round(time.Millisecond))
		return s
	}
	s.Err = e.cfg.explain(ctx, err)
	return s
}

// Ping asks for a PONG.
func (e *exam) Ping(ctx context.Context) (time.Duration, error) {
	var took time.Duration
	err := e.ask(ctx, func(l *link) error {
		began := time.Now()
		err := l.do(nil, "PING")
		took = time.Since(began)
		return err
	})
	var refused kv.ReplyError
	if errors.As(err, &refused) && awake(string(refused)) {
		return took, nil // whoever refuses is there
	}
	return took, err
}

// Vitals asks for all sections of INFO. A user who may not ask learns nothing, and why.
func (e *exam) Vitals(ctx context.Context) (*kv.Vitals, error) {
	var v *kv.Vitals
	err := e.ask(ctx, func(l *link) error {
		text, err := l.text([]string{"all"}, "INFO")
		if err == nil {
			v = kv.ParseVitals(text, time.Now())
			said := parseInfo(text)
			v.Product, v.Version = said.product(), said.version()
		}
		return err
	})
	var refused kv.ReplyError
	if errors.As(err, &refused) && denies(string(refused)) {
		why := string(refused)
		return &kv.Vitals{At: time.Now(), Product: "redis", Lacks: map[string]string{"info": why}}, nil
	}
	if err != nil {
		return nil, err
	}
	if v.Commands == nil {
		v.Lacks["commandstats"] = "INFO all tells no commandstats"
	}
	if v.Errors == nil {
		v.Lacks["errorstats"] = "INFO all tells no errorstats: they are of Redis 6.2 and later"
	}
	return v, nil
}

// mostClients is of how many connections a server is asked for the list: it takes a microsecond or two for each, and answers nobody else
// meanwhile.
const mostClients = 2000

// slowCalls is how many of the calls that were noted as slow are asked for.
const slowCalls = "128"

// examSettings are the settings that causes depend on.
var examSettings = [...]string{
	"slowlog-log-slower-than", "latency-monitor-threshold", "maxclients", "timeout", "appendonly", "appendfsync", "save",
	"stop-writes-on-bgsave-error", "maxmemory", "maxmemory-policy", "repl-backlog-size", "min-*-to-write", "protected-mode", "bind",
	"lfu-log-factor", "lfu-decay-time", "lazyfree-lazy-*", "hash-max-*-entries", "hash-max-*-value", "zset-max-*-entries",
	"zset-max-*-value", "set-max-intset-entries", "list-compress-depth", "activedefrag", "auto-aof-rewrite-percentage",
	"replica-announce-ip",
}

// Details asks what else there is to know, one thing after the other: what is refused is noted, and the rest asked all the same.
func (e *exam) Details(ctx context.Context, v *kv.Vitals) (*kv.Details, error) {
	d := &kv.Details{Lacks: map[string]string{}}
	for _, q := range []struct {
		name  string
		words []string
		read  func(reply any)
	}{
		{"slow", []string{"SLOWLOG", "GET", slowCalls}, func(r any) { d.Slow = slowLog(r) }},
		{"spikes", []string{"LATENCY", "LATEST"}, func(r any) { d.Spikes = spikes(r) }},
		{"clients", []string{"CLIENT", "LIST"}, func(r any) { d.Clients = clientList(r) }},
		{"memory", []string{"MEMORY", "STATS"}, func(r any) { d.Memory = memoryNumbers(r) }},
		{"default", []string{"ACL", "GETUSER", "default"}, func(r any) { d.Default = userFlags(r) }},
		{"users", []string{"ACL", "LIST"}, func(r any) { d.Users = userList(r) }},
		{"harmful", append([]string{"COMMAND", "INFO"}, harmful[:]...), func(r any) { d.Harmful = knownCommands(r) }},
		{"cluster", []string{"CLUSTER", "INFO"}, func(r any) { d.Cluster = clusterState(r) }},
		{"nodes", []string{"CLUSTER", "NODES"}, func(r any) { d.Nodes = clusterNodes(r) }},
	} {
		if (q.name == "cluster" || q.name == "nodes") && v.Numbers["cluster_enabled"] != 1 {
			continue
		}
		if n := v.Numbers["connected_clients"]; q.name == "clients" && n > mostClients {
			d.Lacks[q.name] = fmt.Sprintf("of %.0f connections the list is not asked for: the server answers nobody while it writes it", n)
			continue
		}
		reply, err := e.tree(ctx, q.words...)
		var refused kv.ReplyError
		switch {
		case errors.As(err, &refused):
			d.Lacks[q.name] = string(refused)
		case err != nil:
			return d, err
		default:
			q.read(reply)
		}
	}
	e.askSentinel(ctx, d)
	return d, e.settings(ctx, d)
}

func (e *exam) tree(ctx context.Context, words ...string) (reply any, err error) {
	err = e.ask(ctx, func(l *link) (err error) {
		reply, err = l.tree(resp.Watch, words...)
		return err
	})
	return reply, err
}

// settings asks for each setting by itself, which every version takes, and for all of them in one write.
func (e *exam) settings(ctx context.Context, d *kv.Details) error {
	d.Settings = map[string]string{}
	get, err := resp.Watch.Command(1, "CONFIG", "GET")
	if err != nil {
		return err
	}
	err = e.ask(ctx, func(l *link) error {
		for _, name := range examSettings {
			l.out.Add(get, name)
		}
		if err := l.out.Send(l); err != nil {
			return err
		}
		for range examSettings {
			rep, err := l.in.Next()
			if err != nil {
				return err
			}
			if rep.Kind == resp.Error {
				d.Lacks["settings"] = e.cfg.redact(string(rep.Data))
				continue
			}
			reply, err := l.whole(rep)
			if err != nil {
				return err
			}
			addSettings(d.Settings, reply)
		}
		if len(d.Settings) > 0 {
			delete(d.Lacks, "settings")
		}
		return nil
	})
	var refused kv.ReplyError
	if errors.As(err, &refused) {
		d.Lacks["settings"] = string(refused)
		return nil
	}
	return err
}

// slowLog reads entries of SLOWLOG: id, time, microseconds, words, and since 4.0 address and name of the client.
func slowLog(reply any) []kv.SlowCall {
	list, _ := reply.([]any)
	var calls []kv.SlowCall
	for _, x := range list {
		entry, _ := x.([]any)
		if len(entry) < 4 {
			continue
		}
		at, _ := entry[1].(int64)
		took, _ := entry[2].(int64)
		args, _ := entry[3].([]any)
		var words []string
		for _, a := range args {
			word, _ := a.(string)
			words = append(words, word)
		}
		if len(words) == 0 {
			continue
		}
		call := kv.SlowCall{
			At: time.Unix(min(max(at, 0), maxSeconds), 0), Took: time.Duration(clamp(float64(took) * 1e3)), Command: strings.ToLower(words[0]),
		}
		monitor.Keys(words, func(key string, _ kv.OpKind) {
			if call.Key == "" {
				call.Key = key
			}
		})
		calls = append(calls, call)
	}
	return calls
}

// spikes reads LATENCY LATEST: event, time, last, worst in milliseconds.
func spikes(reply any) []kv.Spike {
	list, _ := reply.([]any)
	var all []kv.Spike
	for _, x := range list {
		entry, _ := x.([]any)
		if len(entry) < 4 {
			continue
		}
		event, _ := entry[0].(string)
		at, _ := entry[1].(int64)
		last, _ := entry[2].(int64)
		worst, _ := entry[3].(int64)
		all = append(all, kv.Spike{
			Event: event, At: time.Unix(min(max(at, 0), maxSeconds), 0),
			Last: time.Duration(clamp(float64(last) * 1e6)), Max: time.Duration(clamp(float64(worst) * 1e6)),
		})
	}
	return all
}

// clientList reads lines of id=3 addr=127.0.0.1:50712 name= … A name has no blanks.
func clientList(reply any) []kv.Client {
	text, _ := reply.(string)
	var all []kv.Client
	for line := range strings.Lines(text) {
		f := map[string]string{}
		for word := range strings.FieldsSeq(line) {
			if name, value, ok := strings.Cut(word, "="); ok {
				f[name] = value
			}
		}
		if f["id"] == "" {
			continue
		}
		all = append(all, kv.Client{
			ID: f["id"], Addr: f["addr"], Name: f["name"], Flags: f["flags"], Command: f["cmd"],
			Age: time.Duration(clamp(decimal(f["age"]) * 1e9)), Idle: time.Duration(clamp(decimal(f["idle"]) * 1e9)),
			Output: int64(clamp(decimal(f["omem"]))), Input: int64(clamp(decimal(f["qbuf"]))),
		})
	}
	return all
}

// memoryNumbers reads the numbers of MEMORY STATS; those of single databases are left out.
func memoryNumbers(reply any) map[string]float64 {
	list, _ := reply.([]any)
	all := map[string]float64{}
	for i := 0; i+1 < len(list); i += 2 {
		name, _ := list[i].(string)
		switch x := list[i+1].(type) {
		case int64:
			all[name] = float64(x)
		case string:
			all[name] = decimal(x)
		}
	}
	return all
}

// userFlags reads of ACL GETUSER the flags, and leaves the hashes of passwords.
func userFlags(reply any) (flags []string) {
	list, _ := reply.([]any)
	for i := 0; i+1 < len(list); i += 2 {
		if name, _ := list[i].(string); name != "flags" {
			continue
		}
		all, _ := list[i+1].([]any)
		for _, f := range all {
			flag, _ := f.(string)
			flags = append(flags, flag)
		}
	}
	return flags
}

// clusterState reads lines of cluster_state:ok.
func clusterState(reply any) map[string]string {
	text, _ := reply.(string)
	return parseInfo(text).fields
}

// clamp bounds what is to be a whole number that is not negative.
func clamp(x float64) float64 { return min(max(x, 0), 1<<62) }

// decimal returns the number that a text is, 0 where it is none.
func decimal(text string) float64 {
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(x) {
		return 0
	}
	return x
}
