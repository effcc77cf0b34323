package cmd

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

func TestLoadSchema(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := write("a.yaml", "kvschema: 1\nfields: {uid: {type: int}}\n")
	b := write("b.yaml", "kvschema: 1\ntemplates: {cart: {key: \"cart:{uid}\"}}\n")
	s, err := loadSchema(a, b)
	if err != nil || s.Template("cart").Key.String() != "cart:{uid}" {
		t.Fatal(s, err)
	}
	for want, paths := range map[string][]string{
		"no such file":   {filepath.Join(dir, "c.yaml")},
		"is a directory": {dir},
		"is longer than": {write("big.yaml", strings.Repeat("#", 5<<20))},
		"templates.cart is in " + b + ":2 already": {a, b, b},
		"a.yaml:2: fields.uid is in":               {a, a},
	} {
		_, err := loadSchema(paths...)
		if err == nil || !strings.Contains(err.Error(), want) || !errors.Is(err, kv.ErrUsage) {
			t.Errorf("%v: %v", paths, err)
		}
	}
}

// Whatever is wrong with a schema is one line, with its file and, where it has one, its line; exit code 2.
func TestBrokenSchemas(t *testing.T) {
	files, err := filepath.Glob("../testdata/schema/broken/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		_, err := loadSchema(file)
		if err == nil || exitCode(err) != exitUsage || !strings.HasPrefix(err.Error(), file+":") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
