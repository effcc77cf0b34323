// Package unpack reads what may be packed by gzip or zstd, as it is or unpacked. It owns telling which of these it is, and the
// goroutine that unpacks.
//
// The one idea is that whoever reads need not know: a Reader gives the plain bytes of an input, and ends with a context. What is
// packed is unpacked on a goroutine of its own, a few blocks ahead, so that unpacking and reading each have a core.
package unpack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/kv"
)

const (
	gzipMagic = "\x1f\x8b"
	zstdMagic = "\x28\xb5\x2f\xfd"
)

// Packed reports whether an input that begins with head is packed by what a Reader unpacks.
func Packed(head []byte) bool { return unpacking(head) != nil }

// A Reader reads one input from front to back. It is for one goroutine.
type Reader struct {
	ctx    *ctxReader
	src    io.Reader
	unpack *unpacker // nil if it is plain
}

// NewReader returns a Reader of r, which has been read to its first few bytes then. An error of that comes with the first Read.
func NewReader(ctx context.Context, r io.Reader) *Reader {
	u := &Reader{ctx: &ctxReader{r: r}}
	u.SetContext(ctx)
	magic := bufio.NewReaderSize(u.ctx, 4<<10)
	head, _ := magic.Peek(len(zstdMagic))
	u.src = magic
	if open := unpacking(head); open != nil {
		u.unpack = newUnpacker(magic, u.ctx, open)
		u.src = u.unpack
	}
	return u
}

// Read returns the context's error once that has ended, and kv.ErrCorrupt where the packing is damaged.
func (u *Reader) Read(p []byte) (int, error) { return u.src.Read(p) }

// SetContext sets the context that reading ends with.
func (u *Reader) SetContext(ctx context.Context) { u.ctx.context.Store(&ctx) }

// Packed reports whether the input is packed.
func (u *Reader) Packed() bool { return u.unpack != nil }

// Leave ends reading. A goroutine that waits for the input is left behind, as nothing can end its wait, and ends with the
// process.
func (u *Reader) Leave() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	u.SetContext(ctx)
}

// Stop ends reading and waits until nothing reads the input any more, so that it can be closed.
func (u *Reader) Stop() {
	u.Leave()
	if u.unpack != nil {
		u.unpack.stop()
	}
}

// A ctxReader ends with its context. It also keeps the error of what it reads, to tell a broken disk from broken data.
type ctxReader struct {
	r       io.Reader
	context atomic.Pointer[context.Context]
	err     error
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := (*c.context.Load()).Err(); err != nil {
		c.err = err
		return 0, err
	}
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

// unpacking returns what unpacks an input that begins with head, or nil if it is not packed.
func unpacking(head []byte) func(io.Reader) (io.Reader, error) {
	switch {
	case bytes.HasPrefix(head, []byte(gzipMagic)):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }
	case bytes.HasPrefix(head, []byte(zstdMagic)):
		return func(r io.Reader) (io.Reader, error) {
			return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		}
	}
	return nil
}

// maxZstdWindow is what zstd --ultra -22 uses; a frame that wants more is refused and not allocated for.
const maxZstdWindow = 128 << 20

const (
	blockSize = 256 << 10
	blocks    = 4 // in flight
)

// An unpacker unpacks on a goroutine of its own.
type unpacker struct {
	full chan []byte // unpacked; closed at the end
	free chan []byte
	done chan struct{} // closed by stop
	over chan struct{} // closed when the goroutine has ended
	err  error         // of the end, valid after full is closed
	cur  []byte        // what is left of block
	all  []byte        // block
}

func newUnpacker(r io.Reader, under *ctxReader, unpack func(io.Reader) (io.Reader, error)) *unpacker {
	u := &unpacker{full: make(chan []byte, blocks), free: make(chan []byte, blocks), done: make(chan struct{}), over: make(chan struct{})}
	for range blocks {
		u.free <- make([]byte, blockSize)
	}
	go func() {
		defer close(u.over)
		defer close(u.full)
		u.err = u.run(r, unpack)
		switch {
		case under.err != nil:
			u.err = under.err
		case !errors.Is(u.err, io.EOF):
			u.err = kv.Corruptf("the compression around the dump is damaged: %w", u.err)
		}
	}()
	return u
}

func (u *unpacker) run(r io.Reader, unpack func(io.Reader) (io.Reader, error)) error {
	in, err := unpack(r)
	if err != nil {
		return noEOF(err)
	}
	if z, ok := in.(*zstd.Decoder); ok {
		defer z.Close()
	}
	for {
		var b []byte
		select {
		case b = <-u.free:
		case <-u.done:
			return io.EOF
		}
		n := 0
		for n < blockSize && err == nil {
			var m int
			m, err = in.Read(b[n:])
			n += m
		}
		u.full <- b[:n] // there is room: no more blocks exist than fit
		if err != nil {
			return err
		}
	}
}

// noEOF keeps an end inside the head of the packing from looking like a sound end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (u *unpacker) Read(p []byte) (int, error) {
	if len(u.cur) == 0 {
		if u.all != nil {
			u.free <- u.all[:blockSize]
			u.all = nil
		}
		b, ok := <-u.full
		if !ok {
			return 0, u.err
		}
		u.cur, u.all = b, b
	}
	n := copy(p, u.cur)
	u.cur = u.cur[n:]
	return n, nil
}

// stop ends the goroutine and waits for it.
func (u *unpacker) stop() {
	close(u.done)
	<-u.over
}
