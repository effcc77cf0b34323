package lint

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/report"
)

const shopFile = "../../testdata/schema/shop.yaml"

func read(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// open lists the findings that nothing accepts.
func open(fs []report.Finding) []string {
	return ids(slices.DeleteFunc(slices.Clone(fs), func(f report.Finding) bool { return f.Status == report.Suppressed }))
}

// listedRow is a row of the table of docs/keydesign.md: rule, name, and whether it is accepted, then subject.
var listedRow = regexp.MustCompile("(?m)^\\| (KD\\d+) ([a-z0-9-]+)(, suppressed)? \\| `([^`]*)` \\|")

// The shop has the findings that docs/keydesign.md lists, and no others.
func TestShop(t *testing.T) {
	var want, got []string
	for _, m := range listedRow.FindAllStringSubmatch(read(t, "../../docs/keydesign.md"), -1) {
		want = append(want, strings.Join(m[1:], " "))
	}
	for _, f := range Run(parse(t, read(t, shopFile))) {
		status := map[report.Status]string{report.Suppressed: ", suppressed"}[f.Status]
		got = append(got, strings.Join([]string{f.Rule, nameOf(f.Rule), status, f.Subject}, " "))
	}
	if len(want) == 0 || !slices.Equal(got, want) {
		t.Errorf("%q, documented are %q", got, want)
	}
}

func nameOf(id string) string {
	for _, r := range Rules() {
		if r.ID == id {
			return r.Name
		}
	}
	return ""
}

// The files that docs/keydesign.md shows can be read.
func TestDocumentedFiles(t *testing.T) {
	blocks := regexp.MustCompile("(?ms)^```yaml\n(kvschema.*?)^```$").FindAllStringSubmatch(read(t, "../../docs/keydesign.md"), -1)
	for _, b := range blocks {
		parse(t, b[1])
	}
	if len(blocks) == 0 {
		t.Error("it shows none")
	}
}

// row is a row of the tables of docs/keydesign-breakages.md: where, what, by what, and the rule and subject that follow.
var row = regexp.MustCompile("(?m)^\\| `([^`]*)` \\| `([^`]*)` \\| (?:`([^`]*)` )?\\| (KD\\d+) on `([^`]*)` \\|$")

// Each documented way to break the shop yields exactly the one new finding that is documented.
func TestBreakages(t *testing.T) {
	shop := read(t, shopFile)
	before := open(Run(parse(t, shop)))
	page := read(t, "../../docs/keydesign-breakages.md")
	rows := row.FindAllStringSubmatch(page, -1)
	if n := strings.Count(page, "\n| `"); n != len(rows) || n < 30 {
		t.Fatalf("%d of %d rows are read, want 30 or more", len(rows), n)
	}
	for _, r := range rows {
		in, old, with, rule, subject := r[1], r[2], r[3], r[4], r[5]
		t.Run(rule+" "+in, func(t *testing.T) {
			after := open(Run(parse(t, edit(t, shop, in, old, with))))
			want := append(slices.Clone(before), rule+" "+subject)
			slices.Sort(want)
			slices.Sort(after)
			// An edit of the key of a template whose finding was there before would rename that one; none does.
			if !slices.Equal(after, want) {
				t.Errorf("%q, want %q", after, want)
			}
		})
	}
}

// edit replaces what stands once in a block of the file: a template, or the line of the store.
func edit(t *testing.T, file, block, old, with string) string {
	t.Helper()
	start := regexp.MustCompile(`(?m)^(  )?` + block + `:`).FindStringIndex(file)
	if start == nil {
		t.Fatalf("there is no %s", block)
	}
	before, rest := file[:start[0]], file[start[0]:]
	text, after, _ := strings.Cut(rest, "\n\n")
	if strings.Count(text, old) != 1 {
		t.Fatalf("%q stands %d times in %s", old, strings.Count(text, old), block)
	}
	return before + strings.Replace(text, old, with, 1) + "\n\n" + after
}
