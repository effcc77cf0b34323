package fit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/internal/monitor"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// facts are what the advice follows from.
type facts struct {
	schema    *schema.Schema // empty if there is none
	report    *report.Report // empty if there is none
	templates map[string]*schema.Template
	fields    map[string]*schema.Field
	uses      []use // every declared access, in the order of the file
}

// newFacts uses empty ones in the place of what there is not.
func newFacts(s *schema.Schema, r *report.Report) *facts {
	if s == nil {
		s = &schema.Schema{}
	}
	if r == nil {
		r = &report.Report{}
	}
	f := &facts{schema: s, report: r, templates: map[string]*schema.Template{}, fields: map[string]*schema.Field{}}
	for i := range s.Fields {
		f.fields[s.Fields[i].Name] = &s.Fields[i]
	}
	for i := range s.Templates {
		t := &s.Templates[i]
		f.templates[t.Name] = t
		for j := range t.Access {
			f.uses = append(f.uses, use{t, &t.Access[j]})
		}
	}
	return f
}

// declared is the kind of store in the schema, empty if there is none.
func (f *facts) declared() schema.StoreKind { return f.schema.Store.Kind }

// A use is one access of one template.
type use struct {
	t *schema.Template
	*schema.Access
}

// where returns the accesses that keep wants, as evidence; what says what is to be seen in them. Of those that join only counts
// the words are left out.
func (f *facts) where(keep func(use) bool, what func(use) string) []string {
	var found []string
	for _, u := range f.uses {
		switch {
		case !keep(u):
		case len(found) < mostEvidence:
			found = append(found, u.evidence(what(u)))
		default:
			found = append(found, "")
		}
	}
	return found
}

// evidence names an access: "order.by_email: filter by email, status, 40/s (keys.yaml:20)".
func (u use) evidence(what string) string {
	name := u.t.Name
	switch {
	case u.Name != "":
		name += "." + u.Name
	case u.Op != "":
		name += "." + u.Op
	}
	s := name + ": " + what
	if u.Rate > 0 {
		s += ", " + humanize.Rate(u.Rate)
	}
	return s + at(u.Pos)
}

// at is a place in parentheses, empty if there is none.
func at(p report.Pos) string {
	if p.Line <= 0 {
		return ""
	}
	return fmt.Sprintf(" (%s:%d)", p.File, p.Line)
}

// mostEvidence is how many pieces of evidence a line names; the others are counted.
const mostEvidence = 3

// join makes pieces of evidence one.
func join(pieces []string) string {
	rest := ""
	if n := len(pieces) - mostEvidence; n > 0 {
		pieces, rest = pieces[:mostEvidence], fmt.Sprintf("; %d more", n)
	}
	return strings.Join(pieces, "; ") + rest
}

// isWrite reports whether an operation changes something. Of an operation that nobody knows it is not assumed.
func isWrite(op string) bool {
	for _, word := range strings.FieldsFunc(strings.ToUpper(op), func(r rune) bool { return r == '+' || r == ' ' || r == ',' }) {
		if monitor.Writes(word) || slices.ContainsFunc(otherWrites[:], func(p string) bool { return strings.HasPrefix(word, p) }) {
			return true
		}
	}
	return false
}

// otherWrites begin the names of what writes without being a command of Redis.
var otherWrites = [...]string{
	"JSON.SET", "JSON.DEL", // of a module
	"ADD", "REPLACE", "CAS", "PREPEND", // Memcached
	"PUT", "UPDATE", "INSERT", "DELETE", "BATCHWRITE", "TRANSACTWRITE", // DynamoDB, CQL
}

// keys returns how many keys a template has, and whether the schema says so: as declared, or as many as its placeholders have
// values.
func (f *facts) keys(t *schema.Template) (float64, bool) {
	if n := max(t.Cardinality.Live, t.Cardinality.Max); n > 0 {
		if t.Cardinality.Live > 0 {
			n = t.Cardinality.Live
		}
		return float64(n), true
	}
	n := 1.0
	for _, p := range t.Key {
		if p.Type == nil {
			continue
		}
		values, ok := f.values(p)
		if !ok {
			return 0, false
		}
		n *= values
	}
	return n, true
}

// values returns how many values a placeholder has, if that is declared.
func (f *facts) values(p schema.Piece) (float64, bool) {
	if field := f.fields[p.Field]; field != nil && field.Cardinality > 0 {
		return float64(field.Cardinality), true
	}
	switch p.Type.Kind {
	case schema.TypeEnum:
		return float64(len(p.Type.Values)), true
	case schema.TypeBucket:
		return float64(p.Type.N), p.Type.N > 0
	}
	return 0, false
}

// metric returns a number of a section of the report.
func (f *facts) metric(section, name string) (float64, bool) {
	s := f.report.Section(section)
	if s == nil {
		return 0, false
	}
	i := slices.IndexFunc(s.Metrics, func(m report.Metric) bool { return m.Name == name })
	if i < 0 {
		return 0, false
	}
	return s.Metrics[i].Value.Number()
}

// word returns a text of a section of the report, "" if it has none.
func (f *facts) word(section, name string) string {
	s := f.report.Section(section)
	if s == nil {
		return ""
	}
	for i := range s.Metrics {
		if s.Metrics[i].Name == name {
			w, _ := s.Metrics[i].Value.Text()
			return w
		}
	}
	return ""
}

// A cell is a row of a table of the report by the names of its columns.
type cell func(column string) report.Value

// rows calls visit with each row of a table of the report.
func (f *facts) rows(section, table string, visit func(cell)) {
	s := f.report.Section(section)
	if s == nil {
		return
	}
	for i := range s.Tables {
		t := &s.Tables[i]
		if t.Name != table {
			continue
		}
		for _, row := range t.Rows {
			visit(func(column string) report.Value {
				if c := slices.IndexFunc(t.Columns, func(c report.Column) bool { return c.Name == column }); c >= 0 && c < len(row) {
					return row[c]
				}
				return report.Null
			})
		}
	}
}

// percent writes a share for a sentence.
func percent(share float64) string { return humanize.Ratio(share) }
