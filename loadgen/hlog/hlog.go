// Package hlog writes what a run has left as an interval log of HdrHistogram, version 2, which the tools of that family read:
// one line for each second, operation and kind of latency. It is the only importer of hdrhistogram-go.
package hlog

import (
	"io"
	"strings"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/kvtool/kvtool/loadgen/latency"
	"github.com/kvtool/kvtool/loadgen/recording"
)

// The histograms of a log are from 1 ns to an hour, with three digits: more than what they are made of. Longer times count as an
// hour.
const (
	longest = time.Hour
	digits  = 3
)

// kinds are the latencies, and how tags end.
func kinds() []struct {
	kind recording.Kind
	name string
} {
	return []struct {
		kind recording.Kind
		name string
	}{{recording.Response, "response"}, {recording.Service, "service"}, {recording.Lag, "send-lag"}}
}

// Write writes r. Times of its lines are seconds since it began, values are nanoseconds, and a tag is OPERATION.KIND.
func Write(w io.Writer, r *recording.Recording) error {
	out := &failing{w: w}
	log := hdrhistogram.NewHistogramLogWriter(out)
	began := r.Began.UnixMilli()
	log.SetBaseTime(began)
	for _, write := range []func() error{
		func() error {
			return log.OutputComment("[Logged by kvtool, scenario " + oneLine(r.Meta.Scenario) + "]")
		},
		log.OutputLogFormatVersion,
		func() error { return log.OutputBaseTime(began) },
		func() error { return log.OutputStartTime(began) },
		log.OutputLegend,
	} {
		if err := write(); err != nil {
			return err
		}
	}
	for i := range r.Seconds {
		if err := second(log, r, i); err != nil {
			return err
		}
		if out.err != nil {
			return out.err
		}
	}
	return out.err
}

// second writes the lines of one second.
func second(log *hdrhistogram.HistogramLogWriter, r *recording.Recording, i int) error {
	for c, name := range r.Meta.Classes {
		for _, k := range kinds() {
			h, err := r.Histogram(c, k.kind, i, i+1)
			if err != nil {
				return err
			}
			if h.Count() == 0 {
				continue
			}
			line, err := convert(h)
			if err != nil {
				return err
			}
			at := r.Began.UnixMilli() + int64(i)*1000
			line.SetStartTimeMs(at)
			line.SetEndTimeMs(at + 1000)
			line.SetTag(tag(name) + "." + k.name)
			if err := log.OutputIntervalHistogram(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// convert counts each bucket at its middle, and the extremes where they were.
func convert(h *latency.Histogram) (*hdrhistogram.Histogram, error) {
	to := hdrhistogram.New(1, int64(longest), digits)
	for b := range h.All {
		at := min(max(b.Low+(b.High-b.Low)/2, h.Min()), h.Max(), longest)
		if b.High >= h.Max() {
			at = min(h.Max(), longest)
		}
		if err := to.RecordValues(int64(at), int64(b.Count)); err != nil {
			return nil, err
		}
	}
	return to, nil
}

// tag is a name without what would end a tag.
func tag(name string) string {
	return strings.Map(func(c rune) rune {
		if c <= ' ' || c == ',' || c > '~' {
			return '_'
		}
		return c
	}, name)
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// failing remembers the first error of a writer: the log's lines do not all return theirs.
type failing struct {
	w   io.Writer
	err error
}

func (f *failing) Write(p []byte) (int, error) {
	if f.err != nil {
		return 0, f.err
	}
	n, err := f.w.Write(p)
	f.err = err
	return n, err
}
