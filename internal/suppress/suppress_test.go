package suppress

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

var today = time.Date(2026, 11, 22, 9, 14, 0, 0, time.UTC)

const whole = `version: 1
suppressions:
  - rule: KD025
    match: "feed:{id}"
    target: "@prod-*"
    reason: "one front page until the sharded feed ships"
    expires: 2026-11-28
    owner: "@feed"
    ticket: OPS-12
  - {rule: SV001, match: server, reason: the test server has no limit, expires: "2027-05-21"}
`

func TestParse(t *testing.T) {
	got, err := Parse("i.yaml", []byte(whole), today, MaxDays)
	if err != nil {
		t.Fatal(err)
	}
	want := []report.Suppression{
		{
			Rule: "KD025", Match: "feed:{id}", Target: "@prod-*", Reason: "one front page until the sharded feed ships",
			Expires: time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC), Owner: "@feed", Ticket: "OPS-12", Pos: report.Pos{File: "i.yaml", Line: 3},
		},
		{
			Rule: "SV001", Match: "server", Reason: "the test server has no limit",
			Expires: time.Date(2027, 5, 21, 0, 0, 0, 0, time.UTC), Pos: report.Pos{File: "i.yaml", Line: 10},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMistakes(t *testing.T) {
	one := func(lines string) string { return "version: 1\nsuppressions:\n  - " + lines }
	for text, want := range map[string]string{
		"suppressions: []":            "x:1: the file has no version",
		"version: 2":                  "x:1: version: want 1",
		"version: 1\nsupressions: []": `x:2: unknown key "supressions", did you mean suppressions?`,
		one("{rule: KD025, match: a, expires: 2026-12-01}"):                                      "x:3: suppressions[0] has no reason",
		one("{rule: KD025, match: a, reason: why not so}"):                                       "x:3: suppressions[0] has no expires",
		one("{match: a, reason: why not so, expires: 2026-12-01}"):                               "x:3: suppressions[0] has no rule",
		one("{rule: KD025, reason: why not so, expires: 2026-12-01}"):                            "x:3: suppressions[0] has no match",
		one("rule: KD025\n    match: a\n    reason: because\n    expires: 2026-12-01"):           "x:5: suppressions[0].reason: want why, in 10 characters or more",
		one("rule: KD025\n    match: a\n    reason: '          '\n    expires: 2026-12-01"):      "x:5: suppressions[0].reason: want why, in 10 characters or more",
		one("rule: KD025\n    match: a\n    reason: why not so\n    expires: soon"):              "x:6: suppressions[0].expires: want a date, such as 2026-12-31",
		one("rule: KD025\n    match: a\n    reason: why not so\n    expires: 2026-02-30"):        "x:6: suppressions[0].expires: want a date, such as 2026-12-31",
		one("{rule: KD025, match: a, reason: why not so, expires: 2027-05-22}"):                  "x:3: suppressions[0]: expires on 2027-05-22, which is more than 180 days ahead",
		one("{rule: KD025, match: '*', reason: why not so, expires: 2026-12-01}"):                "x:3: suppressions[0].match: want a template, the beginning of some and a *, or a fingerprint",
		one("{rule: error, match: a, reason: why not so, expires: 2026-12-01}"):                  "x:3: suppressions[0].rule: want the id of a rule, such as KD025",
		one("{rule: KD025, match: a, reason: why not so, expires: 2026-12-01, severity: error}"): `x:3: unknown key "severity" under suppressions[0]`,
		"version: 1\nsuppressions: &a [*a]":                                                      "x:2: anchors are not supported",
		strings.Repeat("#", MaxSize+1):                                                           "x: is longer than 1024 KiB",
	} {
		_, err := Parse("x", []byte(text), today, MaxDays)
		if err == nil || err.Error() != want {
			t.Errorf("%.200q:\n got %v\nwant %s", text, err, want)
		}
		if !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%.200q: %v is no usage error", text, err)
		}
	}
}

// A day that has passed is for the judge: the file is right, and the finding is back.
func TestPast(t *testing.T) {
	got, err := Parse("x", []byte("version: 1\nsuppressions: [{rule: KD025, match: a, reason: why not so, expires: 2020-01-01}]"), today, MaxDays)
	if err != nil || len(got) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

// The file that the documents show is right.
func TestExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/ci.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile("(?ms)^```yml\n(.*?)^```$").FindAllSubmatch(page, -1) {
		if !strings.Contains(string(m[1]), "suppressions:") {
			continue
		}
		if all, err := Parse("ci.md", m[1], today, MaxDays); err != nil || len(all) != 1 {
			t.Errorf("%v %v", all, err)
		}
		return
	}
	t.Error("docs/ci.md shows no suppressions")
}

func TestNothing(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "version: 1\n", "version: 1\nsuppressions: []\n"} {
		if got, err := Parse("x", []byte(text), today, MaxDays); err != nil || len(got) != 0 {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
}

func TestSchemaIsPublished(t *testing.T) {
	want, err := json.Marshal(Schema())
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/schema/ignore-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(want, &a), json.Unmarshal(got, &b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("docs/schema/ignore-v1.json is not\n%s", want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("version: 1\nsuppressions: [{rule: KD025, match: a*, reason: why not so, expires: 2020-01-01}]")
	f.Add("suppressions: [[[")
	schema, err := jsonschema.NewCompiler().Compile("../../docs/schema/ignore-v1.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		all, err := Parse("x", []byte(text), today, MaxDays)
		if err != nil {
			var e *yamlfile.Error
			if !errors.As(err, &e) || e.Line < 0 || e.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+2 {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, s := range all {
			if s.Rule == "" || s.Match == "" || s.Match == "*" || len(s.Reason) < leastWords || s.Expires.IsZero() || s.Pos.Line == 0 {
				t.Fatalf("%+v", s)
			}
		}
		if len(all) > 0 && !accepts(t, schema, text) {
			t.Fatal("the reader accepts what the schema does not")
		}
	})
}

// accepts reports whether the schema accepts a YAML text.
func accepts(t *testing.T, schema *jsonschema.Schema, text string) bool {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(dateless(doc))
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = jsonschema.UnmarshalJSON(strings.NewReader(string(b))); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc) == nil
}

// dateless writes dates as an editor sees them, as texts.
func dateless(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.Format(time.DateOnly)
	case []any:
		for i := range v {
			v[i] = dateless(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = dateless(v[k])
		}
	}
	return v
}
