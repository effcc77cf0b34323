package render

import (
	"regexp"
	"strings"
	"testing"
)

var (
	promSeries = regexp.MustCompile(`^([a-zA-Z_:][a-zA-Z0-9_:]*)\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\\\|\\"|\\n)*",?)*)\} (-?[0-9.e+]+|NaN)$`)
	promHead   = regexp.MustCompile(`^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$`)
)

// checkExposition checks text against the grammar of the exposition format: each name is headed once, its series stand
// together behind the heading, and no series comes twice.
func checkExposition(t *testing.T, text string) {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Error("the last line does not end")
	}
	typed, seen, current := map[string]bool{}, map[string]bool{}, ""
	for l := range strings.Lines(text) {
		l = strings.TrimSuffix(l, "\n")
		if m := promHead.FindStringSubmatch(l); m != nil {
			if m[1] == "TYPE" {
				if typed[m[2]] {
					t.Errorf("%s is headed twice", m[2])
				}
				typed[m[2]], current = true, m[2]
			}
			continue
		}
		m := promSeries.FindStringSubmatch(l)
		switch {
		case m == nil:
			t.Errorf("not a series: %q", l)
		case m[1] != current:
			t.Errorf("%s stands below the heading of %s", m[1], current)
		case seen[m[1]+m[2]]:
			t.Errorf("comes twice: %q", l)
		default:
			seen[m[1]+m[2]] = true
		}
	}
}
