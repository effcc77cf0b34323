package inject

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// A fake session answers at once, or waits until it is closed.
type fake struct{ closed chan struct{} }

func (f *fake) Do(ops []kv.Op, _ []kv.Result) error {
	if string(ops[0].Args[0]) == "WAIT" {
		<-f.closed
		return io.EOF
	}
	return nil
}
func (f *fake) Close() error { close(f.closed); return nil }

type driver struct{}

func (driver) Session(context.Context, kv.SessionOptions) (kv.Session, error) {
	return &fake{make(chan struct{})}, nil
}

// TestDriver: what is open is ended, and those who wait on it; what comes later lives. A delay is in the times of the replies.
func TestDriver(t *testing.T) {
	d := New(driver{})
	open := func() kv.Session {
		s, err := d.Session(t.Context(), kv.SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	op := func(word string) []kv.Op { return []kv.Op{{Args: [][]byte{[]byte(word)}}} }
	waiting, shut := open(), open()
	if err := shut.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- waiting.Do(op("WAIT"), make([]kv.Result, 1)) }()
	d.Reset() // would close what is shut a second time, and panic
	if err := <-ended; !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	s, out := open(), make([]kv.Result, 1)
	d.Delay(3 * time.Millisecond)
	if err := s.Do(op("GET"), out); err != nil || out[0].Done < 3*time.Millisecond {
		t.Error(err, out[0].Done)
	}
	d.Delay(0)
	out[0].Done = 0
	if err := s.Do(op("GET"), out); err != nil || out[0].Done != 0 {
		t.Error(err, out[0].Done)
	}
}
