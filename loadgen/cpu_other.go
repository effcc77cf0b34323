//go:build !unix

package loadgen

import "time"

// ProcessCPU is not known here.
func ProcessCPU() time.Duration { return 0 }
