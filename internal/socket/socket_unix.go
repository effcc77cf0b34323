//go:build unix

package socket

import (
	"errors"
	"net"
	"syscall"
)

// Raw returns the socket of conn; nil if it has none to itself, as with TLS, or the system is no Unix.
func Raw(conn net.Conn) syscall.RawConn {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// Read reads once from a socket that does not block. Again says that there is nothing at the moment.
func Read(fd uintptr, b []byte) (n int, again bool, err error) {
	for {
		n, err = tryRead(fd, b)
		switch {
		case err == nil:
			return n, false, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, true, nil
		case !errors.Is(err, syscall.EINTR):
			return 0, false, err
		}
	}
}

// Write writes once, as much as the socket takes.
func Write(fd uintptr, b []byte) (n int, err error) {
	for {
		n, err = tryWrite(fd, b)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, syscall.EAGAIN):
			return 0, nil
		case !errors.Is(err, syscall.EINTR):
			return 0, err
		}
	}
}
