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

// A machine is where and when the figures were taken.
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

// A row is one line of a table: a metric of both sides and, if it is a claim, their ratio.
type row struct {
	name, format string
	of           metric
	claim        bool
}

// table writes the runs of p as Markdown.
func (p pair) table(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| median of %d (lowest - highest) | `%s` | `%s` | ratio |\n|---|---|---|---|\n", len(p.a), p.tools[0].name, p.tools[1].name)
	for _, r := range rows {
		ratio := ""
		if r.claim {
			ratio = "**" + p.ratio(r.of).format("%.2f") + "**"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.name, each(p.a, r.of).format(r.format), each(p.b, r.of).format(r.format), ratio)
	}
	return b.String()
}

func (s spread) format(f string) string {
	if s.low == s.high {
		return fmt.Sprintf(f, s.median)
	}
	return fmt.Sprintf(f+" ("+f+" - "+f+")", s.median, s.low, s.high)
}

// markdown writes all figures.
func (b *bench) markdown() string {
	var out strings.Builder
	out.WriteString(b.machine.describe())
	fmt.Fprintf(&out, "\nData set: %d keys, used_memory %.2f GB, dump of %.0f MB.\n", b.want, float64(b.used)/1e9, float64(b.dump)/1e6)
	fmt.Fprintf(&out, "\n### Dump\n\n%s", b.file.table([]row{
		{"CPU s", "%.2f", cpu, true},
		{"keys per CPU s", "%.0f", keysPerCPU, false},
		{"MB per CPU s", "%.0f", func(s sample) float64 { return float64(b.dump) / 1e6 / s.cpu.Seconds() }, false},
		{"wall s", "%.2f", wall, false},
		{"peak RSS MiB", "%.0f", rss, false},
	}))
	if !b.skipLive {
		fmt.Fprintf(&out, "\n### Live server\n\n%s", b.live.table([]row{
			{"keys/s", "%.0f", keysPerSecond, true},
			{"client CPU us/key", "%.2f", clientPerKey, true},
			{"server CPU us/key", "%.2f", serverPerKey, true},
			{"wall s", "%.2f", wall, false},
			{"peak RSS MiB", "%.0f", rss, false},
		}))
	}
	fmt.Fprintf(&out, "\n### Memory\n\nOne audit of %d generated records: peak RSS %.0f MiB, %.1f CPU s, %.1f s.\n",
		b.records, rss(b.memory), cpu(b.memory), wall(b.memory))
	return out.String()
}
