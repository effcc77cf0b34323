package server

import (
	"syscall"
	"unsafe"
)

// Sockets never make a call wait here, so that the runtime need not be told of it: where it is, its monitor takes the processor away
// from each call that lasts 20 µs, as a write of 40 KB does, and never sleeps longer than that. Both together were a tenth of what a
// pipeline took (perf: runtime.sysmon, runtime.stopm).

func sysRead(fd int, b []byte) (int, error) { return rawCall(syscall.SYS_READ, fd, b) }

func sysWrite(fd int, b []byte) (int, error) { return rawCall(syscall.SYS_WRITE, fd, b) }

func rawCall(number uintptr, fd int, b []byte) (int, error) {
	n, _, errno := syscall.RawSyscall(number, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}
