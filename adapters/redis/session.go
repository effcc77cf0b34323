package redis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/internal/socket"
	"github.com/kvtool/kvtool/kv"
)

// This file and its like, session_*.go, are what a load test runs on. What a session sends is its caller's: the guard of
// internal/resp does not stand before it, whoever makes the operations keeps them to what may be written.
//
// The one idea is that a client's time is the kernel's: what decides is how often it is called. So the request is written
// within the callback that waits for the reply (syscall.RawConn), which takes one write, one read and no read that finds
// nothing; replies are counted as they lie in the buffer; and the clock is read once for each of the two.

// Session implements kv.Driver: one connection.
func (s *store) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	w, err := s.cfg.wire(ctx, opt)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", s.cfg.target, s.cfg.explain(ctx, err))
	}
	return w, nil
}

// Session implements kv.Driver: a connection to the server that the sentinels name now.
func (w *watched) Session(ctx context.Context, opt kv.SessionOptions) (kv.Session, error) {
	s, err := w.server(ctx)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", w.cfg.target, err)
	}
	return s.Session(ctx, opt)
}

const (
	// sessionBuffer is what a session reads at once to begin with: fifty replies of a hundred bytes, several times over.
	sessionBuffer = 16 << 10
	// slackShare is how much later than it should a timeout may come, as a share of it: a deadline is set anew only when it has
	// come that much nearer, for setting one costs as much as a request.
	slackShare = 8
	// maxTexts bounds the errors that a session knows again.
	maxTexts = 256
)

// A wire is one connection that requests go out on and their replies come back on. It is a kv.Session.
type wire struct {
	conn    net.Conn
	raw     syscall.RawConn       // nil: only conn can be read, as with TLS
	step    func(fd uintptr) bool // exchangeRaw
	put     func(fd uintptr) bool // putRaw
	closed  atomic.Bool
	began   time.Time
	timeout time.Duration
	limit   time.Duration // where the deadline of conn is, since began; 0: there is none

	out     []byte // the requests
	unsent  []byte // what is left of them
	in      []byte
	r, w    int           // in[r:w] has been received and not been read
	patient time.Duration // how long the requests say that they wait
	count   resp.Counter
	texts   map[string]error

	ops  []kv.Op // of the exchange that goes on
	res  []kv.Result
	at   int
	sent time.Duration
	err  error
}

// wire opens a connection, logs in, and chooses the database.
func (c *config) wire(ctx context.Context, opt kv.SessionOptions) (*wire, error) {
	l, err := c.link(ctx, false)
	if err != nil {
		return nil, err
	}
	if c.db > 0 {
		if err := l.do([]string{strconv.Itoa(c.db)}, "SELECT"); err != nil {
			l.conn.Close()
			return nil, err
		}
	}
	if err := l.conn.SetDeadline(time.Time{}); err != nil {
		l.conn.Close()
		return nil, err
	}
	w := &wire{
		conn: l.conn, began: opt.Epoch, timeout: opt.Timeout, in: make([]byte, sessionBuffer), texts: map[string]error{},
	}
	if w.began.IsZero() {
		w.began = time.Now()
	}
	w.raw, w.step, w.put = socket.Raw(l.conn), w.exchangeRaw, w.putRaw
	return w, nil
}

// Close implements kv.Session.
func (w *wire) Close() error {
	w.closed.Store(true)
	err := w.conn.Close()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Do implements kv.Session.
func (w *wire) Do(ops []kv.Op, out []kv.Result) error {
	w.count.Reset()
	return w.run(ops, out)
}

// run sends ops and reads their replies. The values of earlier replies stay valid.
func (w *wire) run(ops []kv.Op, out []kv.Result) error {
	if len(ops) == 0 {
		return nil
	}
	if err := w.begin(ops, out); err != nil {
		return err
	}
	return w.finish()
}

// begin puts ops into words.
func (w *wire) begin(ops []kv.Op, out []kv.Result) error {
	w.out, w.patient = w.out[:0], 0
	for i := range ops {
		if err := w.encode(ops[i].Args); err != nil {
			return err
		}
	}
	w.ops, w.res, w.at, w.err = ops, out, 0, nil
	w.unsent = w.out
	w.count.Begin(ops[0].Want)
	w.sent = time.Since(w.began)
	return w.setDeadline()
}

// send sends what begin has put into words, and reads nothing. What is too long for one write, or has no socket, is left to
// finish.
func (w *wire) send() error {
	if w.raw == nil {
		return nil
	}
	if err := w.raw.Write(w.put); err != nil {
		return err
	}
	return w.err
}

// putRaw is called with the socket, to write once.
func (w *wire) putRaw(fd uintptr) bool {
	n, err := socket.Write(fd, w.unsent)
	w.unsent = w.unsent[n:]
	if err != nil {
		w.err = os.NewSyscallError("write", err)
	}
	return true
}

// finish sends what has not been sent, and reads all replies.
func (w *wire) finish() error {
	err := w.exchange()
	if err != nil && w.closed.Load() {
		err = net.ErrClosed // TLS says that the server has gone
	}
	if err == nil && w.r < w.w {
		err = fmt.Errorf("%w: more replies than requests", resp.ErrProtocol)
	}
	w.r, w.w, w.ops, w.res = 0, 0, nil, nil
	return err
}

func (w *wire) exchange() error {
	if w.raw == nil {
		return w.exchangePlain()
	}
	err := w.read()
	if errors.Is(err, errLong) {
		return w.exchangeLong()
	}
	return err
}

// read reads the replies; where the socket is at hand, it sends before.
func (w *wire) read() error {
	if w.raw == nil {
		return w.readPlain()
	}
	if err := w.raw.Read(w.step); err != nil {
		return err
	}
	return w.err
}

// errLong says that the requests are more than the socket takes at once.
var errLong = errors.New("too long for one write")

// exchangeRaw is called with the socket, and again each time that there is something to read.
func (w *wire) exchangeRaw(fd uintptr) (done bool) {
	if len(w.unsent) > 0 {
		n, err := socket.Write(fd, w.unsent)
		w.unsent = w.unsent[n:]
		switch {
		case err != nil:
			w.err = os.NewSyscallError("write", err)
			return true
		case len(w.unsent) > 0:
			w.err = errLong
			return true
		}
		return false
	}
	for {
		room := w.in[w.w:]
		n, again, err := socket.Read(fd, room)
		switch {
		case again:
			return false
		case err != nil:
			w.err = os.NewSyscallError("read", err)
			return true
		case n == 0:
			w.err = errEnded
			return true
		}
		w.w += n
		if done := w.take(time.Since(w.began)); done || w.err != nil {
			return true
		}
		if n < len(room) { // the socket is empty: what comes next wakes us
			return false
		}
	}
}

// exchangeLong sends while it reads: a server may not take more before somebody takes its replies. It allocates, which with
// requests of megabytes is of no account.
func (w *wire) exchangeLong() error {
	w.err = nil
	rest := w.unsent
	w.unsent = nil
	written := make(chan error, 1)
	go func() {
		_, err := w.conn.Write(rest)
		written <- err
	}()
	err := w.read()
	if err != nil {
		w.conn.Close() // ends the writing, too
		return errors.Join(err, <-written)
	}
	return <-written
}

// exchangePlain is for connections that hide their socket.
func (w *wire) exchangePlain() error {
	if len(w.unsent) > sessionBuffer {
		return w.exchangeLong()
	}
	if _, err := w.conn.Write(w.unsent); err != nil {
		return err
	}
	return w.readPlain()
}

func (w *wire) readPlain() error {
	for {
		n, err := w.conn.Read(w.in[w.w:])
		w.w += n
		switch {
		case n > 0 && w.take(time.Since(w.began)):
			return nil
		case w.err != nil:
			return w.err
		case err != nil:
			return err
		}
	}
}

// take reads the replies that have arrived, and reports whether all have.
func (w *wire) take(done time.Duration) bool {
	for {
		used, whole, err := w.count.Feed(w.in[w.r:w.w])
		w.r += used
		if err != nil {
			w.err = err
			return false
		}
		if !whole {
			w.makeRoom()
			return false
		}
		w.result(&w.res[w.at], done)
		if w.at++; w.at == len(w.ops) {
			return true
		}
		w.count.Begin(w.ops[w.at].Want)
	}
}

// result puts down what the reply was that has been read.
func (w *wire) result(r *kv.Result, done time.Duration) {
	*r = kv.Result{Bytes: w.count.Bytes, Sent: w.sent, Done: done, Values: w.count.Values()}
	switch {
	case w.count.Err != nil:
		r.Status, r.Err = kv.Failed, w.text(w.count.Err)
	case w.count.Null:
		r.Status = kv.Miss
	}
}

// text returns what a server said as an error, the same each time: a server that is out of memory says so very often.
func (w *wire) text(said []byte) error {
	if err, ok := w.texts[string(said)]; ok {
		return err
	}
	err := error(kv.ReplyError(said))
	if len(w.texts) < maxTexts {
		w.texts[string(said)] = err
	}
	return err
}

// makeRoom moves the beginning of a line to the front.
func (w *wire) makeRoom() {
	w.w = copy(w.in, w.in[w.r:w.w])
	w.r = 0
	if w.w == len(w.in) { // a very long line
		w.in = append(w.in, make([]byte, len(w.in))...)
	}
}

// setDeadline bounds the exchange that begins. What its commands say that they wait comes on top; of one that says for ever, it
// does not.
func (w *wire) setDeadline() error {
	switch {
	case w.timeout <= 0:
		return nil
	case w.patient == 0 && w.limit-w.sent >= w.timeout:
		return nil
	}
	w.limit = w.sent + w.timeout + w.patient
	if w.patient == 0 {
		w.limit += w.timeout / slackShare
	}
	at := w.limit
	if w.patient > 0 { // too far for the next exchange
		w.limit = 0
	}
	return w.conn.SetDeadline(w.began.Add(at))
}
