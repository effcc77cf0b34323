//go:build unix

package server

import (
	"errors"
	"io"
	"syscall"
)

// attempt is one read or write that does not wait. It is kept so that a batch allocates nothing.
type attempt struct {
	call func(fd uintptr) bool
	b    []byte
	n    int
	err  error
}

// write sends once.
func (a *attempt) write(fd uintptr) bool {
	for {
		a.n, a.err = sysWrite(int(fd), a.b)
		if !errors.Is(a.err, syscall.EINTR) {
			return true
		}
	}
}

// read receives once; it reports false if nothing has arrived.
func (a *attempt) read(fd uintptr) bool {
	for {
		a.n, a.err = sysRead(int(fd), a.b)
		if !errors.Is(a.err, syscall.EINTR) {
			return !errors.Is(a.err, syscall.EAGAIN)
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

// receive waits until something has arrived, and reads it.
func (c *conn) receive(b []byte) (int, error) {
	if c.raw == nil {
		return c.nc.Read(b)
	}
	a := &c.reading
	if a.call == nil {
		a.call = a.read
	}
	a.b, a.n, a.err = b, 0, nil
	err := c.raw.Read(a.call)
	a.b = nil
	switch {
	case err != nil:
		return 0, err
	case a.err != nil:
		return 0, a.err
	case a.n == 0:
		return 0, io.EOF
	}
	return a.n, nil
}
