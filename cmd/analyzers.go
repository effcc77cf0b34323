package cmd

import (
	"slices"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/report"
)

// sectionOrder is the order in which text shows sections: what people come for first, then what is one line, then lists.
// A section that is not named here comes after those that are.
var sectionOrder = [...]string{"templates", "totals", "sizes", "names", "ttl", "types", "biggest", "longest"}

// analyzers lists the analyses of a run, in the order of their sections.
func analyzers(top int) []*audit.Analyzer {
	as := append(keydesign.Analyzers(), audit.Analyzers(audit.Config{Top: top})...)
	slices.SortStableFunc(as, func(a, b *audit.Analyzer) int { return place(a.Name) - place(b.Name) })
	return as
}

func place(name string) int {
	if i := slices.Index(sectionOrder[:], name); i >= 0 {
		return i
	}
	return len(sectionOrder)
}

// rules lists every rule that an analysis may raise.
func rules() []*report.Rule { return keydesign.Rules() }
