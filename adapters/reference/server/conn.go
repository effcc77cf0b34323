package server

import (
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A conn is one connection. Its goroutine reads and runs; output is sent by whoever has some, one at a time.
type conn struct {
	server  *Server
	nc      net.Conn
	raw     syscall.RawConn // nil where there is none: then everything is sent by a goroutine
	session *engine.Session
	in      wire.Reader
	ahead   [engine.Ahead][][]byte // requests that are about to run
	marks   [engine.Ahead]int      // in's places behind them

	read    atomic.Int64 // size of in's buffer
	pending atomic.Int64 // length of out
	last    atomic.Int64 // Unix seconds of the last request

	mu      sync.Mutex // of what follows, and of sending
	out     []byte     // does not fit into the socket
	writing bool       // a goroutine sends out
	broken  bool
	soft    time.Time // since when out is over the soft limit
	attempt attempt
	reading attempt // of the connection's goroutine, without mu
	scratch []byte
}

func newConn(s *Server, nc net.Conn) *conn {
	c := &conn{server: s, nc: nc}
	o := engine.Origin{
		Addr: nc.RemoteAddr().String(), Local: nc.LocalAddr().String(), FD: -1, Wake: c.wake, Kill: c.kill, Buffers: c.buffers,
	}
	if _, ok := nc.(*net.UnixConn); ok {
		o.Unix = true
		o.Addr = o.Local + ":0"
	}
	if sc, ok := nc.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw = raw
			_ = raw.Control(func(fd uintptr) { o.FD = int(fd) })
		}
	}
	c.last.Store(time.Now().Unix())
	c.session = s.engine.Connect(o)
	return c
}

// serve reads and runs until the client or the server has enough.
func (c *conn) serve() {
	defer c.server.forget(c)
	defer c.nc.Close()
	defer c.session.Close()
	for {
		c.runBatch()
		if c.session.Closing() {
			c.finish()
			return
		}
		n, err := c.receive(c.in.Space())
		c.in.Advance(n)
		if errors.Is(err, os.ErrDeadlineExceeded) { // the session has been woken
			err = c.nc.SetReadDeadline(time.Time{})
		}
		if err != nil {
			return
		}
	}
}

// runBatch runs all requests that have arrived whole, and sends the replies.
func (c *conn) runBatch() {
	c.in.MaxBulk, c.in.Guest = c.server.engine.MaxBulk(), c.session.Guest()
	c.run()
	c.mu.Lock()
	c.session.Release()
	if b := c.session.Out.Bytes(); len(b) > 0 {
		c.send(b)
		c.session.Out.Reset()
	}
	c.mu.Unlock()
	c.session.Deliver()
}

func (c *conn) run() {
	for !c.idle() {
		if args := c.session.Delayed(); args != nil {
			c.session.Run(args)
			continue
		}
		n, err := c.look()
		c.session.Warm(c.ahead[:n])
		if n > 0 && !c.runAhead(n) {
			continue
		}
		if err != nil {
			c.session.Protocol(err.Error())
			return
		}
		if n == 0 {
			break
		}
	}
	c.last.Store(time.Now().Unix())
	c.read.Store(int64(c.in.Size()))
	if limit := c.server.engine.MaxQuery(); int64(c.in.Pending()) > limit {
		c.server.log(fmt.Sprintf("client %s is disconnected: its request is longer than client-query-buffer-limit, %d bytes",
			c.nc.RemoteAddr(), limit))
		c.session.Quit()
	}
}

// idle reports whether the session takes no request now.
func (c *conn) idle() bool { return c.session.Blocked() || c.session.Closing() }

// look reads the requests that have arrived whole, as many as are run together, into ahead.
func (c *conn) look() (n int, err error) {
	c.in.Forget()
	most := len(c.ahead)
	if c.in.Guest {
		most = 1 // the next may be allowed more
	}
	for n < most {
		args, err := c.in.Next()
		if args == nil || err != nil {
			return n, err
		}
		c.ahead[n], c.marks[n] = args, c.in.Mark()
		n++
	}
	return n, nil
}

// runAhead runs the first n requests of ahead. It reports false if it had to stop before the last: the others are to be read again.
func (c *conn) runAhead(n int) bool {
	for i, args := range c.ahead[:n] {
		c.session.Run(args)
		if c.session.Out.Len() > flushAt {
			c.flush()
		}
		if guest := c.session.Guest(); guest != c.in.Guest || c.idle() {
			c.in.Guest = guest
			c.in.Back(c.marks[i])
			return false
		}
	}
	return true
}

// flushAt is how many bytes of replies are sent before the batch is over.
const flushAt = 1 << 20

// flush sends replies in the middle of a batch, without the locks of the engine.
func (c *conn) flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.session.Yield()
	c.send(c.session.Out.Bytes())
	c.session.Out.Reset()
}

// wake sends what others have left for the session, and makes its goroutine go on if it was blocked.
func (c *conn) wake() {
	c.mu.Lock()
	c.scratch = c.session.Inbox(c.scratch[:0])
	if len(c.scratch) > 0 {
		c.send(c.scratch)
	}
	if cap(c.scratch) > flushAt {
		c.scratch = nil
	}
	c.mu.Unlock()
	if c.session.Woken() {
		_ = c.nc.SetReadDeadline(time.Unix(1, 0))
	}
}

// kill ends the connection; whatever was to be sent is lost.
func (c *conn) kill() { c.nc.Close() }

// send sends b or keeps what the socket does not take. mu is locked.
func (c *conn) send(b []byte) {
	if c.broken {
		return
	}
	if len(c.out) == 0 && !c.writing {
		n, err := c.try(b)
		if err != nil {
			c.broken = true
			c.nc.Close()
			return
		}
		if b = b[n:]; len(b) == 0 {
			return
		}
	}
	c.out = append(c.out, b...)
	c.pending.Store(int64(len(c.out)))
	if c.overLimit(time.Now()) {
		return
	}
	if !c.writing {
		c.writing = c.server.begin(c.drain) // somebody outside of the server may publish after Close
		c.broken = !c.writing
	}
}

// drain sends what is kept until there is no more.
func (c *conn) drain() {
	for {
		c.mu.Lock()
		b := c.out
		c.out = nil
		if len(b) == 0 || c.broken {
			c.writing = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		_, err := c.nc.Write(b)
		c.mu.Lock()
		c.pending.Store(int64(len(c.out)))
		if err != nil {
			c.broken = true
		}
		c.mu.Unlock()
	}
}

// overLimit ends a connection whose client reads too slowly (networking.c: checkClientOutputBufferLimits). mu is locked.
func (c *conn) overLimit(now time.Time) bool {
	limit, n := c.session.OutputLimit(), c.pending.Load()
	over := limit.Hard > 0 && n >= limit.Hard
	switch {
	case limit.Soft == 0 || n < limit.Soft:
		c.soft = time.Time{}
	case c.soft.IsZero():
		c.soft = now
	case now.Sub(c.soft) > time.Duration(limit.Seconds)*time.Second:
		over = true
	}
	if !over {
		return false
	}
	c.server.log(fmt.Sprintf("client %s is disconnected: it reads too slowly, %d bytes wait for it (client-output-buffer-limit)",
		c.nc.RemoteAddr(), n))
	c.broken, c.out = true, nil
	c.nc.Close()
	return true
}

// inspect ends a connection that has sent nothing for idle seconds, 0 is never, or reads too slowly.
func (c *conn) inspect(idle int64) {
	c.mu.Lock()
	if c.pending.Load() > 0 {
		c.overLimit(time.Now())
	}
	c.mu.Unlock()
	if idle > 0 && time.Now().Unix()-c.last.Load() > idle && !c.session.Blocked() && c.session.Class() == engine.NormalClass {
		c.nc.Close()
	}
}

// finish waits until the last replies are sent, for a while.
func (c *conn) finish() {
	for deadline := time.Now().Add(lastWords); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		c.mu.Lock()
		done := c.broken || !c.writing
		c.mu.Unlock()
		if done {
			return
		}
	}
}

// lastWords is how long a client that is to be disconnected may take to read what was sent to it before.
const lastWords = 5 * time.Second

// buffers says what CLIENT LIST shows.
func (c *conn) buffers() engine.Buffers {
	b := engine.Buffers{QueryFree: c.read.Load(), Output: c.pending.Load()}
	if b.Output > 0 {
		b.OutputChunks = 1 + b.Output>>14
	}
	return b
}
