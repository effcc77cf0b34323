package export

import "time"

// Instants are written in UTC with milliseconds: 2026-01-15T12:00:00.000Z. Every reader takes that for a time without being
// told, and its order as text is that in time. There are no more than four digits for a year, and a column in which one cell
// is no time is a column of text; so an instant after the year 9999, which stands for never, becomes the last one of that
// year, and one before the year 0 the first.
const (
	dayMillis = 24 * 60 * 60 * 1000
	firstTime = -62167219200000 // 0000-01-01T00:00:00.000Z
	lastTime  = 253402300799999 // 9999-12-31T23:59:59.999Z
)

// millis returns t as milliseconds since 1970, within what can be written.
func millis(t time.Time) int64 { return min(max(t.UnixMilli(), firstTime), lastTime) }

// A clock formats instants. It remembers the last day, since most of the work is finding a date.
type clock struct {
	day  int64
	date [11]byte // of day, with the T behind it; zero before the first
}

func (c *clock) append(b []byte, ms int64) []byte {
	day := ms / dayMillis
	ms -= day * dayMillis
	if ms < 0 {
		day--
		ms += dayMillis
	}
	if day != c.day || c.date[0] == 0 {
		c.day = day
		time.UnixMilli(day*dayMillis).UTC().AppendFormat(c.date[:0], "2006-01-02T")
	}
	b = append(b, c.date[:]...)
	s := ms / 1000
	ms -= s * 1000
	b = appendPair(b, s/3600, ':')
	b = appendPair(b, s/60%60, ':')
	b = appendPair(b, s%60, '.')
	b = append(b, byte('0'+ms/100))
	return appendPair(b, ms%100, 'Z')
}

func appendPair(b []byte, n int64, then byte) []byte {
	return append(b, byte('0'+n/10), byte('0'+n%10), then)
}
