package unpack

import (
	"errors"
	"io"
	"sync"
)

// A Once holds an input that can be read only once, standard input as a rule, after its beginning has been looked at and until somebody
// takes it. The zero value holds none.
type Once[T io.Closer] struct {
	mu   sync.Mutex
	in   T
	kept bool
}

// Keep holds in.
func (o *Once[T]) Keep(in T) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.in, o.kept = in, true
}

// Take returns the input, which is the caller's to close from now on.
func (o *Once[T]) Take() (T, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.kept {
		return o.in, errors.New("standard input has already been read")
	}
	o.kept = false
	return o.in, nil
}

// Close closes the input if nobody has taken it.
func (o *Once[T]) Close() error {
	if in, err := o.Take(); err == nil {
		return in.Close()
	}
	return nil
}
