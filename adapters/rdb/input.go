package rdb

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/kv"
)

// An input is one reading of a dump, unpacked.
type input struct {
	ctx    *ctxReader
	src    io.Reader
	size   int64 // of the dump; 0 if unknown
	file   *os.File
	unpack *unpacker // nil if it is plain
	r      *rdbread.Reader
}

// headSize is how much of an input is looked at before it is read: enough to fit a small dump for detect.
const headSize = 4 << 20

// input opens the dump.
func (s *store) input(ctx context.Context) (*input, error) {
	in := &input{}
	if s.stdin != nil {
		in.ctx = newCtxReader(ctx, s.stdin)
	} else {
		f, err := os.Open(s.path)
		if err != nil {
			return nil, short(err)
		}
		in.file, in.ctx = f, newCtxReader(ctx, f)
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			in.size = st.Size()
		}
	}
	magic := bufio.NewReaderSize(in.ctx, 4<<10)
	head, _ := magic.Peek(4) // an error comes again with the first read
	in.src = magic
	unpack := unpacking(head)
	if unpack == nil {
		return in, nil
	}
	in.size = 0
	in.unpack = newUnpacker(magic, in.ctx, unpack)
	in.src = in.unpack
	return in, nil
}

// peek returns up to headSize bytes from the front without reading them.
func (in *input) peek() []byte {
	b := bufio.NewReaderSize(in.src, headSize)
	in.src = b
	head, _ := b.Peek(headSize)
	return head
}

// reader returns the dump's reader; the head is read once.
func (in *input) reader(opt rdbread.Options) (*rdbread.Reader, error) {
	if in.r != nil {
		in.r.SetWish(opt.Wish)
		return in.r, nil
	}
	opt.Size = in.size
	r, err := rdbread.NewReader(in.src, opt)
	in.r = r
	return r, err
}

// Close ends the goroutine that unpacks, if there is one, and closes the file. Standard input is left open: a goroutine
// that waits for it ends with the process.
func (in *input) Close() error {
	in.ctx.stop()
	if in.file == nil {
		return nil
	}
	if in.unpack != nil {
		in.unpack.stop()
	}
	return in.file.Close()
}

// A ctxReader ends with its context. It also keeps the error of what it reads, to tell a broken disk from broken data.
type ctxReader struct {
	r   io.Reader
	ctx atomic.Pointer[context.Context]
	err error
}

func newCtxReader(ctx context.Context, r io.Reader) *ctxReader {
	c := &ctxReader{r: r}
	c.set(ctx)
	return c
}

func (c *ctxReader) set(ctx context.Context) { c.ctx.Store(&ctx) }

func (c *ctxReader) stop() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c.set(ctx)
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := (*c.ctx.Load()).Err(); err != nil {
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

// An unpacker unpacks on a goroutine of its own, so that unpacking and walking each have a core.
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
