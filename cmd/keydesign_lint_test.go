package cmd

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/keydesign/lint"
	"github.com/kvtool/kvtool/keydesign/schema"
	"github.com/kvtool/kvtool/report/render"
)

// The schema that explain shows as bad can be pasted into a file, and breaks the rule, however narrow the terminal is.
func TestExplainedSchemas(t *testing.T) {
	t.Parallel()
	shown := 0
	for _, r := range rules() {
		if len(r.Bad) == 0 || !strings.HasPrefix(r.Bad[0], "kvschema") {
			continue
		}
		shown++
		for _, width := range []int{60, 80} {
			var b bytes.Buffer
			if err := render.Rule(&b, r, render.Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			file := example(b.String(), "bad")
			s, err := schema.Parse(schema.Source{Name: r.ID, Data: []byte(file)})
			if err != nil {
				t.Errorf("%d columns: %v in\n%s", width, err, file)
				continue
			}
			if fs := lint.Check(s).Findings; len(fs) != 1 || fs[0].Rule != r.ID {
				t.Errorf("%d columns: %v breaks something else:\n%s", width, fs, file)
			}
		}
	}
	if shown == 0 {
		t.Error("no rule shows a schema")
	}
}

// example returns what stands behind a label, without the column of labels.
func example(text, label string) string {
	const column = 9
	_, rest, _ := strings.Cut(text, "\n"+label)
	lines := strings.SplitAfter(label+rest, "\n")
	var b strings.Builder
	for i, l := range lines {
		if i > 0 && strings.TrimSpace(l[:min(column, len(l))]) != "" {
			break
		}
		b.WriteString(l[min(column, len(l)):])
	}
	return b.String()
}
