package berkeleydb

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/kvtool/kvtool/internal/unpack"
	"github.com/kvtool/kvtool/kv"
)

// An input is one reading of a dump.
type input struct {
	plain *unpack.Reader
	file  *os.File // nil of standard input
	r     *reader
}

// input opens the dump.
func (s *store) input(ctx context.Context) (*input, error) {
	in := &input{}
	var from io.Reader
	if s.stdin != nil {
		from = s.stdin
	} else {
		f, err := os.Open(s.path)
		if err != nil {
			return nil, short(err)
		}
		in.file, from = f, f
	}
	in.plain = unpack.NewReader(ctx, from)
	in.r = newReader(in.plain)
	return in, nil
}

// Close ends the goroutine that unpacks, if there is one, and closes the file. Standard input is left open.
func (in *input) Close() error {
	if in.file == nil {
		in.plain.Leave()
		return nil
	}
	in.plain.Stop()
	return in.file.Close()
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

// page is how many pairs are read between two looks at the limiter and the context.
const page = 256

// Scan implements kv.Scanner. Values of one key are one record: db_dump writes them one after the other.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
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
		sc := scan{s: s, r: in.r, opt: opt, yield: yield}
		if err := sc.run(ctx); err != nil && !sc.enough {
			yield(nil, fmt.Errorf("%s: %w", s.target, err))
		}
	}
}

// A scan is one pass over a dump.
type scan struct {
	s      *store
	r      *reader
	opt    kv.ScanOptions
	yield  func(*kv.Record, error) bool
	enough bool // for the consumer
	sum    summary
	rec    kv.Record // that is yielded next; without a key there is none
	held   bool      // rec is one, and may get more values
	pairs  int
}

// run yields the records of all databases. It returns nil when the consumer has had enough, too.
func (sc *scan) run(ctx context.Context) error {
	for {
		d, done, err := sc.r.header()
		if err != nil {
			return err
		}
		if done {
			return sc.end()
		}
		if err := sc.database(ctx, d); err != nil {
			return err
		}
		if sc.enough {
			return nil
		}
	}
}

// end keeps what a whole scan has learned.
func (sc *scan) end() error {
	if len(sc.sum.databases) == 0 {
		return sc.s.noDatabase(sc.r.databases)
	}
	sc.s.mu.Lock()
	sc.s.sum = sc.sum
	sc.s.sum.whole = true
	sc.s.mu.Unlock()
	return nil
}

// database yields the records of one. What was read of it before an error is yielded.
func (sc *scan) database(ctx context.Context, d *database) error {
	picked := sc.s.picks(d)
	if picked {
		sc.sum.databases = append(sc.sum.databases, d)
	}
	for {
		if sc.pairs%page == 0 {
			if err := sc.opt.Limiter.Wait(ctx, page); err != nil {
				return err
			}
		}
		sc.pairs++
		size, done, err := sc.r.pair(d)
		if err != nil || done {
			// A key whose next value cannot be read is yielded with those that can.
			sc.flush()
			return err
		}
		if picked {
			sc.add(d, size)
		}
		if sc.enough {
			return nil
		}
	}
}

// add takes in a pair.
func (sc *scan) add(d *database, size int64) {
	if d.several && sc.held && sc.rec.Key == string(sc.r.key) {
		sc.rec.Len++
		sc.rec.Size += size
		sc.rec.Largest = max(sc.rec.Largest, size)
		return
	}
	sc.flush()
	if sc.enough {
		return
	}
	sc.sum.keys++
	sc.rec = kv.Record{
		Key: string(sc.r.key), DB: d.index, Size: int64(len(sc.r.key)) + size, Len: 1,
		Known: kv.FieldName | kv.FieldSize | kv.FieldLen,
	}
	if d.numbered { // the number is not in the file
		sc.rec.Size = size
	}
	if d.several {
		sc.rec.Largest = size
		sc.rec.Known |= kv.FieldLargest
	}
	if sc.held = true; !d.several {
		sc.flush()
	}
}

// flush yields the record that is held, if it is one that is wanted.
func (sc *scan) flush() {
	if !sc.held {
		return
	}
	sc.held = false
	if sc.rec.Size == 0 { // an empty value of an empty key: as a size it would be none
		sc.rec.Known &^= kv.FieldSize
	}
	if sc.opt.Match != "" && !kv.MatchGlob(sc.opt.Match, sc.rec.Key) {
		return
	}
	sc.enough = !sc.yield(&sc.rec, nil)
}
