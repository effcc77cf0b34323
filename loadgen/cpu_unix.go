//go:build unix

package loadgen

import (
	"syscall"
	"time"
)

// ProcessCPU returns what the process has used of processors so far, in user mode and in the kernel.
func ProcessCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
