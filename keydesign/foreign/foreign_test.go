package foreign

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/kv"
)

var update = flag.Bool("update", false, "rewrite the files of testdata/schema/import")

const dir = "../../testdata/schema/import/"

func read(t testing.TB, format string) *Import {
	t.Helper()
	data, err := os.ReadFile(dir + format + ".json")
	if err != nil {
		t.Fatal(err)
	}
	im, err := formatOf(t, format).Read(format+".json", data)
	if err != nil {
		t.Fatal(err)
	}
	return im
}

func formatOf(t testing.TB, name string) Format {
	t.Helper()
	i := slices.IndexFunc(Formats(), func(f Format) bool { return f.Name == name })
	if i < 0 {
		t.Fatal(name)
	}
	return Formats()[i]
}

// What is made of a design is in testdata, for whoever wants to see it.
func TestRead(t *testing.T) {
	for _, f := range Formats() {
		var got bytes.Buffer
		if err := read(t, f.Name).Write(&got); err != nil {
			t.Fatal(err)
		}
		path := dir + f.Name + ".yaml"
		if *update {
			if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s is imported as\n%s", f.Name, &got)
		}
		if _, err := schema.Parse(schema.Source{Name: path, Data: want}); err != nil {
			t.Error(err)
		}
	}
}

// The keys that ElectroDB 3.9.3 makes of an item are keys of the template. (A key that is one number is one in DynamoDB too.)
func TestElectroDBKeys(t *testing.T) {
	s := read(t, "electrodb").Schema
	for template, keys := range map[string]map[string][2]string{
		"ticket": {
			"":     {"$helpdesk#ticket_t-9", "$ticket_1"},
			"gsi1": {"$helpdesk#customer_ann b", "$desk#ticket_1#state_waiting#opened_12"},
			"lsi1": {"$helpdesk#ticket_t-9", "$ticket_1#opened_12"},
		},
		"Album": {
			"":     {"$Music#a_Nina Simone", "$CATALOG#PRESSING#ALBUM_2#ALBUM_PASTEL BLUES"},
			"gsi1": {"$music#genre_jazz", "$byyear#year_1965#album_2"},
			"gsi2": {"$music$album_2#genre_jazz#year_1965", ""},
			"gsi3": {"g#jazz", "y#1965#s"},
			"gsi4": {"$music_z#year_1965", "$album_2"},
			"gsi5": {"1965", "Nina Simone"},
		},
	} {
		item := s.Template(template).Item
		if len(item.Indexes)+1 != len(keys) {
			t.Errorf("%s has %d indexes", template, len(item.Indexes))
		}
		matches(t, item.PK, keys[""][0])
		matches(t, item.SK, keys[""][1])
		for _, x := range item.Indexes {
			matches(t, x.PK, keys[x.Name][0])
			matches(t, x.SK, keys[x.Name][1])
		}
	}
	if !s.Template("ticket").Item.Indexes[1].Local || s.Template("ticket").Item.Indexes[0].Local {
		t.Error("lsi1 alone is local")
	}
}

func matches(t *testing.T, k schema.Key, key string) {
	t.Helper()
	if k == nil && key == "" {
		return
	}
	if !regexp.MustCompile(k.Regexp()).MatchString(key) {
		t.Errorf("%s does not match %q", k, key)
	}
}

// The sample items of a model have the keys of a template.
func TestWorkbenchKeys(t *testing.T) {
	s := read(t, "nosql-workbench").Schema
	for _, key := range []string{"Car:X17|2026-01-02T10:00:00Z", "Car:X17|meta", "Tour#7#Day#1|PLAN", "DEPOT#9f1c2d3e-0000-4abc-8def-0123456789ab|info", "17"} {
		n := 0
		for _, x := range s.Templates {
			if regexp.MustCompile(x.Key.Regexp()).MatchString(key) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is a key of %d templates", key, n)
		}
	}
}

// many repeats a text a hundred times, with numbers.
func many(format string) string {
	var b strings.Builder
	for i := range 100 {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestMistakes(t *testing.T) {
	for _, tt := range []struct{ format, text, want string }{
		{"onetable", `{}`, "f:1: no OneTable schema: it has no indexes or no models"},
		{"onetable", `{"format": "other:1", "indexes": {}, "models": {}}`, "f:1: no OneTable schema: it has no indexes or no models"},
		{"onetable", `{"indexes": {}, "models": {}}`, "f:1: indexes has no primary"},
		{"onetable", "{\"indexes\": {\"primary\": {\"hash\": \"pk\"}},\n\"models\": []}", "f:2: models: want keys of its own"},
		{"onetable", `{"indexes": {"primary": {"hash": "pk"}}, "models": {"A": 1}}`, "f:1: models.A: want the attributes of a model"},
		{"onetable", `{"indexes": {"primary": {"hash": "pk"}}, "models": {}}`, "f:1: no OneTable schema with keys: is it the right format?"},
		{"electrodb", `{"a": 1}`, "f:1: a: no ElectroDB entity: it has no indexes"},
		{"electrodb", `{"indexes": {}}`, "f:1: the file: no ElectroDB entity: want a model with entity and service"},
		{"electrodb", `[]`, "f:1: no ElectroDB entities with keys: is it the right format?"},
		{"electrodb", `{"model": {"entity": "a", "service": "b"}, "indexes": {"x": {}}}`, "f:1: indexes.x has no pk"},
		{"electrodb", `{"model": {"entity": "a", "service": "b"}, "indexes": {"x": 1}}`, "f:1: indexes.x: want an index"},
		{"electrodb", `{"model": {"entity": "a", "service": "b"}, "indexes": {"x": {"pk": {"field": "pk"}}}}`, "f:1: indexes.x.pk: want composite or template, and the attributes of it under attributes"},
		{"nosql-workbench", `[]`, "f:1: no model of NoSQL Workbench: it has no DataModel"},
		{"nosql-workbench", `{"DataModel": {}}`, "f:1: DataModel: want a list"},
		{"nosql-workbench", `{"DataModel": [1]}`, "f:1: DataModel[0] has no KeyAttributes"},
		{"nosql-workbench", `{"DataModel": [{"KeyAttributes": {}}]}`, "f:1: DataModel[0].KeyAttributes has no PartitionKey"},
		{"onetable", `{"indexes": {"primary": {"hash": "pk"}` + many(`, "i%d": {}`) + `}, "models": {}}`, "f:1: indexes: more than 100"},
		{"electrodb", `{"model": {"entity": "a", "service": "b"}, "indexes": {"x": {}` + many(`, "i%d": {}`) + `}}`, "f:1: indexes: more than 100"},
		{"nosql-workbench", `{"DataModel": [{"KeyAttributes": {"PartitionKey": {"AttributeName": "a"}}, "GlobalSecondaryIndexes": [1` + many(", %d") + `]}]}`, "f:1: DataModel[0].GlobalSecondaryIndexes: more than 100"},
		{"onetable", "", "f: no OneTable schema: it has no indexes or no models"},
		{"onetable", "{", "f:1: did not find expected node content"},
		{"onetable", strings.Repeat("[", 100) + strings.Repeat("]", 100), "f:1: nested deeper than 64"},
		{"onetable", strings.Repeat(" ", MaxSize+1), "f: is longer than 4096 KiB"},
	} {
		_, err := formatOf(t, tt.format).Read("f", []byte(tt.text))
		if err == nil || err.Error() != tt.want || !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%s %.100q:\n got %v\nwant %s", tt.format, tt.text, err, tt.want)
		}
	}
}

// Names come from elsewhere: whatever they hold, what is written is keys.yaml, and its comments are comments.
func TestHostileNames(t *testing.T) {
	evil := `A\u001b[31m\nkvschema: 2\u2028<!--\u202e`
	text := `{"indexes": {"primary": {"hash": "pk"}}, "models": {"` + evil + `": {"pk": {"value": "{}}{${` + evil + `}|\\"}, "` + evil + `": {"type": "string", "` + evil + `": 1}}}}`
	im, err := formatOf(t, "onetable").Read("f", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := im.Write(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u2028\u202e") || strings.Contains(b.String(), "\nkvschema: 2") {
		t.Errorf("%q", b.String())
	}
	if _, err := schema.Parse(schema.Source{Name: "f", Data: b.Bytes()}); err != nil {
		t.Errorf("%v\n%s", err, &b)
	}
}

// What is large takes moments. The bound is for a busy machine.
func TestHostileSize(t *testing.T) {
	var rows strings.Builder
	for i := range 10_000 {
		rows.WriteString(`{"PK": {"S": "A#` + strings.Repeat("x", i%50) + `"}},`)
	}
	long := `{"PK": {"S": "` + strings.Repeat("a#", 500_000) + `"}}`
	began := time.Now()
	text := `{"DataModel": [{"TableName": "T", "KeyAttributes": {"PartitionKey": {"AttributeName": "PK"}}, "TableData": [` + rows.String() + long + `]}]}`
	_, err := formatOf(t, "nosql-workbench").Read("f", []byte(text))
	if took := time.Since(began); took > time.Minute || err != nil {
		t.Errorf("%v, %v", took, err)
	}
}

func FuzzRead(f *testing.F) {
	for i, x := range Formats() {
		data, err := os.ReadFile(dir + x.Name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), string(data))
	}
	f.Fuzz(func(t *testing.T, i uint8, text string) {
		x := Formats()[int(i)%len(Formats())]
		im, err := x.Read("f", []byte(text))
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := im.Write(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := schema.Parse(schema.Source{Name: "f", Data: b.Bytes()}); err != nil {
			t.Fatalf("%v\n%s", err, &b)
		}
	})
}
