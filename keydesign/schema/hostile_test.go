package schema

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// What is an eighth as long as a file may be takes moments, whatever is in it. The bound is for a busy machine and the race
// detector: what grows with the square of the length takes longer.
func TestHostile(t *testing.T) {
	const size = MaxSize / 8
	head := "kvschema: 1\n"
	fill := func(s string) string { return strings.Repeat(s, (size-100)/len(s)) }
	some := func(format string, size int) string {
		var b strings.Builder
		for i := 0; b.Len() < size-200; i++ {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	many := func(format string) string { return some(format, size) }
	for name, text := range map[string]string{
		"lists":     fill("["),
		"mappings":  fill("{a: "),
		"keys":      fill("? "),
		"anchors":   fill("&a "),
		"aliases":   "x-a: &a [b]\nx-b: [" + fill("*a,"),
		"quotes":    fill("\""),
		"same":      fill("x: 1\n"),
		"comments":  fill("#\n"),
		"fields":    head + "fields:\n" + many("  f%d: {type: int}\n"),
		"templates": head + "templates:\n" + many("  t%d: {key: \"a\"}\n"),
		"refs":      head + "templates:\n  t0: {key: a}\n" + many("  u%d: {key: a, refs: [{kind: parent, to: t0}]}\n"),
		"enum":      head + "fields: {e: {type: \"enum[" + many("v%d,") + "]\"}}",
		"pattern":   head + "fields: {e: {type: 're(\"" + fill("a?") + "\")'}}",
		"key":       head + "templates: {e: {key: \"" + fill("{int}") + "\"}}",
		"both": head + "fields:\n" + some("  f%d: {type: int}\n", size/2) + "  zz: {type: int}\ntemplates:\n" +
			some("  t%d: {key: \"a:{zz}\", access: [{by: [zz]}]}\n", size/2),
		"unknown": head + fill("a") + ": 1",
		"x":       head + "x-a: [" + fill("a,") + "]",
	} {
		began := time.Now()
		_, err := Parse(Source{"x", []byte(text)})
		if took := time.Since(began); took > time.Minute {
			t.Errorf("%s: %v", name, took)
		} else {
			t.Logf("%s: %v %.100v", name, took, err)
		}
	}
	if _, err := Parse(Source{"x", make([]byte, 10<<20)}); err == nil || err.Error() != "x: is longer than 4096 KiB" {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	files, _ := filepath.Glob("../../testdata/schema/broken/*.yaml")
	for _, file := range append(files, "testdata/shop.yaml") {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	schema := compile(f)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(Source{"f", []byte(text)})
		if err != nil {
			return
		}
		if err := validate(t, schema, text); err != nil {
			t.Fatalf("the reader accepts what the JSON Schema does not: %v", err)
		}
		var b bytes.Buffer
		if err := s.Write(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(Source{"again", b.Bytes()}); err != nil {
			t.Fatalf("%v\n%s", err, &b)
		}
	})
}

// large is a schema of n templates, as they come.
func large(n int) []byte {
	var b strings.Builder
	b.WriteString("kvschema: 1\nfields: {uid: {type: int, cardinality: 2M}}\ntemplates:\n")
	for i := range n {
		fmt.Fprintf(&b, `  t%d:
    key: "app%d:{uid}:{day:date(yyyymmdd)}:{sid:uuid}"
    kind: cache
    type: hash
    value: {size: {p50: 600B, p99: 2KiB, max: 8KiB}, fields: {uid: uid, csrf: hex(32)}}
    ttl: {policy: fixed, value: 10m, jitter: ±20%%}
    cardinality: {live: 400k}
    access: [{op: HGETALL, query: get, by: [sid], rate: 9k/s, dist: {zipf: 0.8}, miss: 2%%}]
    owner: team
`, i, i)
		if i > 0 {
			fmt.Fprintf(&b, "    refs: [{kind: parent, to: t%d, on: uid}]\n", i-1)
		}
	}
	return []byte(b.String())
}

func BenchmarkParse(b *testing.B) {
	text := large(500)
	b.Run("yaml", func(b *testing.B) {
		for b.Loop() {
			var n yaml.Node
			if err := yaml.Unmarshal(text, &n); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("schema", func(b *testing.B) {
		for b.Loop() {
			if _, err := Parse(Source{"x", text}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
