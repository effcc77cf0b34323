package random

import "math"

// A LogNormal is a distribution of sizes by its median and the deviation of its logarithm, cut off at a maximum.
type LogNormal struct{ Median, Sigma, Most float64 }

// z99 and zMax are how many deviations above the median a 99th percentile and a maximum lie: one value in a million is larger.
const (
	z99  = 2.326347874040841
	zMax = 4.753424308822899
)

// NewLogNormal returns the distribution with these quantiles, of which 0 is not known; all of them 0 is the median 0.
func NewLogNormal(p50, p99, most int64) LogNormal {
	l := LogNormal{Most: float64(most)}
	for _, q := range [...]int64{most, p99, p50} {
		if q != 0 {
			l.Median = float64(q)
		}
	}
	if most == 0 {
		l.Most = math.MaxInt64 / 2
	}
	switch {
	case p50 > 0 && p99 > p50:
		l.Sigma = math.Log(float64(p99)/float64(p50)) / z99
	case p50 > 0 && p99 == 0 && most > p50:
		l.Sigma = math.Log(float64(most)/float64(p50)) / zMax
	}
	return l
}

// At returns the quantile u, at least 1.
func (l *LogNormal) At(u float64) int64 {
	x := l.Median
	if l.Sigma > 0 {
		x *= math.Exp(l.Sigma * Normal(u))
	}
	return int64(math.Round(max(1, min(x, l.Most))))
}
