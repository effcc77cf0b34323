package lint

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/internal/slot"
	"github.com/kvtool/kvtool/keydesign/automaton"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report"
)

func key(t interface{ Fatal(...any) }, text string) schema.Key {
	k, err := schema.ParseKey(text)
	if err != nil {
		t.Fatal(text, err)
	}
	return k
}

func TestSegments(t *testing.T) {
	for text, want := range map[string]string{
		"a:{int}/b":          "a :\x00 /b",
		"{{user:{u:int}}}:x": "user :\x00 :x",
		"a-{int}.b":          "a -\x00 .b",
		"a-b:{int}-{int}":    "a-b :\x00-\x00",
		"job{int}":           "job\x00",
		"::":                 " : :",
	} {
		var got []string
		for _, s := range segmentsOf(key(t, text)) {
			got = append(got, s.sep+s.text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// The tag of a template is that of its keys.
func TestTag(t *testing.T) {
	for text, want := range map[string]string{
		"{{user:{u:int}}}:x": "user:{u:int}",
		"a:{{{u:int}}}":      "{u:int}",
		"{{app}}:{u:int}":    "app",
		"{{}}:{{a}}":         "",
		"a:{u:int}":          "",
		"a{{b":               "",
		"a}}b{{c}}":          "c",
		"{{a{{b}}c}}":        "a{{b",
	} {
		k := key(t, text)
		tag, ok := tagOf(k)
		if got := tag.String(); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		whole, inside := strings.ReplaceAll(plainText(k), "\x00", "7"), strings.ReplaceAll(plainText(tag), "\x00", "7")
		if ok && slot.Of(whole) != slot.Of(inside) {
			t.Errorf("%s: a cluster hashes something else", text)
		}
	}
}

func plainText(k schema.Key) string {
	text := ""
	for _, p := range k {
		if p.Type != nil {
			text += hole
		}
		text += p.Literal
	}
	return text
}

// What is left out before the automata shares no key: with and without, the same templates are ambiguous.
func TestAmbiguous(t *testing.T) {
	pieces := []string{
		"a", "b", "ab", ":", "/", "-", "{{", "}}", "{int}", "{word}", "{str(4)}", "{slug}", "{enum[a,b:a]}", "{url}", "{ip}", "{hex(2)}",
		"{bucket(3)}", `{re("[a:]+")}`, "{isoweek}",
	}
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 5)
		var s schema.Schema
		for i := range 4 {
			text := strings.Join(draw.Draw(t, fmt.Sprint("key ", i)), "")
			k, err := schema.ParseKey(text)
			if err != nil {
				t.Skip(err)
			}
			s.Templates = append(s.Templates, schema.Template{Name: fmt.Sprint(i), Key: k})
		}
		var got, want []string
		checkAmbiguous(newDesign(&s), func(f report.Finding) { got = append(got, f.Subject) })
		for i := range s.Templates {
			for j := range i {
				a, b := &s.Templates[i], &s.Templates[j]
				if _, ok := automaton.SetOf(a.Key).Intersect(automaton.SetOf(b.Key)); ok {
					wide, _ := wider(&template{Template: a, text: a.Key.String()}, &template{Template: b, text: b.Key.String()})
					want = append(want, wide.text)
				}
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if got, want = slices.Compact(got), slices.Compact(want); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}
