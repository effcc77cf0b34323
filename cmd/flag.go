package cmd

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
)

// A rate is a number a second, as a flag: 50k/s, 1.5M/s, 200. Zero is unlimited.
type rate float64

// Set reads what String writes and people type.
func (r *rate) Set(s string) error {
	digits, factor := strings.TrimSuffix(s, "/s"), 1.0
	if n := len(digits); n > 0 {
		switch digits[n-1] {
		case 'k', 'K':
			digits, factor = digits[:n-1], 1e3
		case 'M':
			digits, factor = digits[:n-1], 1e6
		}
	}
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !(f > 0) || math.IsInf(f, 0) {
		return fmt.Errorf("want a number a second, such as 50k/s")
	}
	*r = rate(f * factor)
	return nil
}

func (r rate) String() string {
	if r == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(r), 'f', -1, 64) + "/s"
}

// Type names the flag's value in help.
func (rate) Type() string { return "rate" }

// An impact is how much slower a server may be for others while it is read, as a flag: 3x,2ms, or off.
type impact kv.Impact

// Set reads what String writes and people type.
func (i *impact) Set(s string) error {
	v, err := kv.ParseImpact(s)
	*i = impact(v)
	return err
}

func (i impact) String() string { return kv.Impact(i).String() }

// Type names the flag's value in help.
func (impact) Type() string { return "impact" }

// An instant is a time, as a flag: 2026-01-15T12:00:00Z or 2026-01-15.
type instant struct{ time.Time }

// Set reads RFC 3339 or a date, which is its midnight UTC.
func (i *instant) Set(s string) error {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			i.Time = t
			return nil
		}
	}
	return fmt.Errorf("want a time such as 2026-01-15T12:00:00Z")
}

func (i instant) String() string {
	if i.IsZero() {
		return ""
	}
	return i.Format(time.RFC3339)
}

// Type names the flag's value in help.
func (instant) Type() string { return "time" }

// clock returns the time to go by: the given one, running, or now if none was given.
func (i instant) clock(now func() time.Time) func() time.Time {
	if i.IsZero() {
		return now
	}
	var start time.Time
	return func() time.Time {
		t := now()
		if start.IsZero() {
			start = t
		}
		return i.Add(t.Sub(start))
	}
}

// A percent is a share, as a flag: 10%, 2.5%.
type percent float64

// Set reads what String writes and people type.
func (p *percent) Set(s string) error {
	digits, ok := strings.CutSuffix(s, "%")
	f, err := strconv.ParseFloat(digits, 64)
	if !ok || err != nil || !(f >= 0) || math.IsInf(f, 0) {
		return fmt.Errorf("want a share such as 10%%")
	}
	*p = percent(f / 100)
	return nil
}

func (p percent) String() string { return strconv.FormatFloat(float64(p)*100, 'g', 6, 64) + "%" }

// Type names the flag's value in help.
func (percent) Type() string { return "share" }

// A byteSize is a number of bytes, as a flag: 512MiB, 2GB.
type byteSize int64

// Set reads what String writes and people type.
func (b *byteSize) Set(s string) error {
	n, ok := yamlfile.ParseSize(s)
	if !ok || n <= 0 {
		return fmt.Errorf("want a size such as 512MiB")
	}
	*b = byteSize(n)
	return nil
}

func (b byteSize) String() string {
	if b == 0 {
		return ""
	}
	return yamlfile.FormatSize(int64(b))
}

// Type names the flag's value in help.
func (byteSize) Type() string { return "size" }

// A word is one of a few, as a flag: what is not among them is refused where the flag is read.
type word struct {
	is *string
	of []string
}

// bindWord binds a flag that has one of a few values, which are those that it is completed with.
func bindWord(c *cobra.Command, is *string, name, value, usage string, of ...string) {
	*is = value
	c.Flags().Var(word{is, of}, name, usage)
	fixedValues(c, name, of...)
}

// Set takes one of the words.
func (w word) Set(s string) error {
	if !slices.Contains(w.of, s) {
		last := len(w.of) - 1
		return fmt.Errorf("want %s or %s", strings.Join(w.of[:last], ", "), w.of[last])
	}
	*w.is = s
	return nil
}

func (w word) String() string {
	if w.is == nil {
		return ""
	}
	return *w.is
}

// Type names the flag's value in help.
func (word) Type() string { return "word" }
