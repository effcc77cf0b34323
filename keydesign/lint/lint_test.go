package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func parse(t testing.TB, text string) *schema.Schema {
	t.Helper()
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(text)})
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return s
}

// ids lists the rules of findings, with subjects.
func ids(fs []report.Finding) []string {
	var out []string
	for _, f := range fs {
		out = append(out, f.Rule+" "+f.Subject)
	}
	return out
}

// Each rule has a file that breaks it once and nothing else, and one that breaks nothing.
func TestEveryRuleHasCases(t *testing.T) {
	for _, r := range rules() {
		if r.Rule == nil {
			t.Fatal("a rule is not documented")
		}
		t.Run(r.ID, func(t *testing.T) {
			if r.bad == "" || r.good == "" {
				t.Fatal("no bad or no good file")
			}
			bad := Run(parse(t, r.bad))
			if len(bad) != 1 || bad[0].Rule != r.ID {
				t.Errorf("the bad file breaks %q", ids(bad))
			}
			for _, f := range bad {
				if f.Pos.File != "keys.yaml" || f.Pos.Line == 0 || f.Message == "" || f.Subject == "" || f.Status != "" {
					t.Errorf("the finding is not whole: %+v", f)
				}
				if !r.Severity.AtLeast("info") || r.Severity != f.Severity && !r.Severity.AtLeast(f.Severity) {
					t.Errorf("severity %s, documented is %s at most", f.Severity, r.Severity)
				}
				t.Log(f.Severity, f.Subject, f.Message)
			}
			s := parse(t, r.good)
			if good := Run(s); len(good) > 0 {
				t.Errorf("the good file breaks %q: %s", ids(good), good[0].Message)
			}
			if d := newDesign(s); r.idle(d) != "" {
				t.Errorf("the good file is not judged: %s", r.idle(d))
			}
		})
	}
}

// A rule is in order, documented, and documented for the stores that it is judged for.
func TestRules(t *testing.T) {
	last := ""
	for _, r := range rules() {
		if r.ID <= last {
			t.Errorf("%s comes after %s", r.ID, last)
		}
		last = r.ID
		if r.Name == "" || r.Title == "" || r.Doc == "" || r.Fix == "" || r.Severity == "" {
			t.Errorf("%s is not documented", r.ID)
		}
		for _, kind := range r.stores {
			if len(r.Stores) > 0 && !slices.Contains(r.Stores, string(kind)) {
				t.Errorf("%s is judged for %s and documented for %v", r.ID, kind, r.Stores)
			}
		}
	}
	for _, doc := range Rules() {
		if len(doc.Bad) == 0 || len(doc.Good) == 0 {
			t.Errorf("%s shows no example", doc.ID)
		}
	}
}

// What a lint.ignore accepts stays in the result, with its reason; it ends on its last day; one of the file is of one template
// or of all.
func TestIgnore(t *testing.T) {
	const file = `
kvschema: 1
defaults: {owner: shop}
templates:
  mail:  {key: "login:{mail:email}", type: string, lint: {ignore: [{rule: KD009, reason: inline}]}}
  phone: {key: "phone:{phone}", type: string}
  host:  {key: "host:{ip}", type: string}
  other: {key: "other:{email}", type: string}
lint:
  ignore:
    - {rule: KD009, on: phone, reason: agreed, expires: 2099-12-31}
    - {rule: KD009, on: host, reason: long ago, expires: 2020-01-31}
    - {rule: KD061, on: other, reason: of keys alone}
`
	var got []string
	for _, f := range Run(parse(t, file)) {
		got = append(got, fmt.Sprintf("%s %s: %s", f.Subject, f.Status, f.Note))
	}
	want := []string{
		"host:{ip} expired: long ago (until 2020-01-31)",
		"login:{mail:email} suppressed: inline",
		"other:{email} : ",
		"phone:{phone} suppressed: agreed (until 2099-12-31)",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	everywhere := strings.Replace(file, "on: phone, ", "", 1)
	for _, f := range Run(parse(t, everywhere)) {
		if f.Status != report.Suppressed {
			t.Errorf("%s is %q", f.Subject, f.Status)
		}
	}
}

// A rule that lacks a fact, or is for another store, is listed with the reason, and not as judged.
func TestNotEvaluated(t *testing.T) {
	r := Check(parse(t, "kvschema: 1\ntemplates:\n  user: {key: \"user:{uid:int}\", owner: a}\n"))
	reasons := map[string]string{}
	for _, u := range r.Section.NotEvaluated {
		reasons[u.Rule] = u.Why
	}
	for id, want := range map[string]string{
		"KD029": "not for redis", "KD023": "no access declares a rate", "KD068": "store.policy is not declared",
		"KD100": "no template declares pattern view", "KD090": "neither maxmemory nor capacity is declared", "KD087": "not for redis",
	} {
		if reasons[id] != want || r.Judged[id] {
			t.Errorf("%s: %q, want %q", id, reasons[id], want)
		}
	}
	if n := len(r.Judged) + len(reasons); n != len(rules()) || !r.Judged["KD001"] {
		t.Errorf("%d of %d rules are accounted for", n, len(rules()))
	}
}

func tryParse(text string) (*schema.Schema, bool) {
	s, err := schema.Parse(schema.Source{Name: "keys.yaml", Data: []byte(text)})
	return s, err == nil
}

// The limits of rules that are also held against keys are those that keydesign documents.
func TestSharedLimits(t *testing.T) {
	const kib = 1 << 10
	for id, want := range map[string]map[string]float64{
		"KD007": {
			"warning": 128, "error": 1024, "memcached": 250, "dynamodb_partition_key": 2048, "dynamodb_sort_key": 1024,
			"cassandra_partition_key": 65_535,
		},
		"KD025": {"times_mean": slotTimes, "times_chance": slotChance, "keys_a_slot": slotKeys},
		"KD027": {"share": tagShare, "keys": tagKeys, "bytes": tagBytes},
		"KD040": {
			"warning": 10 * kib, "error": 256 * kib, "memcached": kib * kib, "dynamodb_warning": 64 * kib, "dynamodb_error": 400 * kib,
			"aerospike": kib * kib, "ordered": 1.5 * kib * kib,
		},
	} {
		r := Rules()[slices.IndexFunc(Rules(), func(r *report.Rule) bool { return r.ID == id })]
		for name, value := range want {
			i := slices.IndexFunc(r.Limits, func(l report.Limit) bool { return l.Name == name })
			if i < 0 || r.Limits[i].Value != value {
				t.Errorf("%s: the limit %s is not documented as %v", id, name, value)
			}
		}
	}
}
