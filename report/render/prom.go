package render

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/report"
)

// promTemplates bounds the label "template": the rest is summed as "other". A time series a template would otherwise
// grow with the keyspace.
const promTemplates = 200

// Prometheus writes the exposition format for a textfile collector. Every series has the label "target", so that the
// files of several stores may lie beside each other.
func Prometheus(w io.Writer, r *report.Report, o Options) error {
	r = o.Keys.apply(r)
	p := &exposition{w: bufio.NewWriter(w), target: clean(r.Target.URL, false)}
	rs := []*report.Report{r}
	if r.Kind == report.KindFleet {
		rs = r.Targets
	}
	p.coverage(r, rs)
	p.templates(r)
	p.run(r)
	p.findings(rs)
	return p.w.Flush()
}

// An exposition writes series in the text format.
type exposition struct {
	w      *bufio.Writer
	target string
}

// family begins a metric: every series of a name must follow its heading.
func (p *exposition) family(name, help string) {
	fmt.Fprintf(p.w, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name)
}

// of makes what follows a series of a target: of a fleet under the name that it has there, since two may have one URL.
func (p *exposition) of(r *report.Report) {
	p.target = clean(cmp.Or(r.Target.Name, r.Target.URL), false)
}

// each writes a family that has one series a target; ok says whether there is a value.
func (p *exposition) each(rs []*report.Report, name, help string, value func(r *report.Report) (v float64, ok bool)) {
	begun := false
	for _, r := range rs {
		v, ok := value(r)
		if !ok {
			continue
		}
		if !begun {
			p.family(name, help)
			begun = true
		}
		p.of(r)
		p.series(name, v)
	}
}

// series writes one value with label pairs.
func (p *exposition) series(name string, value float64, labels ...string) {
	fmt.Fprintf(p.w, "%s{target=%s", name, quoted(p.target))
	for i := 0; i+1 < len(labels); i += 2 {
		fmt.Fprintf(p.w, ",%s=%s", labels[i], quoted(labels[i+1]))
	}
	fmt.Fprintf(p.w, "} %s\n", number(value))
}

// quoted writes a label's value: UTF-8, with backslash, quote and line feed escaped.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(s) + `"`
}

func (p *exposition) coverage(whole *report.Report, rs []*report.Report) {
	p.each(rs, "kvtool_complete", "Whether the scan read everything.", func(r *report.Report) (float64, bool) {
		if r.Coverage.Complete {
			return 1, true
		}
		return 0, true
	})
	if whole.Kind != report.KindLoad {
		p.each(rs, "kvtool_keys_scanned", "Keys that were read.", func(r *report.Report) (float64, bool) {
			return float64(r.Coverage.Keys), true
		})
	}
	p.each(rs, "kvtool_taken_timestamp_seconds", "The time that the report is of.", func(r *report.Report) (float64, bool) {
		return float64(r.Taken.Unix()), true
	})
	p.each(rs, "kvtool_scan_duration_seconds", "How long the scan took.", func(r *report.Report) (float64, bool) {
		s := time.Duration(r.Coverage.Elapsed).Seconds()
		return s, s > 0
	})
}

// templates writes the columns of the table templates that are worth an alert.
func (p *exposition) templates(r *report.Report) {
	t := templateTable(r)
	if t == nil {
		return
	}
	rows, more := t.Rows, t.More
	if len(rows) > promTemplates {
		rows, more = fold(t, promTemplates)
	}
	for _, m := range []struct{ name, column, help string }{
		{"kvtool_keys", "keys", "Keys of a template."},
		{"kvtool_bytes", "bytes", "Bytes of memory of a template."},
		{"kvtool_no_ttl_ratio", "no_ttl", "Share of a template's keys that never expire."},
	} {
		col := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == m.column })
		if col < 0 {
			continue
		}
		p.family(m.name, m.help)
		for _, row := range rows {
			p.value(m.name, row[col], labelOf(row[0]))
		}
		if more != nil {
			p.value(m.name, more[col], "other")
		}
	}
}

// run writes what a run took, by operation, and how it stands.
func (p *exposition) run(r *report.Report) {
	s := r.Section(latencyTable)
	if r.Kind != report.KindLoad || s == nil || len(s.Tables) == 0 {
		return
	}
	t := &s.Tables[0]
	at := func(name string) int {
		return slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == name })
	}
	write := func(name, column string, labels ...string) {
		c := at(column)
		for _, row := range t.Rows {
			if c < 0 {
				return
			}
			if n, ok := row[c].Number(); ok {
				p.series(name, n, append([]string{"operation", labelOf(row[0])}, labels...)...)
			}
		}
	}
	p.family("kvtool_load_response_seconds", "Response times of an operation, from when it was due.")
	for _, q := range [][2]string{{"p50", "0.5"}, {"p90", "0.9"}, {"p99", "0.99"}, {"p999", "0.999"}, {"max", "1"}} {
		write("kvtool_load_response_seconds", q[0], "quantile", q[1])
	}
	p.family("kvtool_load_rate", "Operations done a second.")
	write("kvtool_load_rate", "rate")
	p.family("kvtool_load_errors", "Operations that failed.")
	write("kvtool_load_errors", "errors")
	if h := r.Section(healthSection); h != nil {
		for i := range h.Metrics {
			if n, ok := h.Metrics[i].Value.Number(); ok && h.Metrics[i].Name == "achieved" {
				p.family("kvtool_load_achieved_ratio", "What was done of what was due.")
				p.series("kvtool_load_achieved_ratio", n)
			}
		}
	}
}

// value writes one template's value, if it is known.
func (p *exposition) value(name string, v report.Value, template string) {
	if n, ok := v.Number(); ok {
		p.series(name, n, "template", template)
	}
}

// labelOf makes a template a label. Two templates may not become the same one: a long one keeps both ends.
func labelOf(v report.Value) string {
	s, _ := v.Text()
	return cutMiddle(clean(s, false), 200, "…")
}

// templateTable returns the table that the contract with other tools names, or nil.
func templateTable(r *report.Report) *report.Table {
	s := r.Section("templates")
	if s == nil {
		return nil
	}
	for i := range s.Tables {
		if t := &s.Tables[i]; t.Name == "templates" && len(t.Columns) > 0 {
			return t
		}
	}
	return nil
}

// findings counts by rule and severity.
func (p *exposition) findings(rs []*report.Report) {
	p.family("kvtool_findings", "Findings of a rule.")
	for _, r := range rs {
		p.of(r)
		p.byRule(r)
	}
	p.family("kvtool_findings_by_severity", "Findings of a severity, so that none is a series, too.")
	for _, r := range rs {
		p.of(r)
		for i, count := range tally(r) {
			p.series("kvtool_findings_by_severity", float64(count), "severity", string(report.Severities[i]))
		}
	}
}

func (p *exposition) byRule(r *report.Report) {
	type kind struct{ rule, severity string }
	n := map[kind]int{}
	var order []kind
	for _, f := range only(r.Findings, present) {
		k := kind{f.Rule, string(f.Severity)}
		if n[k] == 0 {
			order = append(order, k)
		}
		n[k]++
	}
	for _, k := range order {
		p.series("kvtool_findings", float64(n[k]), "rule", k.rule, "severity", k.severity)
	}
}
