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

	"github.com/kvtool/kvtool/adapters/reference/engine"
)

// A Server serves one Engine on any number of listeners.
type Server struct {
	engine *engine.Engine

	mu        sync.Mutex
	listeners []net.Listener
	conns     map[*conn]struct{}
	closed    bool
	wg        sync.WaitGroup
}

// New returns a Server of e.
func New(e *engine.Engine) *Server {
	return &Server{engine: e, conns: map[*conn]struct{}{}}
}

// Serve takes connections of l until Close. It returns nil then.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return l.Close()
	}
	s.listeners = append(s.listeners, l)
	s.mu.Unlock()
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		s.accept(nc)
	}
}

func (s *Server) accept(nc net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		nc.Close()
		return
	}
	c := newConn(s, nc)
	s.conns[c] = struct{}{}
	s.wg.Go(c.serve)
}

func (s *Server) forget(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// Close ends all connections and listeners, and waits until they are gone.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, l := range s.listeners {
		l.Close()
	}
	for c := range s.conns {
		c.nc.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}
