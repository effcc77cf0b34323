package cmd

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kvtool/kvtool/audit/export"
	"github.com/kvtool/kvtool/kv"
)

// An exportOutput is one -o of export.
type exportOutput struct {
	format export.Format
	path   string // empty is stdout
}

// parse returns the outputs that the flags ask for.
func (o *exportOptions) parse(env *Env) ([]exportOutput, error) {
	if len(o.outputs) == 0 {
		return nil, kv.WithHint(kv.Usagef("export: no -o says what to write"), "-o csv, or to a file: -o parquet=keys.parquet")
	}
	var outs []exportOutput
	for _, s := range o.outputs {
		x, err := parseExportOutput(s)
		switch {
		case err != nil:
			return nil, err
		case slices.ContainsFunc(outs, func(y exportOutput) bool { return samePlace(x.path, y.path) }):
			return nil, kv.WithHint(kv.Usagef("-o %s: another -o goes to the same place", s), "give each a path of its own: -o "+x.format.Name+"=FILE")
		case x.path == "" && x.format.Binary && env.TTY:
			return nil, kv.WithHint(kv.Usagef("-o %s: a terminal cannot show it", s), "-o "+x.format.Name+"=FILE")
		}
		outs = append(outs, x)
	}
	return outs, nil
}

// exportPaths lists the files of outputs.
func exportPaths(outs []exportOutput) []written {
	var all []written
	for _, o := range outs {
		all = append(all, written{"-o " + o.format.Name + "=" + o.path, o.path})
	}
	return all
}

func parseExportOutput(s string) (exportOutput, error) {
	name, path, has := strings.Cut(s, "=")
	if has && path == "" {
		return exportOutput{}, kv.WithHint(kv.Usagef("-o %s: the path is empty", s), "is a variable unset?")
	}
	if path == "-" {
		path = "" // stdout
	}
	for _, f := range export.Formats() {
		if f.Name == name {
			return exportOutput{f, path}, checkDir(path)
		}
	}
	err := kv.Usagef("-o %s: unknown format", name)
	return exportOutput{}, meantWord(err, name, exportFormats(), "formats: "+strings.Join(exportFormats(), ", "))
}

// An exportFile is an output while it is written: a file beside the one that was named, until it is known whether all of it
// is there. What is no regular file (a device, a pipe, stdout) is written to directly.
type exportFile struct {
	export.Writer
	path string   // where it is to be; empty is stdout
	tmp  string   // where it is; empty if it is there already
	f    *os.File // nil for stdout
	part bool     // it has ended, and is not complete
}

// partial is added to the name of a file that is not complete.
const partial = ".partial"

// createFiles begins all outputs, or none.
func createFiles(env *Env, outs []exportOutput, t *export.Table) ([]exportFile, error) {
	var files []exportFile
	for _, o := range outs {
		f, err := createFile(env, o, t)
		if err != nil {
			discard(files)
			return nil, kv.Usagef("writing %s: %w", cmp.Or(o.path, "stdout"), err)
		}
		files = append(files, f)
	}
	return files, nil
}

func createFile(env *Env, o exportOutput, t *export.Table) (x exportFile, err error) {
	x.path = o.path
	var w io.Writer = env.Stdout
	if x.path != "" {
		if err := x.open(); err != nil {
			return x, err
		}
		w = x.f
	}
	if x.Writer, err = o.format.New(w, t); err != nil {
		x.discard()
		return x, reason(err)
	}
	return x, nil
}

// open opens the file to write to.
func (x *exportFile) open() (err error) {
	if real, err := filepath.EvalSymlinks(x.path); err == nil {
		x.path = real
	}
	if st, err := os.Stat(x.path); err == nil && !st.Mode().IsRegular() {
		if x.f, err = os.OpenFile(x.path, os.O_WRONLY, 0); err != nil {
			return reason(err)
		}
		return nil
	}
	// Named and opened as writeFile does.
	x.tmp = filepath.Join(filepath.Dir(x.path), fmt.Sprintf(".%s.%d.tmp", filepath.Base(x.path), os.Getpid()))
	if x.f, err = os.OpenFile(x.tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666); err != nil {
		return reason(err)
	}
	return nil
}

// onward reports whether what is written cannot be taken back.
func (x exportFile) onward() bool { return x.tmp == "" }

// name is what the file is called once it has ended.
func (x *exportFile) name() string {
	if x.part && x.tmp != "" {
		return x.path + partial
	}
	return x.path
}

// finish ends the file. One that is complete takes the place of what was there under its name; another leaves that alone.
func (x *exportFile) finish(complete bool) error {
	x.part = !complete
	err := x.Close(complete)
	if x.f == nil {
		return err
	}
	if err = errors.Join(err, x.sync(), x.f.Close()); err == nil && x.tmp != "" {
		err = os.Rename(x.tmp, x.name())
	}
	if err != nil {
		err = fmt.Errorf("writing %s: %w", x.path, reason(err))
		x.remove()
	}
	return err
}

// sync has the file on the disk before it gets its name. Standard output and devices have no name to get.
func (x *exportFile) sync() error {
	if x.tmp == "" {
		return nil
	}
	return x.f.Sync()
}

// discard takes back what was written.
func discard(files []exportFile) {
	for i := range files {
		files[i].discard()
	}
}

func (x *exportFile) discard() {
	if x.f != nil {
		x.f.Close()
		x.remove()
	}
}

func (x *exportFile) remove() {
	if x.tmp != "" {
		os.Remove(x.tmp)
	}
}

func writers(files []exportFile) []export.Writer {
	ws := make([]export.Writer, len(files))
	for i := range files {
		ws[i] = files[i]
	}
	return ws
}
