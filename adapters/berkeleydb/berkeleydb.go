// Package berkeleydb reads the text that db_dump writes of a Berkeley DB file, in both of its formats, of one database or of all
// that a file has; and the text of db_stat -d beside it, which says how full the file's pages are. It owns both forms.
//
// The one idea is that the text is enough: every release of Berkeley DB writes it, it is of one moment, and no library of C is
// needed to read it, which would have to be of the release that wrote the file. So a dump is a stream of pairs, read once from
// front to back with memory for one key; nothing is kept of a value but its size.
//
//	VERSION=3
//	format=bytevalue       or print
//	database=users         of a file that has several
//	type=btree             or hash, recno, queue
//	HEADER=END
//	 757365723a31          a key
//	 68656c6c6f            its data
//	DATA=END
//
// What it does not do: reading database files, whose pages are torn while somebody writes them; dividing a dump among cores, as it
// has no marks to start from; guessing on after damage.
package berkeleydb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/kvtool/kvtool/internal/unpack"
	"github.com/kvtool/kvtool/kv"
)

// Adapter opens bdb:FILE and bdb:-, and files that begin like a dump, or like a database, to say what to do with it.
func Adapter() *kv.Adapter {
	return &kv.Adapter{
		Name:  "bdb",
		Title: "Berkeley DB dump (db_dump)",
		Doc: "The text that db_dump writes, plain or with -p, of one database or of all in a file, also compressed by gzip or zstd. " +
			"With the text of db_stat -d the report also says how full the pages of the file are.",
		Schemes: []string{"bdb"},
		Examples: []string{
			"bdb:users.dump", "bdb:users.dump.gz", "bdb:-", "bdb:users.dump?stat=users.stat", "bdb:all.dump?database=users",
		},
		Params: []kv.Param{
			{Name: "database", Default: "all", Doc: "the database of a file with several that is read, by its name"},
			{Name: "stat", Doc: "a file with what db_stat -d prints of the same database; of several, each after a line database=NAME"},
		},
		Sniff: sniff,
		Open:  open,
	}
}

// sniff recognises dumps, and database files, which are refused with the command that makes a dump of them.
func sniff(head []byte) bool {
	if bytes.HasPrefix(head, []byte("VERSION=")) {
		return bytes.Contains(head, []byte("\nformat=")) || bytes.Contains(head, []byte("\ntype="))
	}
	return methodOf(head) != ""
}

// Where a database file has the number that says its access method, in the byte order of the machine that made it
// (dbinc/db_page.h).
const magicAt = 12

// methodOf returns the access method of the database file that begins with head; empty if it is none.
func methodOf(head []byte) string {
	if len(head) < magicAt+4 {
		return ""
	}
	for _, order := range [...]binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		switch order.Uint32(head[magicAt:]) {
		case 0x053162:
			return "btree"
		case 0x061561:
			return "hash"
		case 0x042253:
			return "queue"
		case 0x074582:
			return "heap"
		}
	}
	return ""
}

func open(ctx context.Context, t kv.Target) (kv.Store, error) {
	if err := Adapter().CheckParams(t); err != nil {
		return nil, err
	}
	s := &store{target: t.String(), path: t.Path, name: t.Query.Get("database")}
	switch t.Path {
	case "":
		return nil, kv.WithHint(kv.Usagef("%s: no file is named", t), "bdb:FILE, or bdb:- for stdin")
	case "-":
		s.stdin = t.Stdin
	default:
		if err := s.date(); err != nil {
			return nil, err
		}
	}
	if path := t.Query.Get("stat"); path != "" {
		if err := s.readStat(path); err != nil {
			return nil, err
		}
	}
	return s, s.probe(ctx)
}

// date refuses what is no file, and takes the file's time for that of its contents.
func (s *store) date() error {
	st, err := os.Stat(s.path)
	if err != nil {
		return short(err)
	}
	if st.IsDir() {
		return kv.WithHint(kv.Usagef("%s is a directory, not a dump", s.path), dumpHint(s.path+"/FILE"))
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

func dumpHint(file string) string { return "db5.3_dump " + file + " | kvtool audit bdb:-" }

// A store is one dump. A file is opened anew by each scan; standard input can be scanned once.
type store struct {
	target  string
	path    string
	name    string    // of the database that is read; empty is all
	written time.Time // zero of standard input
	head    *database // the first one; nil of a dump without any
	stats   []kv.Pages

	mu    sync.Mutex
	stdin io.Reader           // nil where path is a file
	first unpack.Once[*input] // of stdin: its beginning is looked at
	sum   summary
}

// A summary is what a scan has found.
type summary struct {
	databases []*database // that were read
	keys      int64
	whole     bool // they are all
}

// picks reports whether a database is to be read.
func (s *store) picks(d *database) bool { return s.name == "" || d.name == s.name }

// noDatabase is the error of a dump that has none that was asked for.
func (s *store) noDatabase(there int) error {
	if there == 0 {
		return kv.WithHint(kv.Corruptf("the dump is empty"), "did db_dump fail? Its error was on the terminal, not in the file")
	}
	return kv.WithHint(kv.Usagef("the dump has no database %q", s.name), "db5.3_dump -l FILE lists those of a file")
}

// peeked is how much of a dump is looked at before it is read: more than a header has.
const peeked = 4 << 10

// probe looks at the beginning, so that a wrong file is refused at once.
func (s *store) probe(ctx context.Context) error {
	in, err := s.input(ctx)
	if err != nil {
		return err
	}
	head, err := in.r.in.Peek(peeked)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 { // else it comes again, behind what can be read
		_ = in.Close() // the other error says more
		return fmt.Errorf("%s: %w", s.target, err)
	}
	if err := s.refuse(head); err != nil {
		_ = in.Close()
		return err
	}
	// The beginning is read by a reader of its own: the other one begins with it again.
	s.head, _, _ = newReader(bytes.NewReader(head)).header()
	if s.stdin != nil {
		s.first.Keep(in)
		return nil
	}
	return in.Close()
}

// refuse names files that are certainly no dump. What only looks like one is told when it is read.
func (s *store) refuse(head []byte) error {
	name := s.path
	if s.stdin != nil {
		name = "standard input"
	}
	if method := methodOf(head); method != "" {
		return kv.WithHint(kv.Usagef("%s is a database file of Berkeley DB (%s), not a dump of one", name, method), dumpHint(s.file()))
	}
	switch {
	case len(head) == 0:
		return kv.WithHint(kv.Usagef("%s is empty", name), "did db_dump fail? Its error was on the terminal, not in the file")
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}), bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		return kv.WithHint(kv.Usagef("%s is UTF-16 text, not what db_dump wrote", name),
			"PowerShell converts what it redirects: let db_dump write the file itself, with -f FILE")
	case bytes.Contains(head, []byte(" magic number\n")):
		return kv.WithHint(kv.Usagef("%s is what db_stat prints, not a dump", name),
			"give it beside the dump: 'bdb:DUMP?stat="+s.file()+"'")
	case !bytes.HasPrefix(bytes.TrimLeft(head, "\r\n"), []byte("VERSION=")) && !bytes.HasPrefix(head, []byte("format=")):
		return kv.WithHint(kv.Usagef("%s is no dump of Berkeley DB: it does not begin with VERSION=", name),
			dumpHint("FILE"))
	}
	return nil
}

// file returns the name of the file for a hint.
func (s *store) file() string {
	if s.stdin != nil {
		return "FILE"
	}
	return s.path
}

// Close leaves standard input open.
func (s *store) Close() error { return s.first.Close() }
