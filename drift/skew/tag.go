package skew

import (
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/report"
)

// Rules lists the rules that only this analysis holds against a keyspace, with their documentation.
func Rules() []*report.Rule {
	return []*report.Rule{{
		ID: "KD028", Name: "accidental-tag", Title: "Braces that nobody meant as a hash tag", Severity: report.Warning,
		Stores: []string{"redis", "valkey"},
		Doc: `What is between the first "{" of a key and the first "}" behind it decides in which slot a cluster keeps the key, and
nothing else of it does. JSON or the text of a user in a name does that by accident: all keys that begin alike in it are in one slot.
Empty braces are no tag at all, so that keys which were meant to be together are not. Judged of clusters alone, by kvtool skew.
Braces count as meant where there is one pair, with something other than JSON between them.`,
		Fix:  "put a hash of the text into the key, or escape its braces",
		Bad:  []string{`q:{"page":1}`, "cart:{}:42", "search:{a}{b}"},
		Good: []string{"q:9f86d081884c7d65", "cart:{42}:items", "search:{a}:b"},
		Limits: []report.Limit{
			{Name: "keys", Value: 0, Unit: report.UnitCount, Source: "default of kvtool: any"},
		},
	}}
}

// accidental reports whether a key has braces that are no hash tag which somebody meant.
func accidental(key string) bool {
	open := strings.IndexByte(key, '{')
	if open < 0 {
		return false
	}
	length := strings.IndexByte(key[open:], '}')
	return length <= 1 || strings.Count(key, "{") > 1 || strings.Count(key,
		"}") > 1 || strings.ContainsAny(key[open:open+length], `"'[`)
}

// keepOdd keeps the key that comes first.
func (c *Collector) keepOdd(key string) {
	if key != "" && (c.oddKey == "" || key < c.oddKey) {
		c.oddKey = strings.Clone(key)
	}
}

// accidents holds the keys of a cluster against KD028.
func (c *Collector) accidents() []report.Finding {
	if !c.told || c.odd == 0 {
		return nil
	}
	share := float64(c.odd) / float64(c.all.Keys)
	return []report.Finding{{
		Rule: Rules()[0].ID, Severity: report.Warning, Subject: "keyspace",
		Message: "braces of " + humanize.Exact(c.odd) + " keys are no hash tag that somebody meant",
		Measure: &report.Metric{Name: "keys", Value: report.Number(c.odd), Unit: report.UnitCount},
		Evidence: []report.Metric{
			{Name: "share", Value: report.Number(share), Unit: report.UnitRatio},
		},
		Samples: []report.Value{report.Text(c.oddKey)},
	}}
}
