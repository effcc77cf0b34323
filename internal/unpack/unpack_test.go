package unpack

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/kvtool/kvtool/kv"
)

// packings returns text as it is and packed.
func packings(t *testing.T, text string) map[string][]byte {
	t.Helper()
	var zip bytes.Buffer
	w := gzip.NewWriter(&zip)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"plain": []byte(text), "gzip": zip.Bytes(), "zstd": z.EncodeAll([]byte(text), nil)}
}

// TestReader gives back what was packed, of any length about that of a block.
func TestReader(t *testing.T) {
	for _, n := range []int{0, 1, 3, 4, 5, blockSize - 1, blockSize, blockSize + 1, 3*blockSize + 7} {
		text := strings.Repeat("key value\n", n/10+1)[:n]
		for name, in := range packings(t, text) {
			r := NewReader(t.Context(), bytes.NewReader(in))
			got, err := io.ReadAll(r)
			if err != nil || string(got) != text || r.Packed() != (name != "plain") || Packed(in) != r.Packed() {
				t.Errorf("%s, %d bytes: %d bytes, packed %v, %v", name, n, len(got), r.Packed(), err)
			}
			if n, err := r.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
				t.Errorf("%s, behind the end: %d, %v", name, n, err)
			}
			r.Stop()
		}
	}
}

// TestCut gives what can be unpacked, and then corrupt input, wherever a packing is cut: also where it is read again.
func TestCut(t *testing.T) {
	text := strings.Repeat("0123456789abcdef", 4096)
	for name, in := range packings(t, text) {
		if name == "plain" {
			continue
		}
		for n := 4; n < len(in); n += 1 + len(in)/50 {
			r := NewReader(t.Context(), bytes.NewReader(in[:n]))
			got, err := io.ReadAll(r)
			if !errors.Is(err, kv.ErrCorrupt) || !strings.HasPrefix(text, string(got)) {
				t.Errorf("%s cut at %d of %d: %d bytes, %v", name, n, len(in), len(got), err)
			}
			if _, again := r.Read(make([]byte, 1)); again == nil || again.Error() != err.Error() {
				t.Errorf("%s cut at %d, read again: %v", name, n, again)
			}
			r.Stop()
		}
	}
}

// A failing reader is at fault itself, not the packing around what it reads.
type failing struct{ r io.Reader }

var errGone = errors.New("the device is gone")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = errGone
	}
	return n, err
}

func TestFailing(t *testing.T) {
	for name, in := range packings(t, strings.Repeat("text", 100_000)) {
		r := NewReader(t.Context(), failing{bytes.NewReader(in[:len(in)-1])})
		if _, err := io.ReadAll(r); !errors.Is(err, errGone) || errors.Is(err, kv.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
		r.Stop()
	}
}

// TestEnds ends with the context, with the one that was set last, and with Leave; in the middle of an input Stop waits for its goroutine.
func TestEnds(t *testing.T) {
	for name, in := range packings(t, strings.Repeat("text", 1_000_000)) {
		ctx, cancel := context.WithCancel(t.Context())
		r := NewReader(ctx, trickle{bytes.NewReader(in)})
		r.SetContext(t.Context())
		cancel()
		if _, err := io.ReadFull(r, make([]byte, 100)); err != nil {
			t.Errorf("%s: ended with a context that is not its own any more: %v", name, err)
		}
		r.Leave()
		if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: left, and %v", name, err)
		}
		r.Stop()
	}
}

// A trickle reads a few bytes at a time, so that no reader is done before it is told to end.
type trickle struct{ r io.Reader }

func (o trickle) Read(p []byte) (int, error) { return o.r.Read(p[:min(len(p), 64)]) }
