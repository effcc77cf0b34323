// Package growth tells from snapshots where the memory of a store goes: how fast, of what, and when there is none left. It owns the
// reading of a history that has holes in it.
//
// The one idea is that a date is a quotient of two uncertain numbers, and so is an interval or nothing. What is known to end is
// not drawn on as a line: keys that expire saturate at what is written in the time that one of them lives.
//
//	history ──▶ restarts, FLUSHALL, steps taken out ──▶ slope of what stays ─┐
//	        └─▶ keys that expire: λ·T when they have saturated ──────────────┴─▶ (limit - used) / slope, as an interval
package growth

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// A Point is a store at one moment.
type Point struct {
	Name      string
	Taken     time.Time
	Used      float64 // bytes that the server uses; 0: it does not say, and Bytes stands for it
	Bytes     float64 // of keys and values
	Keys      float64
	Expiring  float64   // bytes of keys that expire
	Started   time.Time // of the server; zero: not known
	MaxMemory float64   // 0: none, or not known
	Policy    string
	Templates []Template
}

// A Template is one of the templates of a point.
type Template struct {
	Text     string
	Keys     float64
	Bytes    float64
	Expiring float64 // share of keys that expire
	TTL      float64 // seconds that they are given; 0 is not known
	Rate     float64 // keys a second that are written, by how dense they lie just below the TTL; 0 is not known
}

// used is what is held against the limit.
func (p *Point) used() float64 { return cmp.Or(p.Used, p.Bytes) }

// A Break is where a history does not go on as before.
type Break struct {
	Kind string // restart, flush, step
	From time.Time
	To   time.Time
	By   float64 // bytes
}

// The kinds of break.
const (
	Restart = "restart"
	Flush   = "flush"
	Step    = "step"
)

// An Interval is 95 %.
type Interval struct{ Low, High float64 }

// A Trend is what a history says.
type Trend struct {
	Points  int // that count: since the last flush
	Breaks  []Break
	Slope   float64 // bytes a second, of what does not expire
	SlopeIn Interval
	Used    float64 // at the end, without its noise
	UsedIn  Interval
	ToCome  float64  // bytes that keys which expire will still grow by
	Limit   float64  // bytes; 0: there is none
	Full    Interval // seconds from the last point until the limit; +Inf: never
	Reaches bool     // it may be reached at all
	Brief   bool     // the snapshots span too little for a rate
	TooFar  bool     // too far ahead for what the snapshots span: there is no date
	Growing []Growing
	Enough  bool // three points and more: else there is a rate at most, and no interval
	Span    time.Duration
	Policy  string
}

// A Growing is a template with its part of the slope.
type Growing struct {
	Text  string
	Slope float64 // bytes a second
	Share float64 // of what grows
	Bytes float64
	Keys  float64
}

// Options of a reading.
type Options struct {
	Headroom  float64 // share of the limit that may be used; 0 is 90 %
	MaxMemory float64 // instead of what the server says
}

// Limits of what is a break.
const (
	flushed   = 0.5 // of the keys are gone
	stepMADs  = 10  // deviations from the usual rate
	stepShare = 0.05
	stepLeast = 5 // increments, to know what is usual

	mostSpans = 100       // times what the snapshots span: no line is drawn farther ahead
	leastSpan = time.Hour // that snapshots span: within less what moves is no growth, and a rate a day is made up
)

// Read reads a history. Points are put in order; there must be one.
func Read(points []Point, opt Options) *Trend {
	points = slices.Clone(points)
	slices.SortStableFunc(points, func(a, b Point) int { return a.Taken.Compare(b.Taken) })
	t := &Trend{}
	points = t.sinceFlush(points)
	last := &points[len(points)-1]
	t.Points, t.Policy = len(points), last.Policy
	t.Span = last.Taken.Sub(points[0].Taken)
	t.Enough = len(points) >= 3
	t.Brief = len(points) > 1 && t.Span < leastSpan
	limit := cmp.Or(opt.MaxMemory, last.MaxMemory)
	t.Limit = limit * cmp.Or(opt.Headroom, 0.9)
	whole := increments(points, (*Point).used)
	t.breaks(points, whole)
	steady := increments(points, func(p *Point) float64 { return p.used() - p.expiring() })
	for i := range steady {
		steady[i].broken = whole[i].broken
	}
	f := fit(steady)
	t.Slope, t.SlopeIn = f.slope, f.interval
	e := increments(points, (*Point).expiring)
	for i := range e {
		e[i].broken = whole[i].broken
	}
	t.expire(points, e)
	t.Used = last.used()
	noise := f.noise
	t.UsedIn = Interval{t.Used - 2*noise, t.Used + 2*noise}
	if t.Brief {
		t.Slope, t.SlopeIn, t.ToCome = 0, Interval{}, 0
	}
	t.when()
	if !t.Brief {
		t.grow(points, whole)
	}
	return t
}

// expiring is the part of what is used that keys which expire take: their share of the bytes of all keys, for a server takes
// more than its keys.
func (p *Point) expiring() float64 {
	if p.Bytes == 0 {
		return 0
	}
	return p.used() * min(1, p.Expiring/p.Bytes)
}

// sinceFlush drops what was before the last moment when most keys went at once.
func (t *Trend) sinceFlush(points []Point) []Point {
	for i := len(points) - 1; i > 0; i-- {
		if a, b := &points[i-1], &points[i]; b.Keys < a.Keys*(1-flushed) {
			t.Breaks = append(t.Breaks, Break{Flush, a.Taken, b.Taken, b.used() - a.used()})
			return points[i:]
		}
	}
	return points
}

// An increment is what came between two points.
type increment struct {
	at     float64 // seconds, at its end, from the first point on
	dt, dy float64
	broken bool
}

func (x *increment) rate() float64 { return x.dy / x.dt }

func increments(points []Point, of func(*Point) float64) []increment {
	var all []increment
	for i := 1; i < len(points); i++ {
		dt := points[i].Taken.Sub(points[i-1].Taken).Seconds()
		if dt <= 0 {
			continue
		}
		all = append(all, increment{points[i].Taken.Sub(points[0].Taken).Seconds(), dt, of(&points[i]) - of(&points[i-1]), false})
	}
	return all
}

// breaks marks the increments in which the server was started anew, or which are far from the others.
func (t *Trend) breaks(points []Point, all []increment) {
	for i := range all {
		a, b := &points[i], &points[i+1]
		if len(points) != len(all)+1 {
			return // two of one moment
		}
		if !b.Started.IsZero() && b.Started.After(a.Taken) {
			all[i].broken = true
			t.Breaks = append(t.Breaks, Break{Restart, a.Taken, b.Taken, all[i].dy})
		}
	}
	var rates []float64
	for _, x := range all {
		if !x.broken {
			rates = append(rates, x.rate())
		}
	}
	if len(rates) < stepLeast {
		return
	}
	usual, mad := medianOf(rates)
	for i := range all {
		x := &all[i]
		level := points[i].used()
		if !x.broken && math.Abs(x.rate()-usual) > stepMADs*1.4826*mad && math.Abs(x.dy-usual*x.dt) > stepShare*level {
			x.broken = true
			t.Breaks = append(t.Breaks, Break{Step, points[i].Taken, points[i+1].Taken, x.dy})
		}
	}
	slices.SortStableFunc(t.Breaks, func(a, b Break) int { return a.From.Compare(b.From) })
}

// medianOf returns the median and the median of the distances from it.
func medianOf(xs []float64) (median, mad float64) {
	s := slices.Sorted(slices.Values(xs))
	median = s[len(s)/2]
	for i := range s {
		s[i] = math.Abs(s[i] - median)
	}
	slices.Sort(s)
	return median, s[len(s)/2]
}

// A fitted line.
type fitted struct {
	slope    float64
	interval Interval
	noise    float64 // standard deviation of a level around the line
}

// fit returns the slope of the levels that the increments add up to, without those that are broken. Nobody knows whether the noise
// is of the moment, such as buffers, or stays, such as a day of more orders; each gives an interval, and the wider one holds:
//
//	levels with noise of their own    least squares, t with n-2 degrees of freedom
//	a walk                            the mean rate, t with n-1 of them
func fit(all []increment) fitted {
	var xs, ys []float64
	x, y := 0., 0.
	xs, ys = append(xs, 0), append(ys, 0)
	var rates []float64
	for _, s := range all {
		if s.broken {
			continue
		}
		x, y = x+s.dt, y+s.dy
		xs, ys = append(xs, x), append(ys, y)
		rates = append(rates, s.rate())
	}
	n := float64(len(xs))
	if len(rates) == 0 {
		return fitted{interval: Interval{math.Inf(-1), math.Inf(1)}}
	}
	if len(rates) == 1 {
		return fitted{slope: rates[0], interval: Interval{math.Inf(-1), math.Inf(1)}}
	}
	mx, my := mean(xs), mean(ys)
	var sxx, sxy float64
	for i := range xs {
		sxx += (xs[i] - mx) * (xs[i] - mx)
		sxy += (xs[i] - mx) * (ys[i] - my)
	}
	f := fitted{slope: sxy / sxx}
	var rss float64
	for i := range xs {
		r := ys[i] - my - f.slope*(xs[i]-mx)
		rss += r * r
	}
	f.noise = math.Sqrt(rss / max(1, n-2))
	ols := student(n-2) * f.noise / math.Sqrt(sxx)
	// The steps of a walk have a variance in proportion to their length.
	walkMean, variance := y/x, 0.
	for _, s := range all {
		if !s.broken {
			d := s.dy - walkMean*s.dt
			variance += d * d / s.dt
		}
	}
	k := float64(len(rates))
	walk := student(k-1) * math.Sqrt(variance/max(1, k-1)/x)
	f.interval = Interval{min(f.slope-ols, walkMean-walk), max(f.slope+ols, walkMean+walk)}
	return f
}

func mean(xs []float64) float64 {
	sum := 0.
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}

// student returns the quantile of 97.5 % of Student's t: a table for few degrees of freedom, and for more the expansion of Fisher
// and Cornish (1960).
func student(df float64) float64 {
	table := [...]float64{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228}
	if df < 1 {
		return table[0]
	}
	if i := int(df); i <= len(table) {
		return table[i-1]
	}
	const z = 1.959964
	return z + (z*z*z+z)/(4*df) + (5*z*z*z*z*z+16*z*z*z+3*z)/(96*df*df)
}

// expire adds what keys that expire are still to come to. In a history that is longer than they live they have saturated: if they
// have grown all the same, more is written all the time, and that is a slope as any other.
func (t *Trend) expire(points []Point, all []increment) {
	last := &points[len(points)-1]
	longest := 0.
	for i := range last.Templates {
		x := &last.Templates[i]
		if x.Expiring < 0.5 || x.TTL <= 0 || x.Keys == 0 {
			continue
		}
		longest = max(longest, x.TTL)
		if more := x.Rate*x.TTL - x.Keys*x.Expiring; x.Rate > 0 && more > 0.05*x.Keys {
			t.ToCome += more * x.Bytes / x.Keys
		}
	}
	if longest == 0 || t.Span.Seconds() < 2*longest { // too short to tell growth from filling up
		if last.Expiring > 0 && longest == 0 {
			t.addSlope(fit(all)) // nobody knows how long they live
		}
		return
	}
	settled := slices.DeleteFunc(slices.Clone(all), func(x increment) bool { return x.at-x.dt < longest })
	if len(settled) >= 3 {
		t.addSlope(fit(settled))
	}
}

// addSlope adds the slope of what expires, where it is one: independent errors add up in their squares.
func (t *Trend) addSlope(f fitted) {
	if f.interval.Low <= 0 && f.interval.High >= 0 {
		return
	}
	below := math.Hypot(t.Slope-t.SlopeIn.Low, f.slope-f.interval.Low)
	above := math.Hypot(t.SlopeIn.High-t.Slope, f.interval.High-f.slope)
	t.Slope += f.slope
	t.SlopeIn = Interval{t.Slope - below, t.Slope + above}
}

// when divides what is left by the slope.
func (t *Trend) when() {
	t.Full = Interval{math.Inf(1), math.Inf(1)}
	if t.Limit <= 0 {
		return
	}
	after := func(used, slope float64) float64 {
		switch left := t.Limit - used - t.ToCome; {
		case left <= 0:
			return 0
		case slope <= 0:
			return math.Inf(1)
		default:
			return left / slope
		}
	}
	t.Full = Interval{after(t.UsedIn.High, t.SlopeIn.High), after(t.UsedIn.Low, t.SlopeIn.Low)}
	t.Reaches = !math.IsInf(t.Full.Low, 1)
	if t.Reaches && t.Full.Low > mostSpans*t.Span.Seconds() {
		t.Reaches, t.TooFar = false, t.Enough
		t.Full = Interval{math.Inf(1), math.Inf(1)}
	}
}

// grow finds out which templates grow.
func (t *Trend) grow(points []Point, whole []increment) {
	first := map[string]bool{}
	for i := range points {
		for j := range points[i].Templates {
			first[points[i].Templates[j].Text] = true
		}
	}
	last := &points[len(points)-1]
	sum := 0.
	for text := range first {
		of := func(p *Point) float64 {
			for j := range p.Templates {
				if p.Templates[j].Text == text {
					return p.Templates[j].Bytes
				}
			}
			return 0
		}
		parts := increments(points, of)
		for i := range parts {
			parts[i].broken = whole[i].broken
		}
		g := Growing{Text: text, Slope: fit(parts).slope, Bytes: of(last)}
		for j := range last.Templates {
			if last.Templates[j].Text == text {
				g.Keys = last.Templates[j].Keys
			}
		}
		if g.Slope > 0 {
			sum += g.Slope
		}
		t.Growing = append(t.Growing, g)
	}
	for i := range t.Growing {
		if sum > 0 && t.Growing[i].Slope > 0 {
			t.Growing[i].Share = t.Growing[i].Slope / sum
		}
	}
	slices.SortFunc(t.Growing, func(a, b Growing) int { return cmp.Or(cmp.Compare(b.Slope, a.Slope), cmp.Compare(a.Text, b.Text)) })
}
