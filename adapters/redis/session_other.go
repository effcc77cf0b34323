//go:build !unix

package redis

import (
	"errors"
	"net"
	"syscall"
)

// rawConn returns nil: sockets of this system are not read by hand.
func rawConn(net.Conn) syscall.RawConn { return nil }

func readRaw(uintptr, []byte) (int, bool, error) { return 0, false, errors.ErrUnsupported }

func writeRaw(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
