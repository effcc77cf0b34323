package join

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A disk has a file a bucket for the keys that exist, and one for the references, in a folder of its own. The files lose their
// names as soon as they are open where the system allows it, so that nothing is left behind by a process that is killed.
type disk struct {
	dir     string
	parents [buckets]*spool
	pairs   [buckets]*spool
}

// A spool is a file that is written once and read once.
type spool struct {
	f *os.File
	w *bufio.Writer
}

// spoolBuffer times two files a bucket is what a disk takes in memory: 8 MB.
const spoolBuffer = 32 << 10

func newDisk(folder string) (*disk, error) {
	dir, err := os.MkdirTemp(folder, "kvtool-join-")
	if err != nil {
		return nil, fmt.Errorf("--spill: %w", err)
	}
	d := &disk{dir: dir}
	for i := range buckets {
		var err1, err2 error
		d.parents[i], err1 = newSpool(filepath.Join(dir, fmt.Sprint("k", i)))
		d.pairs[i], err2 = newSpool(filepath.Join(dir, fmt.Sprint("r", i)))
		if err := errors.Join(err1, err2); err != nil {
			d.remove()
			return nil, fmt.Errorf("--spill: %w", err)
		}
	}
	return d, nil
}

func newSpool(path string) (*spool, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	_ = os.Remove(path) // on systems that keep it until it is closed: remove does
	return &spool{f, bufio.NewWriterSize(f, spoolBuffer)}, nil
}

// remove closes and removes all files.
func (d *disk) remove() {
	for i := range buckets {
		for _, s := range []*spool{d.parents[i], d.pairs[i]} {
			if s != nil {
				s.f.Close()
			}
		}
	}
	_ = os.RemoveAll(d.dir)
}

// pairSize is the bytes of a reference in a file: its relation and both hashes.
const pairSize = 2 + 8 + 8

func (d *disk) write(parents []uint64, pairs []relatedPair) error {
	var b [pairSize]byte
	for _, h := range parents {
		binary.LittleEndian.PutUint64(b[:], h)
		if _, err := d.parents[bucketOf(h)].w.Write(b[:8]); err != nil {
			return fmt.Errorf("--spill: %w", err)
		}
	}
	for _, p := range pairs {
		binary.LittleEndian.PutUint16(b[:], uint16(p.relation))
		binary.LittleEndian.PutUint64(b[2:], p.To)
		binary.LittleEndian.PutUint64(b[10:], p.From)
		if _, err := d.pairs[bucketOf(p.To)].w.Write(b[:]); err != nil {
			return fmt.Errorf("--spill: %w", err)
		}
	}
	return nil
}

// read returns the keys of a bucket, and its references by relation.
func (d *disk) read(bucket int, pairs [][]Pair) (parents []uint64, err error) {
	err = d.parents[bucket].each(8, func(b []byte) {
		parents = append(parents, binary.LittleEndian.Uint64(b))
	})
	if err != nil {
		return nil, err
	}
	for r := range pairs {
		pairs[r] = pairs[r][:0]
	}
	err = d.pairs[bucket].each(pairSize, func(b []byte) {
		r := binary.LittleEndian.Uint16(b)
		pairs[r] = append(pairs[r], Pair{binary.LittleEndian.Uint64(b[2:]), binary.LittleEndian.Uint64(b[10:])})
	})
	return parents, err
}

// each calls fn with each record of the file.
func (s *spool) each(size int, fn func([]byte)) error {
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("--spill: %w", err)
	}
	if _, err := s.f.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("--spill: %w", err)
	}
	in := bufio.NewReaderSize(s.f, 1<<18)
	record := make([]byte, size)
	for {
		switch _, err := io.ReadFull(in, record); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("--spill: %w", err)
		}
		fn(record)
	}
}
