package audit

import (
	"fmt"
	"time"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// burden says what reading was to the servers: as a section, and in a sentence for each that was read more slowly for it.
func burden(doc *report.Report, all []kv.Burden) {
	table := report.Table{Name: "servers", Columns: []report.Column{
		{Name: "server", Unit: report.UnitText},
		{Name: "before", Title: "p99 before", Unit: report.UnitDuration},
		{Name: "limit", Unit: report.UnitDuration},
		{Name: "while", Title: "p99 while read", Unit: report.UnitDuration},
		{Name: "windows", Unit: report.UnitCount, Rank: 2},
		{Name: "over", Title: "over the limit", Unit: report.UnitCount, Rank: 1},
		{Name: "own", Title: "late by ourselves", Unit: report.UnitCount, Rank: 3},
		{Name: "slowed", Title: "slowed down", Unit: report.UnitCount},
		{Name: "waited", Unit: report.UnitDuration, Rank: 1},
		{Name: "least", Title: "least keys at once", Unit: report.UnitCount, Rank: 3},
	}}
	for _, b := range all {
		if b.Unwatched != "" {
			doc.Target.Notes = append(doc.Target.Notes, fmt.Sprintf("%s was not watched while it was read (%s): it was not spared.", b.Place, b.Unwatched))
		}
		if b.Limit == 0 {
			continue
		}
		if b.Slowed > 0 {
			doc.Target.Notes = append(doc.Target.Notes, slowedNote(&b))
		}
		table.Rows = append(table.Rows, []report.Value{
			report.Text(b.Place), report.Seconds(b.Before), report.Seconds(b.Limit), report.Seconds(b.While), report.Number(b.Windows),
			report.Number(b.Over), report.Number(b.Own), report.Number(b.Slowed), report.Seconds(b.Waited), report.Number(b.Least),
		})
	}
	if len(table.Rows) > 0 {
		doc.Sections = append(doc.Sections, report.Section{Name: "impact", Title: "IMPACT", Metrics: []report.Metric{}, Tables: []report.Table{table}})
	}
}

func slowedNote(b *kv.Burden) string {
	return fmt.Sprintf("%s was read more slowly for the sake of others %d times: a PING took %s (p99) before and %s meanwhile, %s was the limit "+
		"(--max-impact); in all it was left alone for %s.", b.Place, b.Slowed, short(b.Before), short(b.While), short(b.Limit), short(b.Waited))
}

// short returns a time with two digits, or three.
func short(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 1000 {
		unit *= 10
	}
	return d.Round(unit)
}
