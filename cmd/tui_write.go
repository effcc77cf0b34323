package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/kvtool/kvtool/internal/suppress"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
	"github.com/kvtool/kvtool/report/render"
	"github.com/kvtool/kvtool/tui"
)

// What a dashboard may write: files beside the user, and one line of .kvtool-ignore.yaml. A store is never written to.

// exported are the formats that a screen is exported in, where kvtool has them; each begins with another letter.
var exported = [...]string{"json", "csv", "md", "html"}

// connect gives a dashboard what it needs to write, and to say what would do the same.
func (o *tuiOptions) connect(env *Env, opt *tui.Options, command func(screen, section string) string, source func() *tui.Snapshot) {
	opt.Command = command
	for _, name := range exported {
		for _, f := range render.Formats() {
			if f.Name == name {
				opt.Formats = append(opt.Formats, name)
			}
		}
	}
	opt.Export = func(format, section, frame string) (string, error) {
		return o.export(env, source(), format, section, frame)
	}
	opt.Suppress = func(f *report.Finding, reason string, write bool) (string, error) {
		return env.acceptFinding(f, reason, write)
	}
}

// compare gives a dashboard the reports that it can compare with: the one that was named, and any that the user picks.
func (o *tuiOptions) compare(ctx context.Context, env *Env, base *report.Report, opt *tui.Options) {
	shown := func(r *report.Report) *report.Report { return o.keys.Apply(o.enrich(r)) }
	if base != nil {
		opt.Baseline = shown(base)
	}
	silent := env.silent()
	opt.Base = func(path string) (*report.Report, error) {
		if path == "-" {
			return nil, errors.New("stdin is the keyboard here: name a file")
		}
		r, err := silent.readReport(ctx, path)
		switch {
		case r == nil && err != nil:
			return nil, hintedLine(err)
		case r.Kind == report.KindFleet:
			return nil, fmt.Errorf("%s: a report of a fleet cannot be compared with", path)
		}
		return shown(r), nil
	}
}

// export writes a screen as text, or the report in a format, to a new file in the working directory, and returns its path.
func (o *tuiOptions) export(env *Env, s *tui.Snapshot, format, section, frame string) (string, error) {
	path := "kvtool-" + env.Now().UTC().Format("20060102-150405") + "." + format
	if _, err := os.Lstat(path); err == nil {
		return "", fmt.Errorf("%s is there already", path)
	}
	if format == "txt" {
		return path, writeFile(path, func(w io.Writer) error {
			_, err := io.WriteString(w, frame)
			return err
		})
	}
	for _, f := range render.Formats() {
		if f.Name != format || s == nil || s.Report == nil {
			continue
		}
		v := viewFlags{keys: o.keys, color: "never"}
		opt := v.options(env, output{format: f, path: path})
		if format == "csv" && section != "findings" {
			opt.Section = section
		}
		return path, writeFile(path, func(w io.Writer) error { return f.Write(w, s.Report, opt) })
	}
	return "", fmt.Errorf("no format %s", format)
}

// suppressionDays is for how long a finding is accepted where nothing less is allowed.
const suppressionDays = 90

// acceptFinding adds a finding to those that are accepted, in the file that is read for them. It returns what is added; without write
// nothing is written.
func (e *Env) acceptFinding(f *report.Finding, reason string, write bool) (string, error) {
	path, _ := e.conf.file("keydesign.suppressions")
	if path == "" {
		path = findUp(ignoreFile)
	}
	days := suppress.MaxDays
	if text, _ := e.conf.lookup("gate.max_suppression_days"); text != "" {
		if n, err := strconv.Atoi(text); err == nil {
			days = n
		}
	}
	old, err := readBounded(path, suppress.MaxSize)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	s := report.Suppression{Rule: f.Rule, Match: f.Subject, Reason: strings.TrimSpace(reason)}
	if !utf8.ValidString(s.Match) || s.Match == "" || strings.HasSuffix(s.Match, "*") {
		s.Match = f.Fingerprint()
	}
	s.Expires = e.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, min(suppressionDays, days))
	text, added, err := suppress.Append(shortPath(path), old, s, e.Now(), days)
	if err != nil {
		return "", hintedLine(err)
	}
	var diff strings.Builder
	fmt.Fprintf(&diff, "  %s\n", shortPath(path))
	for l := range strings.Lines(added) {
		diff.WriteString("+ " + l)
	}
	if !write {
		return diff.String(), nil
	}
	return diff.String(), writeFile(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// hintedLine is an error with its hint in one line, for where there is but one.
func hintedLine(err error) error {
	if h := kv.Hint(err); h != "" {
		return fmt.Errorf("%w (%s)", err, h)
	}
	return err
}
