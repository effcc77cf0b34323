// Package compare says whether one thing is slower than another: by pairs of runs that were taken in turn, or by two runs that
// were kept. It runs nothing and reads no files.
//
// The one idea is that a change is called one only if chance does not explain it and somebody would care: its interval leaves out
// zero, corrected for how many metrics were asked, and the shift is beyond a practical limit. And that nothing is called equal
// because too little was measured: an interval that reaches beyond the limit is inconclusive. Shifts are of logarithms, so that
// twice and half are as far from equal.
//
// Pairs tell a change of the program from one of the machine, which two kept runs cannot: what changed between them has changed
// for the whole of each.
package compare

import (
	"math"

	"github.com/kvtool/kvtool/loadgen/stat"
)

// A Verdict is what a comparison says of a metric.
type Verdict string

// The verdicts.
const (
	Better       Verdict = "better"
	Worse        Verdict = "worse"
	NoDifference Verdict = "no difference"
	Inconclusive Verdict = "inconclusive"
)

// Practical is the shift below which nobody cares, where the user does not say: 3 %.
const Practical = 0.03

// A Metric is what is compared.
type Metric struct {
	Name     string
	Quantile float64 // of response time; 0 is the rate of operations done
}

// higherIsBetter reports whether an increase is good.
func (m Metric) higherIsBetter() bool { return m.Quantile == 0 }

// Metrics are those that are compared where the user does not say.
func Metrics() []Metric {
	return []Metric{{"rate", 0}, {"p50", 0.5}, {"p99", 0.99}, {"p999", 0.999}}
}

// Options of a comparison. The zero value has defaults.
type Options struct {
	Practical float64 // share; 0 is Practical
}

func (o Options) practical() float64 {
	if o.Practical == 0 {
		return Practical
	}
	return o.Practical
}

// An Effect is the comparison of one metric. Shares are of the base: 0.05 is five hundredths more.
type Effect struct {
	Metric     Metric
	Base, Head float64 // seconds, or operations a second
	Shift      float64 // of head against base
	Low, High  float64 // its 95 % interval; infinite where nothing is known
	P          float64 // corrected for the number of metrics
	Verdict    Verdict
	Why        string // of what is inconclusive
	void       bool   // whatever the numbers say, too little was measured
}

// Void reports whether too little was measured to say anything of the metric.
func (e *Effect) Void() bool { return e.void }

// Regress returns by how much head is worse, as a share of base, and the interval of that: for rates the other way round.
func (e *Effect) Regress() (at, low, high float64) {
	if e.Metric.higherIsBetter() {
		return -e.Shift, -e.High, -e.Low
	}
	return e.Shift, e.Low, e.High
}

// effects judges the shifts of the logarithms of metrics.
func effects(ms []Metric, shifts []stat.Shift, o Options) []Effect {
	ps := make([]float64, len(shifts))
	for i, s := range shifts {
		ps[i] = s.P
	}
	ps = stat.Holm(ps)
	out := make([]Effect, len(ms))
	for i, s := range shifts {
		e := Effect{Metric: ms[i], Shift: share(s.At), Low: share(s.Low), High: share(s.High), P: ps[i]}
		e.Verdict, e.Why = verdict(s, ps[i], ms[i].higherIsBetter(), math.Log1p(o.practical()))
		out[i] = e
	}
	return out
}

// share turns a difference of logarithms into a share.
func share(log float64) float64 { return math.Expm1(log) }

// verdict judges one shift of logarithms. Limit is the practical one.
func verdict(s stat.Shift, p float64, higherIsBetter bool, limit float64) (Verdict, string) {
	switch {
	case math.IsNaN(s.At) || math.IsInf(s.Low, 0) || math.IsInf(s.High, 0):
		return Inconclusive, "too little was measured"
	case p <= 1-stat.Level && (s.Low > 0 || s.High < 0) && math.Abs(s.At) > limit:
		if s.At > 0 == higherIsBetter {
			return Better, ""
		}
		return Worse, ""
	case s.Low >= -limit && s.High <= limit:
		return NoDifference, ""
	}
	return Inconclusive, "the interval reaches beyond the practical limit"
}

// Void makes every effect inconclusive for one reason.
func Void(es []Effect, why string) []Effect {
	for i := range es {
		es[i].Verdict, es[i].Why, es[i].void = Inconclusive, why, true
	}
	return es
}
