package audit

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/kvtool/kvtool/internal/saved"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// The shares of the memory in use from which a residual is worth a note, and a finding.
const (
	residualNote    = 0.03
	residualFinding = 0.10
)

// residualLeast is the residual in bytes below which its share says nothing: of a server that is nearly empty, what its
// connections and buffers take at that moment is most of it. Measured on an empty Redis 7.0: 305 KiB of 1.13 MiB.
const residualLeast = 1 << 20

func memory() *Analyzer {
	return &Analyzer{
		Name:    "memory",
		Title:   "USED MEMORY",
		Doc:     "What the memory that the store says it uses consists of, line by line, and what is left unexplained.",
		Needs:   kv.FieldSize,
		Uses:    kv.FieldType | kv.FieldEncoding | kv.FieldLen | kv.FieldTTL, // of these a live store works out its ledger
		Rules:   []*report.Rule{unexplainedMemory()},
		Version: accountVersion,
		New:     func(time.Time) Collector { return &account{} },
	}
}

// Rules lists the rules that the general analyses may raise, with their documentation.
func Rules() []*report.Rule {
	var rules []*report.Rule
	for _, a := range Analyzers(Config{}) {
		rules = append(rules, a.Rules...)
	}
	return rules
}

func unexplainedMemory() *report.Rule {
	return &report.Rule{
		ID: "SV022", Name: "unexplained-memory", Title: "Used memory that nothing explains", Severity: report.Info,
		Doc: `The sizes of all keys and what the server holds besides them (tables, buffers, scripts) add up to what it says it uses, within
a few percent. Where they do not, sizes are indicative: good for comparing keys, not for planning a machine.

Usual reasons are modules, which keep memory that is in no key; a dump whose server has another allocator than the model; a
server that was written to while it was read; and values that were sampled.`,
		Fix:  "name the allocator (?allocator=), audit a dump or a replica at rest, or see what the modules hold",
		Bad:  []string{"used_memory 10 GiB, keys and overhead 8.5 GiB"},
		Good: []string{"used_memory 10 GiB, keys and overhead 9.9 GiB"},
		Limits: []report.Limit{
			{Name: "residual", Value: residualFinding, Unit: report.UnitRatio, Source: report.OwnDefault},
			{Name: "residual_least", Value: residualLeast, Unit: report.UnitBytes, Source: report.OwnDefault + ": an empty Redis 7.0 has 0.3 MiB"},
		},
	}
}

// An account holds the sum of sizes against the store's ledger.
type account struct{ sums }

func (a *account) Observe(r *kv.Record) { a.observe(r) }

func (a *account) Merge(c Collector) { a.merge(&c.(*account).sums) }

const accountVersion = 1

// AppendBinary saves a.
func (a *account) AppendBinary(b []byte) ([]byte, error) {
	return saved.Append(b, accountVersion, a.form)
}

// UnmarshalBinary reads what AppendBinary saved.
func (a *account) UnmarshalBinary(b []byte) error { return saved.Read(b, accountVersion, a.form) }

func (a *account) form(f *saved.Form) { a.Form(f) }

// Report reconciles, if all of the store was read, every key told its size and the store gives a ledger.
func (a *account) Report(out *Output) {
	s := out.Store
	if s == nil || s.Memory <= 0 || len(s.Ledger) == 0 || a.sized < a.stands {
		return
	}
	sum := a.scale(a.bytes)
	parts := []kv.Line{{Name: "keys_and_values", Bytes: sum, How: a.sizesAre(s)}}
	for _, l := range s.Ledger {
		if l.How == kv.Missing {
			l.Bytes = 0
		}
		if l.Bytes != 0 || l.How == kv.Missing {
			parts = append(parts, l)
			sum += l.Bytes
		}
	}
	out.Tables = []report.Table{partsTable(parts, s.Memory)}
	a.residual(out, sum)
}

// partsTable lists the largest parts first, and last what is known to be missing.
func partsTable(parts []kv.Line, used int64) report.Table {
	table := report.Table{Name: "parts", Title: "USED MEMORY BY PART", Columns: []report.Column{
		{Name: "part", Unit: report.UnitText},
		{Name: "bytes", Title: "mem", Unit: report.UnitBytes, Sum: true},
		{Name: "share", Title: "%", Unit: report.UnitRatio, Sum: true},
		{Name: "how", Title: "known", Unit: report.UnitText},
		{Name: "why", Unit: report.UnitText, Rank: 1},
	}}
	slices.SortStableFunc(parts, func(a, b kv.Line) int { return cmp.Compare(b.Bytes, a.Bytes) })
	for _, l := range parts {
		bytes, share := report.Number(l.Bytes), ratio(l.Bytes, used)
		if l.How == kv.Missing {
			bytes, share = report.Null, report.Null
		}
		table.Rows = append(table.Rows, []report.Value{
			report.Text(partName(l)), bytes, share, report.Text(l.How.String()), report.Text(l.Why),
		})
	}
	return table
}

func partName(l kv.Line) string { return strings.ReplaceAll(l.Name, "_", " ") }

// residual says what the parts leave unexplained, and how sure the sizes are with it.
func (a *account) residual(out *Output, sum int64) {
	s := out.Store
	left := s.Memory - sum
	share := float64(left) / float64(s.Memory)
	out.Metrics = []report.Metric{
		{Name: "used", Value: report.Number(s.Memory), Unit: report.UnitBytes},
		{Name: "explained", Value: report.Number(sum), Unit: report.UnitBytes},
		{Name: "residual", Value: report.Number(left), Unit: report.UnitBytes},
		{Name: "residual_share", Value: report.Number(share), Unit: report.UnitRatio},
	}
	if s.Resident > 0 {
		out.Metrics = append(out.Metrics,
			report.Metric{Name: "resident", Value: report.Number(s.Resident), Unit: report.UnitBytes},
			report.Metric{Name: "fragmentation", Value: report.Number(float64(s.Resident) / float64(s.Memory)), Unit: report.UnitFactor})
	}
	switch off := math.Abs(share); {
	case max(left, -left) < residualLeast:
	case off > residualFinding:
		out.Findings = append(out.Findings, report.Finding{
			Rule: "SV022", Severity: report.Info, Subject: "server",
			Message: "sizes are indicative: " + unexplained(share),
			Measure: &report.Metric{Name: "residual_share", Value: report.Number(off), Unit: report.UnitRatio},
		})
		fallthrough
	case off > residualNote:
		out.Notes = append(out.Notes, fmt.Sprintf("%s. Likely: %s.", unexplained(share), strings.Join(a.reasons(s), ", ")))
	}
}

func unexplained(share float64) string {
	if share < 0 {
		return fmt.Sprintf("the parts add up to %.0f%% more than the memory in use", -100*share)
	}
	return fmt.Sprintf("%.0f%% of the memory in use is in no part", 100*share)
}

// reasons lists what may be behind a residual.
func (a *account) reasons(s *kv.Info) []string {
	why := []string{"modules"}
	if a.sizesAre(s) == kv.Modelled {
		why = append(why, "another allocator or version than the model's")
	}
	for _, l := range s.Ledger {
		if l.How == kv.Missing {
			why = append(why, partName(l)+", which are not known")
		}
	}
	if s.Live {
		why = append(why, "writes during the scan", "large values, whose sizes the server samples")
	}
	return why
}

// sizesAre says how the store knows the sizes of its keys.
func (a *account) sizesAre(s *kv.Info) kv.How {
	if a.asked < a.keys {
		return kv.Sampled
	}
	for _, f := range s.Facts {
		if f.Field&kv.FieldSize != 0 {
			return f.How
		}
	}
	return kv.Missing
}
