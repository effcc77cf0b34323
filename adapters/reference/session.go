package reference

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/kv"
)

// Session implements kv.Driver: a client without a connection. Replies are those of RESP2.
func (s *store) Session(_ context.Context, opt kv.SessionOptions) (kv.Session, error) {
	began := opt.Epoch
	if began.IsZero() {
		began = time.Now()
	}
	client, woken, err := s.connect()
	if err != nil {
		return nil, err
	}
	return &session{client: client, woken: woken, began: began, timeout: opt.Timeout, values: [][]byte{}, closed: make(chan struct{})}, nil
}

// connect returns a client without a connection, and what tells that something was sent to it, or that it may go on. It fails if there
// are as many as maxclients allows.
func (s *store) connect() (client *engine.Session, woken <-chan struct{}, err error) {
	told := make(chan struct{}, 1)
	wake := func() { // from any goroutine
		select {
		case told <- struct{}{}:
		default: // it has been told already
		}
	}
	client = s.engine.Connect(engine.Origin{Addr: "in-process", Local: "in-process", FD: -1, Wake: wake})
	if client == nil {
		return nil, nil, errors.New(engine.ErrMaxClients)
	}
	return client, told, nil
}

// A session is one client of the engine.
type session struct {
	client  *engine.Session
	began   time.Time
	timeout time.Duration
	woken   <-chan struct{}
	late    []byte // a reply that came when the client had waited for it
	kept    []byte // the replies of the last Do that are read
	values  [][]byte

	mu     sync.Mutex // of Do
	once   sync.Once
	closed chan struct{}
}

// Do implements kv.Session.
func (c *session) Do(ops []kv.Op, out []kv.Result) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.rest()
	c.late = c.client.Inbox(c.late[:0]) // what came after the client had given up
	c.kept, c.values = c.kept[:0], c.values[:0]
	sent := time.Since(c.began)
	for i := range ops {
		reply, err := c.run(ops[i].Args)
		if err != nil {
			return err
		}
		out[i] = result(reply)
		out[i].Sent = sent
		if ops[i].Want && reply[0] != '-' {
			out[i].Values = c.keep(reply)
		}
	}
	done := time.Since(c.began)
	for i := range ops {
		out[i].Done = done
	}
	return nil
}

// keep returns the elements of a reply, which is copied: others are written where it is.
func (c *session) keep(reply []byte) [][]byte {
	at, from := len(c.kept), len(c.values)
	c.kept = append(c.kept, reply...)
	c.values = appendValues(c.values, c.kept[at:])
	return c.values[from:len(c.values):len(c.values)]
}

// appendValues appends the elements of a reply. An error within a list keeps its "-".
func appendValues(values [][]byte, reply []byte) [][]byte {
	for len(reply) > 0 {
		var kind byte
		var text []byte
		if kind, text, reply = element(reply); kind != '*' || text == nil {
			values = append(values, text)
		}
	}
	return values
}

// element takes one element off a reply in RESP2, which is one of ours and whole: its text, nil if it is null; of an error its
// line; of a list, whose elements follow, their number.
func element(reply []byte) (kind byte, text, rest []byte) {
	line, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	kind, text = line[0], line[1:]
	switch {
	case kind == '-':
		return kind, line, rest
	case kind == ':' || kind == '+':
		return kind, text, rest
	case text[0] == '-':
		return kind, nil, rest
	case kind == '*':
		return kind, text, rest
	}
	n := 0
	for _, digit := range text {
		n = 10*n + int(digit-'0')
	}
	return kind, rest[:n:n], rest[n+2:]
}

// rest lets go of the engine, and forgets the replies.
func (c *session) rest() {
	c.client.Release()
	c.client.Out.Reset()
	c.client.Deliver()
}

// run returns the reply to one request, valid until the next. One that blocks is waited for.
func (c *session) run(args [][]byte) ([]byte, error) {
	select {
	case <-c.closed:
		return nil, net.ErrClosed
	default:
	}
	for {
		mark := c.client.Out.Len()
		c.client.Run(args)
		if !c.client.Blocked() {
			return c.client.Out.Bytes()[mark:], nil
		}
		c.rest()
		reply, err := c.wait()
		if err != nil {
			return nil, err
		}
		if args = c.client.Delayed(); args == nil { // or else it was put off by CLIENT PAUSE, and is still to be run
			return reply, nil
		}
	}
}

// wait returns the reply to a request that blocks. One that says how long it waits is answered by then.
func (c *session) wait() ([]byte, error) {
	var late <-chan time.Time
	if c.timeout > 0 && c.client.Endless() {
		t := time.NewTimer(c.timeout)
		defer t.Stop()
		late = t.C
	}
	for {
		select {
		case <-c.woken:
			if c.late = c.client.Inbox(c.late[:0]); c.client.Woken() {
				return c.late, nil
			}
		case <-late:
			return nil, os.ErrDeadlineExceeded
		case <-c.closed:
			return nil, net.ErrClosed
		}
	}
}

// result reads of a reply what is to be known of it.
func result(reply []byte) kv.Result {
	r := kv.Result{Bytes: len(reply)}
	switch {
	case reply[0] == '-':
		r.Status, r.Err = kv.Failed, replyError(reply)
	case reply[1] == '-' && (reply[0] == '$' || reply[0] == '*'):
		r.Status = kv.Miss
	case reply[0] == '*':
		if said := errorWithin(reply); said != nil {
			r.Status, r.Err = kv.Failed, replyError(said)
		}
	}
	return r
}

func replyError(line []byte) error {
	text, _, _ := bytes.Cut(line[1:], []byte("\r\n"))
	return kv.ReplyError(text)
}

// errorWithin returns the first error within a list, or nil.
func errorWithin(reply []byte) []byte {
	for len(reply) > 0 {
		var kind byte
		var text []byte
		if kind, text, reply = element(reply); kind == '-' {
			return text
		}
	}
	return nil
}

// Close implements kv.Session.
func (c *session) Close() error {
	c.once.Do(func() {
		close(c.closed) // ends a wait
		c.mu.Lock()
		defer c.mu.Unlock()
		c.client.Close()
	})
	return nil
}
