//go:build !linux

package loadgen

import "time"

// processWait is not known here.
func processWait() time.Duration { return 0 }
