// Package server serves an engine over TCP and unix sockets.
//
// The one idea is a goroutine for each connection that reads all that has arrived, runs it as one batch, and answers with one
// write. It never waits for a client to take a reply: what does not fit into the socket is kept, up to the limits of Redis, and
// a second goroutine sends it as the client reads.
package server

import (
	"errors"
	"net"
	"sync"
	"time"

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// A Server serves one Engine on any number of listeners.
type Server struct {
	engine *engine.Engine
	log    func(text string)

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*conn]struct{}

	starting sync.Mutex // taken last: nothing is begun once closed is
	closed   chan struct{}
	wg       sync.WaitGroup
}

// New returns a Server of e. What an operator should know is given to log, which may be nil.
func New(e *engine.Engine, log func(text string)) *Server {
	if log == nil {
		log = func(string) {}
	}
	s := &Server{engine: e, log: log, conns: map[*conn]struct{}{}, closed: make(chan struct{})}
	s.wg.Go(s.cron)
	return s
}

// Serve takes connections of l until Close, and returns nil then.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.isClosed() {
		s.mu.Unlock()
		return l.Close()
	}
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	for pause := time.Millisecond; ; {
		nc, err := l.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return nil
		case err != nil: // no file descriptors are left, say: others may be given back
			s.log("accept: " + err.Error())
			time.Sleep(pause)
			pause = min(2*pause, time.Second)
			continue
		}
		pause = time.Millisecond
		s.accept(nc)
	}
}

func (s *Server) isClosed() bool {
	select {
	case <-s.closed:
		return true
	default:
		return false
	}
}

func (s *Server) accept(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isClosed() {
		nc.Close()
		return
	}
	c := newConn(s, nc)
	if c.session == nil {
		s.wg.Go(func() { refuse(nc) })
		return
	}
	s.conns[c] = struct{}{}
	s.wg.Go(c.serve)
}

// refuse tells a client that there is no place for it, if it can be told at once.
func refuse(nc net.Conn) {
	defer nc.Close()
	if err := nc.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return
	}
	_, _ = nc.Write([]byte("-" + engine.ErrMaxClients + "\r\n"))
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// begin runs f in a goroutine that Close waits for, or reports that the server is closed.
func (s *Server) begin(f func()) bool {
	s.starting.Lock()
	defer s.starting.Unlock()
	if s.isClosed() {
		return false
	}
	s.wg.Go(f)
	return true
}

// cron calls the engine's, and looks at clients that send nothing or read nothing.
func (s *Server) cron() {
	for n := int64(0); ; n++ {
		hz := s.engine.HZ()
		select {
		case <-s.closed:
			return
		case <-time.After(time.Second / time.Duration(hz)):
		}
		s.engine.Cron()
		if n%hz == 0 {
			s.everySecond()
		}
	}
}

func (s *Server) everySecond() {
	s.mu.Lock()
	all := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		all = append(all, c)
	}
	s.mu.Unlock()
	idle := s.engine.IdleTimeout()
	for _, c := range all {
		c.inspect(idle)
	}
}

// Close ends all connections and listeners, and waits until they are gone.
func (s *Server) Close() {
	s.mu.Lock()
	s.starting.Lock()
	if !s.isClosed() {
		close(s.closed)
	}
	s.starting.Unlock()
	for _, l := range s.listeners {
		l.Close()
	}
	for c := range s.conns {
		c.nc.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
