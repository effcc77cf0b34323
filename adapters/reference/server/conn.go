package server

import (
	"errors"
	"net"

	"github.com/kvtool/kvtool/adapters/reference/engine"
	"github.com/kvtool/kvtool/adapters/reference/wire"
)

// A conn is one connection.
type conn struct {
	server  *Server
	nc      net.Conn
	session *engine.Session
	in      wire.Reader
}

func newConn(s *Server, nc net.Conn) *conn {
	return &conn{server: s, nc: nc, session: s.engine.Connect()}
}

func (c *conn) serve() {
	defer c.server.forget(c)
	defer c.session.Close()
	defer c.nc.Close()
	for !c.session.Closing() {
		n, err := c.nc.Read(c.in.Space())
		if err != nil {
			return
		}
		c.in.Advance(n)
		c.batch()
		if _, err := c.nc.Write(c.session.Out.Bytes()); err != nil {
			return
		}
		c.session.Out.Reset()
	}
}

// batch runs all requests that have arrived whole.
func (c *conn) batch() {
	defer c.session.Release()
	for !c.session.Closing() {
		args, err := c.in.Next()
		if err != nil {
			var p wire.ProtocolError
			if errors.As(err, &p) {
				c.session.Out.Error("ERR " + p.Error())
			}
			c.session.Quit()
			return
		}
		if args == nil {
			return
		}
		c.session.Run(args)
	}
}
