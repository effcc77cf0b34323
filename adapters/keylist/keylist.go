// Package keylist reads a plain list of key names, one a line, as redis-cli --scan prints them to a pipe: the name's
// bytes as they are, without quotes or escapes. With ?sep=nul names are separated by NUL bytes, so that they may hold
// line breaks.
//
// A list holds names and nothing else, so the one fact of its records is the name, and every analysis that rests on
// another is skipped with that reason. It is read once from front to back with memory for one name.
package keylist

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// Adapter opens keys:FILE and keys:-. It has no Sniff: any text could be a list of keys, so the user has to say so.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:     "keys",
		Title:    "list of key names",
		Doc:      "A file with one key name a line, as redis-cli --scan prints it. Names only: no types, sizes or TTLs.",
		Schemes:  []string{"keys"},
		Examples: []string{"keys:FILE", "keys:-", "keys:FILE?sep=nul"},
		Params:   []kv.Param{{Name: "sep", Default: "line", Doc: "what separates names: line or nul"}},
		Open:     open,
	}
}

func open(_ context.Context, t kv.Target) (kv.Store, error) {
	if err := Adapter().CheckParams(t); err != nil {
		return nil, err
	}
	sep, err := separator(t)
	if err != nil {
		return nil, err
	}
	s := &store{target: t.String(), path: t.Path, sep: sep, stdin: t.Stdin}
	switch t.Path {
	case "":
		return nil, kv.WithHint(kv.Usagef("%s: no file is named", t), "keys:FILE, or keys:- for stdin")
	case "-":
		return s, nil
	}
	if err := s.stat(); err != nil {
		return nil, err
	}
	return s, nil
}

func separator(t kv.Target) (byte, error) {
	switch sep := t.Query.Get("sep"); sep {
	case "", "line":
		return '\n', nil
	case "nul":
		return 0, nil
	default:
		return 0, kv.WithHint(kv.Usagef("%s: sep is %q", t, sep), "sep is line or nul")
	}
}

// A store is one list. A file is opened anew by each scan; stdin can be scanned once.
type store struct {
	target  string
	path    string
	sep     byte
	written time.Time // zero for stdin

	mu    sync.Mutex
	stdin io.Reader // nil after it has been scanned
}

// stat refuses early what a scan could not read, and takes the time of the file for the time of its contents, so that
// the same list gives the same report on another day.
func (s *store) stat() error {
	st, err := os.Stat(s.path)
	if err != nil {
		return short(err)
	}
	if st.IsDir() {
		return kv.WithHint(kv.Usagef("%s is a directory, not a list of keys", s.path), "name a file in it, with a key a line")
	}
	s.written = st.ModTime()
	return nil
}

// short leaves out the operation that a file error names: "x: no such file" says enough.
func short(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", pe.Path, pe.Err)
	}
	return err
}

func (s *store) Close() error { return nil }

func (s *store) Info(context.Context) (*kv.Info, error) {
	const why = "a list of keys holds names only"
	const hint = "audit the store itself or a dump of it: kvtool audit rdb:FILE"
	info := &kv.Info{
		Adapter: "keys",
		Product: "keys",
		Target:  s.target,
		Clock:   s.written,
		Facts:   []kv.Fact{{Name: "name", Field: kv.FieldName, How: kv.Measured}},
	}
	for _, f := range []kv.Field{kv.FieldType, kv.FieldEncoding, kv.FieldSize, kv.FieldLen, kv.FieldTTL} {
		info.Facts = append(info.Facts, kv.Fact{Name: f.String(), Field: f, Why: why, Hint: hint})
	}
	return info, nil
}

// input returns what to read and what to close afterwards.
func (s *store) input() (io.Reader, io.Closer, error) {
	if s.path != "-" {
		f, err := os.Open(s.path)
		if err != nil {
			return nil, nil, short(err)
		}
		return f, f, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stdin == nil {
		return nil, nil, errors.New("stdin has already been read")
	}
	r := s.stdin
	s.stdin = nil
	return r, io.NopCloser(nil), nil
}

// page is how many names are read between two looks at the limiter and the context.
const page = 512

func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		in, closer, err := s.input()
		if err != nil {
			yield(nil, err)
			return
		}
		defer closer.Close()
		if err := s.scan(ctx, in, opt, yield); err != nil {
			yield(nil, fmt.Errorf("reading %s: %w", s.target, err))
		}
	}
}

// scan yields the names of in. It returns nil when the consumer has had enough, too.
func (s *store) scan(ctx context.Context, in io.Reader, opt kv.ScanOptions, yield func(*kv.Record, error) bool) error {
	names, err := newReader(in, s.sep)
	if err != nil {
		return err
	}
	for {
		if err := opt.Limiter.Wait(ctx, page); err != nil {
			return err
		}
		for range page {
			name, err := names.next()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if opt.Match != "" && !kv.MatchGlob(opt.Match, name) {
				continue
			}
			if !yield(&kv.Record{Key: name, Known: kv.FieldName}, nil) {
				return nil
			}
		}
	}
}

// longest is the longest name that is read: a key of a Redis is at most 512 MiB, but one of 64 MiB is no list of keys.
const longest = 64 << 20

// A reader splits its input into names.
type reader struct {
	r    *bufio.Reader
	sep  byte
	crlf bool // lines end in CR LF: the first one does
	line int64
	buf  []byte // of a name longer than r's buffer
}

func newReader(in io.Reader, sep byte) (*reader, error) {
	r := bufio.NewReaderSize(in, 64<<10)
	head, _ := r.Peek(9)
	if err := refuse(head); err != nil {
		return nil, err
	}
	return &reader{r: r, sep: sep}, nil
}

// refuse recognises files that are certainly no list of keys. Read as one, they would give a report of nonsense.
func refuse(head []byte) error {
	switch {
	case bytes.HasPrefix(head, []byte("REDIS00")):
		return kv.WithHint(kv.Usagef("this is an RDB file, not a list of keys"), "kvtool audit rdb:FILE")
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return kv.WithHint(kv.Usagef("this is UTF-16 text, not the names' own bytes"),
			"PowerShell converts what it redirects: write the file from cmd or with redis-cli in another shell")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}), bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return kv.WithHint(kv.Usagef("this is compressed, not a list of keys"), "gzip -dc FILE | kvtool audit keys:-")
	}
	return nil
}

// next returns the next name that is not empty, or io.EOF.
func (r *reader) next() (string, error) {
	for {
		name, err := r.piece()
		if err != nil && (!errors.Is(err, io.EOF) || len(name) == 0) {
			return "", err
		}
		if len(name) > 0 {
			return string(name), nil
		}
	}
}

// piece returns what is before the next separator, valid until the next call. At the end it comes with io.EOF.
func (r *reader) piece() ([]byte, error) {
	r.line++
	b, err := r.r.ReadSlice(r.sep)
	if errors.Is(err, bufio.ErrBufferFull) {
		r.buf = r.buf[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			if len(r.buf) > longest {
				return nil, kv.Corruptf("name %d is longer than %d MiB: this is no list of keys", r.line, longest>>20)
			}
			r.buf = append(r.buf, b...)
			b, err = r.r.ReadSlice(r.sep)
		}
		r.buf = append(r.buf, b...)
		b = r.buf
	}
	return r.trim(b), err
}

// trim cuts the separator off. CR LF ends every line if it ends the first: in a list with Unix line ends a CR at the end
// is part of a name.
func (r *reader) trim(b []byte) []byte {
	ended := len(b) > 0 && b[len(b)-1] == r.sep
	if ended {
		b = b[:len(b)-1]
	}
	if r.sep != '\n' {
		return b
	}
	cr := len(b) > 0 && b[len(b)-1] == '\r'
	if r.line == 1 && ended {
		r.crlf = cr
	}
	if r.crlf && cr {
		b = b[:len(b)-1]
	}
	return b
}
