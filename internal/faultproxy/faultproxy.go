// Package faultproxy stands between a client and a server, for tests, and does what networks and servers do at their worst.
//
// The one idea is that faults are switched while a test runs: a Proxy passes everything on until it is told otherwise, and a fault
// is in force from then on for connections that are there as well as for new ones.
package faultproxy

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A Fault is what the proxy does in place of passing on. The zero value passes everything on.
type Fault struct {
	Refuse bool          // new connections are closed at once
	Stall  bool          // nothing comes back
	Delay  time.Duration // replies come back this much later
	// Service is how long a request takes, of which one is worked on at a time, whichever connection it comes over: a server of known
	// capacity. Its reply is there no sooner; of a connection one request is on its way at a time.
	Service func() time.Duration
	Reply   string // each request that comes is answered with this, and not passed on: "-OOM command not allowed\r\n"
	// Rewrite returns what is passed on in place of a request: a server that does something else than it was asked to. It is called
	// for one request at a time, in the order of each connection, and decides by what it is given.
	Rewrite func(words []string) []string
}

// A Proxy listens on the loopback interface.
type Proxy struct {
	Addr   string
	server string
	l      net.Listener

	rewriting sync.Mutex

	mu    sync.Mutex
	fault Fault
	ended bool
	conns map[net.Conn]bool
	free  time.Time // when all that has come has been worked on, at Service
	wg    sync.WaitGroup
}

// Start starts a proxy to the server at addr, which ends with the test.
func Start(t testing.TB, addr string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: l.Addr().String(), server: addr, l: l, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		l.Close()
		p.Reset()
		p.wg.Wait()
	})
	return p
}

// Set puts a fault in force.
func (p *Proxy) Set(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = f
}

func (p *Proxy) now() Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.fault
}

// Reset ends all connections, with RST where there is one.
func (p *Proxy) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // of a connection that may have ended
		}
		c.Close()
	}
}

// keep notes a connection to be ended, unless all is over.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		c.Close()
		return false
	}
	p.conns[c] = true
	return true
}

func (p *Proxy) drop(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
	c.Close()
}

func (p *Proxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		if p.now().Refuse {
			client.Close()
			continue
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			client.Close()
			continue
		}
		if !p.keep(client) || !p.keep(server) {
			server.Close()
			return
		}
		done := new(atomic.Pointer[time.Time])
		p.wg.Go(func() { p.requests(client, server, done) })
		p.wg.Go(func() { p.replies(client, server, done) })
	}
}

// requests passes on what the client says. Where requests are answered here, each piece that comes is taken for whole requests,
// as clients write them.
func (p *Proxy) requests(client, server net.Conn, done *atomic.Pointer[time.Time]) {
	defer p.drop(client)
	defer p.drop(server)
	buf := make([]byte, 64<<10)
	var rest []byte // the beginning of a request, where they are read
	for {
		n, err := client.Read(buf)
		p.serve(buf[:n], done)
		if f := p.now(); n > 0 && f.Reply != "" {
			if _, err := io.WriteString(client, repeat(f.Reply, buf[:n])); err != nil {
				return
			}
		} else {
			out := buf[:n]
			if f.Rewrite != nil {
				out, rest = p.rewrite(f.Rewrite, append(rest, out...))
			}
			if _, err := server.Write(out); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// serve notes when requests will have been worked on.
func (p *Proxy) serve(requests []byte, done *atomic.Pointer[time.Time]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fault.Service == nil || len(requests) == 0 {
		return
	}
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	for range count(requests) {
		p.free = p.free.Add(p.fault.Service())
	}
	at := p.free
	done.Store(&at)
}

// count returns how many requests a piece is: one is a list at the beginning of a line.
func count(requests []byte) int { return 1 + bytes.Count(requests, []byte("\r\n*")) }

// repeat returns one reply for each request.
func repeat(reply string, requests []byte) string {
	return string(bytes.Repeat([]byte(reply), count(requests)))
}

// rewrite returns the whole requests of in as by has them, and what comes behind them.
func (p *Proxy) rewrite(by func([]string) []string, in []byte) (out, rest []byte) {
	p.rewriting.Lock()
	defer p.rewriting.Unlock()
	for {
		words, used := request(in)
		if used == 0 {
			return out, bytes.Clone(in)
		}
		in = in[used:]
		words = by(words)
		out = fmt.Appendf(out, "*%d\r\n", len(words))
		for _, w := range words {
			out = fmt.Appendf(out, "$%d\r\n%s\r\n", len(w), w)
		}
	}
}

// request reads the first request, and how long it is; 0 if it is not whole.
func request(in []byte) (words []string, used int) {
	number := func(kind byte) (n int, ok bool) {
		line, _, whole := bytes.Cut(in[used:], []byte("\r\n"))
		if !whole || len(line) == 0 || line[0] != kind {
			return 0, false
		}
		n, err := strconv.Atoi(string(line[1:]))
		used += len(line) + 2
		return n, err == nil && n >= 0
	}
	n, ok := number('*')
	for range n {
		size, whole := number('$')
		if ok = ok && whole && len(in) >= used+size+2; !ok {
			break
		}
		words = append(words, string(in[used:used+size]))
		used += size + 2
	}
	if !ok {
		return nil, 0
	}
	return words, used
}

func (p *Proxy) replies(client, server net.Conn, done *atomic.Pointer[time.Time]) {
	defer p.drop(client)
	defer p.drop(server)
	buf := make([]byte, 64<<10)
	for {
		n, err := server.Read(buf)
		if d := p.now().Delay; d > 0 {
			time.Sleep(d)
		}
		if at := done.Load(); at != nil {
			time.Sleep(time.Until(*at))
		}
		for p.now().Stall && !p.over() {
			time.Sleep(time.Millisecond)
		}
		if _, err := client.Write(buf[:n]); err != nil {
			return
		}
		if err != nil {
			return
		}
	}
}

func (p *Proxy) over() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ended
}
