package main

import (
	"fmt"
	"strings"

	"github.com/kvtool/kvtool/bench/internal/page"
)

// publish prints what a section found and, if asked to, puts it into the page: its figures into the section's place, its
// bars into the rows of the summary.
func (b *bench) publish(r result) error {
	fmt.Printf("\n## %s\n\n%s", r.name, r.markdown())
	if b.update == "" {
		return nil
	}
	if err := page.Replace(b.update, "bench-"+r.name, r.markdown()); err != nil {
		return err
	}
	return page.Merge(b.update, "bench-summary", r.rows())
}

// markdown writes all that the section found.
func (r *result) markdown() string {
	var b strings.Builder
	b.WriteString(r.where)
	if r.data != "" {
		fmt.Fprintf(&b, "\n%s\n", r.data)
	}
	fmt.Fprintf(&b, "\n```\nbench$ go run . -only %s\n%s\n```\n", r.name, strings.Join(r.commands, "\n"))
	if len(r.bars) > 0 {
		b.WriteString("\n| figure | bar | measured | |\n|---|---|---|---|\n")
	}
	for _, x := range r.bars {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", x.figure, x.want(), x.shown, x.verdict())
	}
	if r.tables != "" {
		b.WriteString("\n" + r.tables)
	}
	return b.String()
}

// rows are the rows of the summary that the section fills, by their first two cells.
func (r *result) rows() []string {
	rows := make([]string, len(r.bars))
	for i, x := range r.bars {
		rows[i] = fmt.Sprintf("| %s | %s | %s | %s | %s |", r.name, x.figure, x.want(), x.shown, x.verdict())
	}
	return rows
}

// summary is the table of all bars.
func summary(found []result) string {
	var b strings.Builder
	b.WriteString("\n## summary\n\n| section | figure | bar | measured | |\n|---|---|---|---|---|\n")
	for _, r := range found {
		for _, row := range r.rows() {
			b.WriteString(row + "\n")
		}
	}
	return b.String()
}

// A row is one line of a table: a metric of each tool and, if it is a claim, the ratios to the peer.
type row struct {
	name, format string
	of           metric
	claim        bool
}

// table writes the runs of g as Markdown.
func (g group) table(rows []row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| median of %d (lowest - highest) |", len(g.runs[0]))
	for _, t := range g.tools {
		fmt.Fprintf(&b, " `%s` |", t.label)
	}
	ours := len(g.tools) - 1
	b.WriteString(strings.Repeat(" ratio |", ours) + "\n|---|" + strings.Repeat("---|", len(g.tools)+ours) + "\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.name)
		for i := range g.tools {
			fmt.Fprintf(&b, " %s |", g.of(i, r.of).format(r.format))
		}
		for i := range ours {
			if r.claim {
				fmt.Fprintf(&b, " **%s** |", g.ratio(i, r.of).format("%.2f"))
			} else {
				b.WriteString(" |")
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// format writes the middle and, where they look different, the ends.
func (s spread) format(f string) string {
	low, median, high := fmt.Sprintf(f, s.low), fmt.Sprintf(f, s.median), fmt.Sprintf(f, s.high)
	if low == high {
		return median
	}
	return fmt.Sprintf("%s (%s - %s)", median, low, high)
}
