package cmd

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/spell"
	"github.com/kvtool/kvtool/kv"
)

// nearest returns the name that typed was probably meant to be, "" if none is near.
func nearest(typed string, names []string) string { return spell.Nearest(typed, names) }

// meantFile adds to the error that a file could not be read which one was probably meant, if it is not there; or else the hint.
func meantFile(err error, path, hint string) error {
	switch near := nearFile(path); {
	case errors.Is(err, fs.ErrNotExist) && near != "":
		return kv.WithHint(err, "did you mean "+near+"?")
	case errors.Is(err, fs.ErrNotExist):
		hint = cmp.Or(hint, "nothing there is called alike; a path counts from the working folder")
	case errors.Is(err, fs.ErrPermission):
		hint = "this user may not read it"
	}
	if hint == "" {
		return err
	}
	return kv.WithHint(err, hint)
}

// meantTarget does so for a target that is a file.
func meantTarget(err error, t kv.Target) error {
	if t.URL != nil || t.Path == "" {
		return err
	}
	return meantFile(err, t.Path, kv.Hint(err))
}

// nearFile returns the path of a file that is called much as that of path, in the same folder, or as it is but for its ending. It returns
// "" if there is none.
func nearFile(path string) string {
	dir, name := filepath.Split(path)
	d, err := os.Open(cmp.Or(dir, "."))
	if err != nil {
		return ""
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxNames) // of what cannot be listed nothing is suggested
	slices.Sort(names)
	for _, n := range names {
		if stem, _, _ := strings.Cut(n, "."); stem != "" && stem == name {
			return dir + n
		}
	}
	if n := nearest(name, names); n != "" {
		return dir + n
	}
	return ""
}
