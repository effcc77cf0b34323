package page

import (
	"os"
	"path/filepath"
	"testing"
)

const old = `text
<!-- a:begin -->
| section | figure | got |
|---|---|---|
| x | CPU | 1 |
| y | CPU | 2 |
<!-- a:end -->
more
`

func TestMerge(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Merge(file, "a", []string{"| y | CPU | 5 |", "| z | RSS | 3 |"}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const want = `text
<!-- a:begin -->
| section | figure | got |
|---|---|---|
| x | CPU | 1 |
| y | CPU | 5 |
| z | RSS | 3 |
<!-- a:end -->
more
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
	if err := Merge(file, "b", nil); err == nil {
		t.Error("a page without a place takes rows")
	}
}

func TestReplace(t *testing.T) {
	file := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(file, []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Replace(file, "a", "new\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "text\n<!-- a:begin -->\nnew\n<!-- a:end -->\nmore\n" {
		t.Errorf("got\n%s (%v)", got, err)
	}
}
