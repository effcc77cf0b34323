package orphans

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kvtool/kvtool/audit"
	"github.com/kvtool/kvtool/drift/join"
	"github.com/kvtool/kvtool/drift/refs"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// An Orphan is a key that has lost what it refers to.
type Orphan struct {
	Key       string
	DB        int
	Template  string
	Reference string
	Rule      string
	Reason    string // no parent, no target, stale, no entry
	Target    string // the key that it refers to
	Text      string // of its value, where that names the target
	Record    kv.Record
	Confirmed bool // it was asked about twice, or the target does not change

	Of   *refs.Reference
	Says string // of one that is stale: the field of the target, which does not lead back
	Lost bool   // there is no such field
}

// A tally is what was found of one relation, in numbers.
type tally struct {
	references, orphans, low, high float64
	sampled                        bool // it is an estimate
}

func (t *tally) share() (share, low, high float64) {
	if t.references == 0 {
		return 0, 0, 0
	}
	return min(1, t.orphans/t.references), min(1, t.low/t.references), min(1, t.high/t.references)
}

// tally adds up the i-th relation: what the join has found, as far as the re-check bears it out.
func (r *run) tally(i int) tally {
	rel, f := r.result.Relations[i], &r.found[i]
	if i%2 == 1 && rel.References == 0 {
		rel.References = r.result.Relations[i-1].References
	}
	t := tally{references: rel.Of(r.result.Sample), sampled: r.result.Sample > 1 || f.picked}
	switch {
	case r.unnamed:
		t.orphans, t.low, t.high = rel.Estimate(r.result.Sample)
		return t
	case !f.picked:
		rel.Missing, rel.Squares = int64(len(f.confirmed)), squares(f.confirmed)
		t.orphans, t.low, t.high = rel.Estimate(r.result.Sample)
		return t
	}
	n, low, high := rel.Estimate(r.result.Sample)
	share := float64(len(f.confirmed)) / float64(max(1, f.rechecked))
	least, most := audit.Wilson(int64(len(f.confirmed)), f.rechecked)
	t.orphans, t.low, t.high = n*share, low*least, high*most
	return t
}

// squares returns the sum of the squares of how many candidates lead to each key.
func squares(cs []candidate) (sum int64) {
	to := map[kv.Name]int64{}
	for i := range cs {
		to[kv.Name{DB: cs[i].db, Key: cs[i].target}]++
	}
	for _, k := range to {
		sum += k * k
	}
	return sum
}

// report adds to doc what was found, and tells List.
func (r *run) report(doc *report.Report) error {
	table := report.Table{Name: "references", Columns: columns(), Rows: [][]report.Value{}}
	var failed error
	for i := range r.found {
		if i%2 == 1 && !r.refs[i/2].Proves() {
			continue
		}
		t := r.tally(i)
		table.Rows = append(table.Rows, r.row(i, &t))
		if t.orphans > 0 {
			doc.Findings = append(doc.Findings, r.finding(i, &t))
		}
		failed = errors.Join(failed, r.list(i))
	}
	report.SortFindings(doc.Findings)
	plan, sample := join.InMemory, uint64(1)
	if r.result != nil {
		plan, sample = r.result.Plan, r.result.Sample
	}
	sec := report.Section{
		Name: SectionName, Title: "REFERENCES",
		Metrics: []report.Metric{
			{Name: "plan", Value: report.Text(string(plan)), Unit: report.UnitText},
			{Name: "sample", Value: report.Number(sample), Unit: report.UnitCount},
		},
		Tables: []report.Table{table},
	}
	if r.Whole {
		doc.Sections = append(doc.Sections, sec)
	} else {
		doc.Sections = append([]report.Section{sec}, doc.Sections...)
	}
	doc.Target.Notes = append(doc.Target.Notes, r.allNotes(plan, sample)...)
	return failed
}

// SectionName is the name of the section of references.
const SectionName = "references"

func columns() []report.Column {
	return []report.Column{
		{Name: "reference", Unit: report.UnitKey},
		{Name: "fault", Unit: report.UnitText},
		{Name: "references", Title: "refs", Unit: report.UnitCount, Sum: true},
		{Name: "orphans", Unit: report.UnitCount, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio},
		{Name: "low", Unit: report.UnitCount, Rank: 3},
		{Name: "high", Unit: report.UnitCount, Rank: 3},
		{Name: "candidates", Unit: report.UnitCount, Sum: true, Rank: 2},
		{Name: "rechecked", Unit: report.UnitCount, Sum: true, Rank: 2},
		{Name: "bytes", Unit: report.UnitBytes, Sum: true, Rank: 1},
	}
}

func (r *run) row(i int, t *tally) []report.Value {
	f := &r.found[i]
	_, reason := r.ruleOf(i)
	share, _, _ := t.share()
	v := []report.Value{
		report.Text(r.refs[i/2].Name()), report.Text(reason), round(t.references), round(t.orphans), report.Number(share),
		round(t.low), round(t.high), report.Number(f.candidates), report.Number(f.rechecked), report.Null,
	}
	if bytes, ok := r.bytes(i, t); ok {
		v[9] = report.Number(bytes)
	}
	return v
}

func round(x float64) report.Value { return report.Number(math.Round(x)) }

// bytes returns what the keys at fault take, by those of them that say so.
func (r *run) bytes(i int, t *tally) (int64, bool) {
	var sum, n float64
	for j := range r.found[i].confirmed {
		if rec := &r.found[i].confirmed[j].record; rec.Has(kv.FieldSize) {
			sum += float64(rec.Size)
			n++
		}
	}
	if n == 0 || r.refs[i/2].Content == kv.ContentMembers || r.refs[i/2].Missing { // the key is not at fault as a whole
		return 0, false
	}
	return int64(sum / n * t.orphans), true
}

// finding is what is said of a relation with orphans.
func (r *run) finding(i int, t *tally) report.Finding {
	ref, f := r.refs[i/2], &r.found[i]
	rule, reason := r.ruleOf(i)
	share, low, high := t.share()
	severity := rule.Severity
	if low <= minShare || r.Proposed || ref.Missing {
		severity = report.Info
	}
	count := report.Metric{Name: "orphans", Value: round(t.orphans), Unit: report.UnitCount}
	measure := report.Metric{Name: "share", Value: report.Number(share), Unit: report.UnitRatio}
	if t.sampled {
		count.How, measure.How = "sampled", "sampled"
		count.Interval = &report.Interval{Low: math.Floor(t.low), High: math.Ceil(t.high)}
		measure.Interval = &report.Interval{Low: low, High: high}
	}
	out := report.Finding{
		Rule: rule.ID, Severity: severity, Subject: ref.Name(), Pos: ref.Pos, Measure: &measure,
		Message: message(reason, ref.To, t),
		Evidence: []report.Metric{
			{Name: "references", Value: round(t.references), Unit: report.UnitCount},
			count, measure,
			{Name: "candidates", Value: report.Number(f.candidates), Unit: report.UnitCount},
			{Name: "rechecked", Value: report.Number(f.rechecked), Unit: report.UnitCount},
			{Name: "expiring", Value: report.Number(f.expiring), Unit: report.UnitCount},
		},
	}
	if bytes, ok := r.bytes(i, t); ok {
		out.Evidence = append(out.Evidence, report.Metric{Name: "bytes", Value: report.Number(bytes), Unit: report.UnitBytes})
	}
	for n, at := range r.rounds {
		if !at.IsZero() {
			out.Evidence = append(out.Evidence, report.Metric{Name: fmt.Sprint("round_", n+1), Value: report.Time(at), Unit: report.UnitTime})
		}
	}
	for j := range f.confirmed[:min(5, len(f.confirmed))] {
		out.Samples = append(out.Samples, report.Text(f.confirmed[j].key))
	}
	return out
}

func message(reason, to string, t *tally) string {
	about, of := "", fmt.Sprintf("%.0f of %.0f %s", t.orphans, t.references, humanize.Noun(int64(math.Round(t.references)), "reference"))
	one := math.Round(t.orphans) == 1
	say := func(single, several string) string {
		if one {
			return single
		}
		return several
	}
	if t.sampled {
		about = fmt.Sprintf(" (%.0f to %.0f)", math.Floor(t.low), math.Ceil(t.high))
		of = "about " + of
	}
	switch reason {
	case "no entry":
		return strings.Replace(of, "reference", "key", 1) + about + say(" has", " have") + " no entry in the index"
	case "stale":
		return of + about + say(" leads", " lead") + " to a key that does not lead back"
	case "no parent":
		return of + about + say(" has", " have") + " no " + to
	}
	return of + about + say(" leads", " lead") + " to no " + to
}

// list tells of the orphans of a relation.
func (r *run) list(i int) error {
	if r.List == nil {
		return nil
	}
	ref := r.refs[i/2]
	rule, reason := r.ruleOf(i)
	for j := range r.found[i].confirmed {
		c := &r.found[i].confirmed[j]
		err := r.List(&Orphan{
			Key: c.key, DB: c.db, Template: ref.From, Reference: ref.Name(), Rule: rule.ID, Reason: reason, Target: c.target, Text: c.text,
			Record: c.record, Confirmed: !r.live || r.getter != nil && r.Recheck >= 0, Of: ref, Says: c.says, Lost: c.lost,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// allNotes is what a reader has to know of how this was found out.
func (r *run) allNotes(plan join.Plan, sample uint64) []string {
	notes := r.notes
	note := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if r.Proposed {
		note("Nobody has said which keys refer to which: that was inferred from names and values. What is true of it belongs into "+
			"keys.yaml (kvtool keydesign infer), or --ref: %s.", r.asText())
	}
	if plan == join.Sampled {
		note("A sample: one key in %d that is referred to. An exact count takes more memory, or --spill DIR.", sample)
	}
	for i := range r.found {
		f := &r.found[i]
		if t := r.tally(i); i%2 == 0 && t.references >= 20 && t.orphans >= t.references {
			note("%s: not one reference leads anywhere. Is that what the keys are called?", r.refs[i/2].Name())
		}
		if f.picked {
			note("%s: of %d candidates %d were re-checked; --all re-checks each.", r.refs[i/2].Name(), f.candidates, f.rechecked)
		}
		if f.expiring > 0 {
			note("%s: not counted are those that expire within %[3]s: %[2]d.", r.refs[i/2].Name(), f.expiring, r.Recheck.Round(time.Millisecond))
		}
	}
	if r.unlike > 0 {
		note("Not followed, as of another type than their reference says or too long for a name: %s.", humanize.Counted(r.unlike, "value"))
	}
	if r.refused > 0 {
		note("Not followed, as this user may not read them: %s.", humanize.Counted(r.refused, "value"))
	}
	if r.overflow {
		note("There are more orphans than are listed: the first %d of a reference.", maxNamed)
	}
	if r.unnamed {
		note("The orphans are counted; which they are takes reading once more.")
	}
	if r.live && (r.getter == nil || r.Recheck < 0) {
		note("Nothing was asked about twice: what was written during the scan may be among the orphans.")
	}
	return notes
}

// asText writes the references as --ref takes them.
func (r *run) asText() string {
	texts := make([]string, len(r.refs))
	for i, ref := range r.refs {
		texts[i] = "'" + ref.Text() + "'"
	}
	return strings.Join(texts, ", ")
}
