package evict

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestIdleTime(t *testing.T) {
	const turn = 1 << 24 // seconds
	for _, c := range []struct {
		state uint32
		now   int64 // s
		want  int64 // s
	}{
		{5, 5, 0},
		{5, 65, 60},
		{StateMax, turn, 0}, // a second is lost over the turn, as in Redis
		{StateMax - 9, turn + 10, 19},
	} {
		if got := IdleTime(c.state, c.now*1000+999); got != time.Duration(c.want)*time.Second {
			t.Errorf("state %d at %d s: idle for %s, want %d s", c.state, c.now, got, c.want)
		}
	}
	if LRUClock(1999) != 1 || LRUClock((turn+3)*1000) != 3 {
		t.Error("the clock has seconds, in 24 bits")
	}
}

// TestLFUGrows compares the counter with the table in redis.conf, of which each figure is one run of the authors'.
func TestLFUGrows(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct{ factor, hits, want int }{
		{0, 100, 104},
		{0, 1000, 255},
		{1, 100, 18},
		{1, 1000, 49},
		{1, 100_000, 255},
		{10, 100, 10},
		{10, 1000, 18},
		{10, 100_000, 142},
		{10, 1_000_000, 255},
		{100, 100, 8},
		{100, 1000, 11},
		{100, 100_000, 49},
		{100, 1_000_000, 143},
	} {
		l := LFU{LogFactor: c.factor, DecayTime: 1}
		const runs = 8
		mean := 0.0
		for range runs {
			state := l.New(0)
			for range c.hits {
				state = l.Touch(state, 0, random)
			}
			mean += float64(state&0xff) / runs
		}
		if off := math.Abs(mean - float64(c.want)); off > 2+0.1*float64(c.want) {
			t.Errorf("factor %d, %d accesses: %.1f, want %d", c.factor, c.hits, mean, c.want)
		}
	}
}

func TestLFUFalls(t *testing.T) {
	const minute = 60_000
	for _, c := range []struct {
		decay    int
		count    uint32
		from, to int64 // minutes
		want     uint8
	}{
		{1, 100, 7, 7, 100},
		{1, 100, 7, 17, 90},
		{1, 5, 7, 1007, 0},
		{10, 100, 7, 26, 99},
		{0, 100, 7, 5007, 100},
		{1, 100, 0xffff, 0x10000, 100}, // a minute is lost over the turn, as in Redis
		{1, 100, 0xfffe, 0x10003, 96},
	} {
		l := LFU{LogFactor: 10, DecayTime: c.decay}
		if got := l.Count(minutes(c.from*minute)<<8|c.count, c.to*minute); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if state := (LFU{}).New(3 * minute); state != 3<<8|5 {
		t.Errorf("a new record has state %#x", state)
	}
	l := LFU{LogFactor: 0, DecayTime: 1}
	if state := l.Touch(1<<8|20, 5*minute, rand.New(rand.NewPCG(1, 1))); state != 5<<8|17 {
		t.Errorf("20 after 4 minutes and an access: %#x, want 17 at minute 5", state)
	}
}
