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
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	begin, end := fmt.Sprintf("<!-- %s:begin -->\n", name), fmt.Sprintf("<!-- %s:end -->", name)
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return fmt.Errorf("%s has no place for %s", file, name)
	}
	return os.WriteFile(file, []byte(head+begin+text+end+tail), 0o644)
}
