package fit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// A row is one store held against all needs.
type row struct {
	store
	grades     []grade
	properties []property
}

// count returns how many needs have a grade.
func (r row) count(g grade) int {
	n := 0
	for _, x := range r.grades {
		if x == g {
			n++
		}
	}
	return n
}

// is returns 1 if the store is of a kind, which is not empty, else 0.
func (r row) is(kind schema.StoreKind) int {
	if kind != "" && r.kind == string(kind) {
		return 1
	}
	return 0
}

// storeTables are an overview, the stores that meet most first, and the reason of each grade: of the
// declared store first, and of each the worst first.
func storeTables(declared schema.StoreKind, needs []need) []report.Table {
	rows := make([]row, 0, len(stores()))
	for _, s := range stores() {
		r := row{store: s}
		for _, n := range needs {
			g, p := n.judge(&s)
			r.grades, r.properties = append(r.grades, g), append(r.properties, p)
		}
		rows = append(rows, r)
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		return cmp.Or(a.count(failsIt)-b.count(failsIt), a.count(withCare)-b.count(withCare))
	})
	over := overview(declared, needs, rows)
	slices.SortStableFunc(rows, func(a, b row) int { return b.is(declared) - a.is(declared) })
	return []report.Table{over, reasons(needs, rows)}
}

func overview(declared schema.StoreKind, needs []need, rows []row) report.Table {
	t := report.Table{Name: "stores", Title: "STORES (* DECLARED)", Columns: []report.Column{{Name: "store", Unit: report.UnitText}}}
	for _, n := range needs {
		t.Columns = append(t.Columns, report.Column{Name: strings.ReplaceAll(n.name, " ", "_"), Unit: report.UnitText})
	}
	for i := range rows {
		name := rows[i].name
		if rows[i].is(declared) == 1 {
			name += " *"
		}
		cells := []report.Value{report.Text(name)}
		for _, g := range rows[i].grades {
			cells = append(cells, report.Text(g.short()))
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}

// reasons has no title: text shows it to who asks for the section.
func reasons(needs []need, rows []row) report.Table {
	t := report.Table{Name: "reasons", Columns: []report.Column{
		{Name: "store", Unit: report.UnitText},
		{Name: "need", Unit: report.UnitText},
		{Name: "verdict", Unit: report.UnitText},
		{Name: "evidence", Unit: report.UnitText},
		{Name: "why", Unit: report.UnitText},
		{Name: "source", Unit: report.UnitText, Rank: 1},
	}, Rows: [][]report.Value{}}
	for i := range rows {
		r := &rows[i]
		for _, g := range []grade{failsIt, withCare, meets, unknown} {
			for n := range needs {
				if r.grades[n] == g {
					t.Rows = append(t.Rows, []report.Value{
						report.Text(r.name), report.Text(needs[n].name), report.Text(g.String()), report.Text(needs[n].evidence),
						report.Text(r.properties[n].why), report.Text(r.properties[n].source),
					})
				}
			}
		}
	}
	return t
}
