package suppress

import (
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/report"
)

func TestAppend(t *testing.T) {
	s := report.Suppression{
		Rule: "KD025", Match: `feed:"{id}" # é`, Reason: "accepted: until the\nsharded feed ships", Expires: today.AddDate(0, 0, 30).Truncate(24 * time.Hour),
	}
	for name, old := range map[string]string{
		"no file":         "",
		"blanks":          "\n\n",
		"entries":         whole,
		"no last newline": strings.TrimRight(whole, "\n"),
		"comments":        whole + "# the end\n",
	} {
		got, added, err := Append("f.yaml", []byte(old), s, today, 180)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !strings.HasPrefix(string(got), old) || !strings.HasSuffix(string(got), added) {
			t.Errorf("%s: what was there has changed:\n%s", name, got)
		}
		all, err := Parse("f.yaml", got, today, 180)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		last := all[len(all)-1]
		if last.Rule != s.Rule || last.Match != s.Match || last.Reason != s.Reason || !last.Expires.Equal(s.Expires) {
			t.Errorf("%s: read back as %+v", name, last)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	good := report.Suppression{Rule: "KD025", Match: "feed:{id}", Reason: "known since launch", Expires: today.AddDate(0, 0, 30)}
	bad := good
	bad.Reason = "short"
	late := good
	late.Expires = today.AddDate(1, 0, 0)
	for name, c := range map[string]struct {
		old string
		s   report.Suppression
	}{
		"an empty list":    {"version: 1\nsuppressions:\n", good}, // which no reader takes, this one neither
		"a flow list":      {"version: 1\nsuppressions: []\n", good},
		"another list":     {"version: 1\nsuppressions:\n- {rule: KD001, match: a, reason: long enough now, expires: 2026-12-01}\n", good},
		"no reason":        {whole, bad},
		"too far ahead":    {whole, late},
		"a broken file":    {"version: [", good},
		"another version":  {"version: 2\n", good},
		"no list in there": {"version: 1\n", good},
	} {
		if got, _, err := Append("f.yaml", []byte(c.old), c.s, today, 180); err == nil {
			t.Errorf("%s: made\n%s", name, got)
		}
	}
}
