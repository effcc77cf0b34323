package budget

import (
	"math"
	"slices"

	"github.com/kvtool/kvtool/report"
)

// templates is the table of templates of a report.
type templates struct {
	*report.Table
	rows map[string][]report.Value // by the text of the template
}

func templatesOf(r *report.Report) *templates {
	table := tableOf(r, "templates", "templates")
	if table == nil {
		return nil
	}
	t := &templates{table, map[string][]report.Value{}}
	for _, row := range table.Rows {
		if text, ok := row[0].Text(); ok {
			t.rows[text] = row
		}
	}
	return t
}

// of returns a number of a template. A template that has no row has no keys, unless rows were left out.
func (t *templates) of(text, column string) (n float64, known bool) {
	row := t.rows[text]
	if row == nil {
		return 0, t.Omitted == 0
	}
	return number(t.Table, row, column)
}

// tableOf returns a table of a section, nil if there is none or it is of nothing.
func tableOf(r *report.Report, section, table string) *report.Table {
	s := r.Section(section)
	if s == nil {
		return nil
	}
	for i := range s.Tables {
		if t := &s.Tables[i]; t.Name == table && len(t.Columns) > 0 {
			return t
		}
	}
	return nil
}

// number returns the number of a row in the named column.
func number(t *report.Table, row []report.Value, column string) (float64, bool) {
	i := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == column })
	if i < 0 {
		return 0, false
	}
	return row[i].Number()
}

// noTTL is from the histogram of TTLs where every key was asked: it knows the bytes. Where a sample was, templates are known
// better, each with its interval; the share of its keys without TTL stands for that of its bytes.
func noTTL(r *report.Report) report.Check {
	const name = "no-TTL memory"
	t := templatesOf(r)
	if t != nil && slices.ContainsFunc(t.Columns, func(c report.Column) bool { return c.Name == "bytes_off" }) {
		return sampledNoTTL(name, t)
	}
	histogram := tableOf(r, "ttl", "ttl_histogram")
	if histogram == nil {
		return unknown(name, report.UnitRatio, "no TTLs were read")
	}
	var none, all float64
	for _, row := range histogram.Rows {
		bytes, known := number(histogram, row, "bytes")
		if !known {
			return unknown(name, report.UnitRatio, "no sizes were read")
		}
		switch left, _ := row[0].Text(); left {
		case "unknown":
			continue
		case "none":
			none += bytes
		}
		all += bytes
	}
	if all == 0 {
		return unknown(name, report.UnitRatio, "there are no keys")
	}
	return report.Check{Name: name, Unit: report.UnitRatio, Head: report.Number(none / all)}
}

// sampledNoTTL adds up the templates. Of one with b bytes ± d, of whose n keys that were asked the share p had no TTL, the bytes
// without are b·p ± √((d·p)² + (b·1.96)²·p(1-p)/n).
func sampledNoTTL(name string, t *templates) report.Check {
	var none, all, variance float64
	for _, row := range append(t.Rows[:len(t.Rows):len(t.Rows)], t.More) {
		if row == nil {
			continue
		}
		bytes, sized := number(t.Table, row, "bytes")
		share, timed := number(t.Table, row, "no_ttl")
		keys, _ := number(t.Table, row, "keys")
		asked, _ := number(t.Table, row, "measured")
		off, _ := number(t.Table, row, "bytes_off")
		if !sized || !timed {
			return unknown(name, report.UnitRatio, "sizes or TTLs of some templates were not read")
		}
		none += bytes * share
		all += bytes
		n := math.Max(1, keys*asked)
		variance += bytes*off*share*bytes*off*share + bytes*bytes*1.96*1.96*share*(1-share)/n
	}
	if all == 0 {
		return unknown(name, report.UnitRatio, "there are no keys")
	}
	half := math.Sqrt(variance)
	return report.Check{
		Name: name, Unit: report.UnitRatio, Head: report.Number(none / all),
		Interval: &report.Interval{Low: math.Max(0, none-half) / all, High: math.Min(all, none+half) / all},
	}
}

// slots is of bytes where sizes are known, else of keys.
func slots(r *report.Report) report.Check {
	const name = "max slot share"
	s := r.Section("slots")
	if s == nil {
		return unknown(name, report.UnitFactor, "this target tells no slots")
	}
	for _, metric := range []string{"bytes_max_over_mean", "keys_max_over_mean"} {
		for i := range s.Metrics {
			if m := &s.Metrics[i]; m.Name == metric && !m.Value.IsNull() {
				return report.Check{Name: name, Unit: report.UnitFactor, Head: m.Value, Interval: m.Interval}
			}
		}
	}
	return unknown(name, report.UnitFactor, "no key told its slot")
}

func nodes(r *report.Report) report.Check {
	const name = "max node share"
	t := tableOf(r, "nodes", "nodes")
	if t == nil {
		return unknown(name, report.UnitFactor, "this target has no nodes to compare")
	}
	most := 0.0
	for _, row := range t.Rows {
		times, known := number(t, row, "times_mean")
		if !known {
			return unknown(name, report.UnitFactor, "the nodes' loads are not known")
		}
		most = max(most, times)
	}
	return report.Check{Name: name, Unit: report.UnitFactor, Head: report.Number(most)}
}
