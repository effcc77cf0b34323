// Package rdb opens dumps of the Redis family: files, directories of them, bases of append-only files, standard input, plain
// or compressed by gzip or zstd. It owns opening, unpacking and what a dump says of itself; the format is
// internal/rdbread's, what a value costs internal/memory's.
//
// The one idea is that a dump is read as a stream, front to back with memory for a window of it, whatever it comes from. So a
// file can be scanned any number of times and at once, each time opened anew, and standard input once.
//
//	file, stdin ── gzip or zstd, on a goroutine ──▶ rdbread.Reader ──▶ records
//
// What it does not do: memory-mapping (the page cache would count as ours, and a file that is cut while it is read would end
// the process), dividing a dump among cores (records have no marks to start from), guessing on after damage.
package rdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/internal/unpack"
	"github.com/kvtool/kvtool/kv"
)

// Adapter opens rdb:FILE, rdb:DIR and rdb:-, and files that begin like a dump, like gzip or zstd, or like an append-only file.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:  "rdb",
		Title: "Redis or Valkey dump (RDB)",
		Doc: "A dump file of Redis, Valkey or KeyDB, of any version, also compressed by gzip or zstd; a directory of dumps, which are " +
			"the nodes of one cluster; the base of an append-only file, by its directory, its manifest or the file itself. Sizes are " +
			"modelled: what each key costs in the server that wrote the file.",
		Schemes:  []string{"rdb"},
		Examples: []string{"rdb:dump.rdb", "rdb:dump.rdb.gz", "rdb:-", "rdb:dumps/", "rdb:appendonlydir", "rdb:dump.rdb?allocator=jemalloc-16"},
		Params: []kv.Param{
			{Name: "checksum", Default: "on", Doc: "on or off: whether the dump's checksum is verified"},
			{Name: "allocator", Default: "auto", Doc: "of the server: jemalloc-8, jemalloc-16 (Debian, Ubuntu, RHEL) or libc; auto compares with the memory that the dump says was used"},
			{Name: "as", Default: "live", Doc: "whose memory is modelled: live, the server that wrote the dump, or loaded, one that has just loaded it"},
			{Name: "cluster", Default: "auto", Doc: "on or off: whether the dump is of a cluster, so that its keys have slots; auto is what the dump says, and on for a directory of dumps"},
			{Name: "base_only", Default: "off", Doc: "on: the base of an append-only file is taken for all there is; off: with commands after it, the audit is incomplete"},
		},
		Sniff:    sniff,
		SniffDir: sniffDir,
		Open:     open,
	}
}

func sniff(head []byte) bool {
	for _, magic := range []string{"REDIS0", "VALKEY"} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return true
		}
	}
	return unpack.Packed(head) || isManifest(head) || isCommands(head)
}

// sniffDir recognises a directory of dumps, or one with an append-only file.
func sniffDir(names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return n == aofDir || strings.HasSuffix(n, ".manifest") || slices.ContainsFunc(dumpSuffixes[:], func(s string) bool { return strings.HasSuffix(n, s) })
	})
}

func open(ctx context.Context, t kv.Target) (kv.Store, error) {
	if err := Adapter().CheckParams(t); err != nil {
		return nil, err
	}
	s := &store{target: t.String(), path: t.Path}
	if err := s.options(t); err != nil {
		return nil, err
	}
	switch t.Path {
	case "":
		return nil, kv.WithHint(kv.Usagef("%s: no file is named", t), "rdb:FILE, rdb:DIR, or rdb:- for stdin")
	case "-":
		s.stdin = t.Stdin
	default:
		st, err := os.Stat(t.Path)
		switch {
		case err != nil:
			return nil, short(err)
		case st.IsDir():
			return openDirectory(ctx, t, s)
		case strings.HasSuffix(t.Path, ".manifest"):
			return openManifest(ctx, t, s, t.Path)
		}
	}
	return s, s.probe(ctx)
}

// options reads the parameters.
func (s *store) options(t kv.Target) error {
	bad := func(name, value, hint string) error {
		return kv.WithHint(kv.Usagef("%s: %s is %q", t, name, value), name+" is "+hint)
	}
	switch v := t.Query.Get("checksum"); v {
	case "", "on":
	case "off":
		s.opt.NoChecksum = true
	default:
		return bad("checksum", v, "on or off")
	}
	switch v := t.Query.Get("as"); v {
	case "", "live":
		s.opt.Live = true
	case "loaded":
	default:
		return bad("as", v, "live or loaded")
	}
	switch v := t.Query.Get("cluster"); v {
	case "", "auto":
	case "on", "off":
		s.cluster = v == "on"
		s.told = true
	default:
		return bad("cluster", v, "auto, on or off")
	}
	switch v := t.Query.Get("base_only"); v {
	case "", "off":
	case "on":
		s.baseOnly = true
	default:
		return bad("base_only", v, "on or off")
	}
	v := t.Query.Get("allocator")
	if v == "" || v == "auto" {
		s.auto = true
		return nil
	}
	a, err := rdbread.ParseAllocator(v)
	if err != nil {
		return bad("allocator", v, "auto, jemalloc-8, jemalloc-16 or libc")
	}
	s.opt.Allocator = a
	s.why = "as told"
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

// A store is one dump.
type store struct {
	target string
	path   string
	opt    rdbread.Options
	auto   bool   // the allocator is to be found out
	why    string // it is the one that opt says

	cluster bool // the keys have slots
	told    bool // cluster is as told, not as the dump says

	base     string     // name of the dump, if it is the base of an append-only file
	rest     []commands // the other parts of that
	baseOnly bool       // they are not missed

	mu      sync.Mutex
	stdin   io.Reader           // nil where path is a file
	first   unpack.Once[*input] // of stdin: its head is read
	sum     rdbread.Summary
	scanned bool // sum is of a whole scan
}

// probe reads the head, so that a wrong file is refused at once, and finds out the allocator.
func (s *store) probe(ctx context.Context) error {
	in, err := s.input(ctx)
	if err != nil {
		return err
	}
	if s.auto {
		s.detect(ctx, in)
	}
	r, err := in.reader(s.opt)
	if err != nil {
		_ = in.Close() // the other error says more
		err = fmt.Errorf("%s: %w", s.target, err)
		if errors.Is(err, rdbread.ErrCommands) {
			err = kv.WithHint(err, commandHint)
		}
		return err
	}
	s.sum = r.Summary()
	if !s.told {
		s.cluster = s.sum.Slots
	}
	if s.cluster && s.opt.Place == "" && s.stdin == nil { // one of several, which may be merged later
		s.opt.Place = filepath.Base(s.path)
	}
	if s.stdin != nil {
		s.first.Keep(in)
		return nil
	}
	return in.Close()
}

func (s *store) Close() error { return s.first.Close() }

// page is how many keys are read between two looks at the limiter and the context.
const page = 256

// Scan implements kv.Scanner.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return s.ScanValues(ctx, opt, nil, nil)
}

// ScanValues implements kv.ValueScanner.
func (s *store) ScanValues(
	ctx context.Context, opt kv.ScanOptions, want func(kv.Name) []kv.Ask, tell func(int, kv.Answer, []byte),
) iter.Seq2[*kv.Record, error] {
	wish := rdbread.Wish{Match: opt.Match, Want: opt.Want, Ask: opt.Ask, Values: want, Tell: tell}
	return func(yield func(*kv.Record, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(nil, err)
			return
		}
		in, err := s.take(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		defer func() { _ = in.Close() }() // read only
		if err := s.scan(ctx, in, wish, opt.Limiter, yield); err != nil {
			yield(nil, fmt.Errorf("%s: %w", s.target, err))
		}
	}
}

// take returns an input to scan: the one that probe began, for standard input, else a new one.
func (s *store) take(ctx context.Context) (*input, error) {
	if s.stdin == nil {
		return s.input(ctx)
	}
	in, err := s.first.Take()
	if err == nil {
		in.plain.SetContext(ctx)
	}
	return in, err
}

// scan yields the records of in. It returns nil when the consumer has had enough, too.
func (s *store) scan(ctx context.Context, in *input, wish rdbread.Wish, l *kv.Limiter, yield func(*kv.Record, error) bool) error {
	o := s.opt
	o.Wish = wish
	if !s.cluster {
		o.Want &^= kv.FieldSlot
	}
	r, err := in.reader(o)
	if err != nil {
		return err
	}
	for {
		if err := l.Wait(ctx, page); err != nil {
			return err
		}
		for range page {
			rec, err := r.Next()
			if err != nil {
				return s.end(r, err)
			}
			if !yield(rec, nil) {
				return nil
			}
		}
	}
}

// end keeps what a whole scan has learned.
func (s *store) end(r *rdbread.Reader, err error) error {
	if errors.Is(err, io.EOF) {
		err = r.Drain()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum, s.scanned = r.Summary(), err == nil
	if err != nil {
		return err
	}
	return s.complete(&s.sum)
}
