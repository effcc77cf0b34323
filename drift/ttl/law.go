// Package ttl says by which law the keys of a template expire: which TTL seems to have been set, whether with jitter, anew at
// each use, or in several ways; and what expires when.
//
// The one idea is that a scan sees what is left of a TTL and not what was set, and that the shape of what is left tells the one
// from the other. Keys that are written steadily, with one TTL, have any part of it left; each law has a shape of its own:
//
//	fixed         jittered      sliding         mixed
//	█████████     ███████▆▃           ▂▅█       █████
//	█████████     █████████     ▁▁▂▃▅▆███       █████▃▃▃▃
//	0       T     0       T     0       T       0   T   T'
//
// The laws are fitted by maximum likelihood, and compared with a penalty for what they are free to choose (G. Schwarz, Estimating
// the dimension of a model, 1978). A law that fits badly is not one: then keys are written in bursts or by several programs.
package ttl

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/keydesign"
)

// A Kind is a law.
type Kind string

// The kinds.
const (
	None         Kind = "none"         // nearly no key expires
	Fixed        Kind = "fixed"        // one TTL from the writing of a key
	Jittered     Kind = "jittered"     // one with a random part
	Sliding      Kind = "sliding"      // one from the last use of a key
	Rising       Kind = "rising"       // sliding, or ever more keys are written: what is left cannot tell which
	Mixed        Kind = "mixed"        // several TTLs, or none of the other laws
	Insufficient Kind = "insufficient" // too few keys to say
)

// Least is how many keys that expire a law is made of. Of fewer nothing is said.
const Least = 200

// A Law is what is known of the TTL of a template's keys. Times are in seconds.
type Law struct {
	Kind      Kind
	Keys      int64   // that it was made of
	T         float64 // the TTL that seems to have been set; of jitter the longest; of several the most frequent
	Low, High float64 // the interval that holds it in 95 of 100 cases
	Human     float64 // the duration that people would have meant, within the interval; 0 where there is none
	Jitter    float64 // of T, the share that is random
	Others    []Other // TTLs besides T
	Outliers  int64   // keys with more than half as much again as the longest of these
	Distance  float64 // of Kolmogorov and Smirnov, between the law and what is left
}

// An Other is a TTL of fewer keys.
type Other struct {
	T    float64
	Keys int64
	Unit bool // it is T by a factor of units: seconds for minutes, milliseconds for seconds
}

// The limits of the laws.
const (
	noneShare   = 0.9  // without TTL
	mixedShare  = 0.1  // of the keys that expire, for a second TTL to be one that is meant
	outlierT    = 1.5  // times T
	outlierRank = 0.99 // of the keys are below the gap
	outlierGap  = 1.2  // times: the gap
	leastRise   = 2    // times as dense at the end as at the beginning: what sliding keys are at least
	worstFit    = 0.08 // distance of Kolmogorov and Smirnov, or that of chance
	jitterFit   = 0.01
)

// LawOf returns the law that the keys of a template follow. Scanned is how long after now the last of them may have been read:
// what was written meanwhile has as much more left than its TTL.
func LawOf(f *keydesign.TTLFacts, scanned time.Duration) Law {
	switch {
	case f.Keys >= Least && float64(f.Persistent) > noneShare*float64(f.Keys):
		return Law{Kind: None, Keys: f.Keys}
	case f.Expiring < Least:
		return Law{Kind: Insufficient, Keys: f.Expiring}
	}
	left := calm(f)
	if len(left) == 0 { // all of it is one burst
		return Law{Kind: Insufficient, Keys: f.Expiring}
	}
	law := Law{Keys: f.Expiring}
	main := law.split(left, f.Most)
	if main.keys < Least/2 { // of which nothing follows but that there are several
		law.Kind, law.T, law.Low, law.High = Mixed, main.most, main.most, main.most
		return law
	}
	law.fit(main, f, scanned.Seconds())
	for i := range law.Others {
		o := &law.Others[i]
		o.Unit = keydesign.UnitMistake(min(o.T, law.T), max(o.T, law.T))
	}
	law.Human = human(law.Low, law.High)
	return law
}

// spans are what keys have left, the soonest first.
type spans struct {
	all  []keydesign.TTLSpan
	keys int64
	from float64 // the end of a shorter TTL that was cut off; else 0
	most float64 // left of any
	off  float64 // how far most may be from the truth, where others were cut off behind it
}

func newSpans(all []keydesign.TTLSpan, most float64) spans {
	s := spans{all: all}
	for _, x := range all {
		s.keys += x.Keys
	}
	if len(all) > 0 {
		s.most = min(most, all[len(all)-1].High)
	}
	return s
}

// cut returns the first n spans alone. Where the last of them ends is known no better than to the span: it is filled up to the
// end as densely as those before it.
func (s *spans) cut(n int) spans {
	c := newSpans(s.all[:n], math.Inf(1))
	c.from = s.from
	last, before := c.all[n-1], c.all[max(0, n-1-cutBefore):n-1]
	keys := int64(0)
	for _, x := range before {
		keys += x.Keys
	}
	if keys == 0 {
		return c
	}
	dense := float64(keys) / (last.Low - before[0].Low)
	c.most = min(last.High, last.Low+float64(last.Keys)/dense)
	c.off = last.High - last.Low + 3/dense
	return c
}

// cutBefore is how many spans tell how dense the last one is.
const cutBefore = 10

// calm returns what is left without what expires in a burst: keys that were written at once say nothing of a law.
func calm(f *keydesign.TTLFacts) []keydesign.TTLSpan {
	if f.Burst.Keys == 0 {
		return f.Left
	}
	var out []keydesign.TTLSpan
	for _, s := range f.Left {
		if s.High <= f.Burst.Low || s.Low >= f.Burst.High {
			out = append(out, s)
		}
	}
	return out
}

// split divides what is left into TTLs, and returns the keys of the most frequent. What is far beyond all others is no TTL but a
// few outliers.
func (l *Law) split(left []keydesign.TTLSpan, most float64) spans {
	s := newSpans(left, most)
	s = l.cutOutliers(s)
	for {
		at, ok := s.step()
		if !ok {
			return s
		}
		low, high := s.cut(at), newSpans(s.all[at:], s.most)
		high.off, high.from = s.off, low.most
		// Of the longer TTL as many keys a second lie below the end of the shorter one as behind it.
		share := float64(high.keys) * low.most / (high.most - low.most)
		longer := min(float64(s.keys), float64(high.keys)+share)
		shorter := float64(s.keys) - longer
		if shorter >= longer {
			l.Others = append(l.Others, Other{T: high.most, Keys: int64(longer)})
			s = low
			continue
		}
		l.Others = append(l.Others, Other{T: low.most, Keys: int64(shorter)})
		return high
	}
}

// cutOutliers leaves out what lies beyond a gap behind nearly all keys.
func (l *Law) cutOutliers(s spans) spans {
	seen := int64(0)
	for i := 0; i+1 < len(s.all); i++ {
		seen += s.all[i].Keys
		if float64(seen) >= outlierRank*float64(s.keys) && s.all[i+1].Low > outlierGap*s.all[i].High {
			cut := s.cut(i + 1)
			for _, x := range s.all[i+1:] {
				if x.Low >= outlierT*cut.most {
					l.Outliers += x.Keys
				}
			}
			return cut
		}
	}
	return s
}

// step looks for the place at which the keys a second drop most clearly, as they do where a shorter TTL ends. It is not one
// unless two TTLs explain what is left far better than one does, and better than one with jitter.
func (s *spans) step() (at int, ok bool) {
	n, end := float64(s.keys), s.most
	one := n * math.Log(n/end)
	best, seen := 0.0, int64(0)
	for i := 0; i+1 < len(s.all); i++ {
		seen += s.all[i].Keys
		t, n1 := s.all[i].High, float64(seen)
		n2 := n - n1
		if n2 <= 0 || t >= end {
			break
		}
		d1, d2 := n1/t, n2/(end-t)
		if d1 < stepDrop*d2 || t > stepMost*end || n1 < stepKeys || n2 < stepKeys {
			continue
		}
		if gain := n1*math.Log(d1) + n2*math.Log(d2) - one; gain > best {
			best, at = gain, i+1
		}
	}
	if best <= stepGain+math.Log(n) {
		return 0, false
	}
	fixed := model{kind: Fixed, t: end}
	fixed.measure(s)
	jitter := jittered(s)
	return at, best > jitter.ln-fixed.ln+math.Log(n)
}

// The limits of a step.
const (
	stepDrop = 1.8  // times as many keys a second below as above
	stepMost = 0.8  // of the longer TTL: what is closer is jitter
	stepKeys = 10   // on either side
	stepGain = 12.0 // of the logarithm of the likelihood, and ln n besides
)
