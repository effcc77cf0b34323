package play

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A call is one to a limiter: the time that it was told, when it was decided on by the server, when its reply was there and when that
// was looked at. A busy machine may have long times between any two of these.
type call struct{ stamp, decided, done, seen time.Duration }

// calls draws some, in the order in which the server decides on them.
func calls(t *rapid.T) []call {
	ms := func(name string, usual, most int) time.Duration {
		if rapid.IntRange(0, 9).Draw(t, name+" is long") > 0 {
			most = usual
		}
		return time.Duration(rapid.IntRange(0, most*1000).Draw(t, name)) * time.Microsecond
	}
	var all []call
	at := time.Duration(0)
	for range rapid.IntRange(1, 150).Draw(t, "calls") {
		at += ms("pause", 60, 3000)
		c := call{stamp: at.Truncate(time.Millisecond)}
		c.decided = at + ms("way there", 3, 2500)
		c.done = c.decided + ms("way back", 3, 2500)
		c.seen = c.done + ms("wait", 1, 2500)
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b call) int { return int(a.decided - b.decided) })
	return all
}

// passedBy returns those that a limiter lets pass, in the order in which the replies are looked at.
func passedBy(all []call, admits func(stamp, now time.Duration) bool) []call {
	var through []call
	for _, c := range all {
		if admits(c.stamp, c.decided.Truncate(time.Millisecond)) {
			through = append(through, c)
		}
	}
	slices.SortStableFunc(through, func(a, b call) int { return int(a.seen - b.seen) })
	return through
}

const (
	testWindow = time.Second
	testLimit  = 5
)

// sliding is the script of a sliding window, with the server's clock by which a key expires. slack are requests beyond the limit.
func sliding(slack int) func(stamp, now time.Duration) bool {
	var scores []time.Duration
	expires := time.Duration(math.MaxInt64)
	return func(stamp, now time.Duration) bool {
		if now >= expires {
			scores = nil
		}
		scores = slices.DeleteFunc(scores, func(s time.Duration) bool { return s < stamp-testWindow })
		if len(scores) >= testLimit+slack {
			return false
		}
		scores, expires = append(scores, stamp), now+testWindow
		return true
	}
}

// bucketOf is the script of a token bucket. Flow is how fast it fills, of how fast it should.
func bucketOf(flow float64) func(stamp, now time.Duration) bool {
	tokens, at, there, expires := float64(testLimit), time.Duration(0), false, time.Duration(math.MaxInt64)
	return func(stamp, now time.Duration) bool {
		if !there || now >= expires {
			tokens, at = testLimit, stamp
		}
		tokens = min(testLimit, tokens+flow*testLimit*max(0, (stamp-at).Seconds())/testWindow.Seconds())
		at, there, expires = max(stamp, at), true, now+2*testWindow
		if tokens < 1 {
			return false
		}
		tokens--
		return true
	}
}

// violationsOf is how many the check sees.
func violationsOf(through []call, bucket bool) (n int) {
	e := &keyState{}
	for _, c := range through {
		e.admitted++
		text := ""
		if a := (passed{c.stamp, c.done}); bucket {
			text = e.overflow(a, testLimit, testWindow)
		} else {
			text = e.crowd(a, testLimit, testWindow)
		}
		if text != "" {
			n++
		}
	}
	return n
}

// TestLimitsOnABusyMachine: a limiter that keeps its limit is never accused, however late calls are decided on, answered and looked
// at, and in whichever order.
func TestLimitsOnABusyMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := calls(t)
		if n := violationsOf(passedBy(all, sliding(0)), false); n > 0 {
			t.Fatalf("%d violations of a window that is kept", n)
		}
		if n := violationsOf(passedBy(all, bucketOf(1)), true); n > 0 {
			t.Fatalf("%d violations of a bucket that is kept", n)
		}
	})
}

// TestLimitsThatAreNotKept: one request too many in a window, and a bucket that fills half as fast again, are seen where the machine
// is not busy.
func TestLimitsThatAreNotKept(t *testing.T) {
	var all []call
	for i := range 400 {
		at := time.Duration(i) * 10 * time.Millisecond
		all = append(all, call{at, at + time.Millisecond, at + 2*time.Millisecond, at + 2*time.Millisecond})
	}
	if n := violationsOf(passedBy(all, sliding(1)), false); n == 0 {
		t.Error("six in a window of five are not seen")
	}
	if n := violationsOf(passedBy(all, bucketOf(1.5)), true); n == 0 {
		t.Error("a bucket that fills too fast is not seen")
	}
	if n := violationsOf(passedBy(all, sliding(0)), false) + violationsOf(passedBy(all, bucketOf(1)), true); n > 0 {
		t.Errorf("%d violations of limits that are kept", n)
	}
}
