package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/kvtool/kvtool/kv"
)

// A file that is not there is most often a slip of one that is, and two files of a kind are not alike because of their ending.
func TestNearFile(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"dump.rdb", "keys.yaml", "keys.txt", "base.json", "monday.kvr", ".hidden", "README"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for typed, want := range map[string]string{
		"dmp.rdb": "dump.rdb", "dump": "dump.rdb", "dump.rbd": "dump.rdb", "keys.yml": "keys.yaml", "kyes.yaml": "keys.yaml",
		"mondya.kvr": "monday.kvr", "RAEDME": "README", "gone.json": "", "a.kvr": "", ".hiden": "", "x/dump.rdb": "", "": "",
	} {
		if want != "" {
			want = filepath.Join(dir, want)
		}
		if got := nearFile(dir + "/" + typed); got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	gone := fmt.Errorf("x: %w", fs.ErrNotExist)
	if h := kv.Hint(meantFile(gone, filepath.Join(dir, "dmp.rdb"), "another")); h != "did you mean "+filepath.Join(dir, "dump.rdb")+"?" {
		t.Error(h)
	}
	if h := kv.Hint(meantFile(gone, filepath.Join(dir, "none"), "another")); h != "another" {
		t.Error(h)
	}
	if h := kv.Hint(meantFile(errors.New("else"), filepath.Join(dir, "dmp.rdb"), "")); h != "" {
		t.Error(h)
	}
}
