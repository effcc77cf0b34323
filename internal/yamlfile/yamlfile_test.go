package yamlfile

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/kv"
)

type pet struct {
	name  string
	age   int64
	sort  string
	seen  time.Time
	tame  bool
	names []string
	toys  []toy
}

type toy struct{ colour string }

func (p *pet) keys() Keys {
	return Keys{
		{Name: "name", Required: true, Value: Text(&p.name)},
		{Name: "age", Value: Count(&p.age)},
		{Name: "sort", Value: OneOf(&p.sort, "cat", "dog", "fish")},
		{Name: "seen", Value: Date(&p.seen)},
		{Name: "tame", Value: Bool(&p.tame)},
		{Name: "names", Value: Texts(&p.names)},
		{Name: "toys", Value: Named(&p.toys, NameForm{"^[a-z]+$", "small letters"}, func(t *toy) Value {
			return Keys{{Name: "colour", Required: true, Value: Text(&t.colour)}}.Value()
		})},
	}
}

func readPet(text string) (pet, error) {
	var p pet
	n, err := Read("f", []byte(text), 1<<20)
	if err != nil || n.Empty() {
		return p, err
	}
	return p, p.keys().Read(n)
}

func TestRead(t *testing.T) {
	p, err := readPet("name: Tom\nage: 2k\nsort: cat\nseen: 2026-01-02\ntame: TRUE\nnames: [a, b]\ntoys:\n  ball: {colour: red, x-a: 1}\n  x-b: 2\nx-c: 3\n")
	if err != nil || p.name != "Tom" || p.age != 2000 || p.sort != "cat" || p.seen.Day() != 2 || !p.tame || len(p.names) != 2 || len(p.toys) != 1 || p.toys[0].colour != "red" {
		t.Error(p, err)
	}
	for _, text := range []string{"", "# nothing", "---", "null"} {
		if _, err := readPet(text); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"[a]":                            "f:1: the file: want keys of its own",
		"age: 1":                         "f:1: the file has no name",
		"name: a\nnaem: b":               `f:2: unknown key "naem", did you mean name?`,
		"name: a\nwho: b":                `f:2: unknown key "who"`,
		"name: a\nname: b":               "f:2: name is in line 1 already",
		"name: 5":                        "f:1: name: want text",
		"name: ''":                       "f:1: name: want text",
		"name: \"\\0\"":                  "f:1: name: want text",
		"name: [a]":                      "f:1: name: want text",
		"name: a\nage: -1":               "f:2: age: want a whole number, such as 200, 400k or 2M",
		"name: a\nage: 0x10":             "f:2: age: want a whole number, such as 200, 400k or 2M",
		"name: a\nsort: dgo":             "f:2: sort: want cat, dog or fish, did you mean dog?",
		"name: a\nsort: []":              "f:2: sort: want cat, dog or fish",
		"name: a\nseen: 2026-13-01":      "f:2: seen: want a date, such as 2026-12-31",
		"name: a\ntame: yes":             "f:2: tame: want true or false",
		"name: a\nnames: b":              "f:2: names: want a list",
		"name: a\nnames:\n  - b\n  - 1":  "f:4: names[1]: want text",
		"name: a\ntoys: {BALL: {}}":      `f:2: toys: "BALL" is no name: want small letters`,
		"name: a\ntoys:\n  ball: {}":     "f:3: toys.ball has no colour",
		"name: a\n? [b]\n: c":            "f:2: the file: a key must be a word",
		"name: a\n1: c":                  "f:2: the file: a key must be a word",
		"<<: {name: a}":                  "f:1: the file: a key must be a word",
		"name: &a b\nx-a: *a":            "f:1: anchors are not supported",
		"name: a\nx-a: {b: [{c: &d e}]}": "f:2: anchors are not supported",
		"name: a\nx: " + strings.Repeat("[", 70) + strings.Repeat("]", 70): "f:2: nested deeper than 64",
		"name: a\nx-a: {b: enum[c,d]}":                                     "f:2: did not find expected ',' or '}': here a text with a comma, a bracket or a brace wants quotes",
		"name: a\nx-a:\n  b: {c}:d":                                        "f:3: did not find expected key: is it indented as those before it, and a text that begins with a brace or a bracket in quotes?",
		"name: a\nx-a:\n\tb: c":                                            "f:3: found character that cannot start any token: YAML is indented with spaces, not with tabs, and a text that begins with @, ` or % wants quotes",
		"name: a\nx-a: !x!y b":                                             "f:2: found undefined tag handle",
		"name: a\nx-a: [b, {":                                              "f:2: did not find expected node content",
		"{":                                                                "f:1: did not find expected node content",
		"a: b: c":                                                          "f:1: mapping values are not allowed in this context",
		"---\nname: a\n---\nname: b":                                       "f:3: a second document",
		strings.Repeat("#", 1<<20+1):                                       "f: is longer than 1024 KiB",
	} {
		_, err := readPet(text)
		if err == nil || err.Error() != want {
			t.Errorf("%.100q:\n got %v\nwant %s", text, err, want)
		}
	}
}

// All mistakes of a file are told, in the order of its lines, but none that may follow from another.
func TestSeveralMistakes(t *testing.T) {
	_, err := readPet("age: -1\nsort: dgo\nnaem: Tom\ntoys:\n  ball: {color: red}\n  BAT: {}\n  bell: {}\nnames: [a, 1, 2]\nage: 3\n")
	want := `f:1: age: want a whole number, such as 200, 400k or 2M
f:2: sort: want cat, dog or fish, did you mean dog?
f:3: unknown key "naem", did you mean name?
f:5: unknown key "color" under toys.ball, did you mean colour?
f:6: toys: "BAT" is no name: want small letters
f:7: toys.bell has no colour
f:8: names[1]: want text
f:8: names[2]: want text
f:9: age is in line 1 already`
	if err == nil || err.Error() != want || !errors.Is(err, kv.ErrUsage) {
		t.Errorf("got %v", err)
	}
	_, err = readPet("name: a\n" + strings.Repeat("x: 1\n", 30))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != mostMistakes+1 || lines[mostMistakes] != "and 10 more mistakes" {
		t.Errorf("%d lines, the last %q", len(lines), lines[len(lines)-1])
	}
	first := errors.New("one")
	if Join() != nil || Join(nil, nil) != nil || Join(nil, first) != first {
		t.Error("Join of none, or of one")
	}
}

// What Quote writes is the same text in YAML, wherever it stands.
func TestQuote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "no", "~", "1.5", "0x1f", "a b", "- a", "null", "Yes", "2026-01-02", "\u0085", "\ufeff", "\x7f"})).Draw(t, "text")
		var got []map[string]string
		if err := yaml.Unmarshal([]byte("- {"+Quote(want)+": "+Quote(want)+"}\n- "+Quoted(want)+": "+Quote(want)+"\n"), &got); err != nil {
			t.Fatalf("%q: %v", want, err)
		}
		if got[0][want] != want || got[1][want] != want || want != "" && len(got[0][want]) == 0 {
			t.Fatalf("%q is written as %s and read as %q", want, Quote(want), got)
		}
	})
}

func TestFlow(t *testing.T) {
	n, err := Read("f", []byte("a:\n  - 1\n  - {b c: 'no', d: null}\n  - ~\n  - |\n    two\n    lines\n  - 2026-01-02\n  - -0.5\n"), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := n.Flow(), `{a: [1, {"b c": "no", d: null}, null, "two\nlines\n", 2026-01-02, -0.5]}`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzRead(f *testing.F) {
	f.Add("name: Tom\nage: 2k\n")
	f.Add("a: &a [*a]\n")
	f.Add("? {a: b}\n: !!binary aGk=\n")
	f.Fuzz(func(t *testing.T, text string) {
		n, err := Read("f", []byte(text), 1<<20)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 0 || e.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+2 {
				t.Fatal(err)
			}
			return
		}
		_ = new(pet).keys().Read(n)
	})
}
