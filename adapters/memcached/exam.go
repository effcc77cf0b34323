package memcached

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Examine opens a line to each server.
func (s *store) Examine(context.Context) ([]kv.Exam, error) {
	exams := make([]kv.Exam, len(s.servers))
	for i, srv := range s.servers {
		exams[i] = &exam{srv: srv}
	}
	return exams, nil
}

// An exam is a line to one server. Its connection is made when it is first needed.
type exam struct {
	srv *server

	mu     sync.Mutex
	link   *link
	end    context.CancelFunc // of the connection
	closed bool
}

// Place returns the server's address.
func (e *exam) Place() string { return e.srv.addr }

// Close ends the connection.
func (e *exam) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.hangUp()
	return nil
}

// hangUp ends the connection; the lock is held.
func (e *exam) hangUp() {
	if e.end != nil {
		e.end()
	}
	if e.link != nil {
		e.link.close()
	}
	e.link, e.end = nil, nil
}

var errClosed = errors.New("the exam is over")

// connect returns the connection, on which nothing has been said if it was made now, and how long it took to make it; 0 if it was there.
func (e *exam) connect() (l *link, took time.Duration, err error) {
	e.mu.Lock()
	l, closed := e.link, e.closed
	if closed {
		e.mu.Unlock()
		return nil, 0, errClosed
	}
	if l != nil {
		e.mu.Unlock()
		return l, 0, nil
	}
	whole, end := context.WithCancel(context.Background())
	e.end = end
	e.mu.Unlock()
	began := time.Now()
	if l, err = e.srv.dial(whole); err != nil {
		end()
		return nil, 0, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		l.close()
		return nil, 0, errClosed
	}
	e.link = l
	return l, time.Since(began), nil
}

// ask asks over the connection, which is made first if there is none. What the server refuses is a kv.ReplyError; with any other error
// the connection has ended, and it is a kv.Silence.
func (e *exam) ask(ctx context.Context, question func(*link) error) error {
	asked := time.Now()
	stop := context.AfterFunc(ctx, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.hangUp()
	})
	defer stop()
	l, took, err := e.connect()
	reached := err == nil
	if reached && took > 0 {
		err = l.login()
	}
	greeted := err == nil
	if greeted {
		err = question(l)
	}
	var said answerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said) && greeted:
		return kv.ReplyError(said)
	}
	e.mu.Lock()
	e.hangUp()
	e.mu.Unlock()
	if said != "" {
		return kv.ReplyError(said)
	}
	s := &kv.Silence{Err: e.srv.explain(ctx, err), Asked: asked, Waited: time.Since(asked), Connected: took, Reached: reached}
	var timeout net.Error
	if ctx.Err() != nil || errors.As(err, &timeout) && timeout.Timeout() {
		s.Err = fmt.Errorf("no answer within %s", s.Waited.Round(time.Millisecond))
	} else {
		s.Closed = reached
	}
	return s
}

// Ping asks for the version.
func (e *exam) Ping(ctx context.Context) (took time.Duration, err error) {
	err = e.ask(ctx, func(l *link) error {
		began := time.Now()
		err := l.askVersion()
		took = time.Since(began)
		return err
	})
	return took, err
}

// Vitals asks for the statistics and the settings.
func (e *exam) Vitals(ctx context.Context) (*kv.Vitals, error) {
	var general, settings stats
	var version string
	err := e.ask(ctx, func(l *link) (err error) {
		version = l.version
		if general, err = l.stats(""); err != nil {
			return err
		}
		settings, err = l.optional("settings")
		return err
	})
	if err != nil {
		return nil, err
	}
	return vitalsOf(version, general, settings, time.Now()), nil
}

// Details are the settings: there is no list of slow commands, and none of clients that would say what they have not read.
func (e *exam) Details(_ context.Context, v *kv.Vitals) (*kv.Details, error) {
	return &kv.Details{Settings: v.Texts, Lacks: map[string]string{"clients": "memcached does not tell which answers its clients have not read"}}, nil
}

// likeINFO are the statistics that count what a number of INFO counts.
var likeINFO = map[string]string{
	"bytes": "used_memory", "limit_maxbytes": "maxmemory", "evictions": "evicted_keys", "curr_items": "keys",
	"get_hits": "keyspace_hits", "get_misses": "keyspace_misses", "get_expired": "expired_keys",
	"total_connections": "total_connections_received", "curr_connections": "connected_clients", "max_connections": "maxclients",
	"bytes_read": "total_net_input_bytes", "bytes_written": "total_net_output_bytes",
	"rusage_user": "used_cpu_user", "rusage_system": "used_cpu_sys", "uptime": "uptime_in_seconds",
}

// commandStats are the statistics whose sums are the calls of a command.
var commandStats = map[string][]string{
	"get": {"cmd_get"}, "set": {"cmd_set"}, "touch": {"cmd_touch"}, "meta": {"cmd_meta"}, "flush_all": {"cmd_flush"},
	"delete": {"delete_hits", "delete_misses"}, "incr": {"incr_hits", "incr_misses"}, "decr": {"decr_hits", "decr_misses"},
	"cas": {"cas_hits", "cas_misses", "cas_badval"},
}

// errorStats are statistics of what was refused, with the word that says why.
var errorStats = map[string]string{
	"store_no_memory": "OOM", "store_too_large": "TOOLARGE", "auth_errors": "AUTH",
}

// vitalsOf puts statistics under the names of kv.Vitals; what has no such name keeps its own.
func vitalsOf(version string, general, settings stats, at time.Time) *kv.Vitals {
	v := &kv.Vitals{
		At: at, Product: "memcached", Version: version, Numbers: map[string]float64{}, Texts: map[string]string{},
		Commands: map[string]kv.Command{}, Errors: map[string]int64{},
		Lacks: map[string]string{"commandstats": "memcached counts how often it is asked, and not how long that takes"},
	}
	for name, value := range general {
		x, err := strconv.ParseFloat(value, 64)
		switch {
		case err != nil || math.IsNaN(x):
			v.Texts[name] = value
		case likeINFO[name] != "":
			v.Numbers[likeINFO[name]] = x
		default:
			v.Numbers[name] = x
		}
	}
	total := 0.0
	for _, command := range slices.Sorted(maps.Keys(commandStats)) {
		n := int64(0)
		for _, name := range commandStats[command] {
			n += max(0, general.number(name))
		}
		if total += float64(n); n > 0 {
			v.Commands[command] = kv.Command{Calls: n}
		}
	}
	v.Numbers["total_commands_processed"] = total
	for name, class := range errorStats {
		if _, told := general[name]; told {
			v.Errors[class] = max(0, general.number(name))
		}
	}
	// Of those that wait at the limit only how often it was reached is told; newer servers turn them away and count.
	v.Numbers["rejected_connections"] = float64(max(general.number("rejected_connections"), general.number("listen_disabled_num")))
	for name, value := range settings {
		if !strings.Contains(name, "path") && !strings.Contains(name, "file") {
			v.Texts[name] = value
		}
	}
	v.Texts["maxmemory_policy"] = map[string]string{"on": "lru", "off": "noeviction"}[settings["evictions"]]
	return v
}
