package evict

import (
	"math/rand/v2"
	"time"
)

// LRUClock returns the clock of the LRU policies at now, Unix ms: 24 bits of seconds, which start anew after 194 days.
// (server.h: LRU_BITS 24, LRU_CLOCK_RESOLUTION 1000.)
func LRUClock(now int64) uint32 { return uint32(now/1000) & StateMax }

// IdleTime returns for how long a record with the state has not been accessed, as estimateObjectIdleTime does it: a state that
// is ahead of the clock is from its last round.
func IdleTime(state uint32, now int64) time.Duration {
	clock := LRUClock(now)
	if clock >= state {
		return time.Duration(clock-state) * time.Second
	}
	return time.Duration(clock+(StateMax-state)) * time.Second
}

// IdleState returns the state of a record that has not been accessed for so many seconds (object.c: objectSetLRUOrLFU).
func IdleState(seconds, now int64) uint32 {
	at := int64(LRUClock(now)) - seconds
	if at < 0 {
		at += StateMax
	}
	return uint32(at) & StateMax
}

// LFU is how Redis counts accesses in 24 bits: 16 of minutes, when the counter last fell, and 8 of a counter that grows with the
// logarithm of the accesses (evict.c: LFULogIncr, LFUDecrAndReturn).
//
//	factor   100 accesses   1,000   100,000   1 million
//	1        18             49      255       255
//	10       10             18      142       255
//	100      8              11      49        143
type LFU struct {
	LogFactor int // lfu-log-factor
	DecayTime int // lfu-decay-time: minutes after which the counter falls by one; 0 never
}

// firstCount is the counter of a new record (LFU_INIT_VAL), so that it is not dropped before it could be used.
const firstCount = 5

// New returns the state of a new record at now, Unix ms.
func (LFU) New(now int64) uint32 { return minutes(now)<<8 | firstCount }

// State returns the state of a record whose counter is count at now.
func (LFU) State(count uint8, now int64) uint32 { return minutes(now)<<8 | uint32(count) }

// Touch returns the state after an access.
func (l LFU) Touch(state uint32, now int64, random *rand.Rand) uint32 {
	count := l.Count(state, now)
	if count < 255 {
		chance := 1 / float64(max(0, int(count)-firstCount)*l.LogFactor+1)
		if random.Float64() < chance {
			count++
		}
	}
	return minutes(now)<<8 | uint32(count)
}

// Count returns the counter as it has fallen until now.
func (l LFU) Count(state uint32, now int64) uint8 {
	count := state & 0xff
	if l.DecayTime <= 0 {
		return uint8(count)
	}
	fallen := elapsed(state>>8, minutes(now)) / uint32(l.DecayTime)
	return uint8(count - min(count, fallen))
}

// minutes returns 16 bits of minutes, which start anew after 45 days.
func minutes(now int64) uint32 { return uint32(now/60_000) & 0xffff }

// elapsed returns the minutes from one to the other; it is one short over the turn, as in Redis.
func elapsed(from, to uint32) uint32 {
	if to >= from {
		return to - from
	}
	return 0xffff - from + to
}
