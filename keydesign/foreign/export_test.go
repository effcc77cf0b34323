package foreign

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

// exported writes a schema in a format and imports what was written.
func exported(t *testing.T, f Format, s *schema.Schema) (*schema.Schema, []string) {
	t.Helper()
	var b bytes.Buffer
	notes, err := f.Write(&b, s)
	if err != nil {
		t.Fatal(err)
	}
	im, err := f.Read("again", b.Bytes())
	if err != nil {
		t.Fatalf("%v\n%s", err, &b)
	}
	return im.Schema, notes
}

// What was imported is exported, and imported as the same keys again. OneTable keeps what a schema has no word for, too.
func TestRoundTrip(t *testing.T) {
	for _, f := range Formats() {
		if !f.Writable() {
			continue
		}
		want := read(t, f.Name).Schema
		got, _ := exported(t, f, want)
		if diff := cmp.Diff(keysOf(want), keysOf(got)); diff != "" {
			t.Errorf("%s: %s", f.Name, diff)
		}
		if f.Name != "onetable" {
			continue
		}
		for i := range want.Templates {
			w, g := want.Templates[i], got.Templates[i]
			w.Extensions, g.Extensions = nil, nil
			if diff := cmp.Diff(w, g, cmpopts.IgnoreTypes(report.Pos{}, schema.Value{})); diff != "" {
				t.Error(diff)
			}
		}
	}
}

// keysOf returns the texts of all keys, by template and index.
func keysOf(s *schema.Schema) map[string]string {
	all := map[string]string{}
	for _, t := range s.Templates {
		all[t.Name] = t.Item.PK.String() + " " + t.Item.SK.String()
		for _, i := range t.Item.Indexes {
			all[t.Name+" "+i.Name] = i.PK.String() + " " + i.SK.String()
		}
	}
	return all
}

func TestExportNotes(t *testing.T) {
	s, err := schema.Parse(schema.Source{Name: "f", Data: []byte(`kvschema: 1
templates:
  cart: {key: "cart:{id:int}"}
  user:
    type: item
    pk: "USER#{id:int}${{x"
    value: {fields: {pk: str, h: hex(32)}}
    ttl: {policy: fixed, value: 1d}
`)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]string{
		"onetable": {
			"cart: left out, as it is no item", "user: its ttl is left out", "user.h: hex(32) becomes string", "user: ${ in a key would be read as a placeholder",
			"user.id: int becomes number", "user: the field pk is left out, as a key has its name",
		},
		"electrodb": {
			"cart: left out, as it is no item", "user: its ttl is left out", "user.h: hex(32) becomes string", "user.id: int becomes number",
			"user: ${ in a key would be read as a placeholder",
		},
	} {
		var b bytes.Buffer
		notes, err := formatOf(t, name).Write(&b, s)
		slices.Sort(notes)
		slices.Sort(want)
		if diff := cmp.Diff(want, notes); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	if _, err := formatOf(t, "onetable").Write(&bytes.Buffer{}, &schema.Schema{}); err == nil || !strings.Contains(err.Error(), "no template is of type item") {
		t.Error(err)
	}
}
