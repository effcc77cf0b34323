package compare

import (
	"strconv"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/keydesign/schema"
)

// ttlText writes a TTL in a line: "fixed 1h ±20%", "sliding 30m at most 1d"; "" if none is declared.
func ttlText(t schema.TTL) string {
	switch t.Policy {
	case schema.TTLFixed:
		return strings.TrimSpace("fixed " + yamlfile.FormatDuration(t.Value) + " " + jitterText(t.Jitter))
	case schema.TTLSliding:
		text := "sliding"
		if t.Idle > 0 {
			text += " " + yamlfile.FormatDuration(t.Idle)
		}
		if t.MaxAge > 0 {
			text += " at most " + yamlfile.FormatDuration(t.MaxAge)
		}
		return text
	case schema.TTLInherit:
		return "as " + t.Of
	}
	return string(t.Policy)
}

func jitterText(j schema.Jitter) string {
	switch {
	case j.HighShare != 0 && j.LowShare == -j.HighShare:
		return "±" + yamlfile.FormatPercent(j.HighShare)
	case j.HighShare != 0 || j.LowShare != 0:
		return strconv.FormatFloat(100*j.LowShare, 'g', 3, 64) + "% to " + yamlfile.FormatPercent(j.HighShare)
	case j.High != 0 || j.Low != 0:
		return yamlfile.FormatDuration(j.Low) + "-" + yamlfile.FormatDuration(j.High)
	}
	return ""
}

// size and count write a number of bytes or of things; 0, which is none, as "".
func size(n int64) string {
	if n == 0 {
		return ""
	}
	return yamlfile.FormatSize(n)
}

func count(n int64) string {
	if n == 0 {
		return ""
	}
	return yamlfile.FormatCount(n)
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

func list(words []string) string { return strings.Join(words, ", ") }

// accessText lists ways of access with their rates.
func accessText(all []schema.Access) string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = strings.TrimSpace(a.Name + " " + a.Op)
		if a.Rate > 0 {
			out[i] += " " + yamlfile.FormatRate(a.Rate)
		}
	}
	return list(out)
}
