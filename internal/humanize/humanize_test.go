package humanize

import (
	"math"
	"testing"
	"time"
)

type row struct {
	in   float64
	want string
}

func check(t *testing.T, name string, f func(float64) string, rows []row) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		for _, r := range rows {
			if got := f(r.in); got != r.want {
				t.Errorf("%s(%v) = %q, want %q", name, r.in, got, r.want)
			}
		}
	})
}

func TestNumbers(t *testing.T) {
	check(t, "Bytes", Bytes, []row{
		{0, "0 B"},
		{1, "1 B"},
		{888, "888 B"},
		{1023, "1023 B"},
		{1024, "1.00 KiB"},
		{1126, "1.10 KiB"},
		{10035, "9.80 KiB"},
		{1000 << 10, "0.98 MiB"},
		{61.4 * (1 << 20), "61.4 MiB"},
		{812 << 20, "812 MiB"},
		{3.9 * (1 << 30), "3.90 GiB"},
		{math.MaxInt64, "8.00 EiB"},
		{-2048, "-2.00 KiB"},
	})
	check(t, "Count", Count, []row{
		{0, "0"},
		{7, "7"},
		{999, "999"},
		{1000, "1.00k"},
		{61344, "61.3k"},
		{940000, "940k"},
		{999499, "999k"},
		{999500, "1.00M"},
		{4601233, "4.60M"},
		{12.5, "12.5"},
		{2.75, "2.75"},
		{-1234, "-1.23k"},
	})
	check(t, "Rate", Rate, []row{{48200, "48.2k/s"}, {0.5, "0.50/s"}})
	check(t, "Factor", Factor, []row{{130, "130x"}, {1.27, "1.27x"}})
	check(t, "Ratio", Ratio, []row{
		{0, "0%"},
		{0.42, "42%"},
		{0.0057, "0.57%"},
		{0.00001, "<0.01%"},
		{0.0099, "0.99%"},
		{0.00996, "1%"},
		{0.9949, "99%"},
		{0.996, ">99%"},
		{1, "100%"},
		{1.3, "130%"},
	})
	check(t, "Duration", Duration, []row{
		{0, "0s"},
		{0.000312, "312 µs"},
		{0.00123, "1.23 ms"},
		{0.9999, "1.0s"},
		{4.2, "4.2s"},
		{42, "42s"},
		{59.7, "1m"},
		{252, "4m12s"},
		{300, "5m"},
		{3600, "1h"},
		{3900, "1h05m"},
		{86400, "24h"},
		{604800, "7d"},
		{7*86400 + 4*3600, "7d4h"},
		{3.6e6, "41d16h"},
		{3.6e9, "114 years"},
		{-90, "-1m30s"},
	})
	when := time.Date(2026, 11, 22, 9, 14, 30, 0, time.UTC)
	check(t, "Time", Time, []row{{float64(when.Unix()), "2026-11-22T09:14Z"}})
}

func TestExact(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 12104331: "12,104,331", -123456: "-123,456"} {
		if got := Exact(n); got != want {
			t.Errorf("Exact(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestCounted(t *testing.T) {
	for _, c := range []struct {
		n         int64
		one, want string
	}{{0, "key", "0 keys"}, {1, "key", "1 key"}, {12_104, "key", "12,104 keys"}, {2, "entry", "2 entries"}, {1, "entry", "1 entry"}} {
		if got := Counted(c.n, c.one); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
