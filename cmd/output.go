package cmd

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
)

// viewFlags say how and where reports are written. Every command that makes a report has them.
type viewFlags struct {
	outputs []string
	width   int
	top     int
	color   string
	ascii   bool
	quiet   bool
	keys    render.KeyMode
	section string
	all     bool // findings that are not new as well: --show of the commands that have a gate
}

func (v *viewFlags) bind(c *cobra.Command) {
	f := c.Flags()
	f.StringArrayVarP(&v.outputs, "output", "o", nil, "`FORMAT[=PATH]`, repeatable: "+strings.Join(formatNames(), ", "))
	bindWidth(c, &v.width)
	f.IntVar(&v.top, "top", 0, "rows of a table and findings to show (default 20, fewer of lesser tables)")
	bindColor(c, &v.color)
	bindASCII(c, &v.ascii)
	f.BoolVarP(&v.quiet, "quiet", "q", false, "print the verdict only")
	bindKeyMode(c, &v.keys)
	f.StringVar(&v.section, "section", "", "show only the section `NAME` or section.table; csv always shows one (default templates)")
	complete(c, "output", completeFormats)
}

func formatNames() []string {
	var names []string
	for _, f := range render.Formats() {
		names = append(names, f.Name)
	}
	return names
}

// An output is one -o.
type output struct {
	format render.Format
	path   string // empty is stdout
}

// parse returns the outputs that the flags ask for: text to stdout if they ask for none.
func (v *viewFlags) parse() ([]output, error) {
	if v.width < 0 || v.top < 0 {
		return nil, kv.WithHint(kv.Usagef("--width and --top must not be negative"), "leave out the one that is not to be changed")
	}
	specs := v.outputs
	if len(specs) == 0 {
		specs = []string{"text"}
	}
	outs := make([]output, 0, len(specs))
	for _, s := range specs {
		o, err := parseOutput(s)
		if err != nil {
			return nil, err
		}
		if o.path != "" && slices.ContainsFunc(outs, func(x output) bool { return samePlace(x.path, o.path) }) {
			return nil, kv.WithHint(kv.Usagef("-o %s: another -o goes to the same path", s), "give each a path of its own")
		}
		if other := crowded(outs, o); other != "" {
			return nil, kv.WithHint(kv.Usagef("-o %s: -o %s already goes to stdout", s, other), "give one of them a path: -o "+s+"=FILE")
		}
		outs = append(outs, o)
	}
	slices.SortStableFunc(outs, func(a, b output) int { return a.turn() - b.turn() })
	return outs, nil
}

// crowded returns the format that has stdout already, "" if o may have it, too. Only workflow commands may share it, and only
// with what people read: the runner of a workflow picks them out and shows the rest.
func crowded(outs []output, o output) string {
	for _, x := range outs {
		if x.path == "" && o.path == "" && !(x.commands() && o.readable()) && !(o.commands() && x.readable()) {
			return x.format.Name
		}
	}
	return ""
}

func (o output) commands() bool { return o.format.Name == "github" }
func (o output) readable() bool { return o.format.Name == "text" || o.format.Name == "brief" }

// turn orders outputs: workflow commands come behind all else.
func (o output) turn() int {
	if o.commands() {
		return 1
	}
	return 0
}

func parseOutput(s string) (output, error) {
	name, path, has := strings.Cut(s, "=")
	if has && path == "" {
		return output{}, kv.WithHint(kv.Usagef("-o %s: the path is empty", s), "is a variable unset?")
	}
	if path == "-" {
		path = "" // stdout
	}
	for _, f := range render.Formats() {
		if f.Name == name {
			return output{f, path}, checkDir(path)
		}
	}
	err := kv.Usagef("-o %s: unknown format", name)
	return output{}, meantWord(err, name, formatNames(), "formats: "+strings.Join(formatNames(), ", "))
}

// checkDir refuses before the scan what could not be written after it.
func checkDir(path string) error { return checkPath("-o "+path, path) }

// checkPath does that for the path of any flag; empty is stdout.
func checkPath(flag, path string) error {
	if path == "" {
		return nil
	}
	st, err := os.Stat(filepath.Dir(path))
	switch {
	case err != nil:
		return kv.WithHint(kv.Usagef("%s: %w", flag, reason(err)), "the folder must be there: "+filepath.Dir(path))
	case !st.IsDir():
		return kv.WithHint(kv.Usagef("%s: %s is not a directory", flag, filepath.Dir(path)), "name a file in a folder that is there")
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return kv.WithHint(kv.Usagef("%s: is a directory", flag), "name a file in it")
	}
	return nil
}

// samePlace reports whether two paths lead to the same file, which need not be there yet; empty is stdout.
func samePlace(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	return truePath(a) == truePath(b)
}

// truePath is the one path of a file, links followed.
func truePath(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(dir, filepath.Base(path))
	}
	return path
}

// A written is a file that a command writes.
type written struct {
	flag string // as it was given
	path string // empty is none
}

// writtenBy lists the files of outputs, behind others.
func writtenBy(outs []output, others ...written) []written {
	for _, o := range outs {
		others = append(others, written{"-o " + o.format.Name + "=" + o.path, o.path})
	}
	return others
}

// spareTarget refuses to write over the file that is read: reading never changes a store.
func spareTarget(t kv.Target, writes ...written) error {
	if t.URL != nil || t.Path == "" || t.Path == "-" {
		return nil
	}
	for _, w := range writes {
		if w.path != "" && samePlace(t.Path, w.path) {
			return kv.WithHint(kv.Usagef("%s: that is the target, which is never written to", w.flag), "give it another path")
		}
	}
	return nil
}

// write writes r to every output. It goes on after a failure, so that one full disk does not cost the other reports.
func (v *viewFlags) write(env *Env, outs []output, r *report.Report, exit int) error {
	var errs []error
	for _, o := range outs {
		opt := v.options(env, o)
		opt.Exit = exit
		if o.format.Caveats != nil {
			for _, c := range o.format.Caveats(r) {
				env.say("warning", "-o "+o.format.Name+": "+c)
			}
		}
		if o.path == "" {
			errs = append(errs, meantSection(o.format.Write(env.Stdout, r, opt), v.section, r))
			continue
		}
		err := writeFile(o.path, func(w io.Writer) error { return o.format.Write(w, r, opt) })
		if err != nil {
			err = fmt.Errorf("writing %s: %w", o.path, err)
		}
		errs = append(errs, meantSection(err, v.section, r))
	}
	return errors.Join(errs...)
}

// meantSection adds to the error that a report has no such section which of its sections and tables was probably meant.
func meantSection(err error, typed string, r *report.Report) error {
	if !errors.Is(err, render.ErrNoSection) {
		return err
	}
	var known []string
	for i := range r.Sections {
		s := &r.Sections[i]
		known = append(known, s.Name)
		for j := range s.Tables {
			known = append(known, s.Name+"."+s.Tables[j].Name)
		}
	}
	return meantWord(err, typed, known, "--section NAME, or NAME.TABLE; without it all are shown")
}

// options are the renderer's for one output. A file is no terminal.
func (v *viewFlags) options(env *Env, o output) render.Options {
	opt := render.Options{Top: v.top, ASCII: v.ascii, Quiet: v.quiet, Keys: v.keys, Section: v.section, Width: v.width, All: v.all, Rules: rules(), Command: env.commandLine()}
	if opt.Keys == "" {
		opt.Keys = o.format.Keys
	}
	if opt.Width == 0 && o.path == "" {
		opt.Width = env.Width
	}
	opt.Color = env.colored(v.color, o.path == "")
	return opt
}

// writeFile writes path through a file beside it that is renamed at the end, so that a reader never sees half a report.
// What is not a regular file (a device, a pipe) is written to directly.
func writeFile(path string, write func(io.Writer) error) (err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return reason(err)
		}
		return errors.Join(write(f), f.Close())
	}
	// Named so that no collector of *.prom or *.json picks it up, and opened so that the umask decides who may read it.
	tmp := filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s.%d.tmp", filepath.Base(path), os.Getpid()))
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666)
	if err != nil {
		return reason(err)
	}
	defer func() {
		if err != nil {
			os.Remove(tmp)
		}
	}()
	// On the disk before it has its name: after a power failure a file is the old one or the new one, whole.
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
