package kv

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// An Impact says how much slower a live server may answer others while it is read: its latency may reach Times what it was before,
// or More than that, whichever allows for more. The zero value is DefaultImpact.
type Impact struct {
	Times float64       // 0: no such bound
	More  time.Duration // 0: no such bound
	Off   bool          // nobody watches
}

// DefaultImpact is three times the latency, and 2 ms more in any case: of a server that answers within 0.1 ms, three times is
// what any other client does to it.
func DefaultImpact() Impact { return Impact{Times: 3, More: 2 * time.Millisecond} }

// Limit returns the latency that a server may have whose latency was base.
func (i Impact) Limit(base time.Duration) time.Duration {
	if i == (Impact{}) {
		i = DefaultImpact()
	}
	most := base
	if i.Times > 0 {
		most = max(most, time.Duration(math.Min(float64(base)*i.Times, float64(math.MaxInt64/2))))
	}
	return max(most, base+i.More)
}

// ParseImpact reads what String writes and people type: 3x,2ms; 2x; 500us; off.
func ParseImpact(s string) (Impact, error) {
	if s == "off" {
		return Impact{Off: true}, nil
	}
	var i Impact
	for part := range strings.SplitSeq(s, ",") {
		if times, ok := strings.CutSuffix(part, "x"); ok {
			f, err := strconv.ParseFloat(times, 64)
			if err != nil || !(f >= 1 && f <= 1e6) || i.Times > 0 {
				return Impact{}, errImpact(s)
			}
			i.Times = f
			continue
		}
		d, err := time.ParseDuration(part)
		if err != nil || d <= 0 || d > time.Hour || i.More > 0 {
			return Impact{}, errImpact(s)
		}
		i.More = d
	}
	return i, nil
}

func errImpact(s string) error {
	return WithHint(Usagef("%.40q says not how much slower a server may be", s), "3x,2ms: three times its latency, and 2 ms more in any case; 2ms; 5x; or off")
}

func (i Impact) String() string {
	if i == (Impact{}) {
		i = DefaultImpact()
	}
	var parts []string
	switch {
	case i.Off:
		return "off"
	case i.Times > 0:
		parts = append(parts, strconv.FormatFloat(i.Times, 'f', -1, 64)+"x")
	}
	if i.More > 0 {
		parts = append(parts, i.More.String())
	}
	return strings.Join(parts, ",")
}

// A Burden is how a server has fared while it was read, and how the reading was held back for its sake.
type Burden struct {
	Place     string        // of the server: host and port
	Before    time.Duration // the 99th percentile of its latency, before
	Limit     time.Duration // what that may be meanwhile
	While     time.Duration // what it was
	Windows   int64         // in which it was judged
	Over      int64         // of these: above the limit
	Own       int64         // times that our own machine was late, for which allowance was made
	Slowed    int64         // times that the reading went on more slowly
	Waited    time.Duration // that the reading has waited
	Least     int           // keys that the server was asked for at once, where that was least
	GaveUp    bool          // the reading has ended for its sake
	Unwatched string        // why nobody watched, or not to the end; empty: somebody did
}
