package redis

import (
	"math"
	"time"

	"github.com/kvtool/kvtool/kv"
)

// The law of the governor. A server answers one request at a time, so whoever reads it delays everybody else: by as long as it
// works on one page (COUNT), and by as much of its time as the pages take together. Both can be seen from outside, as the time
// that a PING takes which has nothing to do with the scan.
//
//	before    PINGs for half a second, while nothing is read. The least latency is the way there and back, which is no load; base is
//	          the 99th percentile
//	limit     what that may become, by --max-impact, the way apart: max(3 base, base + 2 ms)
//	watch     a PING every 10 ms. One that takes long stands for those that would have been sent meanwhile
//	own       a timer of ours that is late by as much says that our own machine is busy: it makes two such PINGs look late
//	slower    more than 1 % of a window (2 s) above the middle of base and limit: at once one notch down, which is half of COUNT, and
//	          from 30 keys on a pause before each page, doubled up to 1 s. What was asked before that is not held against it
//	begin     at the third notch, and unwatched no faster: what a server bears is found out from below
//	faster    a window without that: one notch up. A notch up that was a mistake doubles the number of windows until the next
//	          one, up to 16; two in a row that were none halve it
//	end       ten windows in a row above the limit at the last notch, where ten keys a second are read: it is not us who make the
//	          server slow, and whoever does is better off without us
//
// It is the law of TCP for congestion (RFC 5681) in its parts: a slow start, multiplicative decrease at once, an increase that waits. The
// threshold lies below the limit because what is over it has been felt already.
const (
	askEvery    = 10 * time.Millisecond
	window      = 2 * time.Second
	settling    = 100 * time.Millisecond // until a change can be felt, at least
	tolerated   = int(window / askEvery / 100)
	timerStep   = time.Millisecond // timers of Go's runtime are as late on a machine that does nothing
	mostHold    = 16
	mostOver    = 10
	baseFor     = 500 * time.Millisecond
	baseEvery   = 2 * time.Millisecond
	ungoverned  = 20_000                 // keys that are read before a server is watched: that is over in less time than a look takes
	ungovernFor = 500 * time.Millisecond // unless they take so long
	atFirst     = 2                      // the notch until a server has shown that it bears more
)

// A notch is how a scan goes on: so many keys at once, after a pause.
type notch struct {
	count int
	pause time.Duration
}

// notches are the notches from the fastest to the slowest. A page of 30 keys keeps a server for a tenth of a millisecond; less than
// that costs it more for the requests than for the keys, so that from there on it is spared by pauses.
func notches() []notch {
	const ms = time.Millisecond
	return []notch{
		{countMost, 0},
		{250, 0},
		{125, 0},
		{60, 0},
		{30, 0},
		{30, 1 * ms},
		{30, 2 * ms},
		{30, 4 * ms},
		{20, 8 * ms},
		{10, 16 * ms},
		{10, 32 * ms},
		{10, 64 * ms},
		{10, 128 * ms},
		{10, 256 * ms},
		{10, 512 * ms},
		{10, time.Second},
	}
}

// A law decides how fast a server is read, from the latencies of PINGs alone: it knows no clock, no connection and no scan.
type law struct {
	notches     []notch
	base, limit time.Duration // latencies of a PING
	trip        time.Duration // a window with more than 1 % of latencies above it is one too many

	at     int       // the notch
	since  time.Time // the window's beginning; PINGs that were sent before do not count
	warm   int       // latencies in the window above trip
	hot    int       // and above limit
	own    int       // timers of ours that were as late
	clean  int       // windows in a row that were not too much
	hold   int       // of which so many are needed for the next notch up
	eased  bool      // the last change was a notch up
	over   int       // windows in a row above the limit at the last notch
	burden kv.Burden
	seen   latencies
}

// newLaw returns the law for a server of which PINGs took so long when nothing was read.
func newLaw(impact kv.Impact, before *latencies, now time.Time) *law {
	base := before.p99()
	l := &law{notches: notches(), base: base, limit: before.least + impact.Limit(base-before.least), at: atFirst, since: now, hold: 1}
	l.trip = base + (l.limit-base)/2
	l.burden = kv.Burden{Before: base, Limit: l.limit, Least: l.notches[0].count}
	return l
}

// notch returns how the scan is to go on.
func (l *law) notch() notch { return l.notches[l.at] }

// ping takes in that a PING sent at some time took so long.
func (l *law) ping(sent time.Time, took time.Duration) {
	for d := took; d > 0; d -= askEvery {
		l.seen.add(d)
	}
	if sent.Before(l.since) {
		return
	}
	l.warm += missed(took, l.trip)
	l.hot += missed(took, l.limit)
	now := sent.Add(took)
	switch {
	case l.warm > l.tolerated() && l.at < len(l.notches)-1:
		l.judge()
		l.slower(now)
	case now.Sub(l.since) >= window:
		l.judge()
		if l.clean++; l.warm > l.tolerated() {
			l.clean = 0
		}
		l.begin(now)
		if l.clean >= l.hold && l.at > 0 {
			l.faster(now)
		}
	}
}

// timer takes in that a timer of ours was late by so much: whoever waits for it waits for an answer as long.
func (l *law) timer(late time.Duration) { l.own += missed(late-timerStep, l.trip-l.base) }

// tolerated returns how many PINGs of a window may take too long.
func (l *law) tolerated() int { return tolerated + 2*l.own }

// missed returns how many of the PINGs that would have been sent in the time that one took would have taken longer than most.
func missed(took, most time.Duration) int {
	if took <= most {
		return 0
	}
	return 1 + int((took-most)/askEvery)
}

// judge counts the window that ends.
func (l *law) judge() {
	l.burden.Windows++
	l.burden.Own += int64(l.own)
	if l.hot <= l.tolerated() {
		l.over = 0
		return
	}
	l.burden.Over++
	if l.at == len(l.notches)-1 {
		l.over++
	}
	l.burden.GaveUp = l.burden.GaveUp || l.over == mostOver
}

func (l *law) begin(at time.Time) { l.since, l.warm, l.hot, l.own = at, 0, 0, 0 }

func (l *law) slower(now time.Time) {
	l.at++
	if l.eased {
		l.hold = min(2*l.hold, mostHold)
	}
	l.clean, l.eased = 0, false
	n := l.notch()
	l.burden.Slowed++
	l.burden.Least = min(l.burden.Least, n.count)
	l.begin(now.Add(max(settling, 2*n.pause)))
}

func (l *law) faster(now time.Time) {
	l.at--
	if l.eased {
		l.hold = max(1, l.hold/2)
	}
	l.clean, l.eased = 0, true
	l.begin(now.Add(settling))
}

// latencies is a histogram of latencies with a resolution of 5 %, from 1 us to some minutes.
type latencies struct {
	n     int64
	least time.Duration
	count [400]int64
}

const resolution = 1.05

func (s *latencies) add(d time.Duration) {
	i := 0
	if us := float64(d) / float64(time.Microsecond); us > 1 {
		i = min(int(math.Log(us)/math.Log(resolution)), len(s.count)-1)
	}
	s.count[i]++
	if s.n++; s.n == 1 || d < s.least {
		s.least = d
	}
}

// p99 returns the 99th percentile, 0 of nothing.
func (s *latencies) p99() time.Duration {
	left := s.n / 100
	for i := len(s.count) - 1; i >= 0; i-- {
		if left -= s.count[i]; left < 0 {
			return time.Duration(math.Pow(resolution, float64(i+1)) * float64(time.Microsecond))
		}
	}
	return 0
}
