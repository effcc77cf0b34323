package propose

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// The shares that tell a law from a fault.
const (
	strays       = 0.10 // so many keys may be unlike the others by accident
	strayTTLs    = 0.05 // so many may have a TTL where the others have none: nobody loses one into being
	fewTTLs      = 100  // with fewer keys that expire, how they do says nothing
	jitterTTLs   = 1000 // with fewer, a TTL that varies looks like one that does not
	slidingShare = 0.60 // of keys with more than half of their time left: used keys begin anew, others do not
	burstShare   = 0.50 // of keys that expire together: they were written together
	leastJitter  = 0.05 // is chance
)

// law returns how long the keys are meant to live. What a tenth of them or less does is a fault; where there is no such
// majority nothing is proposed.
func (d *draft) law() schema.TTL {
	t := &d.TTL
	switch none := float64(t.Persistent); {
	case t.Keys == 0:
		return schema.TTL{}
	case t.Expiring == 0 || none >= (1-strayTTLs)*float64(t.Keys):
		if t.Expiring > 0 {
			d.note("%s of %s have a TTL", humanize.Counted(t.Expiring, "key"), humanize.Exact(t.Keys))
		}
		return schema.TTL{Policy: schema.TTLNone}
	case none > strays*float64(t.Keys) && !d.Lock:
		d.note("TTL mixed: %s of the keys have none, so that none is proposed", percent(none/float64(t.Keys)))
		return schema.TTL{}
	}
	if t.Persistent > 0 {
		d.note("%s of %s have no TTL", humanize.Counted(t.Persistent, "key"), humanize.Exact(t.Keys))
	}
	return d.finite()
}

func (d *draft) note(form string, args ...any) { d.notes = append(d.notes, fmt.Sprintf(form, args...)) }

// finite returns the law of keys that expire.
func (d *draft) finite() schema.TTL {
	end, ok := d.meant(d.TTL.Groups)
	if !ok {
		d.note("no TTL is below ten years, so that none is proposed")
		return schema.TTL{}
	}
	h := histogramOf(d.TTL.Left, end*reach)
	switch {
	case h.keys < fewTTLs: // of n keys written at any time, the longest has n/(n+1) of its TTL left
		return schema.TTL{Policy: schema.TTLFixed, Value: rounded(h.end * (1 + 1/max(h.keys, 10)))}
	case h.burst():
		d.note("its keys were written together: the TTL may be longer")
		return schema.TTL{Policy: schema.TTLFixed, Value: rounded(h.end)}
	case h.slides():
		return schema.TTL{Policy: schema.TTLSliding, Idle: rounded(h.end)}
	}
	low := h.end
	if h.keys >= jitterTTLs {
		low = h.low()
	}
	spread := math.Round((h.end-low)/(h.end+low)*20) / 20
	if spread < leastJitter {
		return schema.TTL{Policy: schema.TTLFixed, Value: rounded(h.end)}
	}
	ttl := schema.TTL{Policy: schema.TTLFixed, Value: rounded(h.end / (1 + spread))}
	ttl.Jitter.LowShare, ttl.Jitter.HighShare = -spread, spread
	return ttl
}

// reach is how far behind the end of a group keys of it may lie: the end is where most have stopped.
const reach = 4. / 3

// meant returns the end of the group of TTLs that was meant: that of most keys, or a longer one if more than strays have it and
// it is not the same number in another unit.
func (d *draft) meant(groups []keydesign.TTLGroup) (end float64, ok bool) {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g keydesign.TTLGroup) bool {
		return g.End > keydesign.LongestTTL.Seconds()
	})
	if len(groups) == 0 {
		return 0, false
	}
	most := slices.MaxFunc(groups, func(a, b keydesign.TTLGroup) int { return int(a.Keys - b.Keys) })
	end = most.End
	for _, g := range groups {
		if g.End > end && float64(g.Keys) > strays*float64(d.TTL.Expiring) && !keydesign.UnitMistake(most.End, g.End) {
			end = g.End
		}
	}
	if end != most.End {
		d.note("several TTLs, about %s and %s: the longest is proposed", rounded(most.End), rounded(end))
	}
	return end, true
}

// A histogram is how much time keys have left, in equal bins from now to the end of what nearly all have.
type histogram struct {
	bins [histogramBins]float64
	end  float64 // seconds
	keys float64
}

const (
	histogramBins = 40
	levelBins     = 10 // the density is level for so long at least: a TTL is not spread by more
	nearlyAll     = 0.999
)

// histogramOf divides the spans up to limit into bins.
func histogramOf(spans []keydesign.TTLSpan, limit float64) (h histogram) {
	var within []keydesign.TTLSpan
	for _, s := range spans {
		if s.Low < limit {
			within = append(within, s)
			h.keys += float64(s.Keys)
		}
	}
	seen := 0.
	for _, s := range within {
		h.end = s.High
		if seen += float64(s.Keys); seen >= nearlyAll*h.keys {
			break
		}
	}
	width := h.end / histogramBins
	for _, s := range within {
		for i := range h.bins {
			low := float64(i) * width
			if both := min(s.High, low+width) - max(s.Low, low); both > 0 {
				h.bins[i] += float64(s.Keys) * both / (s.High - s.Low)
			}
		}
	}
	return h
}

// burst reports whether most keys expire together.
func (h *histogram) burst() bool {
	for i := 1; i < histogramBins; i++ {
		if h.bins[i-1]+h.bins[i] > burstShare*h.keys {
			return true
		}
	}
	return false
}

// calm returns the bins with no burst in them: none more than three times the median.
func (h *histogram) calm() [histogramBins]float64 {
	sorted := h.bins
	slices.Sort(sorted[:])
	most := 3 * max(sorted[histogramBins/2], 1)
	calm := h.bins
	for i := range calm {
		calm[i] = min(calm[i], most)
	}
	return calm
}

// slides reports whether more keys have much time left than little: the TTL is set anew at each use. With a fixed one, what is
// left is anything up to it.
func (h *histogram) slides() bool {
	lower, upper := 0., 0.
	for i, n := range h.calm() {
		if i < histogramBins/2 {
			lower += n
		} else {
			upper += n
		}
	}
	n := lower + upper
	return upper > n*(slidingShare+1.5/math.Sqrt(n))
}

// low returns the shortest TTL, in seconds. With steady writes the density of what is left is the share of keys whose TTL is
// longer: level up to the shortest TTL, and with TTLs spread evenly falling from there to the longest. So where it has fallen
// by a quarter is a quarter of the way.
func (h *histogram) low() float64 {
	calm := h.calm()
	level := 0.
	for _, n := range calm[:levelBins] {
		level += n / levelBins
	}
	for i := levelBins; i < histogramBins-1; i++ {
		if (calm[i]+calm[i+1])/2 < 0.75*level {
			quarter := h.end * float64(i+1) / histogramBins
			return max(0, (quarter-h.end/4)*4/3)
		}
	}
	return h.end
}

// Durations that people give.
var roundTTLs = func() []time.Duration {
	var out []time.Duration
	add := func(unit time.Duration, counts ...int) {
		for _, n := range counts {
			out = append(out, time.Duration(n)*unit)
		}
	}
	add(time.Second, 1, 2, 3, 5, 10, 15, 20, 30, 45)
	add(time.Minute, 1, 2, 3, 5, 10, 15, 20, 30, 45)
	add(time.Hour, 1, 2, 3, 4, 6, 8, 12, 18)
	add(24*time.Hour, 1, 2, 3, 4, 5, 7, 10, 14, 21, 28, 30, 45, 60, 90, 120, 180, 365)
	return out
}()

// tolerance is how far a TTL may be from a round one to be meant as that.
const tolerance = 0.04

// rounded returns the duration that was meant by about so many seconds: a round one that is near, or two digits, rounded up.
func rounded(seconds float64) time.Duration {
	for _, d := range roundTTLs {
		if r := d.Seconds(); seconds >= r*(1-tolerance) && seconds <= r*(1+tolerance/2) {
			return d
		}
	}
	unit := time.Second
	for _, u := range [...]time.Duration{time.Minute, time.Hour, 24 * time.Hour} {
		if seconds >= 10*u.Seconds() {
			unit = u
		}
	}
	if seconds < 10 {
		unit = time.Second / 10
	}
	return time.Duration(math.Ceil(seconds/unit.Seconds())) * unit
}
