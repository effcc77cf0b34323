package keydesign

import (
	"math"

	"github.com/kvtool/kvtool/internal/sketch"
)

// A span is a stretch of remaining time, in seconds from now, and how many keys expire within it.
type span struct {
	low, high float64
	keys      int64
}

// remaining turns expiries into what is left of them, the soonest first. Keys that are past their expiry have nothing left.
func remaining(expiry *sketch.Bins, now int64) []span {
	spans := make([]span, 0, expiry.Len())
	for b := range expiry.All() {
		low, high := max(0, int64(b.Low)-now), max(0, int64(b.High)+1-now)
		if high > 0 {
			spans = append(spans, span{float64(low), float64(high), int64(b.N)})
		}
	}
	return spans
}

// A group is keys whose TTLs seem to have been set to the same: its spans end where the TTL ends.
//
//	keys a second
//	████▇█▆█▇▇█              a group of many short TTLs
//	████▇█▆█▇▇█   ▁ ▁ ▁▁▁ ▁  and one of few long ones
//	0       end          end
type group struct {
	spans []span
	end   float64
	keys  int64
}

// A group ends where of the keys within a factor of groupStep less than a fifth is behind the end.
const (
	groupStep = 1.5
	groupDrop = 5
	groupKeys = 10 // at least so many keys before the end: fewer end by chance
)

// groupTTLs divides spans into groups. With steady writes and one TTL the remaining times are uniform from 0 to the TTL, so
// the keys within a constant factor of time become more up to the TTL, and then there are none; a second, longer TTL adds
// hardly any there. So a group ends where they drop.
func groupTTLs(spans []span) []group {
	var groups []group
	begin, end := 0, -1 // of the group: its first span, and the last that may end it
	from, to := 0, 0    // spans[from:i+1] are within a step below, spans[i+1:to] within one above
	var below, above int64
	for i, s := range spans {
		below += s.keys
		for ; spans[from].high*groupStep < s.high; from++ {
			below -= spans[from].keys
		}
		if to <= i {
			to, above = i+1, 0
		} else {
			above -= s.keys
		}
		for ; to < len(spans) && spans[to].low <= s.high*groupStep; to++ {
			above += spans[to].keys
		}
		switch drops := below >= groupKeys && above*groupDrop < below; {
		case drops:
			end = i
		case end >= 0:
			groups = append(groups, newGroup(spans[begin:end+1]))
			begin, end = end+1, -1
		}
	}
	if begin < len(spans) {
		groups = append(groups, newGroup(spans[begin:]))
	}
	return groups
}

func newGroup(spans []span) group {
	g := group{spans: spans, end: spans[len(spans)-1].high}
	for _, s := range spans {
		g.keys += s.keys
	}
	return g
}

// The limits of KD065.
const (
	burstTemplate = 1000 // keys of the group
	burstShare    = 0.10
	burstWindow   = 0.01
	burstTimes    = 5.0
	burstKeys     = 1000 // of a burst that is no tenth of the group
	burstLeast    = 0.01 // and its least share
	burstFresh    = 0.03 // share of the TTL within which a key counts as just written
	burstBeside   = 3    // a burst holds so many times the keys of either side
)

// A burst is the most keys of a group that expire together.
type burst struct {
	span
	of    int64   // keys of the group
	times float64 // the mean
}

// findBurst looks at the group with the most keys for a burst.
func findBurst(groups []group) (burst, bool) {
	var g group
	for _, x := range groups {
		if x.keys > g.keys {
			g = x
		}
	}
	if g.keys < burstTemplate {
		return burst{}, false
	}
	b := g.peak(g.end * burstWindow)
	if !g.standsOut(&b) {
		return b, false
	}
	if float64(b.keys) >= burstShare*float64(g.keys) {
		return b, true
	}
	b = g.peak(0)
	enough := b.keys >= burstKeys && float64(b.keys) >= burstLeast*float64(g.keys)
	bins := g.end / (b.high - b.low)
	chance := poissonPeak(bins, float64(g.keys)/bins)
	return b, enough && b.times > burstTimes*chance && g.standsOut(&b)
}

// peak returns the most keys in neighbouring spans of at most width together, or in one if width is 0, of those that were not
// just written. Where the spans are too wide to tell, it is empty.
func (g *group) peak(width float64) burst {
	best := burst{of: g.keys}
	from, keys := 0, int64(0)
	for i, s := range g.spans {
		if s.high > g.end*(1-burstFresh) {
			break
		}
		keys += s.keys
		for from <= i && s.high-g.spans[from].low > width && (width > 0 || from < i) {
			keys -= g.spans[from].keys
			from++
		}
		if keys > best.keys {
			best.span = span{g.spans[from].low, s.high, keys}
		}
	}
	if best.keys > 0 {
		best.times = float64(best.keys) / float64(g.keys) * g.end / (best.high - best.low)
	}
	return best
}

// standsOut reports whether a burst holds many more keys than stretches as long on either side of it. Without this, what is
// in use all the time would look like a burst: most of its keys have nearly all their time left.
func (g *group) standsOut(b *burst) bool {
	if b.keys == 0 {
		return false
	}
	w := b.high - b.low
	return !math.IsNaN(w) && float64(b.keys) >= burstBeside*max(g.within(b.low-2*w, b.low-w), g.within(b.high+w, b.high+2*w))
}

// within returns about how many keys expire between low and high.
func (g *group) within(low, high float64) float64 {
	n := 0.0
	for _, s := range g.spans {
		if overlap := min(high, s.high) - max(low, s.low); overlap > 0 {
			n += float64(s.keys) * overlap / (s.high - s.low)
		}
	}
	return n
}
