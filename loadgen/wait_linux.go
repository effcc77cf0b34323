package loadgen

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// ProcessWait returns how long the threads of the process have waited so far for a processor that they could have used: because
// others had it, or because a control group had used up its time. What a thread has waited that has ended is not in it.
//
// Source: https://docs.kernel.org/scheduler/sched-stats.html, /proc/PID/schedstat: time on the processor, time on a run queue, both
// in nanoseconds, and the number of time slices.
func ProcessWait() time.Duration {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0
	}
	var sum int64
	for _, t := range threads {
		stat, err := os.ReadFile("/proc/self/task/" + t.Name() + "/schedstat")
		fields := bytes.Fields(stat)
		if err != nil || len(fields) < 2 { // it has ended
			continue
		}
		n, _ := strconv.ParseInt(string(fields[1]), 10, 64)
		sum += n
	}
	return time.Duration(sum)
}
