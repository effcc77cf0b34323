//go:build !linux

package loadgen

import "time"

// A timer tells when a time has come: the runtime's own.
type timer struct {
	C <-chan time.Time
	t *time.Timer
}

// newTimer returns a timer that is not set.
func newTimer() (*timer, error) {
	t := time.NewTimer(longSleep)
	return &timer{t.C, t}, nil
}

// Reset sets the time to d from now.
func (t *timer) Reset(d time.Duration) { t.t.Reset(d) }

// Stop ends the timer.
func (t *timer) Stop() { t.t.Stop() }
