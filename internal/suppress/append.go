package suppress

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
)

// Append returns the contents of a file with one more entry at its end, and the lines that were added; what stands in it stays as it
// is, comments too. The result was read again: an entry that could not be, or a file to which none can be added in this way, is an
// error. Empty data makes a new file.
func Append(name string, data []byte, s report.Suppression, now time.Time, maxDays int) (whole []byte, added string, err error) {
	before, err := Parse(name, data, now, maxDays)
	if err != nil {
		return nil, "", err
	}
	var b strings.Builder
	switch {
	case len(strings.TrimSpace(string(data))) == 0:
		b.WriteString("version: 1\nsuppressions:\n")
	case !strings.HasSuffix(string(data), "\n"):
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "  - rule: %s\n    match: %s\n    reason: %s\n    expires: %s\n",
		s.Rule, quote(s.Match), quote(s.Reason), s.Expires.Format(time.DateOnly))
	whole = append(data[:len(data):len(data)], b.String()...)
	after, err := Parse(name, whole, now, maxDays)
	if err != nil {
		return nil, "", err
	}
	if n := len(after); n != len(before)+1 || after[n-1].Rule != s.Rule || after[n-1].Match != s.Match || after[n-1].Reason != s.Reason {
		return nil, "", fmt.Errorf("%s is not written in a way that an entry can be added to; add it by hand", name)
	}
	return whole, strings.TrimPrefix(b.String(), "\n"), nil
}

// quote writes a text as JSON does, which YAML reads.
func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a text always can be
	return strings.TrimSpace(b.String())
}
