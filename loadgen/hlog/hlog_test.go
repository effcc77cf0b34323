package hlog

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kvtool/kvtool/loadgen/recording"
)

// recorded is a run of three seconds, in the second of which there is nothing.
func recorded(t *testing.T) *recording.Recording {
	t.Helper()
	b := recording.NewBuilder(recording.Meta{Scenario: "a\nb", Classes: []string{"get", "get, all"}}, time.Unix(1_800_000_000, 0))
	r := b.Recorder()
	for i := range 2000 {
		at := time.Duration(i/1000) * 2 * time.Second
		took := time.Duration(i+1) * time.Microsecond
		r.Due(at)
		r.Done(at, i%2, 2*took, took, took/10)
	}
	r.Done(2*time.Second, 0, 3*time.Hour, time.Second, 0)
	r.Flush()
	rec, err := b.Finish(recording.Part{})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

// TestRoundTrip: what the library reads is what was recorded, by second, operation and kind.
func TestRoundTrip(t *testing.T) {
	rec := recorded(t)
	var log bytes.Buffer
	if err := Write(&log, rec); err != nil {
		t.Fatal(err)
	}
	reader := hdrhistogram.NewHistogramLogReader(&log)
	for _, second := range []int{0, 2} {
		for class, name := range []string{"get", "get__all"} {
			for _, k := range kinds() {
				got, err := reader.NextIntervalHistogram()
				if err != nil || got == nil {
					t.Fatalf("second %d, %s %s: %v, %v", second, name, k.name, got, err)
				}
				want, err := rec.Histogram(class, k.kind, second, second+1)
				if err != nil {
					t.Fatal(err)
				}
				if got.Tag() != name+"."+k.name || got.TotalCount() != int64(want.Count()) || got.StartTimeMs() != rec.Began.UnixMilli()+int64(second)*1000 {
					t.Errorf("second %d: %s of %d at %d, want %s.%s of %d", second, got.Tag(), got.TotalCount(), got.StartTimeMs(), name, k.name, want.Count())
				}
				for _, q := range []float64{0.5, 0.9, 0.99, 1} {
					a, b := float64(got.ValueAtQuantile(100*q)), min(float64(want.Quantile(q)), float64(longest))
					if math.Abs(a-b) > 0.009*b+1 {
						t.Errorf("%s: quantile %g is %g, want %g", got.Tag(), q, a, b)
					}
				}
			}
		}
	}
	if h, err := reader.NextIntervalHistogram(); h != nil || err != nil {
		t.Errorf("one more: %v, %v", h, err)
	}
}

var errFull = errors.New("no space left on device")

type full struct{ left int }

func (f *full) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

// TestDiskFull: wherever the disk is full, that is the error.
func TestDiskFull(t *testing.T) {
	rec := recorded(t)
	var log strings.Builder
	if err := Write(&log, rec); err != nil {
		t.Fatal(err)
	}
	for left := 0; left < log.Len(); left += log.Len()/20 + 1 {
		if err := Write(&full{left}, rec); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}
