package yamlfile

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Forms of the texts below, for JSON Schema and for error messages.
const (
	number       = `(0|[1-9][0-9]*)(\.[0-9]+)?`
	durationForm = `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h|d|w))+$`
	sizeForm     = `^` + number + `(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)?$`
	countForm    = `^` + number + `[kMG]?$`
	rateForm     = `^` + number + `[kMG]?/(s|m|h|d|w)$`
	percentForm  = `^` + number + `%$`
)

// A unit is a name and what it stands for.
type unit struct {
	name string
	of   float64
}

const (
	day  = 24 * time.Hour
	week = 7 * day
)

// durations are the units of ParseDuration. A name comes after those that begin with it.
func durations() []unit {
	return []unit{
		{"ns", 1},
		{"us", 1e3},
		{"µs", 1e3},
		{"ms", 1e6},
		{"s", 1e9},
		{"m", float64(time.Minute)},
		{"h", float64(time.Hour)},
		{"d", float64(day)},
		{"w", float64(week)},
	}
}

func sizes() []unit {
	return []unit{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"kB", 1e3},
		{"B", 1},
		{"", 1},
	}
}

func counts() []unit { return []unit{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}, {"", 1}} }

// periods are in seconds.
func periods() []unit { return []unit{{"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}} }

// ParseDuration reads a duration as Go writes it, with d and w for days and weeks: 30m, 14d, 1h30m. There are no negative ones.
func ParseDuration(s string) (time.Duration, bool) {
	var sum time.Duration
	for rest := s; rest != ""; {
		digits := leading(rest)
		u, after, ok := cutUnit(rest[len(digits):])
		if !ok {
			return 0, false
		}
		d, ok := times(digits, u)
		if !ok || sum > math.MaxInt64-d {
			return 0, false
		}
		sum, rest = sum+d, after
	}
	return sum, s != ""
}

// leading returns the number that s begins with.
func leading(s string) string {
	return s[:len(s)-len(strings.TrimLeft(s, "0123456789."))]
}

func cutUnit(s string) (time.Duration, string, bool) {
	for _, u := range durations() {
		if rest, ok := strings.CutPrefix(s, u.name); ok {
			return time.Duration(u.of), rest, true
		}
	}
	return 0, "", false
}

// times is exact for whole numbers, whatever their size.
func times(digits string, u time.Duration) (time.Duration, bool) {
	whole, part, dot := strings.Cut(digits, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(math.MaxInt64/u) {
		return 0, false
	}
	d := time.Duration(n) * u
	if !dot {
		return d, true
	}
	f, err := strconv.ParseFloat("0."+part, 64)
	if err != nil || part == "" {
		return 0, false
	}
	more := time.Duration(math.Round(f * float64(u)))
	return d + more, d <= math.MaxInt64-more
}

// FormatDuration is the inverse of ParseDuration.
func FormatDuration(d time.Duration) string {
	days, rest := d/day, d%day
	text := ""
	if days > 0 {
		text = strconv.FormatInt(int64(days), 10) + "d"
	}
	if rest == 0 && days > 0 {
		return text
	}
	r := rest.String()
	if strings.HasSuffix(r, "m0s") {
		r = strings.TrimSuffix(r, "0s")
	}
	if strings.HasSuffix(r, "h0m") {
		r = strings.TrimSuffix(r, "0m")
	}
	return text + r
}

// decimal reads a number without sign or exponent, times ten to the power of shift.
func decimal(s string, shift string) (float64, bool) {
	whole, part, dot := strings.Cut(s, ".")
	if whole == "" || dot && part == "" || strings.Trim(whole+part, "0123456789") != "" || len(whole) > 1 && whole[0] == '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(s+shift, 64)
	return f, err == nil
}

// scaled reads a number and one of the units.
func scaled(s string, units []unit) (float64, bool) {
	for _, u := range units {
		if digits, ok := strings.CutSuffix(s, u.name); ok {
			f, ok := decimal(digits, "")
			return f * u.of, ok
		}
	}
	return 0, false
}

// whole reads a number and one of the units that come to a whole number. It is exact up to the largest of int64.
func whole(s string, units []unit) (int64, bool) {
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.name)
		if !ok {
			continue
		}
		f, ok := decimal(digits, "")
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil && ok && n <= math.MaxInt64/int64(u.of) {
			return n * int64(u.of), true
		}
		f *= u.of
		return int64(math.Round(f)), ok && f < math.MaxInt64 && u.of > 1 && strings.Contains(digits, ".")
	}
	return 0, false
}

// ParseSize reads a number of bytes: 600B, 2KiB, 1.5MiB, 10MB.
func ParseSize(s string) (int64, bool) { return whole(s, sizes()) }

// FormatSize is the inverse of ParseSize.
func FormatSize(n int64) string {
	for _, u := range sizes()[:4] {
		if n > 0 && n%int64(u.of) == 0 {
			return strconv.FormatInt(n/int64(u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}

// ParseCount reads a whole number: 200, 400k, 1.5M, 2G.
func ParseCount(s string) (int64, bool) { return whole(s, counts()) }

// FormatCount is the inverse of ParseCount.
func FormatCount(n int64) string {
	for _, u := range counts() {
		if n > 0 && n%int64(u.of) == 0 {
			return strconv.FormatInt(n/int64(u.of), 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// ParseNumber reads a number, whole or not: 0.9, 1.5k.
func ParseNumber(s string) (float64, bool) { return scaled(s, counts()) }

// FormatNumber is the inverse of ParseNumber.
func FormatNumber(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// ParseRate reads how often something happens, a second: 9k/s, 3k/d.
func ParseRate(s string) (float64, bool) {
	n, per, _ := strings.Cut(s, "/")
	for _, u := range periods() {
		if u.name == per {
			f, ok := ParseNumber(n)
			return f / u.of, ok
		}
	}
	return 0, false
}

// FormatRate is the inverse of ParseRate. It takes the period in which the number is shortest.
func FormatRate(f float64) string {
	best := FormatNumber(f) + "/s"
	for _, u := range periods()[:4] { // a second first: the others must be shorter
		text := short(f*u.of) + "/" + u.name
		if g, ok := ParseRate(text); ok && g == f && len(text) < len(best) {
			best = text
		}
	}
	return best
}

// short writes a number with at most twelve digits, and k, M or G where that is a whole number.
func short(f float64) string {
	text := strconv.FormatFloat(f, 'g', 12, 64)
	g, err := strconv.ParseFloat(text, 64)
	if err == nil && g == math.Trunc(g) && g < 1e15 {
		return FormatCount(int64(g))
	}
	return FormatNumber(g)
}

// ParsePercent reads a share: 5% is 0.05.
func ParsePercent(s string) (float64, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	if !ok {
		return 0, false
	}
	return decimal(digits, "e-2")
}

// FormatPercent is the inverse of ParsePercent: it moves the point in the digits, so that nothing is rounded.
func FormatPercent(f float64) string {
	whole, part, _ := strings.Cut(FormatNumber(f), ".")
	part += "00"
	whole = strings.TrimLeft(whole+part[:2], "0")
	part = strings.TrimRight(part[2:], "0")
	if whole == "" {
		whole = "0"
	}
	if part != "" {
		whole += "." + part
	}
	return whole + "%"
}
