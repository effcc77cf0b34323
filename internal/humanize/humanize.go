// Package humanize writes numbers for people. It is the only number formatter: whatever is shown as text goes through
// it, so the same number looks the same in a table, a sentence and a progress line.
//
// The one idea is that rounding must not lie. A number has three significant digits and the unit that keeps it short; a
// share is a whole percent, but a small one is never rounded to nothing and a large one never to everything.
package humanize

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes writes a size in IEC units: 888 B, 1.10 KiB, 61.4 MiB, 812 GiB.
func Bytes(n float64) string {
	if math.Abs(n) < 1024 {
		return strconv.FormatFloat(math.Round(n), 'f', -1, 64) + " B"
	}
	return scaled(n, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB"})
}

// Count writes a number of things: 42, 61.3k, 4.60M. A broken number below a thousand keeps three digits: 2.75.
func Count(n float64) string {
	if n == math.Trunc(n) && math.Abs(n) < 1000 {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return scaled(n, 1000, []string{"", "k", "M", "G", "T", "P", "E"})
}

// Exact writes a whole number in full, with commas: 12,104,331.
func Exact(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var out []byte
	for i := range len(digits) {
		if left := len(digits) - i; i > 0 && left%3 == 0 && digits[i-1] != '-' {
			out = append(out, ',')
		}
		out = append(out, digits[i])
	}
	return string(out)
}

// Noun returns a regular noun in the number of n: key, keys; entry, entries.
func Noun(n int64, one string) string {
	switch stem, ends := strings.CutSuffix(one, "y"); {
	case n == 1:
		return one
	case ends && !strings.HasSuffix(stem, "e"):
		return stem + "ies"
	}
	return one + "s"
}

// Counted writes a number in full and what is counted: 1 key, 12,104,331 keys.
func Counted(n int64, one string) string { return Exact(n) + " " + Noun(n, one) }

// Rate writes events a second: 48.2k/s.
func Rate(n float64) string { return Count(n) + "/s" }

// Factor writes how many times as much: 1.27x, 130x.
func Factor(n float64) string { return Count(n) + "x" }

// Ratio writes a share as a percentage, whole or, under 1 %, with two digits. What is not nothing is never 0%, and what
// is not all is never 100%.
func Ratio(r float64) string {
	switch p := r * 100; {
	case p == 0 || p == 100:
		return strconv.FormatFloat(p, 'f', -1, 64) + "%"
	case math.Abs(p) < 0.005:
		return "<0.01%"
	case math.Abs(p) < 0.995:
		return strconv.FormatFloat(p, 'f', 2, 64) + "%"
	case p >= 99.5 && p < 100:
		return ">99%"
	default:
		return strconv.FormatFloat(math.Round(p), 'f', -1, 64) + "%"
	}
}

// Duration writes a time span in seconds with its one or two largest units: 312 µs, 1.23 ms, 42s, 4m12s, 24h, 7d4h.
func Duration(seconds float64) string {
	if seconds < 0 {
		return "-" + Duration(-seconds)
	}
	switch {
	case seconds == 0:
		return "0s"
	case seconds < 999.5e-6:
		return digits(seconds*1e6) + " µs"
	case seconds < 999.5e-3:
		return digits(seconds*1e3) + " ms"
	case seconds < 9.95:
		return strconv.FormatFloat(seconds, 'f', 1, 64) + "s"
	}
	s := math.Round(seconds)
	switch {
	case s < 60:
		return fmt.Sprintf("%.0fs", s)
	case s < 3600:
		return pair(s, 60, "m", "s", "%02.0f")
	case s < 48*3600:
		return pair(math.Round(s/60), 60, "h", "m", "%02.0f")
	case s < 1000*86400:
		return pair(math.Round(s/3600), 24, "d", "h", "%.0f")
	}
	return Count(math.Round(s/86400/365.25*10)/10) + " years"
}

// pair writes n as so many large units of size small ones, leaving out a rest of nothing.
func pair(n, size float64, large, small, format string) string {
	out := fmt.Sprintf("%.0f%s", math.Floor(n/size), large)
	if rest := math.Mod(n, size); rest != 0 {
		out += fmt.Sprintf(format+"%s", rest, small)
	}
	return out
}

// Time writes a time, in seconds since 1970, in UTC: 2026-11-22T09:14Z.
func Time(unix float64) string {
	whole, frac := math.Modf(unix)
	return time.Unix(int64(whole), int64(frac*1e9)).UTC().Format("2006-01-02T15:04Z07:00")
}

// scaled divides n by base until it is below a thousand, so that three digits always do, and adds the unit.
func scaled(n, base float64, units []string) string {
	i := 0
	for math.Abs(n) >= 999.5 && i < len(units)-1 {
		n /= base
		i++
	}
	return digits(n) + units[i]
}

// digits writes n with three significant digits: 1.10, 61.4, 812, 0.98.
func digits(n float64) string {
	switch a := math.Abs(n); {
	case a < 9.995:
		return strconv.FormatFloat(n, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(n, 'f', 1, 64)
	}
	return strconv.FormatFloat(n, 'f', 0, 64)
}
