package simulate

import (
	"math"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// quantiles is a log-normal distribution by its median and the deviation of its logarithm, cut off at a maximum.
type quantiles struct{ median, sigma, most float64 }

// z99 and zMax are how many deviations above the median a 99th percentile and a maximum lie: one value in a million is larger.
const (
	z99  = 2.326347874040841
	zMax = 4.753424308822899
)

// quantilesOf returns the distribution of a declared size; the median 0 if none is.
func quantilesOf(d schema.Dim) quantiles {
	q := quantiles{median: float64(d.Typical()), most: float64(d.Max)}
	if q.most == 0 {
		q.most = math.MaxInt64 / 2
	}
	switch {
	case d.P50 > 0 && d.P99 > d.P50:
		q.sigma = math.Log(float64(d.P99)/float64(d.P50)) / z99
	case d.P50 > 0 && d.P99 == 0 && d.Max > d.P50:
		q.sigma = math.Log(float64(d.Max)/float64(d.P50)) / zMax
	}
	return q
}

// at returns the quantile u.
func (q *quantiles) at(u float64) int64 {
	x := q.median
	if q.sigma > 0 {
		x *= math.Exp(q.sigma * quantile(u))
	}
	return int64(math.Round(max(1, min(x, q.most))))
}

// limit reports whether only the most that a size may be is declared, which says little of what it is.
func limit(d schema.Dim) bool { return d.Max > 0 && d.P50 == 0 && d.P99 == 0 }
