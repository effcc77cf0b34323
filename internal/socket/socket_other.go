//go:build !unix

package socket

import (
	"errors"
	"net"
	"syscall"
)

// Raw returns nil: sockets of this system are not read by hand.
func Raw(net.Conn) syscall.RawConn { return nil }

// Read fails: there is no Raw to call it with.
func Read(uintptr, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }

// Write fails, as Read does.
func Write(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
