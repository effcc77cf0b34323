// Package page puts measured figures into a Markdown page, between two comments that name them, so that no figure there was
// ever typed.
package page

import (
	"fmt"
	"os"
	"strings"
)

// Replace writes text between <!-- NAME:begin --> and <!-- NAME:end --> of file, in place of what was there.
func Replace(file, name, text string) error {
	return change(file, name, func(string) string { return text })
}

// Merge puts rows into the table there: in the place of those that have the same first two cells, else behind the last.
// Rows of other sections, which were not measured this time, stay.
func Merge(file, name string, rows []string) error {
	return change(file, name, func(old string) string { return merge(old, rows) })
}

func merge(table string, rows []string) string {
	lines := strings.Split(strings.TrimSuffix(table, "\n"), "\n")
	for _, row := range rows {
		at := len(lines)
		for i, l := range lines {
			if key(l) == key(row) {
				at = i
			}
		}
		if at == len(lines) {
			lines = append(lines, row)
		}
		lines[at] = row
	}
	return strings.Join(lines, "\n") + "\n"
}

// key is the first two cells of a row.
func key(row string) string {
	cells := strings.SplitN(row, "|", 4)
	if len(cells) < 4 {
		return row
	}
	return cells[1] + "|" + cells[2]
}

func change(file, name string, edit func(old string) string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := fmt.Sprintf("<!-- %s:begin -->\n", name), fmt.Sprintf("<!-- %s:end -->", name)
	head, rest, ok := strings.Cut(string(old), begin)
	was, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for %s", file, name)
	}
	return os.WriteFile(file, []byte(head+begin+edit(was)+end+tail), 0o644)
}
