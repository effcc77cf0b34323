package loadgen

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A timer tells when a time has come. The runtime's own timers are as coarse as what they sleep in, epoll_wait, which counts in
// milliseconds: half of one on average would be added to every response. A timer of the kernel that is waited for as a file is not
// waited for by the millisecond; it is late by its slack, 50 µs, and by what it takes to get a processor.
//
// Source: timerfd_create(2), epoll_wait(2), and "Timer slack" in prctl(2).
type timer struct {
	C    <-chan struct{} // hears that the time has come; also one that was set before, now and then
	file *os.File
	fd   int
}

// newTimer returns a timer that is not set.
func newTimer() (*timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	c := make(chan struct{}, 1)
	t := &timer{C: c, file: os.NewFile(uintptr(fd), "timerfd"), fd: fd}
	go func() {
		var expirations [8]byte
		for {
			if _, err := t.file.Read(expirations[:]); err != nil {
				return // it is stopped
			}
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}()
	return t, nil
}

// Reset sets the time to d from now.
func (t *timer) Reset(d time.Duration) {
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(max(d, 1)))} // 0 would unset it
	_ = unix.TimerfdSettime(t.fd, 0, &at, nil)                          // fails for what is no timer, or no time
}

// Stop ends the timer.
func (t *timer) Stop() { t.file.Close() }
