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

// appendInstant appends the instant that is ms milliseconds after 1970.
func appendInstant(b []byte, ms int64) []byte {
	ms -= firstTime
	day := uint32(ms / dayMillis)
	ms -= int64(day) * dayMillis
	year, month, mday := date(day)
	s := uint32(ms / 1000)
	milli := uint32(ms) - s*1000
	return append(b,
		digit(year/1000), digit(year/100), digit(year/10), digit(year), '-',
		digit(month/10), digit(month), '-',
		digit(mday/10), digit(mday), 'T',
		digit(s/36000), digit(s/3600%10), ':',
		digit(s/600%6), digit(s/60), ':',
		digit(s/10%6), digit(s), '.',
		digit(milli/100), digit(milli/10), digit(milli), 'Z')
}

func digit(n uint32) byte { return byte('0' + n%10) }

// The Gregorian calendar repeats after 400 years.
const daysOf400Years = 146097

// date returns the date of a day, counted from the beginning of the year 0. It counts years from March, so that a leap day is
// the last of its year (Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days).
func date(day uint32) (year, month, mday uint32) {
	day += daysOf400Years - 60 // since the 1st of March of 400 years before 0
	era := day / daysOf400Years
	day -= era * daysOf400Years
	y := (day - day/1460 + day/36524 - day/146096) / 365
	day -= 365*y + y/4 - y/100
	m := (5*day + 2) / 153
	mday = day - (153*m+2)/5 + 1
	year, month = era*400+y-400, m+3
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, mday
}
