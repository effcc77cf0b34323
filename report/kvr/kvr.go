// Package kvr writes reports into snapshot files and reads them again: the document, the saved state of its analyses, and
// where to go on if the scan ended early. It knows neither analyses nor stores; their states are bytes to it.
//
// The one idea is that a file is a list of frames, each good or bad by itself. So a report can be read by whoever knows no
// analysis, what a newer kvtool has added is left out, and of a file that was cut or damaged all that is whole is read:
//
//	file   magic · format version · frame … · end
//	frame  "kvrf" · kind · name · version · config · shard · sizes · data (zstd) · checksum of all before it
//
// The first frame is the report, as JSON. Numbers are big-endian. The magic is made like that of PNG: a transfer that takes
// it for text breaks it.
package kvr

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/kvtool/kvtool/report"
)

// What may be wrong with a file, for errors.Is.
var (
	// ErrFormat says that it is no snapshot file, or one in a form that this kvtool does not know.
	ErrFormat = errors.New("no snapshot file")
	// ErrDamaged says that it is cut or damaged. What is whole has been read.
	ErrDamaged = errors.New("damaged snapshot file")
)

// Magic is how a snapshot file begins.
const Magic = "\x89kvr\r\n\x1a\n"

// format is the version of the whole file. A file of another one cannot be read, which is why there are to be no others:
// what is new goes into new kinds of frames.
const format = 1

// Bounds of what is read, far beyond what is written: a part of the worst keyspace has a tenth of that.
const (
	maxFile  = 512 << 20 // bytes of a file
	maxFrame = 256 << 20 // bytes of a frame's data
	maxData  = 1 << 30   // bytes of all data
)

// A kind is what a frame holds. Readers leave out kinds that they do not know.
type kind uint8

const (
	kindReport kind = 1
	kindPart   kind = 2
	kindResume kind = 3
	kindEnd    kind = 255
)

// A frame is one piece of a file.
type frame struct {
	kind    kind
	name    string // of the analysis
	version uint16
	config  uint64
	shard   uint32
	data    []byte
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// IsFile reports whether head is how a snapshot file begins.
func IsFile(head []byte) bool { return len(head) >= len(Magic) && string(head[:len(Magic)]) == Magic }

// Write writes r with its parts.
func Write(w io.Writer, r *report.Report) error {
	frames, err := framesOf(r)
	if err != nil {
		return err
	}
	z, err := newEncoder()
	if err != nil {
		return err
	}
	b := append([]byte(Magic), 0, format)
	for i := range frames {
		if b, err = z.append(b, &frames[i]); err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		b = b[:0]
	}
	return nil
}

// Read reads what Write has written. With ErrDamaged it still returns what is whole, if that includes the report. Frames that
// this kvtool does not know are listed in Skipped.
func Read(r io.Reader) (*report.Report, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxFile:
		return nil, fmt.Errorf("%w: larger than %d MiB", ErrFormat, maxFile>>20)
	case !IsFile(b):
		return nil, ErrFormat
	case len(b) < len(Magic)+2:
		return nil, fmt.Errorf("%w: it ends within its head", ErrDamaged)
	}
	if v := int(b[len(Magic)])<<8 | int(b[len(Magic)+1]); v != format {
		return nil, fmt.Errorf("%w that this kvtool can read: format %d, and it reads %d", ErrFormat, v, format)
	}
	frames, damage := split(b[len(Magic)+2:])
	doc, err := assemble(frames)
	if err != nil {
		return nil, err
	}
	return doc, damage
}
