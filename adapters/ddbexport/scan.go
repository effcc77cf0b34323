package ddbexport

import (
	"bufio"
	"cmp"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"hash"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/kvtool/kvtool/internal/item"
	"github.com/kvtool/kvtool/kv"
)

// Shards deals the files out so that the bytes of the parts are as equal as whole files allow.
func (s *store) Shards(_ context.Context, most int) ([]kv.Shard, error) {
	parts := make([]kv.Shard, max(1, min(most, len(s.files))))
	for i := range parts {
		parts[i].Name = fmt.Sprintf("%d/%d", i+1, len(parts))
	}
	return parts, nil
}

// part returns the files of a shard: each goes, largest first, to the part that has the least.
func (s *store) part(shard kv.Shard) ([]*file, error) {
	if shard.Name == "" {
		return s.files, nil
	}
	var i, of int
	if _, err := fmt.Sscanf(shard.Name, "%d/%d", &i, &of); err != nil || of < 1 || of > max(1, len(s.files)) || i < 1 || i > of {
		return nil, kv.Usagef("%s has no part %q", s.target, shard.Name)
	}
	bySize := slices.Clone(s.files)
	slices.SortStableFunc(bySize, func(a, b *file) int { return cmp.Compare(b.size, a.size) })
	parts, sizes := make([][]*file, of), make([]int64, of)
	for _, f := range bySize {
		least := 0
		for p := range parts {
			if sizes[p] < sizes[least] || sizes[p] == sizes[least] && len(parts[p]) < len(parts[least]) {
				least = p
			}
		}
		parts[least] = append(parts[least], f)
		sizes[least] += f.size
	}
	return parts[i-1], nil
}

// Scan reads one file after the other. What is wrong with one is told at the end, and does not keep the others from being read.
func (s *store) Scan(ctx context.Context, opt kv.ScanOptions) iter.Seq2[*kv.Record, error] {
	return func(yield func(*kv.Record, error) bool) {
		files, err := s.part(opt.Shard)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			yield(nil, err)
			return
		}
		sc := newScan(s, opt)
		var failed []error
		for _, f := range files {
			more, err := sc.file(ctx, f, yield)
			if err != nil {
				failed = append(failed, err)
			}
			if !more {
				return
			}
			if ctx.Err() != nil {
				break
			}
		}
		if err := errors.Join(failed...); err != nil {
			yield(nil, err)
		}
	}
}

// A scan is one pass over some files.
type scan struct {
	s      *store
	opt    kv.ScanOptions
	now    time.Time
	reader item.Reader
	line   item.Line
	rec    kv.Record
	parts  []kv.Part
	known  kv.Field
	buf    []byte // of a line longer than what is read at once
}

// Where in Names the attributes stand.
const (
	partitionAt = iota
	sortAt
	ttlAt
	indexesAt // and behind it
)

func newScan(s *store, opt kv.ScanOptions) *scan {
	sc := &scan{s: s, opt: opt, now: s.manifest.at()}
	if sc.now.IsZero() {
		sc.now = time.Now()
	}
	sc.reader.Names = append([]string{s.key.partition, s.key.sort, s.ttl.name}, s.indexes...)
	sc.parts = []kv.Part{{Name: s.key.partition}}
	if s.key.sort != "" {
		sc.parts = append(sc.parts, kv.Part{Name: s.key.sort})
	}
	sc.known = kv.FieldName | kv.FieldParts | kv.FieldType | kv.FieldSize | kv.FieldLen | kv.FieldPlace | kv.FieldLargest
	if len(s.indexes) > 0 {
		sc.known |= kv.FieldIndexes
	}
	if s.ttl.told || s.ttl.name != "" {
		sc.known |= kv.FieldTTL | kv.FieldFault
	}
	return sc
}

// An input is a file that is read: unpacked, and summed as it was packed.
type input struct {
	file *os.File
	sum  hash.Hash
	raw  io.Reader // of the file, through sum
	zip  *gzip.Reader
}

// openFile opens f. A file of an empty partition may be of no bytes, or of a gzip of none.
func openFile(f *file, checksum bool) (*input, error) {
	if f.gone != nil {
		return nil, kv.Corruptf("%w", f.gone)
	}
	opened, err := os.Open(f.path)
	if err != nil {
		return nil, kv.Corruptf("%w", short(err))
	}
	in := &input{file: opened, raw: opened}
	if checksum && f.md5 != "" {
		in.sum = md5.New()
		in.raw = io.TeeReader(opened, in.sum)
	}
	if f.size == 0 {
		return in, nil
	}
	in.raw = bufio.NewReaderSize(in.raw, readSize)
	if in.zip, err = gzip.NewReader(in.raw); err != nil {
		_ = opened.Close() // the other error says more
		return nil, damaged(f, err)
	}
	return in, nil
}

func damaged(f *file, err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return kv.WithHint(kv.Corruptf("%s: the compression is damaged: %w", f.path, err), "copy it from the bucket again")
}

// verify reads what is left of the file and compares its checksum.
func (in *input) verify(f *file) error {
	if in.sum == nil {
		return nil
	}
	if _, err := io.Copy(io.Discard, in.raw); err != nil {
		return short(err)
	}
	if got := in.sum.Sum(nil); !sameMD5(f.md5, got) {
		return mismatch(f.path, filesName, f.md5, got)
	}
	return nil
}

const (
	readSize = 64 << 10
	lineSize = 256 << 10 // most lines are shorter
	// longest is the longest line: two images of 400 KB, each byte of it an escape of six.
	longest = 16 << 20
	page    = 256 // lines between two looks at the limiter and the context
)

// file yields the items of one file. more is false once the consumer has had enough; the error is of the file.
func (sc *scan) file(ctx context.Context, f *file, yield func(*kv.Record, error) bool) (more bool, err error) {
	in, err := openFile(f, sc.s.checksum)
	if err != nil {
		return true, err
	}
	defer in.file.Close()
	var sums fileSums
	var first error // line that could not be read
	if in.zip != nil {
		lines := bufio.NewReaderSize(in.zip, lineSize)
		for {
			if sums.lines%page == 0 {
				if err := sc.opt.Limiter.Wait(ctx, page); err != nil {
					return true, err
				}
			}
			line, err := sc.next(lines)
			if err != nil && !errors.Is(err, io.EOF) {
				if !errors.Is(err, kv.ErrCorrupt) {
					err = damaged(f, err)
				}
				return true, errors.Join(first, err)
			}
			if len(line) > 0 {
				sums.lines++
				if enough, err := sc.item(f, line, &sums, yield); enough {
					return false, nil
				} else if err != nil && first == nil {
					first = kv.Corruptf("%s: line %d: %w", f.path, sums.lines, err)
				}
			}
			if err != nil {
				break
			}
		}
	}
	return true, sc.ended(f, in, &sums, first)
}

// next returns the next line without its end; at the end it comes with io.EOF.
func (sc *scan) next(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		sc.buf = sc.buf[:0]
		for errors.Is(err, bufio.ErrBufferFull) {
			if sc.buf = append(sc.buf, line...); len(sc.buf) > longest {
				return nil, kv.Corruptf("a line is longer than %d MiB: this is no item", longest>>20)
			}
			line, err = r.ReadSlice('\n')
		}
		sc.buf = append(sc.buf, line...)
		line = sc.buf
	}
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line, err
}

// ended holds a file that was read to its end against the manifest.
func (sc *scan) ended(f *file, in *input, sums *fileSums, first error) error {
	var wrong []error
	if err := in.verify(f); err != nil {
		wrong = append(wrong, err)
	}
	if first != nil {
		if sums.malformed > 1 {
			first = kv.Corruptf("%w, and %d more lines", first, sums.malformed-1)
		}
		wrong = append(wrong, first)
	}
	if f.items >= 0 && f.items != sums.lines {
		wrong = append(wrong, kv.Corruptf("%s: %d items, by %s there are %d", f.path, sums.lines, filesName, f.items))
	}
	sc.s.mu.Lock()
	sc.s.sums[f.name] = *sums
	sc.s.mu.Unlock()
	return errors.Join(wrong...)
}

// item yields the item of a line. The error is of the line alone.
func (sc *scan) item(f *file, line []byte, sums *fileSums, yield func(*kv.Record, error) bool) (enough bool, err error) {
	l := &sc.line
	if sc.s.ion {
		err = sc.reader.Ion(line, l)
	} else {
		err = sc.reader.JSON(line, l)
	}
	if err == nil {
		err = sc.record(f, l)
	}
	switch {
	case err != nil:
		sums.malformed++
		return false, err
	case l.Deleted:
		sums.deleted++
		return false, nil
	case sc.opt.Match != "" && !kv.MatchGlob(sc.opt.Match, sc.rec.Key):
		return false, nil
	}
	return !yield(&sc.rec, nil), nil
}

// record makes the record of an item.
func (sc *scan) record(f *file, l *item.Line) error {
	for i := range sc.parts {
		v := &l.Picked[[...]int{partitionAt, sortAt}[i]]
		if !v.Kind.Key() {
			return fmt.Errorf("the item has no %s that could be its key", sc.parts[i].Name)
		}
		sc.parts[i].Value = string(v.Text)
	}
	sc.rec = kv.Record{
		Key: kv.Join(sc.parts), Parts: sc.parts, Type: kv.TypeItem, Size: l.Size, Len: l.Attributes, Largest: l.Largest, Place: f.name,
		Known: sc.known, Indexes: sc.rec.Indexes[:0],
	}
	for i, name := range sc.s.indexes {
		if v := &l.Picked[indexesAt+i]; v.Kind.Key() {
			sc.rec.Indexes = append(sc.rec.Indexes, kv.Part{Name: name, Value: string(v.Text)})
		}
	}
	if sc.known&kv.FieldTTL != 0 {
		sc.rec.TTL = kv.TTLNone
		if sc.s.ttl.name != "" {
			sc.rec.TTL, sc.rec.ExpireAt, sc.rec.Fault = item.Expiry(l.Picked[ttlAt], l.Nested[ttlAt], sc.now)
		}
	}
	return nil
}
