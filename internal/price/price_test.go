package price

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// By hand, from the list: one write unit a second is 2.628 million a month, which is 1.6425 on demand and 0.4745 provisioned.
func TestAmounts(t *testing.T) {
	l := Builtin()
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"a write a second, on demand", l.Standard.OnDemand(0, 1), 2.628 * 0.625},
		{"the same, provisioned", l.Standard.Provisioned(0, 1), 730 * 0.00065},
		{"a read a second, on demand", l.Standard.OnDemand(1, 0), 2.628 * 0.125},
		{"the same, provisioned", l.Standard.Provisioned(1, 0), 730 * 0.00013},
		{"break-even of writes", l.Standard.BreakEven(), 0.4745 / 1.6425},
		{"100 GB", l.Standard.Storage(100e9), 75 * 0.25},
		{"100 GB, seldom read", l.IA.Storage(100e9), 10},
		{"10 GB", l.Standard.Storage(10e9), 0},
	} {
		if math.Abs(c.got-c.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", c.name, c.got, c.want)
		}
	}
	if l.Class("standard-ia") != &l.IA || l.Class("") != &l.Standard {
		t.Error("a class is another's")
	}
	if s := l.String(); !strings.Contains(s, "us-east-1") || !strings.Contains(s, "2024-11-01") {
		t.Error(s)
	}
}

func TestParseRefuses(t *testing.T) {
	text := Text()
	for name, bad := range map[string]string{
		"empty":           "",
		"a newer version": strings.Replace(text, "version: 1", "version: 2", 1),
		"no date":         strings.Replace(text, "dated:", "# ", 1),
		"an unknown key":  text + "surprise: 1\n",
		"no number":       strings.Replace(text, "wcu_hour: 0.00065", "wcu_hour: cheap", 1),
	} {
		if _, err := Parse("p.yaml", []byte(bad)); !errors.Is(err, kv.ErrUsage) || !strings.Contains(err.Error(), "p.yaml") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Load(t.TempDir() + "/none"); !errors.Is(err, kv.ErrUsage) || kv.Hint(err) == "" {
		t.Errorf("no such file: %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(builtin)
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := Parse("p.yaml", data); (l == nil) == (err == nil) {
			t.Error(l, err)
		}
	})
}
