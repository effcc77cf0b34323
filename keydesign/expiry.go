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

// remaining returns what keys have left, the soonest first.
func remaining(left *sketch.Quantiles) []span {
	spans := make([]span, 0, left.Bins())
	for ms, n := range left.All() {
		spans = append(spans, span{ms[0] / 1000, ms[1] / 1000, int64(n)})
	}
	return spans
}

// due returns when keys expire, the soonest first, in spans of equal length. Those that are past their expiry are left out.
func due(expiry *sketch.Bins, now int64) []span {
	spans := make([]span, 0, expiry.Len())
	for b := range expiry.All() {
		if low, high := int64(b.Low)-now, int64(b.High)+1-now; high > 0 {
			spans = append(spans, span{float64(low), float64(high), int64(b.N)})
		}
	}
	return spans
}

// A group is keys whose TTLs seem to have been set to the same: it ends where the TTL ends.
//
//	keys a second
//	████▇█▆█▇▇█              a group of many short TTLs
//	████▇█▆█▇▇█   ▁ ▁ ▁▁▁ ▁  and one of few long ones
//	0       end          end
type group struct {
	end  float64 // seconds
	keys int64
}

// A group ends where the density of keys falls to a third: where of two stretches of the same length, a third of the way to
// the end, the second holds so few. With below and above keys in them, the difference has a standard deviation of
// √(below + above) by chance; it must be groupSigma times that.
const (
	groupDrop  = 3
	groupSigma = 5
	stepBack   = 2. / 3
	stepOn     = 4. / 3
)

// drop returns by how many standard deviations there are fewer keys above, or 0 where that may be chance.
func drop(below, above int64) float64 {
	sigmas := float64(below-above) / math.Sqrt(float64(below+above))
	if above*groupDrop >= below || sigmas < groupSigma {
		return 0
	}
	return sigmas
}

// groupTTLs divides what is left into groups. With steady writes and one TTL the times left are uniform from 0 to the TTL:
// as many keys in each second, up to the TTL, and then none. A second, longer TTL adds the same few to each of these seconds
// and to those behind them. So a group ends where the keys a second drop.
func groupTTLs(spans []span) []group {
	var groups []group
	var g, open group // since the last end; since the last place where it may end
	from, to := 0, 0  // spans[from:i+1] are within the step back, spans[i+1:to] within the step on
	var below, above int64
	steepest := 0.
	for i, s := range spans {
		if g.keys > 0 && g.end <= s.high*stepBack { // out of reach: what drops now is another group
			groups, g, steepest = append(groups, g), group{}, 0
		}
		below += s.keys
		for ; spans[from].high <= s.high*stepBack; from++ {
			below -= spans[from].keys
		}
		above -= s.keys
		if to <= i {
			to, above = i+1, 0
		}
		for ; to < len(spans) && spans[to].low < s.high*stepOn; to++ {
			above += spans[to].keys
		}
		open.keys += s.keys
		switch d := drop(below, above); {
		case d > 0:
			g.keys, open = g.keys+open.keys, group{}
			if d > steepest {
				g.end, steepest = s.high, d
			}
		case g.keys > 0:
			groups, g, steepest = append(groups, g), group{}, 0
		}
	}
	if open.keys > 0 {
		g.end = spans[len(spans)-1].high
	}
	if g.keys += open.keys; g.keys > 0 {
		groups = append(groups, g)
	}
	return groups
}

// The limits of KD065.
const (
	burstTemplate = 1000 // keys that expire
	burstShare    = 0.10
	burstWindow   = 0.01
	burstTimes    = 5.0
	burstKeys     = 1000 // of a burst that is no tenth of them
	burstLeast    = 0.01 // and its least share
	burstFresh    = 0.03 // share of the whole time that may pass before a key does not count as just written
	burstBeside   = 3    // a burst holds so many times the keys of either side
)

// A burst is the most keys that expire together.
type burst struct {
	span
	of    int64   // keys that expire in the same time
	times float64 // the mean
}

// findBurst looks for a burst in the time up to the end of each group: a few keys with a far longer TTL must not make all
// others look as if they came at once.
func findBurst(spans []span, groups []group) (b burst, ok bool) {
	for _, g := range groups {
		w := window{end: g.end}
		for _, s := range spans {
			if s.low >= g.end {
				break
			}
			w.spans = append(w.spans, s)
			w.keys += s.keys
		}
		if w.keys < burstTemplate {
			continue
		}
		if b, ok := w.burst(); ok {
			return b, true
		}
	}
	return b, false
}

// A window is the keys that expire within a time from now.
type window struct {
	spans []span
	end   float64
	keys  int64
}

// burst returns the most keys that expire together, and whether they are a burst.
func (w *window) burst() (burst, bool) {
	b := w.narrow(w.peak(w.end * burstWindow))
	if float64(b.keys) >= burstShare*float64(w.keys) && w.standsOut(&b) && w.sudden(&b) {
		return b, true
	}
	b = w.peak(0)
	if b.keys < burstKeys || float64(b.keys) < burstLeast*float64(w.keys) || !w.standsOut(&b) {
		return b, false
	}
	bins := w.end / (b.high - b.low)
	return b, b.times > burstTimes*poissonPeak(bins, float64(w.keys)/bins)
}

// peak returns the most keys in neighbouring spans of at most width together, or in one span if width is 0. Where a span is
// wider, one cannot tell: there is none.
func (w *window) peak(width float64) burst {
	best := burst{of: w.keys}
	from, keys := 0, int64(0)
	for i, s := range w.spans {
		keys += s.keys
		for from <= i && s.high-w.spans[from].low > width && (width > 0 || from < i) {
			keys -= w.spans[from].keys
			from++
		}
		if keys > best.keys {
			best.span = span{w.spans[from].low, s.high, keys}
		}
	}
	if best.keys > 0 {
		best.times = float64(best.keys) / float64(w.keys) * w.end / (best.high - best.low)
	}
	return best
}

// narrow returns the shortest part of b that still holds most of it.
func (w *window) narrow(b burst) burst {
	for b.keys > 0 {
		n := w.peak((b.high - b.low) / 2)
		if n.keys*5 < b.keys*4 {
			break
		}
		b = n
	}
	return b
}

// standsOut reports whether b holds many more keys than stretches as long on either side of it, so that it does not stand at
// the beginning either: short TTLs among long ones would look like a burst there.
func (w *window) standsOut(b *burst) bool {
	d := b.high - b.low
	return b.keys > 0 && b.low >= 2*d &&
		float64(b.keys) >= burstBeside*max(w.within(b.low-2*d, b.low-d), w.within(b.high+d, b.high+2*d))
}

// sudden reports whether b is no group of keys that have nearly all their time left because they are used all the time. These
// become more and more towards the end of the window; what was written together is there from one moment to the next.
func (w *window) sudden(b *burst) bool {
	third := (b.high - b.low) / 3
	return b.high <= w.end*(1-burstFresh) || w.within(b.low, b.low+third) >= burstBeside*w.within(b.low-third, b.low)
}

// within returns about how many keys expire between low and high.
func (w *window) within(low, high float64) float64 {
	n := 0.0
	for _, s := range w.spans {
		if overlap := min(high, s.high) - max(low, s.low); overlap > 0 {
			n += float64(s.keys) * overlap / (s.high - s.low)
		}
	}
	return n
}

// A Burst is many keys that expired at once, as KD065 has it.
type Burst struct {
	From, To int     // seconds, before To
	Keys     int64   // that expired then
	Of       int64   // that expired in all
	Times    float64 // as many as in a mean second
}

// FindBurst looks for a burst in how many keys expired in each second.
func FindBurst(seconds []int64) (Burst, bool) {
	w := window{end: float64(len(seconds))}
	for i, n := range seconds {
		w.spans = append(w.spans, span{float64(i), float64(i + 1), n})
		w.keys += n
	}
	if w.keys < burstTemplate {
		return Burst{}, false
	}
	b, ok := w.burst()
	return Burst{int(b.low), int(b.high), b.keys, w.keys, b.times}, ok
}
