package redis

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kvtool/kvtool/internal/resp"
	"github.com/kvtool/kvtool/kv"
)

// A serverError is what a server answered in place of a reply: "NOPERM …", "ERR …".
type serverError string

func (e serverError) Error() string { return string(e) }

// answer returns what the server said, if err is something that it said.
func answer(err error) (text string, ok bool) {
	var ours serverError
	if errors.As(err, &ours) {
		return string(ours), true
	}
	var theirs goredis.Error
	if errors.As(err, &theirs) && !errors.Is(err, goredis.Nil) {
		return theirs.Error(), true
	}
	return "", false
}

// explain turns an error of a connection into a sentence with a hint, and takes out the password wherever a server has
// quoted it back: an old one does so with a command that it does not know.
func (c *config) explain(ctx context.Context, err error) error {
	var done *explained
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err() // what a closed connection says of itself is no news then
	case errors.As(err, &done):
		return err
	}
	if text, ok := answer(err); ok {
		return &explained{c.explainAnswer(text), err}
	}
	return &explained{c.explainConn(err), err}
}

// An explained error has been put into words, and keeps what it was: whether to wait for a server depends on that.
type explained struct {
	error
	cause error
}

func (e *explained) Unwrap() []error { return []error{e.error, e.cause} }

// redact removes the password from a text, and the arguments that a server quotes: one of them is a key.
func (c *config) redact(text string) string {
	text, _, _ = strings.Cut(text, ", with args beginning with")
	if c.password == "" {
		return text
	}
	return strings.ReplaceAll(text, c.password, "***")
}

const (
	hintPassword = "set KVTOOL_PASSWORD, and name the user in the URL: redis://USER@HOST:PORT"
	hintWrong    = "check the user in the URL and KVTOOL_PASSWORD; without a user the password is that of the user default"
)

func (c *config) explainAnswer(text string) error {
	err := error(serverError(c.redact(text)))
	has := func(part string) bool { return strings.Contains(text, part) }
	switch {
	case has("NOAUTH"):
		return kv.WithHint(fmt.Errorf("the server needs a password (%w)", err), hintPassword)
	case has("WRONGPASS"), has("invalid password"):
		return kv.WithHint(fmt.Errorf("the server refuses this user and password (%w)", err), hintWrong)
	case has("NOPERM"):
		grant := fullGrant(c.username, "")
		if c.kind == clustered {
			grant += clusterGrant
		}
		return kv.WithHint(err, "grant: "+grant)
	case has("LOADING"):
		return kv.WithHint(fmt.Errorf("the server is still loading its data (%w)", err), "try again when it has loaded: INFO persistence, loading_eta_seconds")
	case has("DENIED"):
		return kv.WithHint(errors.New("the server is in protected mode: it accepts connections from its own host only"),
			"run kvtool there, or give the server a password")
	case has("MASTERDOWN"):
		return kv.WithHint(fmt.Errorf("the replica has lost its primary and serves nothing (%w)", err), "name the primary, or a replica whose link is up")
	case has("max number of clients"):
		return kv.WithHint(err, "the server's maxclients is reached; try again, or raise it")
	case has("out of range"):
		return kv.WithHint(err, "the server has fewer databases: leave the number out to read all that hold keys")
	}
	return err
}

func (c *config) explainConn(err error) error {
	var dns *net.DNSError
	var addr *net.AddrError
	var record tls.RecordHeaderError
	var cert *tls.CertificateVerificationError
	var host x509.HostnameError
	var handshake *handshakeError
	switch {
	case errors.As(err, &dns):
		return kv.WithHint(fmt.Errorf("unknown host %s", dns.Name), "check the name; a target is redis://HOST:PORT")
	case errors.As(err, &addr):
		return kv.WithHint(fmt.Errorf("%s is no address: %s", c.addr, addr.Err), "a target is redis://HOST:PORT, with a port up to 65535")
	case errors.Is(err, syscall.ECONNREFUSED):
		return kv.WithHint(fmt.Errorf("%s refuses the connection", c.addr), "is the server running, and on this port? Without one, audit a dump: kvtool audit rdb:FILE")
	case errors.Is(err, os.ErrNotExist) && c.network == "unix":
		return kv.WithHint(fmt.Errorf("%s: no such socket", c.addr), "the server's setting unixsocket names it")
	case errors.As(err, &record):
		return kv.WithHint(errors.New("the server does not speak TLS on this port"), "redis://, with one s, is without TLS")
	case errors.As(err, &host):
		return kv.WithHint(fmt.Errorf("the server's certificate is not for this name: %w", host), "name it: ?tls_server_name=NAME")
	case errors.As(err, &cert):
		return kv.WithHint(fmt.Errorf("the server's certificate is not trusted: %w", cert.Err), "name its authority: ?tls_ca=FILE; or ?tls_skip_verify=true")
	case isCertificate(err):
		return kv.WithHint(err, "the server asks for a client's certificate: ?tls_cert=FILE&tls_key=FILE")
	case errors.As(err, &handshake) && (isTimeout(err) || isClosed(err)): // a plain server waits for the rest of a line, or hangs up
		return kv.WithHint(fmt.Errorf("no TLS on %s: %w", c.addr, err), "redis://, with one s, is without TLS")
	case isTimeout(err) && c.tls == nil && c.wantsTLS():
		return kv.WithHint(fmt.Errorf("no answer within %s", c.timeout), "this service takes connections with TLS alone: rediss://, with two s")
	case isTimeout(err):
		return kv.WithHint(fmt.Errorf("no answer within %s", c.timeout), "is the host reachable? ?timeout=1m waits longer")
	case errors.Is(err, resp.ErrProtocol):
		return c.explainProtocol(err)
	case isClosed(err):
		return c.explainClosed()
	}
	return err
}

// wantsTLS reports whether the server is one of a service that takes no connection without TLS.
func (c *config) wantsTLS() bool {
	s := serviceOf(c.addr, serverInfo{})
	return s != nil && s.TLS
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

func isClosed(err error) bool {
	for _, e := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// isCertificate reports whether the other side has ended TLS for want of a client's certificate. With TLS 1.3 that comes
// after the handshake.
func isCertificate(err error) bool {
	return strings.Contains(err.Error(), "tls: ") && strings.Contains(err.Error(), "certificate")
}

func (c *config) explainProtocol(err error) error {
	return kv.WithHint(fmt.Errorf("what answers on %s is no server of the Redis family: %w", c.addr, err), "check the port")
}

// explainClosed words the end of a connection. A server that expects TLS closes a plain one without a word; why it ends one
// that comes without a certificate may be lost with it.
func (c *config) explainClosed() error {
	err := errors.New("the server closed the connection")
	if c.tls == nil && c.network == "tcp" {
		return kv.WithHint(err, "if it speaks TLS, the target is rediss://, with two s")
	}
	if c.tls != nil && len(c.tls.Certificates) == 0 {
		return kv.WithHint(err, "if it asks for a client's certificate: ?tls_cert=FILE&tls_key=FILE")
	}
	return err
}
