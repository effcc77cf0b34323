// Package arrival says when operations are due: in an open loop, where clients come whether or not the store has answered those
// before them. It knows no stores and no clocks.
//
// The one idea is that an arrival is a number on a line that the rate stretches: arrivals of rate 1 are drawn, or counted, first,
// and the time of number x is the moment by which the integral of the rate has come to x. So one Schedule serves every law, an
// arrival depends on (seed, worker, workers) and on nothing that the store does, and the schedules of n workers together are that
// of one: Poisson streams add up to a Poisson stream, and of counted arrivals each worker has every n-th.
//
//	unit arrivals   ·  ·   ··    ·  · ·          drawn (Poisson) or counted
//	rate            ▁▁▂▂▃▃▄▄▅▅▆▆▇▇               segments of straight lines
//	due             ·    ·    · · ·  · · ·· ···
package arrival

import (
	"math"
	"math/rand/v2"
	"time"
)

// A Law says how often, in operations a second, and how regularly.
type Law struct {
	Constant bool // evenly; else by a Poisson process, as independent clients come
	Segments []Segment
	Repeat   bool // from the beginning when the segments are over; else the last rate goes on
}

// A Segment is a time in which the rate goes in a straight line from From to To.
type Segment struct {
	For      time.Duration
	From, To float64
}

// Steady is one rate for ever.
func Steady(rate float64) []Segment { return []Segment{{time.Second, rate, rate}} }

// Ramp goes from one rate to another within d, and stays there.
func Ramp(from, to float64, d time.Duration) []Segment { return []Segment{{d, from, to}} }

// Steps has each of some rates for an equal part of d.
func Steps(d time.Duration, rates ...float64) []Segment {
	var all []Segment
	for _, r := range rates {
		all = append(all, Segment{d / time.Duration(len(rates)), r, r})
	}
	return all
}

// Burst has a rate for on, and another for off; to be repeated.
func Burst(high, low float64, on, off time.Duration) []Segment {
	return []Segment{{on, high, high}, {off, low, low}}
}

// Sine swings around a mean by a share of it, beginning at the mean and going up; to be repeated. It is made of lines, which are
// within 0.1 % of the curve.
func Sine(mean, share float64, period time.Duration) []Segment {
	const lines = 72
	at := func(i int) float64 { return mean * (1 + share*math.Sin(2*math.Pi*float64(i)/lines)) }
	var all []Segment
	for i := range lines {
		all = append(all, Segment{period / lines, at(i), at(i + 1)})
	}
	return all
}

// Mean returns the mean rate over the first d.
func (l *Law) Mean(d time.Duration) float64 {
	if d <= 0 {
		return l.segment(0).From
	}
	sum := 0.0
	for i, left := 0, d; left > 0; i++ {
		s := l.segment(i)
		t := min(s.For, left)
		end := s.From + (s.To-s.From)*t.Seconds()/s.For.Seconds()
		sum += (s.From + end) / 2 * t.Seconds()
		left -= t
	}
	return sum / d.Seconds()
}

// Peak returns the highest rate.
func (l *Law) Peak() float64 {
	peak := 0.0
	for _, s := range l.Segments {
		peak = max(peak, s.From, s.To)
	}
	return peak
}

// segment returns the i-th segment, of as many as it takes.
func (l *Law) segment(i int) Segment {
	n := len(l.Segments)
	switch {
	case i < n:
		return l.Segments[i]
	case l.Repeat:
		return l.Segments[i%n]
	}
	last := l.Segments[n-1].To
	return Segment{time.Hour, last, last}
}

// A Schedule tells one worker when its operations are due. It is not safe for concurrent use.
type Schedule struct {
	law     *Law
	random  *rand.Rand
	workers float64

	unit  float64 // the arrival before, on the line of rate 1
	index int     // segment
	s     Segment
	begin float64 // seconds at which the segment begins
	area  float64 // operations of all segments before
}

// Schedule returns that of one of so many workers, counted from 0.
func (l *Law) Schedule(seed uint64, worker, workers int) *Schedule {
	s := &Schedule{law: l, workers: float64(workers), s: l.segment(0)}
	if l.Constant {
		s.unit = float64(worker) - s.workers // so that the first is due at once
	} else {
		s.random = rand.New(rand.NewPCG(seed, uint64(worker)<<32|0x617272)) // its own stream: what is done draws from others
	}
	return s
}

// never is when an arrival is due that no rate leads to.
const never = time.Duration(math.MaxInt64)

// Next returns when the next operation is due, from the beginning on. Where the rate is 0 from some time on, none is due any more:
// it is the end of time.
func (s *Schedule) Next() time.Duration {
	if s.random == nil {
		s.unit += s.workers
	} else {
		s.unit += s.random.ExpFloat64() * s.workers
	}
	for s.begin < endOfTime {
		d := s.s.For.Seconds()
		area := (s.s.From + s.s.To) / 2 * d
		if s.unit < s.area+area {
			return seconds(s.begin + s.within(s.unit-s.area, d))
		}
		s.begin, s.area = s.begin+d, s.area+area
		s.index++
		s.s = s.law.segment(s.index)
		if s.index%len(s.law.Segments) == 0 {
			s.skip()
		}
	}
	return never
}

// exactCount is up to how many arrivals of a Poisson process are drawn one by one to count them; of more the number is drawn, from a
// normal distribution, which is off by a hundredth of a deviation there.
const exactCount = 1000

// Pass passes over what is due from the last arrival on and before a time, and returns how many that is: as many as Next would have
// returned, or for a Poisson process as many as it might have, in a time that does not depend on their number.
func (s *Schedule) Pass(until time.Duration) uint64 {
	area := s.areaUntil(until.Seconds())
	mean := (area - s.unit) / s.workers
	switch {
	case mean <= 0:
		return 0
	case s.random == nil:
		n := math.Ceil(mean) - 1
		s.unit += n * s.workers
		return uint64(n)
	case mean > exactCount:
		s.unit = area // the process has no memory: the next one comes as if there had been one just now
		return uint64(max(0, math.Round(mean+math.Sqrt(mean)*s.random.NormFloat64())))
	}
	n, at := uint64(0), s.random.ExpFloat64()
	for ; at < mean; n++ {
		at += s.random.ExpFloat64()
	}
	s.unit = area
	return n
}

// areaUntil returns the integral of the rate until t, in seconds, and goes on to the segment of t.
func (s *Schedule) areaUntil(t float64) float64 {
	for {
		d := s.s.For.Seconds()
		if x := t - s.begin; x < d || s.begin >= endOfTime {
			x = max(x, 0)
			return s.area + s.s.From*x + (s.s.To-s.s.From)/max(d, 1e-9)*x*x/2
		}
		s.begin, s.area = s.begin+d, s.area+(s.s.From+s.s.To)/2*d
		s.index++
		s.s = s.law.segment(s.index)
	}
}

// endOfTime is thirty years, in seconds.
const endOfTime = 1e9

// skip leaves out what has too few operations, whole rounds of it, so that a rate near 0 takes no time.
func (s *Schedule) skip() {
	d, area := 0.0, 0.0
	if s.law.Repeat {
		for _, g := range s.law.Segments {
			d, area = d+g.For.Seconds(), area+(g.From+g.To)/2*g.For.Seconds()
		}
	} else {
		d, area = s.s.For.Seconds(), s.s.From*s.s.For.Seconds()
	}
	if rounds := math.Floor((s.unit - s.area) / area); rounds > 0 { // not if both are 0
		rounds = min(rounds, endOfTime)
		s.begin, s.area = s.begin+rounds*d, s.area+rounds*area
	}
	if area == 0 {
		s.begin = endOfTime
	}
}

// within returns after how many seconds of the segment, of d, the integral of its rate is x.
func (s *Schedule) within(x, d float64) float64 {
	slope := (s.s.To - s.s.From) / d
	switch {
	case x <= 0: // at its beginning, where the rate may be 0; rounding may put it before
		return 0
	case slope == 0:
		return x / s.s.From
	}
	return 2 * x / (s.s.From + math.Sqrt(max(0, s.s.From*s.s.From+2*slope*x))) // without the difference of two near numbers
}

func seconds(t float64) time.Duration {
	if t > endOfTime {
		return never
	}
	return time.Duration(t * 1e9)
}
