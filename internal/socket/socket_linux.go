package socket

import (
	"syscall"
	"unsafe"
)

// tryRead and tryWrite are system calls of which the runtime is not told, as it is of those that may wait: these never do, and
// its monitor would take the processor away from a goroutine that is in one.
func tryRead(fd uintptr, b []byte) (int, error) { return try(syscall.SYS_READ, fd, b) }

func tryWrite(fd uintptr, b []byte) (int, error) { return try(syscall.SYS_WRITE, fd, b) }

func try(call, fd uintptr, b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	n, _, errno := syscall.RawSyscall(call, fd, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
