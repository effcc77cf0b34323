// Package fit says whether a key-value store is the right kind of store for what an application does: where it serves badly,
// what would serve and why, and which of the stores that kvtool knows meet what was declared.
//
// The one idea is that advice is not a finding. It has no severity and fails no gate; it names its evidence, a line of
// keys.yaml or a number of the report, and where there is too little of that it says "not evaluated", never "fits".
//
//	keys.yaml ──▶ accesses ──▶ score: share of operations that a plain key access serves
//	    │             └──────▶ advice: slug, evidence, better kind, why, what would make it do
//	report ─────▶ observed ──┘
//	keys.yaml ──▶ needs × stores ──▶ meets, with care, fails
package fit

import (
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// Name is that of the section.
const Name = "fit"

// Section returns the advice on s, as far as it declares how keys are used, and on what r observed. Either may be nil; stores
// are only compared by what a schema asks of them.
func Section(s *schema.Schema, r *report.Report) *report.Section {
	f := newFacts(s, r)
	lines := f.advice()
	sec := &report.Section{Name: Name, Title: "Fit", Metrics: f.score().metrics(lines), Tables: []report.Table{}}
	if len(lines) > 0 {
		sec.Tables = append(sec.Tables, adviceTable(lines))
	}
	if s == nil {
		return sec
	}
	if needs := f.needs(); len(needs) > 0 {
		sec.Tables = append(sec.Tables, storeTables(f.declared(), needs)...)
		sec.Metrics = append(sec.Metrics, text("reasons", "--section fit"))
	} else {
		sec.Metrics = append(sec.Metrics, text("stores", notEvaluated+": no need of the store is declared"))
	}
	return sec
}

// Advises reports whether a section says anything beyond that nothing was evaluated.
func Advises(sec *report.Section) bool { return sec != nil && len(sec.Tables) > 0 }

const notEvaluated = "not evaluated"

func text(name, value string) report.Metric {
	return report.Metric{Name: name, Value: report.Text(value), Unit: report.UnitText}
}

// A line of advice.
type line struct {
	slug     string
	evidence string // templates, accesses and numbers, with their lines
	better   string // the kind of store that would serve
	why      string
	unless   string // what would make a key-value store acceptable
}

// advice lists what speaks against a key-value store, in the order of the documentation.
func (f *facts) advice() []line {
	var lines []line
	for _, judge := range []func(*facts) []line{
		complexQueries, transactions, relationships, largeBlobs, hotWrites, handMadeIndexes, rangesOverKeys, histories, ledgers,
		smallAndCold, systemOfRecord, observedTransactions, observedScans,
	} {
		lines = append(lines, judge(f)...)
	}
	return lines
}

func adviceTable(lines []line) report.Table {
	t := report.Table{Name: "advice", Title: "ADVICE", Columns: []report.Column{
		{Name: "advice", Unit: report.UnitText},
		{Name: "evidence", Unit: report.UnitText},
		{Name: "better", Title: "better served by", Unit: report.UnitText},
		{Name: "why", Unit: report.UnitText},
		{Name: "unless", Unit: report.UnitText, Rank: 1},
	}, Rows: [][]report.Value{}}
	for _, l := range lines {
		t.Rows = append(t.Rows, []report.Value{
			report.Text(l.slug), report.Text(l.evidence), report.Text(l.better), report.Text(l.why), report.Text(l.unless),
		})
	}
	return t
}
