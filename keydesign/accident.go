package keydesign

import (
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/report"
)

// AccidentalTags is the rule about braces in the keys of a cluster, for who counts them.
func AccidentalTags() *report.Rule {
	return &report.Rule{
		ID: "KD028", Name: "accidental-tag", Title: "Braces that nobody meant as a hash tag", Severity: report.Warning,
		Stores: []string{"redis", "valkey"},
		Doc: `What is between the first "{" of a key and the first "}" behind it decides in which slot a cluster keeps the key, and
nothing else of it does. JSON or the text of a user in a name does that by accident: all keys that begin alike in it are in one slot.
Empty braces are no tag at all, so that keys which were meant to be together are not. Judged of clusters alone, and of dumps that are
of one. Braces count as meant where there is one pair, with something other than JSON between them.`,
		Fix:  "put a hash of the text into the key, or escape its braces",
		Bad:  []string{`q:{"page":1}`, "cart:{}:42", "search:{a}{b}"},
		Good: []string{"q:9f86d081884c7d65", "cart:{42}:items", "search:{a}:b"},
		Limits: []report.Limit{
			{Name: "keys", Value: 0, Unit: report.UnitCount, Source: report.OwnDefault + ": any"},
		},
	}
}

// Accidents counts keys whose braces nobody meant as a hash tag.
type Accidents struct {
	keys  int64
	first string // in byte order, cut
}

// Observe looks at a key.
func (a *Accidents) Observe(key string) {
	if !accidental(key) {
		return
	}
	a.keys++
	a.keep(key)
}

// accidental reports whether a key has braces that are no hash tag which somebody meant.
func accidental(key string) bool {
	open := strings.IndexByte(key, '{')
	if open < 0 {
		return false
	}
	length := strings.IndexByte(key[open:], '}')
	return length <= 1 || strings.Count(key, "{") > 1 || strings.Count(key, "}") > 1 ||
		strings.ContainsAny(key[open:open+length], `"'[`)
}

func (a *Accidents) keep(key string) {
	key = key[:min(len(key), keptKey)]
	if key != "" && (a.first == "" || key < a.first) {
		a.first = strings.Clone(key)
	}
}

// Merge adds what o has seen.
func (a *Accidents) Merge(o *Accidents) {
	a.keys += o.keys
	a.keep(o.first)
}

// Form writes or reads a.
func (a *Accidents) Form(f *saved.Form) {
	saved.Count(f, &a.keys)
	saved.String(f, &a.first)
}

// Findings holds them against KD028, beside how many keys there are in all.
func (a *Accidents) Findings(all int64) []report.Finding {
	if a.keys == 0 {
		return nil
	}
	return []report.Finding{{
		Rule: AccidentalTags().ID, Severity: report.Warning, Subject: keyspaceSubject,
		Message:  "braces of " + humanize.Exact(a.keys) + " keys are no hash tag that somebody meant",
		Measure:  &report.Metric{Name: "keys", Value: report.Number(a.keys), Unit: report.UnitCount},
		Evidence: []report.Metric{ratioMetric("share", a.keys, all)},
		Samples:  keyValues(a.first),
	}}
}
