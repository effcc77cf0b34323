package redis

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/kvtool/kvtool/internal/resp"
)

// dial opens a connection: TCP or a socket, with TLS where the target says so. Nothing has been said on it yet.
func (c *config) dial(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var d net.Dialer
	plain, err := d.DialContext(ctx, c.network, c.addr)
	if err != nil {
		return nil, err
	}
	if c.tls == nil {
		return plain, nil
	}
	secure := tls.Client(plain, c.tls)
	if err := secure.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, &handshakeError{err}
	}
	return secure, nil
}

// A handshakeError ended an attempt at TLS.
type handshakeError struct{ error }

func (e *handshakeError) Unwrap() error { return e.error }

// newClient returns go-redis with everything turned off that it would do by itself: retries (a refusal is an answer),
// notifications, telling the server its name. What it sends passes the guard of mode.
func newClient(c config, mode resp.Mode) *goredis.Client {
	return goredis.NewClient(&goredis.Options{
		Network:  c.network,
		Addr:     c.addr,
		Username: c.username,
		Password: c.password,
		DB:       max(c.db, 0),
		Protocol: 2,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := c.dial(ctx)
			if err != nil {
				return failedConn{err: err}, nil
			}
			return guardedConn{conn, mode.Guard(conn)}, nil
		},
		DialTimeout:              c.timeout + time.Minute, // the dialer has a timeout of its own, whose error says more
		PoolTimeout:              c.timeout + time.Minute,
		ReadTimeout:              c.timeout,
		WriteTimeout:             c.timeout,
		ContextTimeoutEnabled:    true,
		MaxRetries:               -1,
		DialerRetries:            1,
		PoolSize:                 1,
		DisableIdentity:          true,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
		OnConnect:                c.onConnect(),
	})
}

// onConnect returns what go-redis is to do with a new connection: on a replica of a cluster, to ask for its own keys.
func (c *config) onConnect() func(context.Context, *goredis.Conn) error {
	if !c.readonly {
		return nil
	}
	return func(ctx context.Context, conn *goredis.Conn) error { return conn.ReadOnly(ctx).Err() }
}

// A guardedConn sends only what the guard lets pass.
type guardedConn struct {
	net.Conn
	guard io.Writer
}

func (c guardedConn) Write(p []byte) (int, error) { return c.guard.Write(p) }

// A failedConn stands for a connection that could not be made: each use gives the reason. go-redis prints the error of a
// dialer to the standard error stream before it returns it; that of a connection it only returns.
type failedConn struct {
	net.Conn
	err error
}

func (c failedConn) Read([]byte) (int, error)         { return 0, c.err }
func (c failedConn) Write([]byte) (int, error)        { return 0, c.err }
func (c failedConn) Close() error                     { return nil }
func (c failedConn) SetDeadline(time.Time) error      { return nil }
func (c failedConn) SetReadDeadline(time.Time) error  { return nil }
func (c failedConn) SetWriteDeadline(time.Time) error { return nil }
func (c failedConn) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (c failedConn) RemoteAddr() net.Addr             { return &net.UnixAddr{} }

// A link is a connection for scanning.
type link struct {
	conn    net.Conn
	timeout time.Duration
	end     atomic.Int64 // nanoseconds since 1970 after which nothing is waited for any more; 0: not set
	in      *resp.Reader
	out     resp.Batch
}

func newLink(conn net.Conn, timeout time.Duration) *link {
	l := &link{conn: conn, timeout: timeout}
	l.in = resp.NewReader(l, readBuffer)
	return l
}

// readBuffer holds the answers for a page of ordinary keys.
const readBuffer = 64 << 10

// link opens a connection and logs in on it.
func (c *config) link(ctx context.Context, noTouch bool) (*link, error) {
	conn, err := c.dial(ctx)
	if err != nil {
		return nil, err
	}
	l := newLink(conn, c.timeout)
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	if err := l.greet(c, noTouch); err != nil {
		conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return l, nil
}

// greet logs in as go-redis does: with a user, default if none is named. A server that needs no password takes any.
func (l *link) greet(c *config, noTouch bool) error {
	if c.password != "" {
		if err := l.do([]string{userName(c.username), c.password}, "AUTH"); err != nil {
			return err
		}
	}
	if c.readonly {
		if err := l.do(nil, "READONLY"); err != nil {
			return err
		}
	}
	if noTouch {
		return l.do([]string{"ON"}, "CLIENT", "NO-TOUCH")
	}
	return nil
}

// do sends one command and wants no more than a status for it.
func (l *link) do(args []string, words ...string) error {
	rep, err := l.ask(args, words...)
	if err != nil {
		return err
	}
	return l.in.Skip(rep)
}

// ask sends one command and returns the beginning of the reply. What the server refuses is an error.
func (l *link) ask(args []string, words ...string) (resp.Reply, error) {
	cmd, err := resp.ReadOnly.Command(len(args), words...)
	if err != nil {
		return resp.Reply{}, err
	}
	l.out.Add(cmd, args...)
	if err := l.out.Send(l); err != nil {
		return resp.Reply{}, err
	}
	rep, err := l.in.Next()
	if err == nil && rep.Kind == resp.Error {
		err = serverError(rep.Data)
	}
	return rep, err
}

// maxText bounds an answer that is a text. CLUSTER NODES of a thousand nodes has a few hundred kilobytes.
const maxText = 16 << 20

// text sends one command that is answered with a text.
func (l *link) text(args []string, words ...string) (string, error) {
	rep, err := l.ask(args, words...)
	switch {
	case err != nil:
		return "", err
	case rep.Kind != resp.Bulk && rep.Kind != resp.Simple || len(rep.Data) > maxText:
		return "", fmt.Errorf("%w: %s was answered otherwise", resp.ErrProtocol, strings.Join(words, " "))
	}
	return string(rep.Data), nil
}

// Read and Write give each operation of the socket its own time: how long whoever consumes the records takes between two
// of them does not count.
func (l *link) Read(p []byte) (int, error) {
	if err := l.limit(l.conn.SetReadDeadline); err != nil {
		return 0, err
	}
	return l.conn.Read(p)
}

func (l *link) Write(p []byte) (int, error) {
	if err := l.limit(l.conn.SetWriteDeadline); err != nil {
		return 0, err
	}
	return l.conn.Write(p)
}

// limit sets a deadline. If the end is set at the same moment, one of the two sees what the other has done.
func (l *link) limit(set func(time.Time) error) error {
	if l.end.Load() == 0 {
		if err := set(time.Now().Add(l.timeout)); err != nil {
			return err
		}
	}
	if end := l.end.Load(); end != 0 {
		return set(time.Unix(0, end))
	}
	return nil
}

// moment is how long a scan that was told to stop waits for the rest of its page: with it, the place where it stopped is one
// where it can go on.
const moment = 250 * time.Millisecond

// hurry ends all waiting in a moment.
func (l *link) hurry() {
	end := time.Now().Add(moment)
	l.end.Store(end.UnixNano())
	_ = l.conn.SetDeadline(end) // of a connection that has ended
}
