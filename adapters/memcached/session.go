package memcached

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/kvtool/kvtool/internal/socket"
	"github.com/kvtool/kvtool/kv"
)

// This file and command.go, encode.go and reply.go are what a load test runs on: it writes.
//
// The one idea is that every command has a reply that is told apart by its first bytes, in the order of the commands: so what is
// sent together is one write a server, within the call that waits for the reply (package socket), and what comes back is read where
// it lies.

// Session implements kv.Driver: a connection to each server.
func (s *store) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	w := &session{store: s, began: opt.Epoch, timeout: opt.Timeout, texts: map[string]error{}, bytes: make([]byte, 0, 1<<10)}
	if w.began.IsZero() {
		w.began = time.Now()
	}
	for _, srv := range s.servers {
		c, err := srv.wire(ctx)
		if err != nil {
			w.Close()
			return nil, err
		}
		w.wires = append(w.wires, c)
	}
	return w, nil
}

// limits are what a session has to know of a server.
type limits struct {
	clock clock
	item  int64 // bytes that an item may have
	meta  bool
}

// defaultItem is the largest item of a server that nobody has told otherwise (-I).
const defaultItem = 1 << 20

// wire opens a connection for a session. What the server's limits are it is asked once.
func (srv *server) wire(ctx context.Context) (*wire, error) {
	l, err := srv.link(ctx)
	if err != nil {
		return nil, err
	}
	limits, err := srv.ask(l)
	if err == nil {
		err = l.conn.SetDeadline(time.Time{})
	}
	if err != nil {
		l.close()
		return nil, fmt.Errorf("connecting to %s: %w", srv.addr, srv.explain(ctx, err))
	}
	l.stop()
	c := &wire{conn: l.conn, raw: socket.Raw(l.conn), limits: limits, in: make([]byte, sessionBuffer)}
	c.step = c.receiveRaw
	return c, nil
}

func (srv *server) ask(l *link) (*limits, error) {
	if known := srv.known.Load(); known != nil {
		return known, nil
	}
	general, err := l.optional("")
	if err != nil {
		return nil, err
	}
	settings, err := l.optional("settings")
	if err != nil {
		return nil, err
	}
	k := &limits{clock: clockOf(general, time.Now()), item: settings.number("item_size_max"), meta: !releaseOf(l.version).before(firstMeta)}
	if k.item == 0 {
		k.item = defaultItem
	}
	srv.known.Store(k)
	return k, nil
}

const (
	// sessionBuffer is what is read at once to begin with.
	sessionBuffer = 16 << 10
	// longWrite is how much is sent at most without reading meanwhile: a server may not take more before its replies are read.
	longWrite = 64 << 10
	// slackShare is how much later than it should a timeout may come, as a share of it: setting a deadline costs as much as a request.
	slackShare = 8
	// maxTexts bounds the errors that a session knows again.
	maxTexts = 256
)

// A session is a kv.Session.
type session struct {
	store   *store
	wires   []*wire
	began   time.Time
	timeout time.Duration
	limit   time.Duration // where the deadline of the connections is, since began; 0: there is none
	closed  atomic.Bool
	texts   map[string]error

	pending []pending
	route   []uint16 // the wire of each part of what is pending
	values  [][]byte // of the replies of this Do, and the bytes that they are of
	bytes   []byte
	number  [20]byte
	name    [48]byte
	scratch [96]byte
	stats   stats // of this INFO
}

// pending is an operation whose replies are to come.
type pending struct {
	as     command
	refuse error // it was not sent
	first  int   // index of its parts
	parts  int
}

// Close implements kv.Session.
func (w *session) Close() error {
	w.closed.Store(true)
	var failed []error
	for _, c := range w.wires {
		if err := c.conn.Close(); !errors.Is(err, net.ErrClosed) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Do implements kv.Session.
func (w *session) Do(ops []kv.Op, out []kv.Result) error {
	if len(ops) == 0 {
		return nil
	}
	if w.closed.Load() {
		return net.ErrClosed
	}
	err := w.exchange(ops, out)
	if err != nil && w.closed.Load() {
		return net.ErrClosed
	}
	return err
}

func (w *session) exchange(ops []kv.Op, out []kv.Result) error {
	w.pending, w.values, w.bytes, w.route = w.pending[:0], w.values[:0], w.bytes[:0], w.route[:0]
	for _, c := range w.wires {
		c.out, c.unsent = c.out[:0], nil
	}
	for i := range ops {
		w.encode(ops[i].Args)
	}
	sent := time.Since(w.began)
	if err := w.setDeadline(sent); err != nil {
		return err
	}
	written, err := w.send()
	if err != nil {
		return err
	}
	for i := range ops {
		if err = w.reply(&ops[i], &w.pending[i], &out[i], sent); err != nil {
			break
		}
	}
	if written != nil {
		if err != nil {
			for _, c := range w.wires {
				c.conn.Close() // ends the writing, too
			}
		}
		err = errors.Join(err, <-written)
	}
	for _, c := range w.wires {
		if err == nil && c.r < c.w {
			err = fmt.Errorf("%w: more replies than requests", errProtocol)
		}
	}
	return err
}

// setDeadline bounds the exchange that begins.
func (w *session) setDeadline(sent time.Duration) error {
	if w.timeout <= 0 || w.limit-sent >= w.timeout {
		return nil
	}
	w.limit = sent + w.timeout + w.timeout/slackShare
	for _, c := range w.wires {
		if err := c.conn.SetDeadline(w.began.Add(w.limit)); err != nil {
			return err
		}
	}
	return nil
}

// send sends what was encoded. What goes to one server alone goes out with the read of its reply, and what is long while replies are
// read: then a channel tells how that ended.
func (w *session) send() (written chan error, err error) {
	asked, longest := 0, 0
	for _, c := range w.wires {
		if len(c.out) > 0 {
			asked, longest = asked+1, max(longest, len(c.out))
		}
	}
	if longest > longWrite {
		return w.sendLong(), nil
	}
	for _, c := range w.wires {
		switch {
		case len(c.out) == 0:
		case asked == 1 && c.raw != nil:
			c.unsent = c.out
		default:
			if _, err := c.conn.Write(c.out); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

func (w *session) sendLong() chan error {
	written := make(chan error, 1)
	go func() {
		var failed []error
		for _, c := range w.wires {
			_, err := c.conn.Write(c.out)
			failed = append(failed, err)
		}
		written <- errors.Join(failed...)
	}()
	return written
}

// text returns what a server said as an error, the same each time.
func (w *session) text(said []byte) error {
	if err, ok := w.texts[string(said)]; ok {
		return err
	}
	err := error(kv.ReplyError(strings.ToValidUTF8(string(said), "?")))
	if len(w.texts) < maxTexts {
		w.texts[string(said)] = err
	}
	return err
}

// keep makes b independent of what is received.
func (w *session) keep(b []byte) []byte {
	from := len(w.bytes)
	w.bytes = append(w.bytes, b...)
	return w.bytes[from:len(w.bytes):len(w.bytes)]
}

func (w *session) keepNumber(n int64) []byte { return w.keep(strconv.AppendInt(w.number[:0], n, 10)) }
