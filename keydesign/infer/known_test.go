package infer

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestKnownFailures names what inference gets wrong, with its result of today,
// so that a change for better or worse is seen.
func TestKnownFailures(t *testing.T) {
	g := newGen(8)
	repeat := func(n int, key func(i int) string) []string {
		keys := make([]string, n)
		for i := range keys {
			keys[i] = key(i)
		}
		return keys
	}
	tests := []struct {
		name       string
		keys       []string
		want, have []string
	}{
		{
			"a country code and digits read as hex", repeat(400, func(int) string { return "iban:DE" + g.text(decimals, 6) }),
			[]string{"iban:DE{int}"},
			[]string{"iban:{hex(8)}"},
		},
		{
			"numbered names are numbers", slices.Concat(
				repeat(200, func(i int) string { return fmt.Sprint("app1:", i, ":s") }),
				repeat(200, func(i int) string { return fmt.Sprint("app2:", i, ":s") })),
			[]string{"app1:{int}:s", "app2:{int}:s"},
			[]string{"app{int}:{int}:s"},
		},
		{
			"control keys beside one list of names", slices.Concat(
				repeat(150, func(int) string { return "rq:queue:" + g.name() }), []string{"rq:queue:default"}),
			[]string{"rq:queue:default", "rq:queue:{str}"},
			[]string{"rq:queue:{str}"},
		},
		{
			"nine names of one kind under a word are a slot", repeat(9, func(i int) string { return "stats:total-" + nouns[i] }),
			repeat(9, func(i int) string { return "stats:total-" + nouns[i] }),
			[]string{"stats:total-{str}"},
		},
		{
			"a few paths",
			[]string{"p:/a", "p:/b/c", "p:/d/e/f", "p:/g/h"},
			[]string{"p:/{path}"},
			[]string{"p:/a", "p:/b/c", "p:/d/e/f", "p:/g/h"},
		},
		{
			"decimal commas", repeat(50, func(int) string { return "t:" + g.int(90) + "," + g.int(90) }),
			[]string{"t:{float}"},
			[]string{"t:{int},{int}"},
		},
		{
			"UTF-16", repeat(50, func(i int) string { return "u\x00s\x00:\x00" + fmt.Sprint(i) }),
			[]string{"us:{int}"},
			[]string{"{bin}"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			slices.Sort(tt.want)
			slices.Sort(tt.have)
			got := texts(treeOf(tt.keys).Templates())
			if slices.Equal(got, tt.want) {
				t.Errorf("now right: %q; move it to the tests that must hold", got)
			} else if d := cmp.Diff(tt.have, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// TestNamesStay has name spaces that continue alike and must not become slots.
func TestNamesStay(t *testing.T) {
	names := nouns[:40]
	var keys []string
	for _, n := range names {
		for i := range 100 {
			keys = append(keys, fmt.Sprint(n, ":", i*7))
		}
	}
	if got := texts(treeOf(keys).Templates()); len(got) != len(names) {
		t.Errorf("root: %q", got)
	}
	for i, k := range keys {
		keys[i] = "shop:" + k
	}
	if got := texts(treeOf(keys).Templates()); len(got) != len(names) {
		t.Errorf("prefix: %q", got)
	}
}

func TestSegments(t *testing.T) {
	var keys []string
	for i := range 300 {
		keys = append(keys, fmt.Sprintf("{user:%d}:us-east-1:%s:x", i, []string{"on", "off"}[i%2]))
	}
	r := treeOf(keys).Templates()
	got := r.Templates[0].Segments
	want := []Segment{
		{Sep: "{", Literal: "user", Tag: true},
		{Sep: ":", Type: "int", Tag: true, Distinct: got[1].Distinct, Detail: "seq"},
		{Sep: "}"},
		{Sep: ":", Literal: "us-east-1"},
		{Sep: ":", Literal: "off"},
		{Sep: ":", Literal: "x"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := got[1].Distinct; d < 280 || d > 320 {
		t.Errorf("distinct %d, want about 300", d)
	}
	if _, ok := r.Match("{user:9999}:us-east-1:on:x"); !ok {
		t.Error("no match")
	}
	if i, ok := r.Match("nothing:like:it"); ok {
		t.Errorf("matched %s", r.Templates[i].Text)
	}
}
