//go:build !linux

package loadgen

import "time"

// ProcessWait is not known here.
func ProcessWait() time.Duration { return 0 }
