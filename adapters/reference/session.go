package reference

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/kv"
)

// Session implements kv.Driver: a client without a connection. Replies are those of RESP2.
func (s *store) Session(_ context.Context, opt kv.SessionOptions) (kv.Session, error) {
	c := &session{began: time.Now(), timeout: opt.Timeout, woken: make(chan struct{}, 1), closed: make(chan struct{})}
	c.client = s.engine.Connect(engine.Origin{Addr: "in-process", Local: "in-process", FD: -1, Wake: c.wake})
	if c.client == nil {
		return nil, errors.New(engine.ErrMaxClients)
	}
	return c, nil
}

// A session is one client of the engine.
type session struct {
	client  *engine.Session
	began   time.Time
	timeout time.Duration
	woken   chan struct{}
	late    []byte // a reply that came when the client had waited for it

	mu     sync.Mutex // of Do
	once   sync.Once
	closed chan struct{}
}

// wake is called from any goroutine.
func (c *session) wake() {
	select {
	case c.woken <- struct{}{}:
	default: // it has been told already
	}
}

// Do implements kv.Session.
func (c *session) Do(ops []kv.Op, out []kv.Result) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.rest()
	c.late = c.client.Inbox(c.late[:0]) // what came after the client had given up
	sent := time.Since(c.began)
	for i := range ops {
		reply, err := c.run(ops[i].Args)
		if err != nil {
			return err
		}
		out[i] = result(reply)
		out[i].Sent = sent
	}
	done := time.Since(c.began)
	for i := range ops {
		out[i].Done = done
	}
	return nil
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

// wait returns the reply to a request that blocks.
func (c *session) wait() ([]byte, error) {
	var late <-chan time.Time
	if c.timeout > 0 {
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
	case bytes.HasPrefix(reply, []byte("-")):
		r.Status, r.Err = kv.Failed, fmt.Errorf("%s", bytes.TrimRight(reply[1:], "\r\n"))
	case bytes.HasPrefix(reply, []byte("$-1\r\n")), bytes.HasPrefix(reply, []byte("*-1\r\n")):
		r.Status = kv.Miss
	}
	return r
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
