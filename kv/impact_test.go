package kv_test

import (
	"testing"
	"time"

	"github.com/kvtool/kvtool/kv"
)

func TestImpactLimit(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		text       string
		base, want time.Duration
	}{
		{"3x,2ms", 0, 2 * ms},
		{"3x,2ms", 100 * time.Microsecond, 2100 * time.Microsecond},
		{"3x,2ms", 5 * ms, 15 * ms},
		{"2ms,3x", 5 * ms, 15 * ms},
		{"5x", ms, 5 * ms},
		{"500us", ms, 1500 * time.Microsecond},
		{"1x", ms, ms},
		{"1000000x", time.Hour, 1 << 62},
	} {
		i, err := kv.ParseImpact(c.text)
		if got := i.Limit(c.base); err != nil || got != c.want && c.want < 1<<61 || got < c.base {
			t.Errorf("%s of %s: %s, want %s (%v)", c.text, c.base, got, c.want, err)
		}
	}
	if got := (kv.Impact{}).Limit(ms); got != 3*ms || (kv.Impact{}).String() != "3x,2ms" {
		t.Errorf("%v: %s", kv.Impact{}, got)
	}
}

func FuzzParseImpact(f *testing.F) {
	for _, s := range []string{"off", "3x,2ms", "2ms", "5x", "0.5ms,2.5x", "", ",", "x", "-1ms", "3x,3x", "2ms,2ms", "1e9x", "0x", "NaNx", "off,2ms", "3"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		i, err := kv.ParseImpact(s)
		if err != nil {
			if kv.Hint(err) == "" {
				t.Errorf("%q: an error without a hint", s)
			}
			return
		}
		again, err := kv.ParseImpact(i.String())
		if err != nil || again != i {
			t.Errorf("%q is %+v, whose text %q is %+v (%v)", s, i, i.String(), again, err)
		}
		if !i.Off && (i.Limit(time.Millisecond) < time.Millisecond || i.Times == 0 && i.More == 0) {
			t.Errorf("%q allows for nothing: %+v", s, i)
		}
	})
}
