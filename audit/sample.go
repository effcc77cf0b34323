package audit

import (
	"math"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/internal/sketch"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// A sample is the keys that told some fact, among all: what it holds of a part of them is scaled to all keys. Where every
// key told the fact, nothing is estimated.
type sample struct {
	all, told part
	unsized   int64 // of all: how many do not tell their size
}

// A part is some of the keys of a sample.
type part struct {
	keys, bytes int64
	squares     sketch.Wide // sum of the squares of the keys' bytes: what the interval of a sum of bytes follows from
}

func (p *part) observe(r *kv.Record) {
	p.keys++
	if r.Has(kv.FieldSize) {
		p.bytes += r.Size * r.Stands()
		p.squares.AddSquare(r.Size * r.Stands())
	}
}

func (p *part) merge(o *part) {
	p.keys += o.keys
	p.bytes += o.bytes
	p.squares.Add(o.squares)
}

// Form writes or reads p.
func (p *part) Form(f *saved.Form) {
	saved.Count(f, &p.keys, &p.bytes)
	p.squares.Form(f)
}

// Form writes or reads s.
func (s *sample) Form(f *saved.Form) {
	s.all.Form(f)
	s.told.Form(f)
	saved.Count(f, &s.unsized)
}

// observe counts r, which told the fact or did not.
func (s *sample) observe(r *kv.Record, told bool) {
	s.all.observe(r)
	if told {
		s.told.observe(r)
	}
	if !r.Has(kv.FieldSize) {
		s.unsized++
	}
}

func (s *sample) merge(o *sample) {
	s.all.merge(&o.all)
	s.told.merge(&o.told)
	s.unsized += o.unsized
}

// exact reports whether every key told the fact.
func (s *sample) exact() bool { return s.told.keys == s.all.keys }

// how is what a metric of the sample says of where it comes from.
func (s *sample) how() string {
	if s.exact() {
		return ""
	}
	return kv.Sampled.String()
}

// share returns the share of keys that p is, with Wilson's interval if it is an estimate.
func (s *sample) share(name string, p *part) report.Metric {
	m := report.Metric{Name: name, Value: ratio(p.keys, s.told.keys), Unit: report.UnitRatio, How: s.how()}
	if !s.exact() && s.told.keys > 0 {
		low, high := Wilson(p.keys, s.told.keys)
		m.Interval = &report.Interval{Low: low, High: high}
	}
	return m
}

// keys returns how many of all keys p stands for.
func (s *sample) keys(p *part) report.Value {
	if s.told.keys == 0 {
		return report.Null
	}
	return report.Number(math.Round(float64(p.keys) / float64(s.told.keys) * float64(s.all.keys)))
}

// bytesShare returns the share of bytes that p is, and half of its 95 % interval: that of a ratio of two sums over a sample
// (W. G. Cochran, Sampling Techniques, 6.4). With R the share, each key of p is off by x(1-R) and each other by xR, so that
//
//	half = z · √( (1-f)·( (1-R)²·Σp x² + R²·(Σ x² - Σp x²) ) ) / Σ x
//
// where f is the share of keys that were asked.
func (s *sample) bytesShare(p *part) (share, half float64) {
	if s.told.bytes == 0 {
		return 0, 0
	}
	share = float64(p.bytes) / float64(s.told.bytes)
	if s.exact() {
		return share, 0
	}
	in, all := p.squares.Float(), s.told.squares.Float()
	unseen := 1 - float64(s.told.keys)/float64(s.all.keys)
	spread := (1-share)*(1-share)*in + share*share*max(0, all-in)
	return share, z95 * math.Sqrt(unseen*spread) / float64(s.told.bytes)
}

// bytes returns how many of all bytes p stands for. No bytes are known if no key told its size.
func (s *sample) bytes(name string, p *part) report.Metric {
	m := report.Metric{Name: name, Value: s.bytesValue(p), Unit: report.UnitBytes, How: s.how()}
	if _, half := s.bytesShare(p); half > 0 {
		n, _ := m.Value.Number()
		off := half * float64(s.all.bytes)
		m.Interval = &report.Interval{Low: max(float64(p.bytes), math.Floor(n-off)), High: min(float64(s.all.bytes), math.Ceil(n+off))}
	}
	return m
}

func (s *sample) bytesValue(p *part) report.Value {
	if s.unsized == s.all.keys {
		return report.Null
	}
	share, _ := s.bytesShare(p)
	return report.Number(math.Round(share * float64(s.all.bytes)))
}

// z95 is the 97.5th percentile of the normal distribution: 95 of 100 intervals of ± z95 hold the true value.
const z95 = 1.959963984540054

// Wilson returns Wilson's 95 % interval for a share of which part of whole was seen; of nothing it is all from 0 to 1. Unlike
// p ± z·SE it is right for small numbers and for shares near 0 and 1 (E. B. Wilson, JASA 22, 1927):
//
//	             p + z²/2n ± z·√(p(1-p)/n + z²/4n²)
//	low, high  = ----------------------------------
//	                         1 + z²/n
func Wilson(part, whole int64) (low, high float64) {
	if whole <= 0 {
		return 0, 1
	}
	n := float64(whole)
	p, zz := float64(part)/n, z95*z95
	center := p + zz/(2*n)
	margin := z95 * math.Sqrt(p*(1-p)/n+zz/(4*n*n))
	low, high = max(0, (center-margin)/(1+zz/n)), min(1, (center+margin)/(1+zz/n))
	if part <= 0 {
		low = 0 // exactly, which the formula misses by a rounding
	}
	if part >= whole {
		high = 1
	}
	return low, high
}
