package cmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/kvr"
	"github.com/kvtool/kvtool/report/render"
)

// saveFlag is where a report is saved with all that it takes to merge it with others, or to go on with its scan.
type saveFlag struct{ flag, path string }

// bind binds it as --save, where a snapshot file is beside what a command is for.
func (s *saveFlag) bind(c *cobra.Command) { s.as(c, "save") }

// bindOut binds it as --out, where the snapshot file is what a command is for.
func (s *saveFlag) bindOut(c *cobra.Command) { s.as(c, "out") }

func (s *saveFlag) as(c *cobra.Command, flag string) {
	s.flag = flag
	c.Flags().StringVar(&s.path, flag, "", "save the report as a snapshot `FILE`.kvr, to be shown, converted and compared later")
	complete(c, flag, completeSnapshots)
}

// String is how the flag was given.
func (s *saveFlag) String() string { return "--" + s.flag + " " + s.path }

// check refuses before the scan what could not be written after it.
func (s *saveFlag) check(outs []output) error {
	if s.path == "" {
		return nil
	}
	for _, o := range outs {
		if samePlace(o.path, s.path) {
			return kv.WithHint(kv.Usagef("%s: an -o goes to the same path", s), "give each a path of its own")
		}
	}
	return checkPath(s.String(), s.path)
}

// written is the file that is saved.
func (s *saveFlag) written() written { return written{s.String(), s.path} }

// write saves r, if that is asked for.
func (s *saveFlag) write(r *report.Report) error {
	if s.path == "" {
		return nil
	}
	if err := writeFile(s.path, func(w io.Writer) error { return kvr.Write(w, r) }); err != nil {
		return fmt.Errorf("writing %s: %w", s.path, err)
	}
	return nil
}

// readReport reads a report from a snapshot file, from JSON or a page, or with "-" any of them from stdin. Of a snapshot file that is damaged
// it returns what is whole along with the error.
func (e *Env) readReport(ctx context.Context, path string) (*report.Report, error) {
	path, b, err := e.readInput(ctx, path)
	if err != nil {
		return nil, err
	}
	return parseReport(path, b)
}

// readInput reads a file, with "-" stdin, which has a name then.
func (e *Env) readInput(ctx context.Context, path string) (name string, b []byte, err error) {
	var in io.Reader
	if path == "-" {
		path, in = "stdin", &stdin{ctx: ctx, r: e.Stdin}
	} else {
		f, err := os.Open(path)
		if err != nil {
			err = &codeError{exitTarget, fmt.Errorf("%s: %w", path, reason(err))}
			return path, nil, meantFile(err, path, writeReport)
		}
		defer f.Close()
		in = f
	}
	b, err = io.ReadAll(io.LimitReader(in, maxReport+1))
	switch {
	case err != nil:
		return path, nil, &codeError{exitTarget, fmt.Errorf("%s: %w", path, reason(ended(ctx, err)))}
	case len(b) > maxReport:
		return path, nil, kv.WithHint(kv.Usagef("%s: larger than %d MiB: no report is", path, maxReport>>20), writeReport)
	}
	return path, b, nil
}

// maxReport bounds what is read as a report.
const maxReport = 512 << 20

// writeReport is the hint for what is no report.
const writeReport = "reports are written by kvtool audit TARGET --save FILE.kvr, -o json=FILE.json or -o html=FILE.html"

func parseReport(path string, b []byte) (*report.Report, error) {
	if kvr.IsFile(b) {
		r, err := kvr.Read(bytes.NewReader(b))
		switch {
		case errors.Is(err, kvr.ErrFormat):
			return nil, kv.WithHint(kv.Usagef("%s: %w", path, err), "read it with the version of kvtool that has written it, or a newer one")
		case r == nil && err != nil:
			return nil, kv.WithHint(kv.Corruptf("%s: %w", path, err), "nothing of it can be shown: save the audit again")
		case err != nil:
			return r, kv.Corruptf("%s: %w", path, err)
		}
		return r, nil
	}
	if render.IsHTML(b) {
		r, err := render.ReadHTML(b)
		if err != nil {
			return nil, kv.WithHint(kv.Usagef("%s: %w", path, err), writeReport)
		}
		return r, nil
	}
	if head := bytes.TrimSpace(b[:min(len(b), headSize)]); len(head) == 0 || head[0] != '{' {
		return nil, kv.WithHint(kv.Usagef("%s holds no report: it is neither a snapshot file nor JSON nor a page", path), writeReport)
	}
	if err := report.Bounded(b); err != nil {
		return nil, kv.WithHint(kv.Usagef("%s holds no report: it is %w", path, err), writeReport)
	}
	r := &report.Report{}
	if err := json.Unmarshal(b, r); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			return nil, kv.WithHint(kv.Corruptf("%s: at byte %d: %w", path, syntax.Offset, err), "write it anew: "+writeReport)
		}
		return nil, kv.WithHint(kv.Usagef("%s holds no report: %w", path, err), writeReport)
	}
	if err := r.Check(); err != nil {
		return nil, kv.WithHint(kv.Usagef("%s holds no report: %w", path, err), writeReport)
	}
	return r, nil
}

// resumed reads the file of an interrupted audit. Without a target among the arguments it is that of the file.
func (e *Env) resumed(ctx context.Context, path string, args []string) (*report.Report, []string, error) {
	r, err := e.readReport(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	if len(args) > 0 {
		return r, args, nil
	}
	url := r.Target.URL
	switch {
	case strings.Contains(url, "***"):
		return nil, nil, kv.WithHint(kv.Usagef("%s does not hold the target's secrets", path), "name the target: kvtool audit TARGET --resume "+path)
	case url == "" || strings.HasSuffix(url, ":-"):
		return nil, nil, kv.WithHint(kv.Usagef("%s was read from stdin, which cannot be read from where it ended", path), "begin anew, without --resume")
	}
	fmt.Fprintf(e.Stderr, "kvtool: no TARGET: using %s\n", render.Clean(url+" of "+path, false))
	return r, []string{url}, nil
}
