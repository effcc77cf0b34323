package cmd

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/drift/compare"
	"github.com/kvtool/kvtool/drift/growth"
	"github.com/kvtool/kvtool/drift/hotkeys"
	"github.com/kvtool/kvtool/drift/orphans"
	"github.com/kvtool/kvtool/keydesign"
	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/keydesign/table"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/loadgen/findings"
	"github.com/kvtool/kvtool/report"
)

// sectionOrder is the order in which text shows sections: what people come for first, then what is one line, then lists.
// A section that is not named here comes after those that are.
var sectionOrder = [...]string{
	"templates", "table", "partition_keys", "capacity", "ttl_attribute", "totals", "sizes", "names", "ttl", "expired", "idle", "lfu", "compression",
	"types", "memory", "server", "slabs", "biggest", "longest", "largest", "streams", "nodes", "copies", "slots",
}

// analyzers lists the analyses of a run without a schema, in the order of their sections.
func analyzers(top int) []*audit.Analyzer { return analyzersOf(nil, top) }

// analyzersOf lists the analyses of a run whose keys are bound to s, unless that is nil.
func analyzersOf(s *schema.Schema, top int) []*audit.Analyzer {
	as := slices.Concat(keydesign.Analyzers(s), audit.Analyzers(audit.Config{Top: top}), table.Analyzers())
	slices.SortStableFunc(as, func(a, b *audit.Analyzer) int { return place(a.Name) - place(b.Name) })
	return as
}

func place(name string) int {
	if i := slices.Index(sectionOrder[:], name); i >= 0 {
		return i
	}
	return len(sectionOrder)
}

// rules lists every rule that an analysis or lint may raise, each once, by its number. Of one that several raise the first has the
// most limits; the words are the same.
func rules() []*report.Rule {
	all := raised()
	slices.SortStableFunc(all, func(a, b *report.Rule) int { return strings.Compare(a.ID, b.ID) })
	return slices.CompactFunc(all, func(a, b *report.Rule) bool { return a.ID == b.ID })
}

// raised lists the rules of each who may raise them.
func raised() []*report.Rule {
	return slices.Concat(compare.Rules(), triage.Rules(), keydesign.Rules(), table.Rules(), lint.Rules(), audit.Rules(), orphans.Rules(),
		growth.Rules(), hotkeys.Rules(), findings.Rules())
}

// companions are the analyses that come along with one that --only names. Who asks for sizes alone wants to know how big
// the keys are and which are the biggest, and that is what other tools for big keys print.
func companions(name string) []string {
	if name == "sizes" {
		return []string{"biggest"}
	}
	return nil
}

// A choice is the analyses of a run, and those that --only leaves out.
type choice struct {
	run []*audit.Analyzer
	out []report.Skip
}

// choose returns the analyses that --only names, with their companions, in the order of as; all of them without --only.
func choose(as []*audit.Analyzer, only []string) (choice, error) {
	if only == nil {
		return choice{run: as}, nil
	}
	if len(only) == 0 {
		return choice{}, kv.WithHint(kv.Usagef("--only names no analysis"), "is a variable unset?")
	}
	wanted := map[string]bool{}
	for _, name := range only {
		if !slices.Contains(analysisNames(as), name) {
			return choice{}, noAnalysis(name, as)
		}
		for _, n := range append(companions(name), name) {
			wanted[n] = true
		}
	}
	var c choice
	for _, a := range as {
		if wanted[a.Name] {
			c.run = append(c.run, a)
		} else {
			c.out = append(c.out, report.Skip{Name: a.Name, Why: notInOnly})
		}
	}
	return c, nil
}

// notInOnly is why an analysis is skipped that --only does not name.
const notInOnly = "not in --only"

func noAnalysis(name string, as []*audit.Analyzer) error {
	names := analysisNames(as)
	return meantWord(kv.Usagef("--only: no analysis %q", name), name, names, "analyses: "+strings.Join(names, ", "))
}

func analysisNames(as []*audit.Analyzer) []string {
	names := make([]string, len(as))
	for i, a := range as {
		names[i] = a.Name
	}
	return names
}

// unjudged says, for the verdict, which analyses of as have rules that nobody held against the keys because --only left
// them out. It returns "" if there is none.
func unjudged(as []*audit.Analyzer, skipped []report.Skip) string {
	var names []string
	for _, a := range as {
		if len(a.Rules) > 0 && slices.Contains(skipped, report.Skip{Name: a.Name, Why: notInOnly}) {
			names = append(names, a.Name)
		}
	}
	if names == nil {
		return ""
	}
	return fmt.Sprintf("(--only leaves out the rules of %s)", strings.Join(names, ", "))
}

// completeAnalyses completes a list of analyses, the last of which is being typed.
func completeAnalyses(_ *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	before := typed[:strings.LastIndexByte(typed, ',')+1]
	var out []string
	for _, a := range analyzers(0) {
		if !slices.Contains(strings.Split(before, ","), a.Name) {
			out = append(out, before+a.Name+"\t"+a.Doc)
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
