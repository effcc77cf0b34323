package fit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// A score is how much of the declared operations a plain access to known keys serves.
type score struct {
	total, served float64 // operations a second
	declared      int     // templates that say how often they are used
	templates     int
}

// The shares of the score, defaults of kvtool.
const (
	fits        = 0.9
	fitsIndexed = 0.6
	enough      = 1. / 3 // of the templates: below this too little is declared to say anything
)

func (f *facts) score() score {
	s := score{templates: len(f.schema.Templates)}
	for i := range f.schema.Templates {
		rated := false
		for _, a := range f.schema.Templates[i].Access {
			s.total += a.Rate
			if plainAccess(a.Query, a.Op) {
				s.served += a.Rate
			}
			rated = rated || a.Rate > 0
		}
		if rated {
			s.declared++
		}
	}
	return s
}

// plainAccess reports whether a query is one that any key-value store answers: get, multi-get, set or counter of known keys.
func plainAccess(query, op string) bool {
	switch query {
	case "get", "multi_get":
		return true
	case "":
		return !slices.ContainsFunc(searches[:], func(p string) bool { return strings.HasPrefix(strings.ToUpper(op), p) })
	}
	return false
}

// searches begin the names of commands that look for keys or elements, or touch several keys at once.
var searches = [...]string{
	"SCAN", "HSCAN", "SSCAN", "ZSCAN", "KEYS", "SORT", "ZRANGE", "ZREVRANGE", "XRANGE", "XREVRANGE", "LRANGE", "FT.", "MULTI", "EXEC",
	"WATCH", "EVAL", "FCALL", "QUERY", "TRANSACT", "SINTER", "SUNION", "SDIFF", "ZINTER", "ZUNION", "ZDIFF",
}

// metrics is the verdict and what it is made of.
func (s score) metrics(lines []line) []report.Metric {
	if s.templates == 0 {
		return []report.Metric{text("verdict", notEvaluated+": no keys.yaml declares how keys are used")}
	}
	share := report.Number(float64(s.declared) / float64(s.templates))
	declared := report.Metric{Name: "templates_with_a_rate", Value: share, Unit: report.UnitRatio}
	if s.total <= 0 || float64(s.declared) < enough*float64(s.templates) {
		why := fmt.Sprintf("%s: %d of %s declare an access with a rate", notEvaluated, s.declared, humanize.Counted(int64(s.templates), "template"))
		return []report.Metric{text("verdict", why), declared}
	}
	served := report.Metric{Name: "plain_key_accesses", Value: report.Number(s.served / s.total), Unit: report.UnitRatio}
	return []report.Metric{text("verdict", s.verdict(lines)), served, declared}
}

func (s score) verdict(lines []line) string {
	switch share := s.served / s.total; {
	case share >= fits && len(lines) == 0:
		return "fits"
	case share >= fits:
		return "fits, apart from the advice"
	case share >= fitsIndexed:
		return "fits with indexes for the rest"
	}
	return "look at " + betterKinds(lines)
}

// betterKinds names the kinds of store that the advice names, each once.
func betterKinds(lines []line) string {
	var kinds []string
	for _, l := range lines {
		if !slices.Contains(kinds, l.better) {
			kinds = append(kinds, l.better)
		}
	}
	if kinds == nil {
		return "a document or relational store"
	}
	return strings.Join(kinds, "; ")
}
