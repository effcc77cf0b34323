package kvr

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/zstd"
)

// marker is how a frame begins, so that the next one can be found behind one that is damaged.
const marker = "kvrf"

// Sizes of a frame around its name and its data.
const (
	headSize = len(marker) + 1 + 1           // up to the name: marker, kind, length of the name
	infoSize = 2 + 8 + 4 + 4 + 4             // behind it: version, config, shard, size, packed size
	sumSize  = 4                             // checksum
	maxName  = 255                           // bytes
	minFrame = headSize + infoSize + sumSize // bytes
	maxTries = 64                            // places at which a frame is looked for behind a damaged one
)

// An encoder appends frames.
type encoder struct{ z *zstd.Encoder }

func newEncoder() (*encoder, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	return &encoder{z}, err
}

func (e *encoder) append(b []byte, f *frame) ([]byte, error) {
	if len(f.name) > maxName || len(f.data) > maxFrame {
		return nil, fmt.Errorf("frame %q has %d bytes: more than a snapshot file can hold", f.name, len(f.data))
	}
	packed := e.z.EncodeAll(f.data, nil)
	from := len(b)
	b = append(b, marker...)
	b = append(b, byte(f.kind), byte(len(f.name)))
	b = append(b, f.name...)
	b = binary.BigEndian.AppendUint16(b, f.version)
	b = binary.BigEndian.AppendUint64(b, f.config)
	b = binary.BigEndian.AppendUint32(b, f.shard)
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.data)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(packed)))
	b = append(b, packed...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b[from:], castagnoli)), nil
}

// split returns the frames of b that are whole, and an error if these are not all.
func split(b []byte) ([]frame, error) {
	d := decoder{left: maxData}
	var frames []frame
	var damage error
	for at, tries := 0, 0; ; {
		f, size, err := d.next(b[at:])
		switch {
		case err == nil && f.kind == kindEnd:
			if damage == nil && int(f.shard) != len(frames) {
				damage = fmt.Errorf("%w: %d frames of %d", ErrDamaged, len(frames), f.shard)
			}
			return frames, damage
		case err == nil:
			frames = append(frames, f)
			at += size
			continue
		case damage == nil:
			damage = fmt.Errorf("%w: at byte %d of its frames: %w", ErrDamaged, at, err)
		}
		skip := bytes.Index(b[min(len(b), at+1):], []byte(marker))
		if tries++; skip < 0 || tries > maxTries {
			return frames, damage
		}
		at += 1 + skip
	}
}

// A decoder reads frames, of a bounded size together.
type decoder struct{ left int }

// next reads the frame that b begins with, and returns how many bytes it has.
func (d *decoder) next(b []byte) (f frame, size int, err error) {
	if len(b) < minFrame {
		return f, 0, io.ErrUnexpectedEOF
	}
	if string(b[:len(marker)]) != marker {
		return f, 0, fmt.Errorf("no frame")
	}
	name := int(b[headSize-1])
	if len(b) < minFrame+name {
		return f, 0, io.ErrUnexpectedEOF
	}
	info := b[headSize+name:]
	f = frame{
		kind: kind(b[len(marker)]), name: string(b[headSize : headSize+name]), version: binary.BigEndian.Uint16(info),
		config: binary.BigEndian.Uint64(info[2:]), shard: binary.BigEndian.Uint32(info[10:]),
	}
	raw, packed := int64(binary.BigEndian.Uint32(info[14:])), int64(binary.BigEndian.Uint32(info[18:]))
	if packed > int64(len(b)-minFrame-name) {
		return f, 0, io.ErrUnexpectedEOF
	}
	end := headSize + name + infoSize + int(packed)
	if crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return f, 0, fmt.Errorf("the checksum of a frame does not hold")
	}
	f.data, err = d.unpack(b[end-int(packed):end], raw)
	return f, end + sumSize, err
}

// unpack returns the data of a frame, which takes as much memory as there is, not as much as is said.
func (d *decoder) unpack(packed []byte, raw int64) ([]byte, error) {
	if raw > int64(min(maxFrame, d.left)) {
		return nil, fmt.Errorf("a frame of %d bytes: too many", raw)
	}
	z, err := zstd.NewReader(bytes.NewReader(packed), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(z, raw+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("a frame that cannot be unpacked: %w", err)
	case n != raw:
		return nil, fmt.Errorf("a frame of another size than it says")
	}
	d.left -= int(raw)
	return out.Bytes(), nil
}

// maxWindow bounds what the decompressor keeps; the compressor's is 8 MiB at most.
const maxWindow = 32 << 20
