package simulate

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
)

// expiry adds up when the keys of a template expire and what that costs the source behind them.
type expiry struct {
	bins   [len(expiryBounds) + 1]bin // by what is left of their lives
	rate   float64                    // keys that expire a second, where they were written at any time
	origin float64                    // reads that find nothing and go to the source, a second
	reads  float64
	burst  float64 // if all were written at once: keys that expire in the worst second
	rush   float64 // and the reads that go to the source in it
}

type bin struct{ keys, bytes float64 }

// expiryBounds are the ends of the bins of the histogram.
var expiryBounds = [...]time.Duration{
	time.Second, 10 * time.Second, time.Minute, 10 * time.Minute, time.Hour, 6 * time.Hour, 24 * time.Hour,
	7 * 24 * time.Hour, 30 * 24 * time.Hour,
}

func binOf(left time.Duration) int {
	for i, b := range expiryBounds {
		if left <= b {
			return i
		}
	}
	return len(expiryBounds)
}

func (e *expiry) add(d *Draw, one *load) {
	if d.TTL <= 0 {
		return
	}
	w, life := d.Weight, d.Life.Seconds()
	b := &e.bins[binOf(d.TTL)]
	b.keys += w
	b.bytes += w * one.bytes
	reads := d.p.reads(d)
	e.rate += w * hazard(d, life)
	peak := d.p.worst()
	e.burst += w * peak
	if !d.p.cached() {
		return
	}
	// Between two misses of a key there are its life and the wait for its next reader. Whoever reads while the first of them is
	// at the source goes there, too, unless they wait for each other.
	more := 1 + reads*d.p.missCost()
	e.reads += w * reads
	e.origin += w * reads / (1 + reads*life) * more
	e.rush += w * peak * -math.Expm1(-reads) * more
}

// hazard returns how often a second a key expires: once a life, and where each use begins it anew, when there is none for so long.
func hazard(d *Draw, life float64) float64 {
	if d.p.ttl.Policy != schema.TTLSliding {
		return 1 / life
	}
	if x := d.p.rate(d) * life; x > 1e-6 {
		return x / math.Expm1(x) / life
	}
	return 1 / life
}

// worst returns which part of the keys expires in the worst second if all were written at once: a second's part of the jitter.
func (p *population) worst() float64 {
	j := &p.ttl.Jitter
	width := p.life.Seconds()*(j.HighShare-j.LowShare) + (j.High - j.Low).Seconds()
	return 1 / max(1, width)
}

// cached reports whether a source stands behind the keys, from which the application reads what it does not find.
func (p *population) cached() bool {
	if p.t.Kind == schema.Cache || p.t.Pattern.Name == "cache-aside" {
		return true
	}
	for i := range p.uses {
		if p.uses[i].a.OnMiss.Op != "" {
			return true
		}
	}
	return false
}

// missCost returns for how long a reader is at the source while others follow, in seconds; 0 if they wait for it.
func (p *population) missCost() float64 {
	cost := 0.0
	for i := range p.uses {
		if m := &p.uses[i].a.OnMiss; !m.SingleFlight {
			cost = max(cost, m.Cost.Seconds())
		}
	}
	return cost
}
