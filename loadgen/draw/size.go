package draw

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A Size draws sizes, in whatever unit: log-normal by the median and the 99th percentile, never above the maximum.
type Size struct{ law random.LogNormal }

// NewSize returns the law of a declared size. One that is not declared is usual.
func NewSize(d schema.Dim, usual int64) Size {
	if d.Typical() == 0 {
		d = schema.Dim{P50: usual, P99: usual, Max: usual}
	}
	return Size{random.NewLogNormal(d.P50, d.P99, d.Max)}
}

// Draw returns a size, at least 1.
func (s *Size) Draw(r *Source) int64 { return s.law.At(unit(r)) }

// TTL draws the life of a key by its declared law, jitter included, rounded to a millisecond; most is that of a key which has
// none, and no key lives longer.
func TTL(t *schema.TTL, most time.Duration, r *Source) time.Duration {
	base := t.Value
	if t.Policy == schema.TTLSliding {
		base = t.Idle
		if base == 0 {
			base = t.MaxAge
		}
	}
	if base == 0 || t.Policy == schema.TTLNone {
		return most
	}
	j := &t.Jitter
	if *j != (schema.Jitter{}) {
		u := unit(r)
		base += j.Low + time.Duration(u*float64(j.High-j.Low)+float64(base)*(j.LowShare+u*(j.HighShare-j.LowShare)))
	}
	return min(max(base.Round(time.Millisecond), time.Millisecond), most)
}

// Wait draws a time from an exponential law with the given mean, or returns the mean if it is fixed.
func Wait(mean time.Duration, fixed bool, r *Source) time.Duration {
	if fixed {
		return mean
	}
	return time.Duration(-math.Log(unit(r)) * float64(mean))
}
