package memcached

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// An answerError is what a server answered in place of a reply: "ERROR", "CLIENT_ERROR …", "SERVER_ERROR …".
type answerError string

func (e answerError) Error() string { return string(e) }

// errProtocol says that what answers does not speak memcached's text protocol.
var errProtocol = errors.New("not memcached's text protocol")

// A link is one connection to a server, on which one command is asked after the other. It is not safe for concurrent use.
type link struct {
	srv     *server
	conn    net.Conn
	in      *bufio.Reader
	wait    *patient
	version string
	stop    func() bool // undoes the tie to a context
}

// linkBuffer is how much is read at once. The longest line that is read is shorter: a key is at most 250 bytes, three times as many
// when it is encoded.
const (
	linkBuffer  = 64 << 10
	longestLine = 4 << 10
)

// A patient is a connection each of whose reads has to end within a time; 0 is none.
type patient struct {
	net.Conn
	timeout time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	end := time.Time{}
	if p.timeout > 0 {
		end = time.Now().Add(p.timeout)
	}
	if err := p.SetReadDeadline(end); err != nil {
		return 0, err
	}
	return p.Conn.Read(b)
}

// dial connects, and says nothing yet. The connection is closed when ctx ends.
func (srv *server) dial(ctx context.Context) (*link, error) {
	d := net.Dialer{Timeout: srv.cfg.timeout}
	conn, err := d.DialContext(ctx, srv.cfg.network, srv.addr)
	if err != nil {
		return nil, srv.explain(ctx, err)
	}
	l := &link{srv: srv, conn: conn, wait: &patient{conn, srv.cfg.timeout}}
	l.in = bufio.NewReaderSize(l.wait, linkBuffer)
	l.stop = context.AfterFunc(ctx, func() { conn.Close() })
	return l, nil
}

// link connects and logs in. The connection is closed when ctx ends.
func (srv *server) link(ctx context.Context) (*link, error) {
	l, err := srv.dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := l.login(); err != nil {
		l.close()
		return nil, fmt.Errorf("connecting to %s: %w", srv.addr, srv.explain(ctx, err))
	}
	return l, nil
}

func (l *link) close() {
	l.stop()
	l.conn.Close()
}

// login asks for the version, and logs in if the server wants that first. A login is a set of a made-up key: one that did not want
// it would store the password.
func (l *link) login() error {
	err := l.askVersion()
	var said answerError
	if !errors.As(err, &said) || !unauthenticated(said) {
		return err
	}
	if l.srv.cfg.username == "" {
		return said
	}
	body := l.srv.cfg.username + " " + l.srv.cfg.password
	if err := l.send("set kvtool 0 0 " + strconv.Itoa(len(body)) + "\r\n" + body); err != nil {
		return err
	}
	line, err := l.line()
	switch {
	case err != nil:
		return err
	case string(line) != "STORED":
		return answerError(line)
	}
	return l.askVersion()
}

func unauthenticated(said answerError) bool { return strings.Contains(string(said), "unauthenticated") }

func (l *link) askVersion() error {
	if err := l.send("version"); err != nil {
		return err
	}
	line, err := l.line()
	if err != nil {
		return err
	}
	version, ok := bytes.CutPrefix(line, []byte("VERSION "))
	switch {
	case isError(line):
		return answerError(line)
	case !ok:
		return fmt.Errorf("%w: version was answered %.40q", errProtocol, line)
	}
	l.version = string(version)
	return nil
}

// send sends a command, without the end of its line.
func (l *link) send(command string) error {
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.srv.cfg.timeout)); err != nil {
		return err
	}
	_, err := io.WriteString(l.conn, command+"\r\n")
	return err
}

// line returns the next line without its end, valid until the next read.
func (l *link) line() ([]byte, error) {
	b, err := l.in.ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull), err == nil && len(b) > longestLine:
		return nil, fmt.Errorf("%w: a line of more than %d bytes: %.40q", errProtocol, longestLine, b)
	case errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	}
	b = b[:len(b)-1]
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	return b, nil
}

// isError reports whether a line is one that a server answers in place of a reply.
func isError(line []byte) bool {
	for _, word := range []string{"ERROR", "CLIENT_ERROR", "SERVER_ERROR", "BUSY", "BADCLASS"} {
		if rest, ok := bytes.CutPrefix(line, []byte(word)); ok && (len(rest) == 0 || rest[0] == ' ') {
			return true
		}
	}
	return false
}

// explain turns an error of a connection into a sentence with a hint.
func (srv *server) explain(ctx context.Context, err error) error {
	var done *explained
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // what a closed connection says of itself is no news then
	case errors.As(err, &done):
		return err
	}
	var said answerError
	if errors.As(err, &said) {
		return &explained{srv.explainAnswer(said), err}
	}
	return &explained{srv.explainConn(err), err}
}

// An explained error has been put into words, and keeps what it was.
type explained struct {
	error
	cause error
}

func (e *explained) Unwrap() []error { return []error{e.error, e.cause} }

func (srv *server) explainAnswer(said answerError) error {
	text := string(said)
	if p := srv.cfg.password; p != "" { // no server quotes it today
		text = strings.ReplaceAll(text, p, "***")
	}
	err := error(answerError(text))
	switch {
	case unauthenticated(said):
		return kv.WithHint(fmt.Errorf("the server needs a user and a password (%w)", err), "name the user in the URL, memcached://USER@HOST:PORT, and set KVTOOL_PASSWORD")
	case strings.Contains(text, "authentication failure"):
		return kv.WithHint(fmt.Errorf("the server refuses this user and password (%w)", err), "check the user in the URL and KVTOOL_PASSWORD")
	case strings.HasPrefix(text, "BUSY"):
		return kv.WithHint(fmt.Errorf("its crawler is busy: another dump or the server's own search for expired items is going on (%w)", err),
			"try again, or wait longer: ?timeout=1m")
	case strings.Contains(text, "crawler disabled"):
		return kv.WithHint(fmt.Errorf("the crawler is off, and without it no key is listed (%w)", err), hintCrawler)
	case strings.Contains(text, "not allowed"):
		return kv.WithHint(fmt.Errorf("the server lists no keys: it was started with -X (%w)", err), "start it without -X (--disable-dumping)")
	}
	return err
}

const hintCrawler = "turn it on: lru_crawler enable; or start the server without -o no_lru_crawler"

func (srv *server) explainConn(err error) error {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &dns):
		return kv.WithHint(fmt.Errorf("unknown host %s", dns.Name), "check the name; a target is memcached://HOST:PORT")
	case errors.Is(err, syscall.ECONNREFUSED):
		return kv.WithHint(fmt.Errorf("%s refuses the connection", srv.addr), "is the server running, and on this port?")
	case errors.Is(err, os.ErrNotExist) && srv.cfg.network == "unix":
		return kv.WithHint(fmt.Errorf("%s: no such socket", srv.addr), "the server's option -s names it")
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return kv.WithHint(fmt.Errorf("no answer within %s", srv.cfg.timeout), "is the host reachable? ?timeout=1m waits longer; a server that was started "+
			"with -S (SASL) or -B binary answers no text")
	case errors.Is(err, errProtocol):
		return kv.WithHint(fmt.Errorf("what answers on %s is no memcached, or a proxy before one: %w", srv.addr, err), "check the port; name the servers behind a proxy")
	case isClosed(err):
		return kv.WithHint(errors.New("the server closed the connection"), "a server with TLS, one that speaks the binary protocol alone, and some proxies do that")
	}
	return err
}

func isClosed(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
