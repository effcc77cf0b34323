package simulate

import (
	"github.com/kvtool/kvtool/internal/random"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// quantiles are a size as a distribution.
type quantiles = random.LogNormal

// quantilesOf returns the distribution of a declared size; the median 0 if none is.
func quantilesOf(d schema.Dim) quantiles { return random.NewLogNormal(d.P50, d.P99, d.Max) }

// limit reports whether only the most that a size may be is declared, which says little of what it is.
func limit(d schema.Dim) bool { return d.Max > 0 && d.P50 == 0 && d.P99 == 0 }
