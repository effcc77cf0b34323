//go:build unix

package server

import (
	"errors"
	"syscall"
)

// attempt is one write that does not wait. It is kept so that a batch allocates nothing.
type attempt struct {
	call func(fd uintptr) bool
	b    []byte
	n    int
	err  error
}

func (a *attempt) write(fd uintptr) bool {
	for {
		a.n, a.err = syscall.Write(int(fd), a.b)
		if !errors.Is(a.err, syscall.EINTR) {
			return true
		}
	}
}

// try sends what the socket takes at once, and returns how much that was. mu is locked.
func (c *conn) try(b []byte) (int, error) {
	if c.raw == nil {
		return 0, nil
	}
	a := &c.attempt
	if a.call == nil {
		a.call = a.write
	}
	a.b = b
	err := c.raw.Write(a.call)
	a.b = nil
	switch {
	case err != nil:
		return 0, err
	case errors.Is(a.err, syscall.EAGAIN):
		return 0, nil
	}
	return max(a.n, 0), a.err
}
