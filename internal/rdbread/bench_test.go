package rdbread

import (
	"errors"
	"io"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// BenchmarkWalk walks the dump that KVTOOL_BENCH_RDB names: CPU time of the process for each of the things that a walk may
// be asked for, with reading and the checksum alone beside it. Wall time depends on what else the machine does.
func BenchmarkWalk(b *testing.B) {
	name := os.Getenv("KVTOOL_BENCH_RDB")
	if name == "" {
		b.Skip("KVTOOL_BENCH_RDB names no dump")
	}
	for _, c := range []struct {
		name string
		opt  Options
	}{
		{"read", Options{}},
		{"checksum", Options{}},
		{"lazy", Options{NoChecksum: true}},
		{"checked", Options{}},
		{"largest", Options{NoChecksum: true, Wish: Wish{Want: kv.FieldLargest}}},
		{"digest", Options{NoChecksum: true, Wish: Wish{Want: kv.FieldDigest}}},
		{"slot", Options{NoChecksum: true, Wish: Wish{Want: kv.FieldSlot}}},
		{"all", Options{Wish: Wish{Want: kv.AllFields}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			before := cpuTime(b)
			for b.Loop() {
				f, err := os.Open(name)
				if err != nil {
					b.Fatal(err)
				}
				st, err := f.Stat()
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(st.Size())
				c.opt.Size = st.Size()
				if err := walkFor(c.name, f, c.opt); err != nil {
					b.Fatal(err)
				}
				_ = f.Close() // read only
			}
			b.ReportMetric((cpuTime(b)-before).Seconds()/float64(b.N), "CPU-s/op")
		})
	}
}

func walkFor(what string, f io.Reader, opt Options) error {
	if what == "read" || what == "checksum" {
		w := newWindow(f, -1, nil)
		w.unchecked = what == "read"
		for w.need(1) {
			w.pos = w.end
		}
		return nil
	}
	r, err := NewReader(f, opt)
	for err == nil {
		_, err = r.Next()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
