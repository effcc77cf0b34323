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
