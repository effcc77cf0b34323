//go:build unix

package tui

import (
	"fmt"
	"runtime"
	"syscall"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/kvtool/kvtool/report"
)

// large is a report with a list of n keys.
func large(n int) *report.Report {
	r := sample()
	t := report.Table{Name: "keys", Columns: hotTables()[0].Columns}
	for i := range n {
		t.Rows = append(t.Rows, []report.Value{text(fmt.Sprintf("session:%08d", i)), text("session:{uid}"), num(float64(n - i)), num(1), num(1 / float64(i+2))})
	}
	for i := range r.Sections {
		if r.Sections[i].Name == "hotkeys" {
			r.Sections[i].Tables[0] = t
		}
	}
	return r
}

// BenchmarkFrame is what a key press costs, with few and with many keys behind the frame: the ratio is to be below 1.2.
func BenchmarkFrame(b *testing.B) {
	for _, n := range []int{1000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", n), func(b *testing.B) {
			m, err := New(options(large(n)))
			if err != nil {
				b.Fatal(err)
			}
			m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
			m.Update(keyOf("3"))
			m.View()
			runtime.GC() // what was made before is not what a frame costs
			down, up := keyOf("down"), keyOf("up")
			b.ReportAllocs()
			before := cpuOf(b)
			for i := 0; b.Loop(); i++ {
				if i%2 == 0 {
					m.Update(down)
				} else {
					m.Update(up)
				}
				m.View()
			}
			b.ReportMetric(float64(cpuOf(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}

// cpuOf is the CPU time that this process has used, with that of its collector of garbage.
func cpuOf(b *testing.B) time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// BenchmarkTick is what a look at the source costs when there is nothing new, and when there is: five of them a second are to take
// less than a twentieth of a core, 10 ms each.
func BenchmarkTick(b *testing.B) {
	for _, c := range []struct {
		name  string
		keys  int
		fresh bool
	}{{"old", 1000, false}, {"new", 1000, true}, {"new,keys=1000000", 1_000_000, true}} {
		b.Run(c.name, func(b *testing.B) {
			r, fresh := large(c.keys), c.fresh
			s := &Snapshot{Report: r}
			o := options(r)
			o.Live, o.Source = true, func() *Snapshot { return s }
			m, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
			m.Update(keyOf("3"))
			runtime.GC()
			b.ReportAllocs()
			before := cpuOf(b)
			for b.Loop() {
				if fresh {
					c := *r
					s = &Snapshot{Report: &c}
				}
				m.Update(tickMsg(time.Time{}))
				m.View()
			}
			b.ReportMetric(float64(cpuOf(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}
