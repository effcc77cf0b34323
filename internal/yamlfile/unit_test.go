package yamlfile

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30m": 30 * time.Minute, "14d": 14 * day, "1h30m": 90 * time.Minute, "1.5h": 90 * time.Minute, "2w": 14 * day, "0s": 0,
		"500ms": 500 * time.Millisecond, "1d12h": 36 * time.Hour, "10us": 10 * time.Microsecond, "106751d": 106751 * day,
	} {
		if got, ok := ParseDuration(in); !ok || got != want {
			t.Errorf("%s is %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "30", "m", "-1m", "+1m", "1 h", "1y", "1.m", ".5m", "1..5m", "1e3s", "106752d", "99999999999999999999s", "200000d200000d"} {
		if got, ok := ParseDuration(in); ok {
			t.Errorf("%q is %v", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"600B": 600, "2KiB": 2048, "1.5MiB": 3 << 19, "8GiB": 8 << 30, "10MB": 10_000_000, "4kB": 4000, "17": 17, "0": 0, "8388607TiB": 8388607 << 40,
	} {
		if got, ok := ParseSize(in); !ok || got != want {
			t.Errorf("%s is %d, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "B", "10KB", "10 B", "-1B", "1.5B", "1.5", "8388608TiB", "07B", "0x10", "1e3", "9223372036854775808"} {
		if got, ok := ParseSize(in); ok {
			t.Errorf("%q is %d", in, got)
		}
	}
}

func TestParseCountRatePercent(t *testing.T) {
	for in, want := range map[string]int64{"200": 200, "400k": 400_000, "1.5M": 1_500_000, "2G": 2_000_000_000} {
		if got, ok := ParseCount(in); !ok || got != want {
			t.Errorf("%s is %d, %v", in, got, ok)
		}
	}
	for in, want := range map[string]float64{"9k/s": 9000, "3k/d": 3000.0 / 86400, "1.5k/s": 1500, "0/s": 0, "60/m": 1} {
		if got, ok := ParseRate(in); !ok || got != want {
			t.Errorf("%s is %v, %v", in, got, ok)
		}
	}
	for in, want := range map[string]float64{"5%": .05, "0.1%": .001, "12.3%": .123, "100%": 1} {
		if got, ok := ParsePercent(in); !ok || got != want {
			t.Errorf("%s is %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "k", "1K", "-1", "9k/", "/s", "9/y", "%", "-5%", "1.5", "1 %"} {
		n, ok1 := ParseCount(in)
		r, ok2 := ParseRate(in)
		p, ok3 := ParsePercent(in)
		if ok1 || ok2 || ok3 {
			t.Errorf("%q is %d %v %v", in, n, r, p)
		}
	}
}

// Whatever is formatted is read as the same number.
func TestFormatParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, math.MaxInt64).Draw(t, "n")
		f := rapid.Float64Range(0, 1e15).Draw(t, "f")
		share := rapid.Float64Range(0, 1).Draw(t, "share")
		if d, ok := ParseDuration(FormatDuration(time.Duration(n))); !ok || int64(d) != n {
			t.Errorf("%d ns are %s", n, FormatDuration(time.Duration(n)))
		}
		if v, ok := ParseSize(FormatSize(n)); !ok || v != n {
			t.Errorf("%d bytes are %s", n, FormatSize(n))
		}
		if v, ok := ParseCount(FormatCount(n)); !ok || v != n {
			t.Errorf("%d is %s", n, FormatCount(n))
		}
		if v, ok := ParseNumber(FormatNumber(f)); !ok || v != f {
			t.Errorf("%v is %s", f, FormatNumber(f))
		}
		if v, ok := ParseRate(FormatRate(f / 86400)); !ok || v != f/86400 {
			t.Errorf("%v a second is %s", f/86400, FormatRate(f/86400))
		}
		if v, ok := ParsePercent(FormatPercent(share)); !ok || v != share {
			t.Errorf("%v is %s", share, FormatPercent(share))
		}
	})
}

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		FormatDuration(0): "0s", FormatDuration(90 * time.Minute): "1h30m", FormatDuration(36 * time.Hour): "1d12h", FormatDuration(10 * time.Minute): "10m",
		FormatDuration(21 * day): "21d", FormatSize(8 << 30): "8GiB", FormatSize(1000): "1000B", FormatSize(0): "0B", FormatCount(400_000): "400k",
		FormatRate(9000): "9k/s", FormatRate(10_000): "10k/s", FormatRate(3000.0 / 86400): "3k/d", FormatRate(1.0 / 60): "1/m", FormatRate(0.5): "30/m", FormatPercent(.05): "5%",
		FormatPercent(.001): "0.1%", FormatPercent(0): "0%", FormatPercent(1): "100%",
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
