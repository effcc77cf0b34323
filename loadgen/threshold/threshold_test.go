package threshold_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/recording"
	"github.com/kvtool/kvtool/loadgen/threshold"
	"github.com/kvtool/kvtool/report"
)

// run is a recording of 1,000 operations of 1 to 1,000 ms, of which 10 failed, and 50 that were never sent.
func run(t *testing.T, v recording.Verdict) *recording.Recording {
	t.Helper()
	b := recording.NewBuilder(recording.Meta{Classes: []string{"get", "set"}}, time.Unix(0, 0))
	r := b.Recorder()
	for i := range 1050 {
		r.Due(time.Second)
		if i < 1000 {
			d := time.Duration(i+1) * time.Millisecond
			r.Done(time.Second, i%2, d, d/2, time.Microsecond)
		}
	}
	for range 10 {
		r.Error(time.Second, 0, "OOM")
	}
	r.Flush()
	b.Add(1, &recording.Second{Server: map[string]float64{"hit_rate": 0.9, "evicted": 3}})
	rec, err := b.Finish(recording.Part{Verdict: v})
	if err != nil {
		t.Fatal(err)
	}
	return rec
}

func judge(t *testing.T, text string, v recording.Verdict) report.Check {
	t.Helper()
	limit, err := threshold.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	checks, err := threshold.Judge([]threshold.Threshold{limit}, run(t, v), map[string]float64{"violations": 2})
	if err != nil {
		t.Fatal(err)
	}
	return checks[0]
}

func TestJudge(t *testing.T) {
	for text, want := range map[string]report.Verdict{
		"p50 < 510ms":          report.Pass,
		"p50 < 490ms":          report.Fail,
		"p50(get)<510ms":       report.Pass,
		"service.p50 < 260ms":  report.Pass,
		"service.p50 < 240ms":  report.Fail,
		"lag.p50 < 1ms":        report.Pass,
		"max <= 1s":            report.Pass,
		"max < 1s":             report.Fail,
		"p99 < 2s":             report.Inconclusive, // ten samples beyond it
		"p50(del) < 1s":        report.Inconclusive,
		"errors < 1.1%":        report.Pass,
		"errors < 0.9%":        report.Fail,
		"achieved >= 95%":      report.Pass,
		"achieved >= 99%":      report.Fail,
		"hit_rate >= 90%":      report.Pass,
		"hit_rate > 90%":       report.Fail,
		"evicted == 0":         report.Fail,
		"evicted == 3":         report.Pass,
		"expired == 0":         report.Inconclusive, // not told
		"used_memory < 1GiB":   report.Inconclusive,
		"violations == 0":      report.Fail,
		"violations <= 2":      report.Pass,
		"unsent == 0":          report.Pass,
		"  p90   <   950ms   ": report.Pass,
	} {
		if c := judge(t, text, recording.Valid); c.Verdict != want {
			t.Errorf("%s: %s (%s), want %s", text, c.Verdict, c.Why, want)
		}
	}
}

// What the generator has spoiled is not judged; what it counts is.
func TestGeneratorBound(t *testing.T) {
	if c := judge(t, "p50 < 1h", recording.GeneratorBound); c.Verdict != report.Inconclusive {
		t.Errorf("a latency is judged: %s", c.Verdict)
	}
	if c := judge(t, "errors < 0.9%", recording.GeneratorBound); c.Verdict != report.Fail {
		t.Errorf("errors are not judged: %s", c.Verdict)
	}
}

func TestMistakes(t *testing.T) {
	for text, hint := range map[string]string{
		"":                 "METRIC OP VALUE",
		"p99":              "METRIC OP VALUE",
		"p99 = 5ms":        "METRIC OP VALUE",
		"p99 < 5":          "durations are written",
		"p99 < fast":       "durations are written",
		"error < 1%":       "did you mean errors?",
		"errors < 5":       "shares",
		"errors(get) < 1%": "leave (get) out",
		"p100 < 5ms":       "metrics:",
		"used_memory < x":  "sizes",
	} {
		_, err := threshold.Parse(text)
		if !errors.Is(err, kv.ErrUsage) || !strings.Contains(kv.Hint(err), hint) {
			t.Errorf("%q: %v, hint %q, want one with %q", text, err, kv.Hint(err), hint)
		}
	}
}

func TestLatency(t *testing.T) {
	for text, want := range map[string]time.Duration{"p99 < 5ms": 5 * time.Millisecond, "lag.p99 < 1ms": 0, "errors < 1%": 0, "p50 > 1ms": 0} {
		l, err := threshold.Parse(text)
		if err != nil || l.Latency() != want {
			t.Errorf("%s: %v %v, want %v", text, l.Latency(), err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"p99 < 5ms", "p99(lock) < 40ms", "errors < 0.1%", "achieved >= 99%", "used_memory <= 2GiB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		l, err := threshold.Parse(text)
		if err != nil {
			return
		}
		if again, err := threshold.Parse(l.Text); err != nil || again.Text != l.Text || again.Value != l.Value {
			t.Errorf("%q is %+v, and its text %q %+v, %v", text, l, l.Text, again, err)
		}
	})
}
