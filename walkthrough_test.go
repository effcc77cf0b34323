package kvtool_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"testing"
)

// A stop of the walk is a row of its table: a number, a file, a function.
var stop = regexp.MustCompile("(?m)^\\| [0-9]+ \\| `([^`]+)` \\| `([^`]+)` \\|")

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
}

func functions(t *testing.T, file string) (names []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range f.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}
