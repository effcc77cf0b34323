//go:build !unix

package socket

import (
	"errors"
	"net"
	"syscall"
)

// Raw returns nil: sockets of this system are not read by hand.
func Raw(net.Conn) syscall.RawConn { return nil }

func Read(uintptr, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }

func Write(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
