package rdb

import (
	"bufio"
	"context"
	"io"
	"os"

	"github.com/kvtool/kvtool/internal/rdbread"
	"github.com/kvtool/kvtool/internal/unpack"
)

// An input is one reading of a dump, unpacked.
type input struct {
	plain *unpack.Reader
	src   io.Reader
	size  int64    // of the dump; 0 if unknown
	file  *os.File // nil of standard input
	r     *rdbread.Reader
}

// headSize is how much of an input is looked at before it is read: enough to fit a small dump for detect.
const headSize = 4 << 20

// input opens the dump.
func (s *store) input(ctx context.Context) (*input, error) {
	in := &input{}
	from := s.stdin
	if from == nil {
		f, err := os.Open(s.path)
		if err != nil {
			return nil, short(err)
		}
		in.file, from = f, f
		if st, err := f.Stat(); err == nil && st.Mode().IsRegular() {
			in.size = st.Size()
		}
	}
	in.plain = unpack.NewReader(ctx, from)
	in.src = in.plain
	if in.plain.Packed() {
		in.size = 0
	}
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

// Close ends the goroutine that unpacks, if there is one, and closes the file. Standard input is left open.
func (in *input) Close() error {
	if in.file == nil {
		in.plain.Leave()
		return nil
	}
	in.plain.Stop()
	return in.file.Close()
}
