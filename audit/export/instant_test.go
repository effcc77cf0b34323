package export

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

const instantLayout = "2006-01-02T15:04:05.000Z"

func TestInstant(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	at := []int64{0, -1, 1, dayMillis - 1, dayMillis, -dayMillis, -dayMillis - 1, firstTime, lastTime}
	for range 20_000 {
		at = append(at, firstTime+rnd.Int64N(lastTime-firstTime+1), rnd.Int64N(3*dayMillis)-dayMillis)
	}
	for day := int64(firstTime); day < firstTime+500*366*dayMillis; day += dayMillis { // more than the calendar's period
		at = append(at, day)
	}
	for _, ms := range at {
		want := time.UnixMilli(ms).UTC().Format(instantLayout)
		if got := string(appendInstant(nil, ms)); got != want {
			t.Fatalf("%d ms is written %s, want %s", ms, got, want)
		}
	}
}

func TestInstantBeyondTheCalendar(t *testing.T) {
	for ms, want := range map[int64]string{
		math.MaxInt64: "9999-12-31T23:59:59.999Z", lastTime + 1: "9999-12-31T23:59:59.999Z",
		math.MinInt64: "0000-01-01T00:00:00.000Z", firstTime - 1: "0000-01-01T00:00:00.000Z",
	} {
		if got := string(appendInstant(nil, millis(time.UnixMilli(ms)))); got != want {
			t.Errorf("%d ms is written %s, want %s", ms, got, want)
		}
	}
}
