package export

import (
	"io"
	"sync"

	"github.com/kvtool/kvtool/kv"
)

// blockSize is how much text is written at once: enough for a system call to cost nothing.
const blockSize = 256 << 10

// lines writes a format of one line a row.
type lines struct {
	mu      sync.Mutex
	w       io.Writer
	newLine func() liner
}

// A liner appends rows. It is for one goroutine, so that it may remember what it wrote last.
type liner interface {
	line(b []byte, r *kv.Record, template int) []byte
}

func (l *lines) NewBatch() Batch {
	return &block{out: l, liner: l.newLine(), b: make([]byte, 0, blockSize+blockSize/4)}
}

// Close has nothing to add: text has no room to say that it is not complete.
func (l *lines) Close(bool) error { return nil }

// A block is some whole lines.
type block struct {
	out *lines
	liner
	b []byte
}

func (k *block) Add(r *kv.Record, template int) error {
	k.b = k.line(k.b, r, template)
	if len(k.b) < blockSize {
		return nil
	}
	return k.Flush()
}

func (k *block) Flush() error {
	if len(k.b) == 0 {
		return nil
	}
	k.out.mu.Lock()
	defer k.out.mu.Unlock()
	_, err := k.out.w.Write(k.b)
	k.b = k.b[:0]
	return err
}

// A cell remembers a value of a column that has few, as it is written.
type cell struct {
	value string
	text  []byte // nil before the first
}

// of returns value as make appends it.
func (c *cell) of(value string, make func([]byte, string) []byte) []byte {
	if c.text == nil || c.value != value {
		c.value, c.text = value, make(c.text[:0], value)
	}
	return c.text
}

// each returns all values as make appends them.
func each(values []string, make func([]byte, string) []byte) [][]byte {
	var texts [][]byte
	for _, v := range values {
		texts = append(texts, make(nil, v))
	}
	return texts
}
