package ttl

import (
	"math"

	"github.com/kvtool/kvtool/keydesign"
)

// A model is a law with its parameters: the density of what is left between 0 and t.
type model struct {
	kind   Kind
	t      float64
	jitter float64 // Jittered: the share of t that is random
	scale  float64 // Rising: how far the density falls to 1/e, in seconds
	free   int     // parameters
	ln     float64 // logarithm of the likelihood
}

// below returns the share of keys that have less than x left.
func (m *model) below(x float64) float64 {
	x = max(0, min(x, m.t))
	switch m.kind {
	case Jittered:
		// The density is flat up to (1-j)·t and falls to 0 at t: of a key with the TTL X any part is left, and X is anything between.
		flat, width := m.t*(1-m.jitter), m.t*m.jitter
		area := flat + width/2
		if x <= flat {
			return x / area
		}
		d := m.t - x
		return 1 - d*d/(2*width)/area
	case Rising:
		end := math.Exp(-m.t / m.scale)
		return (math.Exp((x-m.t)/m.scale) - end) / (1 - end)
	}
	return x / m.t
}

// measure sets the logarithm of the likelihood of what is left, and returns the distance of Kolmogorov and Smirnov.
func (m *model) measure(s *spans) (distance float64) {
	m.ln = 0
	seen, first := int64(0), m.below(s.from)
	end, high := math.NaN(), 0.0 // of the span before, where this one begins more often than not
	for _, x := range s.all {
		seen += x.Keys
		low := high
		if x.Low != end {
			low = m.below(x.Low)
		}
		end = min(x.High, s.most)
		high = m.below(end)
		m.ln += float64(x.Keys) * math.Log(max(1e-12, (high-low)/(1-first)/(end-x.Low)))
		distance = max(distance, math.Abs((high-first)/(1-first)-float64(seen)/float64(s.keys)))
	}
	return distance
}

// score is the criterion of Schwarz: the greater, the better.
func (m *model) score(n int64) float64 { return m.ln - float64(m.free)/2*math.Log(float64(n)) }

// fit chooses the law that explains what is left best.
func (l *Law) fit(s spans, f *keydesign.TTLFacts, scanned float64) {
	n := float64(s.keys)
	fixed := model{kind: Fixed, t: s.most * (n + 1) / n, free: 1}
	distance := fixed.measure(&s)
	best := fixed
	if m := jittered(&s); m.score(s.keys) > best.score(s.keys) && m.jitter >= leastJitter && s.fades() {
		best, distance = m, m.measure(&s)
	}
	if m := rising(&s); m.score(s.keys) > best.score(s.keys) && m.below(0.1*m.t)*leastRise < 1-m.below(0.9*m.t) {
		best, distance = m, m.measure(&s)
	}
	if best.kind == Jittered && best.jitter*best.t <= scanJitter*scanned { // that is the scan's, not the keys'
		best = fixed
	}
	l.Kind, l.T, l.Jitter, l.Distance = best.kind, best.t, best.jitter, distance
	l.interval(&best, &s, scanned)
	limit := max(worstFit, 1.63/math.Sqrt(n))
	switch best.kind {
	case Rising:
		limit = max(2.5*worstFit, limit) // its curve is one of many: only that it rises is known
	case Jittered:
		limit = jitterFit + 1.63/math.Sqrt(n) // its curve is known, and what is uneven for another reason is not on it
	}
	switch {
	case distance > limit && !s.edge():
		l.Kind = Mixed
	case distance > limit && best.kind != Rising: // written unevenly, and yet with one end
		l.Kind = Fixed
	}
	for _, o := range l.Others {
		if float64(o.Keys) >= mixedShare*float64(l.Keys) {
			l.Kind = Mixed
		}
	}
	if l.Kind == Rising && f.Lease.Of(l.T) { // what keys have left and their idle time add up to the TTL
		l.Kind = Sliding
	}
}

// leastJitter is what is called jitter: less is what clocks and pauses do.
const leastJitter = 0.03

// scanJitter is how many times the time that a scan took what it adds to TTLs may look like.
const scanJitter = 1.5

// jittered returns the jitter that fits best. The longest TTL is beyond what any key has left, by about as much as a triangle of
// so many keys leaves empty at its end.
func jittered(s *spans) model {
	best := model{ln: math.Inf(-1)}
	try := func(j, times float64) {
		m := model{kind: Jittered, jitter: j, free: 2}
		gap := math.Sqrt(math.Pi / 2 * j * (1 - j/2) / float64(s.keys)) // of t: P(gap > g) = exp(-n·g²/(2·j·(1-j/2)))
		m.t = s.most / (1 - min(0.5, times*gap))
		if m.measure(s); m.ln > best.ln {
			best = m
		}
	}
	at := 0.
	for j := 0.02; j <= 0.9; j *= 1.3 {
		for _, times := range [...]float64{0.5, 1, 2} {
			before := best.ln
			if try(j, times); best.ln > before {
				at = times
			}
		}
	}
	for step, j, times := 0.15, best.jitter, at; step > 0.02; step /= 2 { // about the best, ever closer
		for _, dj := range [...]float64{1 - step, 1, 1 + step} {
			for _, dt := range [...]float64{-4 * step, 0, 4 * step} {
				before := best.ln
				if try(min(0.95, j*dj), max(0, times+dt)); best.ln > before {
					at = max(0, times+dt)
				}
			}
		}
		j, times = best.jitter, at
	}
	return best
}

// fades reports whether there are far fewer keys at the very end: where twenty are expected.
func (s *spans) fades() bool {
	const keys, few = 20, 0.65
	width := max(0.01, keys/float64(s.keys)) * s.most
	return s.between(s.most-width, s.most) < few*float64(s.keys)*width/(s.most-s.from)
}

// rising returns the density that grows exponentially towards its end and fits best.
func rising(s *spans) model {
	n := float64(s.keys)
	m := model{kind: Rising, t: s.most * (n + 1) / n, free: 2}
	if len(s.all) == 0 {
		m.ln = math.Inf(-1)
		return m
	}
	best := m
	best.ln = math.Inf(-1)
	for scale := m.t / 100; scale < 5*m.t; scale *= 1.15 {
		m.scale = scale
		if m.measure(s); m.ln > best.ln {
			best = m
		}
	}
	// The denser the end, the nearer to it is the greatest that was seen.
	best.t = s.most + min(best.scale, best.t)/n
	return best
}

// edge reports whether what is left ends as sharply as one TTL does: the last twentieth is not much emptier than the rest.
func (s *spans) edge() bool {
	near := s.between(0.95*s.most, s.most) / (0.05 * s.most)
	far := s.between(s.from, 0.95*s.most) / (0.95*s.most - s.from)
	return near > edgeDrop*far && s.dense()
}

// edgeDrop is how dense the end must be, in shares of the rest.
const edgeDrop = 0.4

// dense reports whether no tenth of what is left is nearly empty or holds nearly all: times of day make the ones three times the
// others.
func (s *spans) dense() bool {
	const parts, least, most = 10, 0.2, 3
	from := s.from
	width := (s.most - from) / parts
	for i := range parts {
		x := s.between(from+float64(i)*width, from+float64(i+1)*width) / float64(s.keys) * parts
		if x < least || x > most {
			return false
		}
	}
	return true
}

// between returns about how many keys have between low and high left.
func (s *spans) between(low, high float64) (n float64) {
	for _, x := range s.all {
		end := min(x.High, s.most)
		if width := end - x.Low; width > 0 {
			n += float64(x.Keys) * max(0, min(high, end)-max(low, x.Low)) / width
		} else if x.Low >= low && x.Low < high {
			n += float64(x.Keys)
		}
	}
	return n
}

// interval sets the TTL and its interval. Of n keys with any part of T left the greatest M says that T is between M and
// M·0.05^(-1/n), and M·(n+1)/n in the mean. A live store is read for a while, e: a key that was written just before it was read
// has as much more left. Then T is M - e and what a corner without a key leaves empty, of the exponent n·g²/(2·T·e).
func (l *Law) interval(m *model, s *spans, e float64) {
	n := float64(s.keys)
	switch {
	case m.kind == Jittered:
		gap := math.Sqrt(m.jitter * (1 - m.jitter/2) / n)
		l.T = m.t - e
		l.Low, l.High, l.Jitter = max(s.most, m.t*(1-gap))-e, m.t*(1+3*gap), max(0, m.jitter*m.t-e)/l.T
	case m.kind == Rising:
		l.Low, l.High = s.most-e, s.most+3*min(m.scale, s.most)/n
	case e > s.most/n:
		l.T = s.most - e + math.Sqrt(math.Pi*s.most*e/(2*n))
		l.Low, l.High = s.most-e, s.most-e+math.Sqrt(2*s.most*e*math.Log(20)/n)
	default:
		l.Low, l.High = s.most-e, s.most*math.Pow(0.05, -1/n)
	}
	l.Low, l.High = l.Low-s.off, l.High+s.off
	l.Low = max(0, min(l.Low, l.T))
	l.High = max(l.High, l.T)
}

// humanTTLs are the durations that people set, in seconds.
var humanTTLs = [...]float64{
	1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600, 900, 1200, 1800, 2700, 3600, 5400, 7200, 10800, 14400,
	18000, 21600,
	28800, 36000, 43200, 64800, 86400, 129600, 172800, 259200, 345600, 432000, 604800, 864000, 1209600, 1296000, 1814400, 2592000,
	3888000, 5184000, 7776000, 15552000, 31536000,
}

// human returns the duration within an interval that people set; 0 for none. A thousandth besides is what clocks do.
func human(low, high float64) float64 {
	for _, h := range humanTTLs {
		if h >= low*0.999 && h <= high*1.001 {
			return h
		}
	}
	return 0
}
