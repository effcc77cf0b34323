package cmd

import (
	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/report"
)

// analyzers lists the analyses in the order in which text shows them: what people come for first.
func analyzers(top int) []*audit.Analyzer {
	return nil
}

// rules lists every rule that an analysis may raise.
func rules() []*report.Rule {
	return nil
}
