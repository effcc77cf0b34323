// Package cost prices a table of DynamoDB: what it would cost a month, on demand and provisioned, in both classes of tables, with
// its indexes and backups, and what the cheapest of these would save.
//
// The one idea is that a bill is a sum of few amounts that follow from few facts: how many bytes are kept, how many units a second
// are read and written, and how much of what is bought is used. Where the facts come from, an audit or a schema, makes no
// difference; every amount is by the list of prices that the report names (package price).
package cost

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/price"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// Use is what a table holds and does.
type Use struct {
	Items, Bytes float64 // bytes without what storage adds to each item
	// ReadUnits and WriteUnits are the mean over a month, a second, of the table alone.
	ReadUnits, WriteUnits float64
	Used                  float64 // share of provisioned units that is used, from 0 to 1
	Table                 kv.Table
	Backup                bool // continuous backups
	Replicas              int  // in other regions
}

// itemOverhead is what storage adds to each item, in bytes.
const itemOverhead = 100

// An option is a way to pay for a table.
type option struct{ billing, class string }

func (o option) String() string { return o.billing + ", " + o.class }

// title is short enough for a column.
func (o option) title() string {
	if o.class == "standard-ia" {
		return o.billing + " IA"
	}
	return o.billing
}

func options() []option {
	return []option{{"on-demand", "standard"}, {"on-demand", "standard-ia"}, {"provisioned", "standard"}, {"provisioned", "standard-ia"}}
}

// A bill is what one option costs in a month, line by line, in USD.
type bill struct {
	option
	lines map[string]float64
	total float64
}

// The lines of a bill.
const (
	lineStorage  = "storage"
	lineReads    = "reads"
	lineWrites   = "writes"
	lineIndexes  = "index storage"
	lineUpkeep   = "index writes"
	lineReplicas = "replicated writes"
	lineBackup   = "continuous backup"
)

func lines() []string {
	return []string{lineStorage, lineReads, lineWrites, lineIndexes, lineUpkeep, lineReplicas, lineBackup}
}

// stored returns the bytes that are billed for the table, and for its indexes.
func (u *Use) stored() (table, indexes float64) {
	table = u.Bytes + itemOverhead*u.Items
	for i := range u.Table.Indexes {
		indexes += u.indexBytes(&u.Table.Indexes[i])
	}
	return table, indexes
}

// keyBytes is what an entry of an index of keys holds, where the table does not say how large its indexes are: keys of usual length.
const keyBytes = 64

func (u *Use) indexBytes(x *kv.Index) float64 {
	switch {
	case x.Bytes > 0:
		return float64(x.Bytes) + itemOverhead*float64(x.Items)
	case x.Projection == "all":
		return u.Bytes + itemOverhead*u.Items
	}
	return (keyBytes + itemOverhead) * u.Items
}

// indexWrites returns how many units a second the indexes take: an entry is written when an item is, by the KiB that it has.
func (u *Use) indexWrites() float64 {
	sum := 0.0
	for i := range u.Table.Indexes {
		x := &u.Table.Indexes[i]
		each := 1.0
		if x.Projection == "all" && u.writes() > 0 {
			each = u.WriteUnits / u.writes()
		}
		sum += each * u.writes()
	}
	return sum
}

// writes returns about how many items are written in a second.
func (u *Use) writes() float64 {
	if u.Items == 0 {
		return u.WriteUnits
	}
	return u.WriteUnits / max(1, u.Bytes/u.Items/1024)
}

// price makes the bill of an option.
func (u *Use) price(o option, l *price.List) bill {
	c := l.Class(o.class)
	table, indexes := u.stored()
	b := bill{option: o, lines: map[string]float64{}}
	storage := c.Storage(table + indexes) // what is free is free once
	if all := table + indexes; all > 0 {
		b.lines[lineStorage], b.lines[lineIndexes] = storage*table/all, storage*indexes/all
	}
	upkeep := u.indexWrites()
	if o.billing == "on-demand" {
		b.lines[lineReads], b.lines[lineWrites], b.lines[lineUpkeep] = c.OnDemand(u.ReadUnits, 0), c.OnDemand(0, u.WriteUnits), c.OnDemand(0, upkeep)
	} else {
		bought := 1 / u.Used
		b.lines[lineReads], b.lines[lineWrites] = c.Provisioned(u.ReadUnits*bought, 0), c.Provisioned(0, u.WriteUnits*bought)
		b.lines[lineUpkeep] = c.Provisioned(0, upkeep*bought)
	}
	b.lines[lineReplicas] = float64(u.Replicas) * (u.WriteUnits + upkeep) * l.ReplicatedWrite * price.MonthSeconds / 1e6
	if u.Backup {
		b.lines[lineBackup] = table / price.GB * l.PITR
	}
	for _, x := range b.lines {
		b.total += x
	}
	return b
}

// Sections prices u by each option.
func Sections(u *Use, l *price.List) []report.Section {
	bills := make([]bill, 0, 4)
	for _, o := range options() {
		bills = append(bills, u.price(o, l))
	}
	best := slices.MinFunc(bills, func(a, b bill) int { return cmp.Compare(a.total, b.total) })
	table, indexes := u.stored()
	s := report.Section{Name: "cost", Title: "COST A MONTH, USD", Metrics: []report.Metric{
		{Name: "items", Value: report.Number(u.Items), Unit: report.UnitCount},
		{Name: "billed_bytes", Value: report.Number(table + indexes), Unit: report.UnitBytes},
		{Name: "read_units", Value: report.Number(u.ReadUnits), Unit: report.UnitRate},
		{Name: "write_units", Value: report.Number(u.WriteUnits), Unit: report.UnitRate},
		{Name: "cheapest", Value: report.Text(best.String()), Unit: report.UnitText},
		{Name: "cheapest_usd", Value: report.Number(best.total), Unit: report.UnitCount},
	}, Tables: []report.Table{billsTable(bills)}}
	if now, ok := u.now(bills); ok {
		s.Metrics = append(s.Metrics,
			report.Metric{Name: "now_usd", Value: report.Number(now.total), Unit: report.UnitCount},
			report.Metric{Name: "saved_usd", Value: report.Number(now.total - best.total), Unit: report.UnitCount})
	}
	return []report.Section{s}
}

// now returns the bill of how the table is paid for, where it says so.
func (u *Use) now(bills []bill) (bill, bool) {
	i := slices.IndexFunc(bills, func(b bill) bool { return b.option == option{u.Table.Billing, u.Table.Class} })
	if i < 0 {
		return bill{}, false
	}
	return bills[i], true
}

func billsTable(bills []bill) report.Table {
	t := report.Table{Name: "bills", Title: "BY HOW IT IS PAID FOR", Columns: []report.Column{{Name: "what", Unit: report.UnitText}}}
	for _, b := range bills {
		t.Columns = append(t.Columns, report.Column{Name: b.billing + "_" + b.class, Title: b.title(), Unit: report.UnitCount})
	}
	for _, name := range lines() {
		row, any := []report.Value{report.Text(name)}, false
		for _, b := range bills {
			row = append(row, report.Number(b.lines[name]))
			any = any || b.lines[name] > 0
		}
		if any {
			t.Rows = append(t.Rows, row)
		}
	}
	total := []report.Value{report.Text("total")}
	for _, b := range bills {
		total = append(total, report.Number(b.total))
	}
	t.Rows = append(t.Rows, total)
	return t
}

// Notes says what the amounts rest on, and what they leave out.
func Notes(u *Use, l *price.List) []string {
	c := l.Class(u.Table.Class)
	n := []string{
		l.String() + ". Reserved capacity, taxes, transfer of data and free tiers of new accounts are left out.",
		fmt.Sprintf("Provisioned capacity is priced with %s of it used; it is cheaper than on-demand from %s on.", humanize.Ratio(u.Used), humanize.Ratio(c.BreakEven())),
	}
	if u.ReadUnits == 0 && u.WriteUnits == 0 {
		n = append(n, "Reads and writes are not known, and not priced: say how many units a second with --reads and --writes.")
	}
	for i := range u.Table.Indexes {
		if x := &u.Table.Indexes[i]; x.Bytes == 0 {
			n = append(n, fmt.Sprintf("The index %s does not say how large it is: it is taken to hold every item.", x.Name))
		}
	}
	return n
}
