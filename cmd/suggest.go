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

// meantWord adds to the error that a word is not known which of the known ones was probably meant, and the hint, which may name all.
func meantWord(err error, typed string, known []string, hint string) error {
	if n := nearest(strings.ToLower(typed), known); n != "" {
		hint = strings.TrimSpace("did you mean " + n + "? " + hint)
	}
	return kv.WithHint(err, hint)
}

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

// nearFile returns the path of the file in the same folder that was probably meant by path: one that is called so but for its ending, or
// with the same ending much so. It returns "" if there is none.
func nearFile(path string) string {
	dir, name := filepath.Split(path)
	d, err := os.Open(cmp.Or(dir, "."))
	if err != nil {
		return ""
	}
	defer d.Close()
	names, _ := d.Readdirnames(maxNames) // of what cannot be listed nothing is suggested
	slices.Sort(names)
	stem, ending, _ := strings.Cut(name, ".")
	var so, alike []string // names with that stem; stems with that ending
	for _, n := range names {
		switch s, e, _ := strings.Cut(n, "."); {
		case s == "":
		case s == stem:
			so = append(so, n)
		case e == ending:
			alike = append(alike, s)
		}
	}
	if so != nil {
		return dir + cmp.Or(nearest(name, so), so[0])
	}
	if s := nearest(stem, alike); s != "" {
		return dir + strings.TrimSuffix(s+"."+ending, ".")
	}
	return ""
}
