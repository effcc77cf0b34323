//go:build unix && !linux

package socket

import "syscall"

func tryRead(fd uintptr, b []byte) (int, error) { return syscall.Read(int(fd), b) }

func tryWrite(fd uintptr, b []byte) (int, error) { return syscall.Write(int(fd), b) }
