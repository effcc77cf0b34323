package schema

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/report"
)

// rewritten writes a schema and reads what was written.
func rewritten(t fataler, s *Schema) (*Schema, string) {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatalf("%v", err)
	}
	got, err := Parse(Source{"keys.yaml", b.Bytes()})
	if err != nil {
		t.Fatalf("%v\n%s", err, &b)
	}
	return got, b.String()
}

// What Write writes is the same schema for Parse, places apart, and is written the same again.
func TestWriteParse(t *testing.T) {
	schema := compile(t)
	rapid.Check(t, func(t *rapid.T) {
		s := gen{t}.schema()
		got, text := rewritten(t, s)
		if err := validate(t, schema, text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(s, got, cmpopts.IgnoreTypes(report.Pos{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%s\n%s", diff, text)
		}
		if _, again := rewritten(t, got); again != text {
			t.Fatalf("%s\n is written again as\n%s", text, again)
		}
	})
}

func TestWriteShop(t *testing.T) {
	s := readShop(t)
	got, text := rewritten(t, s)
	if diff := cmp.Diff(s, got, cmpopts.IgnoreTypes(report.Pos{}), cmpopts.IgnoreFields(Schema{}, "Files")); diff != "" {
		t.Error(diff)
	}
	if !strings.HasPrefix(text, "# yaml-language-server: $schema=https://") {
		t.Error(text)
	}
}

func TestKeyStringParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gen{t}
		fields := []Field{g.field("uid"), g.field("ip")}
		k := g.key(fields)
		got, err := ParseKey(k.String(), fields...)
		if diff := cmp.Diff(k, got); err != nil || diff != "" {
			t.Fatalf("%q: %v\n%s", k.String(), err, diff)
		}
	})
}

func TestTypeStringParse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		typ := gen{t}.typ()
		got, err := ParseType(typ.String())
		if diff := cmp.Diff(typ, got, cmp.Transformer("struct", func(t Type) map[string]any {
			return map[string]any{"kind": t.Kind, "n": t.N, "min": t.Min, "max": t.Max, "step": t.Step, "values": t.Values, "algo": t.Algo, "layout": t.Layout, "of": t.Of, "pattern": t.Pattern}
		})); err != nil || diff != "" {
			t.Fatalf("%s: %v\n%s", typ, err, diff)
		}
	})
}
