package schema

import (
	"encoding/json"
	"errors"
	"flag"
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

var update = flag.Bool("update", false, "rewrite docs/schema/kvschema-1.json")

const published = "../../docs/schema/kvschema-1.json"

// Each broken file says in its first line what is wrong with it, and whether only the reader can tell.
var want = regexp.MustCompile(`^# want (.*?)( \(the reader alone\))?\n`)

func TestBroken(t *testing.T) {
	schema := compile(t)
	files, err := filepath.Glob("../../testdata/schema/broken/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m := want.FindStringSubmatch(string(text))
			_, err = Parse(Source{"f", text})
			if !errors.Is(err, kv.ErrUsage) {
				t.Fatalf("%v is no usage error", err)
			}
			if got := strings.TrimSpace(strings.TrimPrefix(err.Error(), "f:")); got != m[1] {
				t.Errorf("got  %s\nwant %s", got, m[1])
			}
			if m[2] == "" && accepts(t, schema, string(text)) {
				t.Error("the JSON Schema accepts it")
			}
		})
	}
}

// All mistakes are told at once, with their lines, and none that follows from another: user's key names a field whose type is
// misspelt, item's index is not looked for in a key that could not be read, and what leads to nobody has no field.
func TestSeveralMistakes(t *testing.T) {
	_, err := Parse(Source{"a", []byte(`kvschema: 1
fields:
  uid: {type: itn}
  day: {type: int, cardinality: many}
templates:
  user:
    key: "user:{uid:int}:{day}"
    ttl: {policy: fixed, vlaue: 10m}
  cart:
    key: "cart:{uid}"
    refs: [{kind: parent, to: usr, on: uid}]
    access: [{by: [uuid]}]
  broken:
    key: "broken:{"
    access: [{by: [uid, sid]}]
    cardinality: {per: {sid: 3}}
  item:
    type: item
    pk: "{uid}"
    owner: [a]
    access: [{by: [sid]}]
  user: {key: "user"}
`)}, Source{"b", []byte("kvschema: 1\nlint: {ignore: [{rule: KD043, on: flag}]}\n")})
	want := `a:3: fields.uid.type: unknown type "itn", did you mean int?
a:4: fields.day.cardinality: want a whole number, such as 200, 400k or 2M
a:8: unknown key "vlaue" under templates.user.ttl, did you mean value?
a:11: templates.cart.refs[0].to: no template usr, did you mean user?
a:12: templates.cart.access[0].by[0]: no field uuid, did you mean uid?
a:14: templates.broken.key: {} is neither of fields nor a type
a:20: templates.item.owner: want text
a:22: templates.user is in line 6 already
b:2: lint.ignore[0] has no reason
b:2: lint.ignore[0].on: no template flag`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	_, err = Parse(Source{"a", []byte("kvschema: 1\ntemplates:\n  a: {key: a, refs: [{kind: parent, to: b}]}\n  b: {key: b, refs: [{kind: parent, to: a}, {kind: parent, to: b}]}\n")})
	want = "a:4: templates.b has as a parent a, which leads back to it\na:4: templates.b has as a parent b, which leads back to it"
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

// What editors know is what the reader knows.
func TestJSONSchemaIsPublished(t *testing.T) {
	text, err := json.MarshalIndent(JSONSchema(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(published, append(text, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(published)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(text, &a), json.Unmarshal(got, &b)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%s is not what the reader reads (go test ./keydesign/schema -update)", published)
	}
}

// Whatever is read here is right for editors too.
func TestJSONSchemaAccepts(t *testing.T) {
	schema := compile(t)
	for _, pattern := range []string{"testdata/*.yaml", "../../testdata/schema/*.yaml", "../../testdata/schema/import/*.yaml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || files == nil {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Parse(Source{file, text}); err != nil {
				t.Error(err)
			}
			if err := validate(t, schema, string(text)); err != nil {
				t.Errorf("%s: %v", file, err)
			}
		}
	}
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(published)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func accepts(t testing.TB, schema *jsonschema.Schema, text string) bool {
	return validate(t, schema, text) == nil
}

// validate holds a YAML text to the schema, as an editor does.
func validate(t fataler, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal([]byte(text), &root); err != nil {
		return err
	}
	dates(&root)
	var doc any
	if err := root.Decode(&doc); err != nil {
		return err
	}
	b, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	doc, err = jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// A fataler is a test, or one of rapid's.
type fataler interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// dates makes texts of timestamps, which JSON does not have.
func dates(n *yaml.Node) {
	if n.Tag == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		dates(c)
	}
}
