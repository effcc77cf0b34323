package lint

import (
	"cmp"
	"math"
	"time"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// A life is how long keys live from their writing on: the shortest and the longest, in seconds. Without a TTL both are
// infinite. A template that declares no TTL has none, since a store sets none either.
//
//	none             [∞, ∞]
//	fixed            [value + least jitter, value + most jitter]
//	sliding          [idle + least jitter, max_age], without a max_age […, ∞]: nobody may use it, or somebody for ever
//	                 without an idle time, as fixed for max_age
//	inherit of T     the life of T
type life struct{ min, max float64 }

func forever() life { return life{math.Inf(1), math.Inf(1)} }

// ends reports whether all keys end some time.
func (l life) ends() bool { return !math.IsInf(l.max, 1) }

// mayEnd reports whether some keys end.
func (l life) mayEnd() bool { return !math.IsInf(l.min, 1) }

// lifeOf returns the life that a TTL gives, which inherits none.
func lifeOf(t *schema.TTL) life {
	switch t.Policy {
	case schema.TTLFixed:
		low, high := jitter(t.Value, t.Jitter)
		return life{low, high}
	case schema.TTLSliding:
		low, high := jitter(cmp.Or(t.Idle, t.MaxAge), t.Jitter)
		switch {
		case t.MaxAge == 0:
			high = math.Inf(1)
		case t.Idle > 0:
			high = t.MaxAge.Seconds()
		}
		return life{min(low, high), high}
	}
	return forever()
}

// jitter returns the shortest and the longest that a TTL and its jitter make, in seconds.
func jitter(ttl time.Duration, j schema.Jitter) (low, high float64) {
	v := ttl.Seconds()
	return v*(1+j.LowShare) + j.Low.Seconds(), v*(1+j.HighShare) + j.High.Seconds()
}

// longestChain is over how many templates a TTL is followed to see from whom it is.
const longestChain = 100

// inherits reports whether a has the TTL of b.
func (d *design) inherits(a, b *template) bool {
	for range longestChain {
		if a == nil || a.ttl.Policy != schema.TTLInherit {
			return false
		}
		if a = d.byName[a.ttl.Of]; a == b {
			return true
		}
	}
	return false
}

// span writes a number of seconds, as it may be infinite.
func span(seconds float64) string {
	if math.IsInf(seconds, 1) {
		return "for ever"
	}
	return humanize.Duration(seconds)
}

// lasting says how long keys of t live at most, and by which policy.
func (t *template) lasting() string {
	switch {
	case math.IsInf(t.life.max, 1) && t.ttl.Policy == schema.TTLSliding:
		return "for ever: sliding without max_age"
	case !t.life.ends():
		return "for ever: no TTL"
	}
	return "up to " + span(t.life.max)
}

// expires reports whether t declares, or inherits from the defaults, that its keys expire.
func (t *template) expires() bool { return t.ttl.Policy != "" && t.ttl.Policy != schema.TTLNone }

// period is how long one value of a time placeholder stays the current one; 0 is not known.
func period(t *schema.Type) time.Duration {
	const day = 24 * time.Hour
	switch t.Kind {
	case schema.TypeTSs:
		return time.Duration(max(1, t.Step)) * time.Second
	case schema.TypeTSms:
		return time.Duration(max(1, t.Step)) * time.Millisecond
	case schema.TypeISOWeek:
		return 7 * day
	case schema.TypeDate:
		return day
	}
	return 0
}
