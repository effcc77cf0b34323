package audit

import (
	"cmp"
	"slices"
	"time"

	"github.com/kvtool/kvtool/audit/triage"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func server() *Analyzer {
	return &Analyzer{
		Name:    "server",
		Title:   "SERVER",
		Doc:     "What the server evicts, whether it writes to a file, and how often it was asked for what reaches over many keys.",
		Rules:   []*report.Rule{triage.Rule("SV006"), triage.Rule("SV007"), triage.Rule("SV015")},
		Version: setupVersion,
		New:     func(time.Time) Collector { return setup{} },
	}
}

// A setup knows nothing of the keys: what it reports the store says, once all of it was read.
type setup struct{}

func (setup) Observe(*kv.Record) {}

func (setup) Merge(Collector) {}

const setupVersion = 1

// AppendBinary saves that there is nothing.
func (setup) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, setupVersion, func(*saved.Form) {})
}

// UnmarshalBinary reads what AppendBinary saved.
func (setup) UnmarshalBinary(b []byte) error {
	return saved.Read(b, setupVersion, func(*saved.Form) {})
}

func (setup) Report(out *Output) {
	if out.Store == nil {
		return
	}
	s := &out.Store.Server
	for _, m := range []report.Metric{
		{Name: "maxmemory_policy", Value: report.Text(s.Policy), Unit: report.UnitText},
		{Name: "appendonly", Value: report.Text(s.AppendOnly), Unit: report.UnitText},
	} {
		if m.Value != report.Text("") {
			out.Metrics = append(out.Metrics, m)
		}
	}
	reportUse(out, s)
	if len(s.Calls) > 0 {
		table, all := callsTable(s.Calls)
		out.Metrics = append(out.Metrics, report.Metric{Name: "calls", Value: report.Number(all), Unit: report.UnitCount})
		out.Tables = []report.Table{table}
	}
}

// callsTable lists the commands, the most called first, and adds them up.
func callsTable(calls []kv.Calls) (table report.Table, all float64) {
	table = report.Table{Name: "commands", Columns: []report.Column{
		{Name: "command", Unit: report.UnitText},
		{Name: "calls", Unit: report.UnitCount, Sum: true},
	}}
	calls = slices.SortedFunc(slices.Values(calls), func(a, b kv.Calls) int {
		return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Command, b.Command))
	})
	for _, c := range calls {
		all += float64(c.N)
		table.Rows = append(table.Rows, []report.Value{report.Text(c.Command), report.Number(c.N)})
	}
	return table, all
}
