package table

import (
	"fmt"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

func description() *audit.Analyzer {
	return &audit.Analyzer{
		Name:    "table",
		Title:   "TABLE",
		Doc:     "What the table says of itself: its key, how it is paid for, its indexes.",
		Kind:    kv.FieldParts,
		Rules:   documented(manyIndexes),
		Version: descriptionVersion,
		New:     func(time.Time) audit.Collector { return described{} },
	}
}

// A described knows nothing of the items: what it reports the store says, once all of it was read.
type described struct{}

func (described) Observe(*kv.Record) {}

func (described) Merge(audit.Collector) {}

const descriptionVersion = 1

// AppendBinary saves that there is nothing.
func (described) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, descriptionVersion, func(*saved.Form) {})
}

// UnmarshalBinary reads what AppendBinary saved.
func (described) UnmarshalBinary(b []byte) error {
	return saved.Read(b, descriptionVersion, func(*saved.Form) {})
}

// Report lists what the store has told of its table.
func (described) Report(out *audit.Output) {
	if out.Store == nil || !out.Store.Table.Known() {
		return
	}
	t := &out.Store.Table
	for _, m := range []struct{ name, text string }{
		{"name", t.Name},
		{"key", strings.Trim(t.Partition+" "+t.Sort, " ")},
		{"billing", t.Billing},
		{"class", t.Class},
		{"ttl", strings.Trim(t.TTL+" "+t.TTLAttribute, " ")},
		{"continuous_backups", t.Backup},
	} {
		if m.text != "" {
			out.Metrics = append(out.Metrics, report.Metric{Name: m.name, Value: report.Text(m.text), Unit: report.UnitText})
		}
	}
	if t.ReadUnits+t.WriteUnits > 0 {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: "read_units", Value: report.Number(t.ReadUnits), Unit: report.UnitRate},
			report.Metric{Name: "write_units", Value: report.Number(t.WriteUnits), Unit: report.UnitRate})
	}
	if len(t.Indexes) > 0 {
		out.Tables = []report.Table{indexes(t)}
	}
	judgeIndexes(out, t)
}

func indexes(t *kv.Table) report.Table {
	table := report.Table{Name: "indexes", Title: "INDEXES", Columns: []report.Column{
		{Name: "index", Unit: report.UnitText},
		{Name: "kind", Unit: report.UnitText},
		{Name: "key", Unit: report.UnitText},
		{Name: "holds", Unit: report.UnitText},
		{Name: "items", Unit: report.UnitCount},
		{Name: "bytes", Title: "size", Unit: report.UnitBytes},
	}}
	for i := range t.Indexes {
		x := &t.Indexes[i]
		kind := "global"
		if x.Local {
			kind = "local"
		}
		table.Rows = append(table.Rows, []report.Value{
			report.Text(x.Name), report.Text(kind), report.Text(strings.Trim(x.Partition+" "+x.Sort, " ")), report.Text(x.Projection),
			report.Number(x.Items), report.Number(x.Bytes),
		})
	}
	return table
}

// mostIndexes is from how many on a write is many: the limit of KD088.
const mostIndexes = 5

// judgeIndexes counts what each write touches.
func judgeIndexes(out *audit.Output, t *kv.Table) {
	n := int64(len(t.Indexes))
	if n <= mostIndexes {
		return
	}
	out.Findings = append(out.Findings, report.Finding{
		Rule: manyIndexes, Severity: report.Info, Subject: t.Name, Message: fmt.Sprintf("each write touches up to %d indexes", n),
		Measure: &report.Metric{Name: "indexes", Value: report.Number(n), Unit: report.UnitCount},
	})
}
