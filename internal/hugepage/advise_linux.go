package hugepage

import "syscall"

// size is that of a huge page on amd64, and on arm64 with pages of 4 KiB. Go's heap grows by 4 MiB that are aligned to as much
// (runtime/mheap.go: pallocChunkBytes), so that memory rounded to it is Go's.
const size = 2 << 20

func advise(start, bytes uintptr) {
	end := (start + bytes + size - 1) &^ (size - 1)
	start &^= size - 1
	_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, start, end-start, syscall.MADV_HUGEPAGE) // a kernel without them says so
}
