package dynamodb

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/kvtool/kvtool/internal/socket"
)

// A wire is one connection of HTTP/1.1 to the table's endpoint, as a dynamodb.HTTPClient. It belongs to one goroutine, which writes a
// request and reads its reply: net/http's transport has two goroutines of its own for each connection, and handing over from one to
// the other is a fifth of what a request costs. Proxies are the transport's matter.
type wire struct {
	base      context.Context // with its end the connection is closed
	transport *http.Transport // whose settings of TLS, of dialling and of proxies hold; of the SDK
	conn      net.Conn        // nil: none yet, or it is of no more use
	forget    func() bool     // the end of base
	r         *bufio.Reader
	w         *bufio.Writer
	last      time.Time // at which the connection was last used
	bytes     int64     // of the bodies of replies, until it is set to 0
}

const (
	// idleCheck is after how long a connection is looked at before it is used: who keeps it open for nobody closes it, and a write
	// that is answered by a reset may or may not have been done.
	idleCheck = time.Second
	// mostRest is how much of a reply is read that nobody wanted, in bytes, to use the connection once more.
	mostRest = 64 << 10
)

// Do implements dynamodb.HTTPClient. It returns what the connection says; the SDK makes an error of that.
func (c *wire) Do(req *http.Request) (*http.Response, error) {
	if proxy, err := c.proxied(req); proxy || err != nil {
		if err != nil {
			return nil, err
		}
		resp, err := c.transport.RoundTrip(req)
		if err == nil {
			c.bytes += max(0, resp.ContentLength)
		}
		return resp, err
	}
	if err := c.ready(req); err != nil {
		return nil, err
	}
	conn := c.conn
	stop := context.AfterFunc(req.Context(), func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	resp, err := c.exchange(req)
	if err != nil {
		stop()
		c.drop()
		return nil, err
	}
	resp.Body = &reply{wire: c, body: resp.Body, stop: stop, keep: !resp.Close}
	return resp, nil
}

func (c *wire) proxied(req *http.Request) (bool, error) {
	if c.transport.Proxy == nil {
		return false, nil
	}
	u, err := c.transport.Proxy(req)
	return u != nil, err
}

// ready has a connection that the other side has not closed.
func (c *wire) ready(req *http.Request) error {
	if c.conn != nil && time.Since(c.last) > idleCheck && !c.alive() {
		c.drop()
	}
	if c.conn != nil {
		return nil
	}
	ctx := req.Context()
	port := req.URL.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[req.URL.Scheme]
	}
	conn, err := c.transport.DialContext(ctx, "tcp", net.JoinHostPort(req.URL.Hostname(), port))
	if err != nil {
		return err
	}
	if req.URL.Scheme == "https" {
		config := &tls.Config{MinVersion: tls.VersionTLS12}
		if c.transport.TLSClientConfig != nil {
			config = c.transport.TLSClientConfig.Clone()
		}
		config.ServerName, config.NextProtos = req.URL.Hostname(), []string{"http/1.1"}
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return errors.Join(err, conn.Close())
		}
		conn = secure
	}
	c.conn, c.r, c.w = conn, bufio.NewReader(conn), bufio.NewWriter(conn)
	c.forget = context.AfterFunc(c.base, func() { _ = conn.Close() })
	return nil
}

// alive reports whether there is nothing to read, as it has to be where nothing was asked. The socket is looked at once, without waiting:
// a read with a deadline that has passed by then, as on a busy machine, would not look at it at all.
func (c *wire) alive() bool {
	conn := c.conn
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	raw := socket.Raw(conn)
	if raw == nil || c.r.Buffered() > 0 {
		return false
	}
	nothing := false
	err := raw.Read(func(fd uintptr) bool {
		_, nothing, _ = socket.Read(fd, make([]byte, 1)) // a connection of which a byte is taken is given up
		return true
	})
	return err == nil && nothing
}

func (c *wire) exchange(req *http.Request) (*http.Response, error) {
	if err := req.Write(c.w); err != nil {
		return nil, err
	}
	if err := c.w.Flush(); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(c.r, req)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // it has not said why
	}
	if err == nil {
		c.bytes += max(0, resp.ContentLength)
	}
	return resp, err
}

// drop closes the connection, if there is one.
func (c *wire) drop() {
	if c.conn != nil {
		c.forget()
		_ = c.conn.Close()
		c.conn = nil
	}
}

// A reply is the body of one.
type reply struct {
	wire *wire
	body io.ReadCloser
	stop func() bool // the watch over the request's context; false: its time is up
	keep bool        // the connection
}

func (b *reply) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.keep = false
	}
	return n, err
}

// Close reads what is left, so that the connection can be used again.
func (b *reply) Close() error {
	if b.stop == nil {
		return nil
	}
	_, err := io.CopyN(io.Discard, b, mostRest)
	inTime := b.stop()
	b.stop = nil
	b.wire.last = time.Now()
	if !b.keep || !inTime || !errors.Is(err, io.EOF) {
		b.wire.drop()
		return nil
	}
	return b.body.Close()
}
