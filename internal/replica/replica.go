// Package replica asks a server of the Redis family for a snapshot of its data, as a new replica does, and gives the snapshot as a
// stream. It owns the handshake and the two frames that a snapshot comes in. It does not dial, log in, or read what is in a
// snapshot: that is internal/rdbread's; and it never reads the commands that a replica would be sent after it.
//
// The one idea is that whoever wants only the snapshot can say so and leave: nothing is announced by which others would find a
// replica here, and where the server knows the option rdb-only (6.2) it keeps no commands for us meanwhile.
//
//	us      REPLCONF capa eof capa psync2 ─ REPLCONF rdb-only 1 ─ PSYNC ? -1
//	server  +FULLRESYNC <id> <offset>, a line feed now and then while it forks and writes, and then one of
//	        $<length> CRLF <snapshot>                          from a file on its disk
//	        $EOF:<40 bytes> CRLF <snapshot> <the same 40 bytes>  straight from its child
//
// With SYNC in place of PSYNC the line +FULLRESYNC is missing.
//
// Sources: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/, and syncCommand, replconfCommand and
// replicationCron in replication.c of Redis 6.2, 7.0, 7.2 and Valkey 9.
package replica

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/resp"
)

// A Refusal is what a server answered in place of a snapshot: "NOPERM …", "NOMASTERLINK …".
type Refusal string

func (r Refusal) Error() string { return string(r) }

// Denied reports whether the server does not have the command, or not for this user: rights, a service that keeps it to itself, a
// name that was changed.
func (r Refusal) Denied() bool {
	text := strings.ToLower(string(r))
	return strings.HasPrefix(text, "noperm") || strings.Contains(text, "unknown command") || strings.Contains(text, "not available") ||
		strings.Contains(text, "not allowed") || strings.Contains(text, "not supported")
}

// bufferSize bounds a line, and is how much of a snapshot is looked through for its end at once.
const bufferSize = 64 << 10

// A caller speaks to one server.
type caller struct {
	in  *bufio.Reader
	out io.Writer
}

// Sync is the command of servers before 2.8, and of those where the other has another name.
const (
	PSync = "PSYNC"
	Sync  = "SYNC"
)

// Probe asks whether the server would take the commands of Ask from this user, without asking for a snapshot: nil where nothing
// speaks against it. The right to PSYNC itself shows only when it is used.
func Probe(conn io.ReadWriter, command string) error {
	c := &caller{bufio.NewReaderSize(conn, bufferSize), conn}
	words := []string{"REPLCONF"}
	if command == PSync { // without its arguments it is refused, and not by a server that does not know it
		words = append(words, PSync)
	}
	for _, w := range words {
		_, err := c.ask(w)
		var refused Refusal
		switch {
		case errors.As(err, &refused) && strings.HasPrefix(string(refused), "ERR") && !refused.Denied():
		case err != nil:
			return err
		}
	}
	return nil
}

// Ask asks for a snapshot with one of the two commands, and returns once it begins. Until then the server sends line feeds, about
// one a second, so that a limit for silence can be a short one. What it answers instead of a snapshot is a Refusal; what is none of
// either, resp.ErrProtocol.
func Ask(conn io.ReadWriter, command string) (*Snapshot, error) {
	c := &caller{bufio.NewReaderSize(conn, bufferSize), conn}
	if err := c.introduce(); err != nil {
		return nil, err
	}
	if command == Sync {
		if err := c.send(Sync); err != nil {
			return nil, err
		}
		return c.snapshot()
	}
	line, err := c.ask(PSync, "?", "-1")
	switch {
	case err != nil:
		return nil, err
	case !strings.HasPrefix(line, "+FULLRESYNC "):
		return nil, fmt.Errorf("%w: PSYNC was answered with %.40q", resp.ErrProtocol, line)
	}
	return c.snapshot()
}

// introductions are what a snapshot is asked for with. A server that does not know one of them says so, and does without.
var introductions = [...][]string{
	{"capa", "eof", "capa", "psync2"}, // a snapshot may end with a mark, so that no file is needed
	{"rdb-only", "1"},                 // Redis 6.2: keep no commands for us
	{"version", "9.0.0"},              // Valkey 9: else it writes the format of 8, which has no expiry of fields
}

func (c *caller) introduce() error {
	for _, options := range introductions {
		line, err := c.ask("REPLCONF", options...)
		var refused Refusal
		switch {
		case err == nil && line[0] != '+':
			return fmt.Errorf("%w: REPLCONF was answered with %.40q", resp.ErrProtocol, line)
		case err == nil:
		case !errors.As(err, &refused):
			return err
		case !strings.HasPrefix(string(refused), "ERR"): // NOPERM, NOAUTH; an option that is not known is ERR, as is a command
			return err
		}
	}
	return nil
}

// send sends one command.
func (c *caller) send(name string, args ...string) error {
	cmd, err := resp.Replica.Command(len(args), name)
	if err != nil {
		return err
	}
	var b resp.Batch
	b.Add(cmd, args...)
	return b.Send(c.out)
}

// ask sends one command and returns the line that answers it.
func (c *caller) ask(name string, args ...string) (string, error) {
	if err := c.send(name, args...); err != nil {
		return "", err
	}
	return c.line()
}

// line returns the next line that is not empty, without its end. An error of the server is a Refusal.
func (c *caller) line() (string, error) {
	for {
		b, err := c.in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return "", fmt.Errorf("%w: a line without an end: %.40q", resp.ErrProtocol, b)
		case errors.Is(err, io.EOF):
			return "", io.ErrUnexpectedEOF
		case err != nil:
			return "", err
		}
		switch b = bytes.TrimRight(b, "\r\n"); {
		case len(b) == 0:
		case b[0] == '-':
			return "", Refusal(b[1:])
		default:
			return string(b), nil
		}
	}
}

// snapshot reads the frame's beginning.
func (c *caller) snapshot() (*Snapshot, error) {
	line, err := c.line()
	if err != nil {
		return nil, err
	}
	s := &Snapshot{in: c.in}
	text, framed := strings.CutPrefix(line, "$")
	mark, marked := strings.CutPrefix(text, "EOF:")
	switch {
	case framed && marked && len(mark) == markSize:
		s.mark = []byte(mark)
		return s, nil
	case framed && !marked:
		n, err := strconv.ParseUint(text, 10, 62)
		if err == nil && n > 0 {
			s.size, s.left = int64(n), int64(n)
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: no snapshot begins with %.60q", resp.ErrProtocol, line)
}

// markSize is how many bytes end a snapshot whose length the server does not know when it begins.
const markSize = 40

// A Snapshot is the data of a server at the moment of its fork, in the format of a dump. It is not safe for concurrent use.
type Snapshot struct {
	in   *bufio.Reader
	size int64
	left int64
	mark []byte // nil of one whose length is known
	free int    // so many bytes of what is buffered are before the mark
	err  error
}

// Size returns how many bytes the snapshot has, 0 if the server did not know when it began.
func (s *Snapshot) Size() int64 { return s.size }

// Read returns io.EOF at the end of the snapshot, and io.ErrUnexpectedEOF where the connection ends before it.
func (s *Snapshot) Read(p []byte) (n int, err error) {
	if s.err != nil || len(p) == 0 {
		return 0, s.err
	}
	if s.mark != nil {
		n, err = s.toMark(p)
	} else {
		n, err = s.toLength(p)
	}
	s.err = err
	return n, err
}

func (s *Snapshot) toLength(p []byte) (int, error) {
	if s.left == 0 {
		return 0, io.EOF
	}
	n, err := s.in.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// toMark holds back what may be the beginning of the mark.
func (s *Snapshot) toMark(p []byte) (int, error) {
	if s.free == 0 {
		if _, err := s.in.Peek(markSize); err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		b, _ := s.in.Peek(s.in.Buffered())
		switch i := bytes.Index(b, s.mark); {
		case i == 0:
			return 0, io.EOF
		case i > 0:
			s.free = i
		default:
			s.free = len(b) - markSize + 1
		}
	}
	n, err := s.in.Read(p[:min(len(p), s.free)])
	s.free -= n
	return n, err
}
