package simulate

import (
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

func parse(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// large returns a schema of a hundred million keys.
func large(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/large.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// BenchmarkRun draws five million keys of a hundred million, and says what that takes of the processor, the garbage collector's part
// included, and by how much the sum of bytes may be off.
func BenchmarkRun(b *testing.B) {
	s := parse(b, large(b))
	var took time.Duration
	var drawn, off float64
	for b.Loop() {
		before := processor(b)
		w, err := newWorld(s, Options{Sample: 5_000_000})
		if err != nil {
			b.Fatal(err)
		}
		m := newMeasure(w)
		for _, p := range w.populations {
			p.each(m.observe)
		}
		m.report()
		took += processor(b) - before
		drawn, off = drawn+float64(w.drawn), m.errorShare()
		b.ReportMetric(float64(w.total), "declared")
	}
	b.ReportMetric(took.Seconds()/float64(b.N), "cpu-s/run")
	b.ReportMetric(drawn/took.Seconds(), "keys/cpu-s")
	b.ReportMetric(off*100, "±%-of-bytes")
}

// processor returns the time that this process has had of processors.
func processor(t testing.TB) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
