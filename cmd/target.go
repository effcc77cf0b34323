package cmd

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/unpack"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/kvr"
)

const demoTarget = "demo:"

// planned are schemes of the design that no adapter opens yet.
var planned = [...]string{
	"cassandra", "aerospike", "riak",
}

// resolve turns the positional argument into a target: a URL or scheme:path, a path whose first bytes are known, - for
// stdin, the @name of a profile, or nothing: what a configuration says, else the demo. Which of these is said.
func (e *Env) resolve(ctx context.Context, args []string, noDemo bool) (kv.Target, error) {
	if len(args) == 0 {
		args = e.standIn()
	}
	switch {
	case len(args) == 0 && noDemo:
		return kv.Target{}, kv.WithHint(kv.Usagef("no TARGET, and demo: is not to stand in for one"), "name one: redis://HOST:PORT, a file, or @NAME of .kvtool.yaml")
	case len(args) == 0:
		fmt.Fprintln(e.Stderr, "kvtool: no TARGET: using demo: (reference engine, 120,000 keys, seed 1)")
		return kv.ParseTarget(demoTarget)
	case args[0] == "":
		return kv.Target{}, kv.WithHint(kv.Usagef("TARGET is empty"), "is a variable unset? No TARGET at all means demo:")
	case args[0] == "-":
		return e.sniffStdin(ctx)
	case args[0][0] == '@':
		return e.resolveProfile(ctx, args[0][1:])
	}
	t, err := kv.ParseTarget(args[0])
	if err != nil || !e.opens(t.Scheme) {
		return e.resolvePath(args[0], t, err)
	}
	return e.complete(ctx, t), nil
}

// standIn returns the arguments that stand for none, and says so.
func (e *Env) standIn() []string {
	target, from := e.defaultTarget()
	if target == "" {
		return nil
	}
	fmt.Fprintf(e.Stderr, "kvtool: no TARGET: using that of %s\n", from)
	return []string{target}
}

// resolvePath handles an argument that no adapter's scheme begins: a path, if there is such a file.
func (e *Env) resolvePath(arg string, t kv.Target, parseErr error) (kv.Target, error) {
	_, statErr := os.Stat(arg)
	switch {
	case statErr == nil:
		return e.sniffFile(arg)
	case isAddress(arg):
		return t, kv.WithHint(kv.Usagef("%s is neither a URL nor a file", arg), "did you mean redis://"+arg+"?")
	case t.Scheme != "" && parseErr == nil:
		return t, e.unknownScheme(t.Scheme)
	case strings.Contains(arg, "://"):
		return t, parseErr
	case strings.Contains(arg, "@"): // it may hold a password
		return t, kv.WithHint(kv.Usagef("<unparsable target>: neither a URL nor a file"), e.schemesHint())
	}
	err := &codeError{exitTarget, fmt.Errorf("%s: %w", arg, reason(statErr))}
	if path, query, has := strings.Cut(arg, "?"); has {
		if t, sniffErr := e.sniffFile(path); sniffErr == nil {
			return t, kv.WithHint(err, fmt.Sprintf("a path takes no parameters, a target does: '%s:%s?%s'", t.Scheme, path, query))
		}
	}
	return t, meantFile(err, arg, "TARGET is a URL like redis://HOST:PORT or the path of a file: kvtool audit --help")
}

// isAddress reports whether arg is HOST:PORT, as other programs take it.
func isAddress(arg string) bool {
	host, port, err := net.SplitHostPort(arg)
	if err != nil || host == "" || strings.ContainsAny(host, "@/") {
		return false
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err == nil
}

// reason is why a file could not be had, without the operation and the path around it.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// opens reports whether an adapter has the scheme.
func (e *Env) opens(scheme string) bool {
	return slices.ContainsFunc(e.Adapters, func(a *kv.Adapter) bool { return slices.Contains(a.Schemes, scheme) })
}

func (e *Env) schemes() []string {
	var all []string
	for _, a := range e.Adapters {
		all = append(all, a.Schemes...)
	}
	return all
}

func (e *Env) schemesHint() string { return "targets begin with " + strings.Join(e.schemes(), ", ") }

func (e *Env) unknownScheme(scheme string) error {
	if slices.Contains(planned[:], scheme) {
		return kv.WithHint(kv.Usagef("%s targets are not in this release", scheme), e.schemesHint())
	}
	err := kv.Usagef("unknown kind of target %q", scheme)
	if s := nearest(scheme, e.schemes()); s != "" {
		return kv.WithHint(err, fmt.Sprintf("did you mean %s? %s", s, e.schemesHint()))
	}
	return kv.WithHint(err, e.schemesHint())
}

// complete adds what the environment knows of a network target. A password there beats one in the URL, which works but
// can be seen by others.
func (e *Env) complete(ctx context.Context, t kv.Target) kv.Target {
	t.Stdin = &stdin{ctx: ctx, r: e.Stdin}
	if t.URL == nil {
		return t
	}
	t.Impact = e.impact
	if t.Password != "" {
		e.say("warning", "a password in a URL shows in the process list and the shell's history: set KVTOOL_PASSWORD instead")
	}
	if p := e.Getenv("KVTOOL_PASSWORD"); p != "" {
		t.Password = kv.Secret(p)
	}
	if p := e.Getenv("KVTOOL_SENTINEL_PASSWORD"); p != "" && strings.HasSuffix(t.Scheme, "+sentinel") {
		t.Query.Set("sentinel_password", p)
	}
	return t
}

// headSize is how much of a file is looked at to tell its kind.
const headSize = 4096

func (e *Env) sniffFile(path string) (kv.Target, error) {
	st, err := os.Stat(path) // before it is opened: a pipe without a writer would wait for one
	if err == nil && !st.IsDir() && !st.Mode().IsRegular() {
		return kv.Target{}, kv.WithHint(kv.Usagef("%s is no regular file", path), "pipe it in: … | kvtool audit -")
	}
	f, err := os.Open(path)
	if err != nil {
		return kv.Target{}, &codeError{exitTarget, fmt.Errorf("%s: %w", path, reason(err))}
	}
	defer f.Close()
	if st != nil && st.IsDir() {
		return e.sniffDir(path, f)
	}
	head := make([]byte, headSize)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return kv.Target{}, &codeError{exitTarget, fmt.Errorf("%s: %w", path, reason(err))}
	}
	return e.sniffed(path, head[:n])
}

// maxNames is how many files of a directory are looked at to tell its kind.
const maxNames = 4096

// sniffDir returns the target of the adapter that knows a directory by the names in it.
func (e *Env) sniffDir(path string, dir *os.File) (kv.Target, error) {
	names, err := dir.Readdirnames(maxNames)
	if err != nil && !errors.Is(err, io.EOF) {
		return kv.Target{}, &codeError{exitTarget, fmt.Errorf("%s: %w", path, reason(err))}
	}
	for _, a := range e.Adapters {
		if a.SniffDir != nil && a.SniffDir(names) {
			return kv.Target{Scheme: a.Schemes[0], Path: path}, nil
		}
	}
	return kv.Target{}, kv.WithHint(kv.Usagef("%s is a directory that holds nothing kvtool reads", path), "name a file in it, or a directory of dumps (*.rdb)")
}

func (e *Env) sniffStdin(ctx context.Context) (kv.Target, error) {
	in := bufio.NewReaderSize(&stdin{ctx: ctx, r: e.Stdin}, headSize)
	head, err := in.Peek(headSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return kv.Target{}, targetError(ended(ctx, fmt.Errorf("reading stdin: %w", err)))
	}
	t, err := e.sniffed("-", head)
	t.Stdin = in
	return t, err
}

// sniffed returns the target of the adapter that knows a file by its first bytes. A text file of keys is not guessed:
// any text could be one.
func (e *Env) sniffed(path string, head []byte) (kv.Target, error) {
	for _, h := range [...][]byte{unpackedHead(head), head} {
		for _, a := range e.Adapters {
			if a.Sniff != nil && a.Sniff(h) {
				return kv.Target{Scheme: a.Schemes[0], Path: path}, nil
			}
		}
	}
	name := path
	if path == "-" {
		name = "stdin"
	}
	if len(head) == 0 {
		return kv.Target{}, kv.WithHint(kv.Usagef("%s is empty", name), "it holds no dump and no keys: was it written to the end?")
	}
	if kvr.IsFile(head) {
		return kv.Target{}, kv.WithHint(kv.Usagef("%s is a saved report, not a store: it has figures, and no keys", name),
			"name the store, or its dump; to see the file: kvtool report show "+path+"; to end an audit: kvtool audit TARGET --resume "+path)
	}
	return kv.Target{}, kv.WithHint(kv.Usagef("%s is a file of no known kind", name), "for a list of keys, one a line: kvtool audit keys:"+path)
}

// unpackedHead returns what the beginning of a packed file begins with; nothing of what is not packed, or comes in larger pieces.
func unpackedHead(head []byte) []byte {
	if !unpack.Packed(head) {
		return nil
	}
	r := unpack.NewReader(context.Background(), bytes.NewReader(head))
	defer r.Stop()
	b := make([]byte, headSize)
	n, _ := io.ReadFull(r, b) // what is cut ends with an error
	return b[:n]
}

// stdin is a reader that an interrupt ends, which a pipe that nobody writes to would otherwise outlast. It is for one
// goroutine.
type stdin struct {
	ctx  context.Context // of the command: a reader has no other way to learn of it
	r    io.Reader
	want chan struct{}
	got  chan chunk
	rest chunk
}

// A chunk is what one read returned. Its bytes are valid until the next is wanted.
type chunk struct {
	b   []byte
	err error
}

func (s *stdin) Read(p []byte) (int, error) {
	if len(s.rest.b) == 0 && s.rest.err == nil {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.rest.b)
	s.rest.b = s.rest.b[n:]
	if n == 0 && len(p) > 0 {
		return 0, s.rest.err
	}
	return n, nil
}

// next waits for more bytes or for the end of the command. The goroutine that reads is left behind then, since nothing can
// end its read; it ends with the process.
func (s *stdin) next() error {
	if s.want == nil {
		s.want, s.got = make(chan struct{}), make(chan chunk, 1)
		go func() {
			b := make([]byte, 64<<10)
			for range s.want {
				n, err := s.r.Read(b)
				s.got <- chunk{b[:n], err}
			}
		}()
	}
	select {
	case s.want <- struct{}{}:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	select {
	case s.rest = <-s.got:
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}
