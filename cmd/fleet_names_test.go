package cmd

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kvtool/kvtool/report/fleet"
)

// TestFileNames: each target has a file of its own, whatever the names are, and the same one in whichever company; it is the plain name
// where that can be.
func TestFileNames(t *testing.T) {
	of := func(names ...string) map[string]string {
		var targets []fleet.Target
		for _, n := range names {
			targets = append(targets, fleet.Target{Name: n})
		}
		return reportFiles(targets)
	}
	files := of("@l/a", "@l_a", "@prod-cart", "redis://h:1", "@Prod-Cart", "..", strings.Repeat("x", 400), "@a-0123456789abcdef", "@plain")
	for name, want := range map[string]string{"@plain": "plain", "redis://h:1": "redis___h_1", "..": "target"} {
		if files[name] != want {
			t.Errorf("%s is %s, want %s", name, files[name], want)
		}
	}
	for _, name := range []string{"@l/a", "@l_a", "@prod-cart", "@Prod-Cart", "@a-0123456789abcdef"} {
		if plain := fileOf(name); !strings.HasPrefix(files[name], plain+"-") || len(files[name]) != len(plain)+17 {
			t.Errorf("%s is %s", name, files[name])
		}
	}
	if again := of("@l_a", "@other", "@l/a"); again["@l/a"] != files["@l/a"] || again["@l_a"] != files["@l_a"] {
		t.Errorf("%v, and in other company %v", files, again)
	}
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.StringMatching(`@?[aA/_.é-]{0,4}(-[0-9a]{16})?`), rapid.ID[string]).Draw(t, "names")
		seen := map[string]string{}
		for name, file := range of(names...) {
			low := strings.ToLower(file)
			if other, taken := seen[low]; taken {
				t.Fatalf("%q and %q are both %s", name, other, file)
			}
			seen[low] = name
			if file == "" || file[0] == '.' || len(file) > 200 || strings.ContainsAny(file, "/\\:") {
				t.Fatalf("%q is %q", name, file)
			}
		}
	})
}

// TestSameTarget: two users of a server are two targets, a password more is none.
func TestSameTarget(t *testing.T) {
	var errs bytes.Buffer
	e := &Env{Stderr: &errs, Now: time.Now}
	got, _, err := e.fleetOf(context.Background(), []string{
		"redis://a:x@h", "redis://b:x@h", "redis://a:y@h", "redis://h", "redis://a:x@h", "redis://h?timeout=1s", "redis://[x", "redis://[y",
	})
	want := []string{"redis://a:x@h", "redis://b:x@h", "redis://h", "redis://h?timeout=1s", "redis://[x", "redis://[y"}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%q, %v", got, err)
	}
	if text := errs.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "redis://a@h is there twice, with another password") {
		t.Errorf("%q", text)
	}
}
