package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, time.Now().UTC().Format("15:04:05 ")+format+"\n", args...)
}

// A machine is where and when the figures of a section were taken.
type machine struct{ date, before, after string }

func (m *machine) start() { m.date, m.before = time.Now().UTC().Format(time.DateOnly), load() }
func (m *machine) end()   { m.after = load() }

// load returns the load averages of 1, 5 and 15 minutes.
func load() string {
	text, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(text) + " ? ? ?")[:3], " ")
}

// describe says what the figures were taken on. Names of machines are nobody's business.
func (m *machine) describe() string {
	cpu := "unknown CPU"
	info, _ := os.ReadFile("/proc/cpuinfo")
	if _, rest, ok := strings.Cut(string(info), "model name"); ok {
		line, _, _ := strings.Cut(rest, "\n")
		cpu = strings.TrimSpace(strings.TrimLeft(line, "\t :"))
	}
	redis, _ := exec.Command("redis-server", "--version").Output()
	version := "unknown"
	for _, f := range strings.Fields(string(redis)) {
		if v, ok := strings.CutPrefix(f, "v="); ok {
			version = v
		}
	}
	return fmt.Sprintf("%s; %d cores of an %s, shared with other work (load average %s before, %s after); %s/%s, %s, Redis %s.\n",
		m.date, runtime.NumCPU(), cpu, m.before, m.after, runtime.GOOS, runtime.GOARCH, runtime.Version(), version)
}
