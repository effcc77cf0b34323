package compare

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/loadgen/latency"
)

var p99 = []Metric{{"p99", 0.99}}

// column makes runs of one metric.
func column(xs ...float64) [][]float64 {
	var out [][]float64
	for _, x := range xs {
		out = append(out, []float64{x})
	}
	return out
}

func TestPairsVerdicts(t *testing.T) {
	base := column(1, 1.01, 0.99, 1, 1.02, 0.98)
	scaled := func(by ...float64) [][]float64 {
		var out [][]float64
		for i := range base {
			out = append(out, []float64{base[i][0] * by[i%len(by)]})
		}
		return out
	}
	for _, c := range []struct {
		name   string
		metric Metric
		head   [][]float64
		want   Verdict
	}{
		{"slower", p99[0], scaled(1.1, 1.11), Worse},
		{"faster", p99[0], scaled(0.9, 0.91), Better},
		{"a higher rate", Metric{"rate", 0}, scaled(1.1, 1.11), Better},
		{"a lower rate", Metric{"rate", 0}, scaled(0.9, 0.91), Worse},
		{"the same", p99[0], scaled(1.001, 0.999), NoDifference},
		{"certainly slower, and nobody cares", p99[0], scaled(1.02, 1.021), NoDifference},
		{"here and there", p99[0], scaled(1.5, 0.7), Inconclusive},
		{"nothing done", p99[0], scaled(0), Inconclusive},
	} {
		es := Pairs([]Metric{c.metric}, base, c.head, Options{})
		if es[0].Verdict != c.want || (es[0].Verdict == Inconclusive) != (es[0].Why != "") {
			t.Errorf("%s: %+v, want %s", c.name, es[0], c.want)
		}
	}
	es := Pairs(p99, base[:5], scaled(2)[:5], Options{})
	if es[0].Verdict != Inconclusive || !strings.Contains(es[0].Why, "it takes 6") {
		t.Errorf("five pairs: %+v", es[0])
	}
	if es := Pairs(Metrics(), nil, nil, Options{}); es[3].Verdict != Inconclusive || !strings.Contains(es[3].Why, "it takes 8") {
		t.Errorf("no pairs: %+v", es[3])
	}
}

// What is twice as slow is twice as slow, with an interval around that, and a rate regresses downwards.
func TestRegress(t *testing.T) {
	base := column(1, 1, 1, 1, 1, 1, 1)
	es := Pairs(p99, base, column(2, 2.1, 1.9, 2, 2, 2.05, 1.95), Options{})
	if at, low, high := es[0].Regress(); math.Abs(at-1) > 0.02 || low > 1 || high < 1 || low < 0.8 || high > 1.2 {
		t.Errorf("%v [%v, %v]", at, low, high)
	}
	es = Pairs([]Metric{{"rate", 0}}, base, column(0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5), Options{})
	if at, low, high := es[0].Regress(); math.Abs(at-0.5) > 1e-9 || low > at || high < at {
		t.Errorf("%v [%v, %v]", at, low, high)
	}
}

// flat returns seconds of the same n response times from d up.
func flat(seconds, n int, d time.Duration) []*latency.Histogram {
	var hs []*latency.Histogram
	for i := range seconds {
		h := &latency.Histogram{}
		for j := range n {
			h.Record(d + d*time.Duration((j*7+i*3)%20)/100)
		}
		hs = append(hs, h)
	}
	return hs
}

func TestStoredVerdicts(t *testing.T) {
	base := flat(60, 50, time.Millisecond)
	for _, c := range []struct {
		name string
		head []*latency.Histogram
		want Verdict
		why  string
	}{
		{"slower", flat(60, 50, 1200*time.Microsecond), Worse, ""},
		{"faster", flat(60, 50, 800*time.Microsecond), Better, ""},
		{"the same", flat(60, 50, time.Millisecond), NoDifference, ""},
		{"too short", flat(29, 50, 2*time.Millisecond), Inconclusive, "head has 29 independent blocks"},
		{"nothing", nil, Inconclusive, "without a second"},
	} {
		e := Stored([]Metric{{"p50", 0.5}}, base, c.head, Options{})[0]
		if e.Verdict != c.want || !strings.Contains(e.Why, c.why) {
			t.Errorf("%s: %+v, want %s", c.name, e, c.want)
		}
	}
	es := Stored(Metrics()[:1], base, flat(60, 40, time.Millisecond), Options{})
	if es[0].Base != 50 || es[0].Head != 40 || es[0].Verdict != Worse {
		t.Errorf("%+v", es[0])
	}
}
