package render

import (
	"testing"

	"github.com/kvtool/kvtool/report"
)

const schemaFile = "../../docs/schema/report-v1.json"

// validate checks a document against the published schema.
func validate(t *testing.T, doc []byte) error {
	t.Helper()
	return jsonSchema(t, schemaFile)(doc)
}

func TestSchema(t *testing.T) {
	whole := sample()
	whole.Findings[0].Subject = hostile[2]
	whole = judged(whole, report.Error)
	fleet := &report.Report{
		Schema: report.Schema, Kind: report.KindFleet, Sections: []report.Section{}, Findings: []report.Finding{},
		Target: report.Target{Adapter: "fleet", Facts: []report.Fact{}}, Skipped: []report.Skip{}, Targets: []*report.Report{sample()},
	}
	for _, r := range []*report.Report{whole, fleet, checked(), besieged()} {
		for _, keys := range KeyModes() {
			if err := validate(t, render(t, "json", r, Options{Keys: KeyMode(keys)})); err != nil {
				t.Error(err)
			}
		}
	}
}

// A schema that accepts anything would pass the test above.
func TestSchemaRefuses(t *testing.T) {
	for name, spoil := range map[string]func(*report.Report){
		"another version": func(r *report.Report) { r.Schema = "kvtool.report/v2" },
		"no findings":     func(r *report.Report) { r.Findings = nil },
		"severity":        func(r *report.Report) { r.Findings[0].Severity = "fatal" },
		"unit":            func(r *report.Report) { r.Sections[1].Metrics[0].Unit = "furlong" },
		"fact":            func(r *report.Report) { r.Target.Facts[4].Why = "" },
		"status":          func(r *report.Report) { r.Findings[0].Status = "forgotten" },
		"level": func(r *report.Report) {
			r.Gate = &report.Gate{Verdict: report.Fail, Checks: []report.Check{{Name: "b", Unit: report.UnitBytes, Verdict: report.Fail, Level: report.Info}}}
		},
		"verdict": func(r *report.Report) { r.Gate = &report.Gate{Verdict: "perhaps"} },
	} {
		r := sample()
		spoil(r)
		if validate(t, render(t, "json", r, Options{})) == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
