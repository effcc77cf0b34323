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
