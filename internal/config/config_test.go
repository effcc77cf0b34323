package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"

	"github.com/kvtool/kvtool/kv"
)

const whole = `version: 1
target: "@prod-cart"
demo: false
targets:
  prod-cart:
    url: redis+cluster://kv-1.prod,kv-2.prod
    username: auditor
    password_command: [pass, show, kv/prod]
    tls: {ca: ca.pem, cert: c.pem, key: c.key, server_name: kv, skip_verify: TRUE}
    env: prod
    scan: {rate: 1.5M/s, max_impact: 2ms, replica: prefer}
  b.2: {url: "redis://a@b", password_env: PW, scan: {rate: 200}}
gate: {fail_on: {severity: warning, status: [new, expired]}, tolerance: 5%, max_suppression_days: 90}
output: {keys: masked, color: never}
keydesign: {schema: keys.yaml, baseline: .kvtool/baseline/ci.json, suppressions: .kvtool-ignore.yaml}
rules: {KD040: {severity: warning}, KD007: {severity: off}}
budgets:
  - {metric: bytes_per_entity, entity: uid, max: 8KiB, max_delta: 5%, level: error}
  - {metric: no_ttl_memory_share, max: 10%, level: warning}
  - {metric: slot_max_over_mean, max: 2.0}
`

func TestParse(t *testing.T) {
	f, err := Parse("x.yaml", []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if want := (Settings{
		"version": {Text: "1", Line: 1}, "target": {Text: "@prod-cart", Line: 2}, "demo": {Text: "false", Line: 3},
		"gate.fail_on.severity": {Text: "warning", Line: 13}, "gate.tolerance": {Text: "5%", Line: 13}, "gate.max_suppression_days": {Text: "90", Line: 13},
		"output.keys": {Text: "masked", Line: 14}, "output.color": {Text: "never", Line: 14}, "keydesign.schema": {Text: "keys.yaml", Line: 15},
		"keydesign.baseline": {Text: ".kvtool/baseline/ci.json", Line: 15}, "keydesign.suppressions": {Text: ".kvtool-ignore.yaml", Line: 15},
	}); !reflect.DeepEqual(f.Settings, want) {
		t.Errorf("settings %+v", f.Settings)
	}
	if want := (Profile{"prod-cart", 5, Settings{
		"url": {Text: "redis+cluster://kv-1.prod,kv-2.prod", Line: 6}, "username": {Text: "auditor", Line: 7},
		"password_command": {List: []string{"pass", "show", "kv/prod"}, Line: 8},
		"tls.ca":           {Text: "ca.pem", Line: 9}, "tls.cert": {Text: "c.pem", Line: 9}, "tls.key": {Text: "c.key", Line: 9},
		"tls.server_name": {Text: "kv", Line: 9}, "tls.skip_verify": {Text: "true", Line: 9}, "env": {Text: "prod", Line: 10},
		"scan.rate": {Text: "1.5M/s", Line: 11}, "scan.max_impact": {Text: "2ms", Line: 11}, "scan.replica": {Text: "prefer", Line: 11},
	}}); !reflect.DeepEqual(f.Profiles["prod-cart"], want) {
		t.Errorf("profile %+v", f.Profiles["prod-cart"])
	}
	eight, two, tenth, twentieth := 8192.0, 2.0, 0.1, 0.05
	if want := []Budget{
		{"bytes_per_entity", "uid", &eight, &twentieth, "error", 18},
		{"no_ttl_memory_share", "", &tenth, nil, "warning", 19},
		{"slot_max_over_mean", "", &two, nil, "error", 20},
	}; !reflect.DeepEqual(f.Budgets, want) {
		t.Errorf("budgets %+v", f.Budgets)
	}
	if want := []Rule{{"KD040", "warning", 16}, {"KD007", "off", 16}}; !reflect.DeepEqual(f.Rules, want) {
		t.Errorf("rules %+v", f.Rules)
	}
	if strings.Join(f.Statuses, " ") != "new expired" {
		t.Errorf("statuses %q", f.Statuses)
	}
	if got := f.Profiles["b.2"].Settings.Text("scan.rate"); got != "200" || strings.Join(f.Names(), " ") != "b.2 prod-cart" {
		t.Errorf("rate %q of %v", got, f.Names())
	}
}

func TestParseNothing(t *testing.T) {
	for _, text := range []string{"", "\n# a comment\n", "---\n", "{}", "null"} {
		if f, err := Parse("x", []byte(text)); err != nil || len(f.Settings) != 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"vresion: 1":                                  `x:1: unknown key "vresion"`,
		"version: 2":                                  "x:1: version: want 1",
		"version: '1'":                                "x:1: version: want 1",
		"- a":                                         "x:1: the file: want keys of its own",
		"a: b: c":                                     "x:1: mapping values are not allowed in this context",
		"demo: true\ndemo: false":                     "x:2: demo is in line 1 already",
		"demo: yes":                                   "x:1: demo: want true or false",
		"demo:":                                       "x:1: demo: want true or false",
		"target: cart":                                "x:1: target: want @NAME, with the url under targets, or a URL",
		"target: rdb:dump.rdb":                        "x:1: target: want @NAME, with the url under targets, or a URL",
		"target: redis://a:b@c":                       "x:1: target: a password in a file that others read: name the target under targets",
		"gate: {fail_on: error}":                      "x:1: gate.fail_on: want keys of its own",
		"gate: {fail_on: {severity: bad}}":            "x:1: gate.fail_on.severity: want error, warning, info or never",
		"load: {thresholds: p99}":                     "x:1: load.thresholds: want a list",
		"load: {tresholds: []}":                       "x:1: unknown key \"tresholds\" under load",
		"load: {compare: {practical: much}}":          "x:1: load.compare.practical: want a share, such as 10%",
		"gate:\n  tolerance: 10":                      "x:2: gate.tolerance: want a share, such as 10%",
		"gate:\n  max_suppression_days: 0":            "x:2: gate.max_suppression_days: want a number of days, such as 180",
		"gate: {fail_on: {status: [fixed]}}":          "x:1: gate.fail_on.status[0]: want new, worsened, existing or expired",
		"gate: {fail_on: {status: new}}":              "x:1: gate.fail_on.status: want a list",
		"keydesign: {shema: keys.yaml}":               `x:1: unknown key "shema" under keydesign`,
		"rules:\n  KD40: {severity: off}":             `x:2: rules: "KD40" is no name: want the id of a rule, such as KD025`,
		"rules:\n  KD040: {severity: none}":           "x:2: rules.KD040.severity: want off, error, warning or info",
		"rules:\n  KD040: {}":                         "x:2: rules.KD040 has no severity",
		"budgets:\n  - {metric: bytes, max: 1}":       "x:2: budgets[0].metric: want bytes_per_entity, keys_per_entity, no_ttl_memory_share, slot_max_over_mean or node_max_over_mean",
		"budgets:\n  - {max: 1}":                      "x:2: budgets[0] has no metric",
		"budgets:\n  - {metric: no_ttl_memory_share}": "x:2: budgets[0] has neither max nor max_delta",

		"budgets:\n  - {metric: bytes_per_entity, max: 8KiB}":                           "x:2: budgets[0]: bytes_per_entity is counted by the values of a field: entity is missing",
		"budgets:\n  - {metric: slot_max_over_mean, entity: uid, max: 2}":               "x:2: budgets[0]: slot_max_over_mean is of the whole keyspace: it has no entity",
		"budgets:\n  - {metric: no_ttl_memory_share, max: 8KiB}":                        "x:2: budgets[0].max: want a share, such as 10%",
		"budgets:\n  - {metric: bytes_per_entity, entity: uid, max: 10%}":               "x:2: budgets[0].max: want a size, such as 8KiB",
		"budgets:\n  - {metric: keys_per_entity, entity: uid, max_delta: 5}":            "x:2: budgets[0].max_delta: want a share, such as 5%",
		"budgets:\n  - {metric: keys_per_entity, entity: uid, level: info}":             "x:2: budgets[0].level: want error or warning",
		"output: &a {keys: full}\ngate: *a":                                             "x:1: anchors are not supported",
		"<<: {demo: true}":                                                              "x:1: the file: a key must be a word",
		"[a]: b":                                                                        "x:1: the file: a key must be a word",
		"---\ndemo: true\n---\ndemo: false":                                             "x:3: a second document",
		"target: \"a\\0\"":                                                              "x:1: target: a NUL byte",
		"targets: {\"a b\": {url: \"ref:\"}}":                                           `x:1: targets: "a b" is no name: letters, digits, '.', '_' and '-'`,
		"targets:\n  a:\n    env: ci":                                                   "x:2: target a has no url",
		"targets:\n  a: redis://b":                                                      "x:2: targets.a: want keys of its own",
		"targets: {a: {url: b}}":                                                        `x:1: url: "b" is no target: it has no scheme`,
		"targets: {a: {url: \"redis://u:p@h\"}}":                                        "x:1: url: a password in a file that others read: use password_file, password_env or password_command",
		"targets: {a: {url: \"redis+sentinel://h/m?sentinel_password=x\"}}":             "x:1: url: a password in a file that others read: use password_file, password_env or password_command",
		"targets:\n  a:\n    url: redis://u@h\n    username: v":                         "x:4: username: the url names a user already",
		"targets:\n  a:\n    url: rdb:f\n    password_env: P":                           "x:4: password_env: rdb targets are no servers",
		"targets:\n  a:\n    url: redis://h\n    password_env: P\n    password_file: f": "x:5: target a has both password_file and password_env",
		"targets:\n  a:\n    url: redis://h\n    tls:\n      cert: f":                   "x:5: tls: cert and key go together",
		"targets:\n  a:\n    url: redis://h\n    scan: {rate: fast}":                    "x:4: targets.a.scan.rate: want a number a second, such as 50k/s",
		"targets:\n  a:\n    url: redis://h\n    scan: {max_impact: 2}":                 "x:4: targets.a.scan.max_impact: want how much slower, such as 3x,2ms, or off",
		"targets:\n  a:\n    url: redis://h\n    password_command: []":                  "x:4: targets.a.password_command: names no program",
		"targets:\n  a:\n    url: redis://h\n    password_command: [a, [b]]":            "x:4: targets.a.password_command: each word of the list must be a text",
		"targets:\n  a:\n    url: redis://h\n    password_command: {a: b}":              "x:4: targets.a.password_command: want a list (a program and its arguments) or a text (for sh -c)",
		"targets:\n  a:\n    url: redis://h\n    pasword: x":                            `x:4: unknown key "pasword" under targets.a`,
		"targets:\n  a:\n    url: redis://h\n    username: 123":                         "x:4: targets.a.username: want text",
		"targets:\n  a:\n    url: redis://h\n    writable: true":                        "x:4: targets.a.writable is not in this release",
		strings.Repeat("#", MaxSize+1):                                                  "x: is longer than 256 KiB",
	} {
		_, err := Parse("x", []byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("%.200q:\n got %v\nwant %s", text, err, want)
		}
		if !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%.200q: %v is no usage error", text, err)
		}
	}
}

// What an editor needs to know is what the reader knows.
func TestSchemaIsPublished(t *testing.T) {
	want, err := json.MarshalIndent(Schema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/schema/config-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(want, &a), json.Unmarshal(got, &b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Error("docs/schema/config-v1.json is not what kvtool config schema prints")
	}
}

// accepts reports whether the published schema accepts a YAML text.
func accepts(t testing.TB, schema *jsonschema.Schema, text string) bool {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		return false
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return false
	}
	doc, err = jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc) == nil
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile("../../docs/schema/config-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Every configuration in the documents is read, and accepted by the schema.
func TestExamples(t *testing.T) {
	schema := compile(t)
	if !accepts(t, schema, whole) {
		t.Error("the schema does not accept the configuration of the tests")
	}
	pages, err := filepath.Glob("../../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, page := range append(pages, "../../README.md") {
		if filepath.Base(page) == "keydesign.md" { // of keys.yaml
			continue
		}
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllSubmatch(text, -1) {
			n++
			if _, err := Parse(page, m[1]); err != nil {
				t.Error(err)
			}
			if !accepts(t, schema, string(m[1])) {
				t.Errorf("%s: the schema does not accept\n%s", page, m[1])
			}
		}
	}
	if n == 0 {
		t.Error("no document shows a configuration")
	}
}

// What the schema refuses is a mistake for the reader too, and the other way round where a schema can tell.
func TestSchemaAgrees(t *testing.T) {
	schema := compile(t)
	for _, text := range []string{
		"vresion: 1", "version: 2", "version: '1'", "demo: maybe", "budgets: 1", "rules: {KD040: {severity: bad}}", "gate: {tolerance: 10}", "gate: {max_suppression_days: 0}", "gate: {fail_on: error}", "output: {keys: none}",
		"gate: {fail_on: {severity: bad}}", "targets: {\"a b\": {url: \"ref:\"}}", "targets: {a: {env: ci}}", "targets: {a: {url: 3}}",
		"targets: {a: {url: \"redis://h\", scan: {rate: fast}}}", "targets: {a: {url: \"redis://h\", scan: {max_impact: 2}}}",
		"targets: {a: {url: \"redis://h\", password_command: []}}", "targets: {a: {url: \"redis://h\", password_command: [1]}}",
		"targets: {a: {url: \"redis://h\", tls: {skip_verify: maybe}}}", "targets: {a: {url: \"redis://h\", username: \"\"}}",
	} {
		if _, err := Parse("x", []byte(text)); err == nil || accepts(t, schema, text) {
			t.Errorf("%s: reader: %v; the schema accepts: %v", text, err, accepts(t, schema, text))
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(whole)
	f.Add("targets: {a: {url: \"redis://h\", password_command: x}}")
	f.Add("targets: {a: {targets_command: x}}")
	f.Add("a: &a [*a, *a]\n")
	f.Add("? [a]\n: {b: !!binary aGk=}\n")
	f.Add(strings.Repeat("[", 500))
	schema := compile(f)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("x", []byte(text))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 0 || e.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+2 {
				t.Fatalf("%v", err)
			}
			return
		}
		for _, p := range c.Profiles {
			if (p.Settings.Text("url") == "") != p.Lists() || p.Line == 0 {
				t.Fatalf("profile %+v", p)
			}
			if p.Lists() {
				continue
			}
			if target, err := kv.ParseTarget(p.Settings.Text("url")); err != nil || target.HasSecret() {
				t.Fatalf("%v: %v", target, err)
			}
		}
		if len(c.Settings)+len(c.Profiles) > 0 && !accepts(t, schema, text) {
			t.Fatal("the reader accepts what the schema does not")
		}
	})
}
