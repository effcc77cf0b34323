package kvtool_test

import (
	"go/ast"
	"os"
	"regexp"
	"slices"
	"testing"
)

// A stop of the walk is a row of its table: a number, a file, a function. Beside the way are functions that the text names.
var (
	stop   = regexp.MustCompile("(?m)^\\| [0-9]+ \\| `([^`]+)` \\| `([^`]+)` \\|")
	beside = regexp.MustCompile("`(?:\\w+\\.)?(\\w+)` in\\s+`([^`]+\\.go)`")
)

// TestWalkthrough holds docs/walkthrough.md to the code: each function that it names is where it says.
func TestWalkthrough(t *testing.T) {
	page, err := os.ReadFile("docs/walkthrough.md")
	if err != nil {
		t.Fatal(err)
	}
	stops := stop.FindAllStringSubmatch(string(page), -1)
	if len(stops) != 10 {
		t.Errorf("%d stops, want 10", len(stops))
	}
	for _, s := range stops {
		if !slices.Contains(functions(t, s[1]), s[2]) {
			t.Errorf("%s has no function %s", s[1], s[2])
		}
	}
	named := beside.FindAllStringSubmatch(string(page), -1)
	if len(named) != 4 {
		t.Errorf("%d functions beside the way, want 4", len(named))
	}
	for _, n := range named {
		if !slices.Contains(functions(t, n[2]), n[1]) {
			t.Errorf("%s has no function %s", n[2], n[1])
		}
	}
}

func functions(t *testing.T, file string) (names []string) {
	t.Helper()
	for _, d := range parsed(t, file).Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}
