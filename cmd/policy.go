package cmd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/internal/suppress"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report"
)

// What a gate is by the files of a project: .kvtool.yaml says which rules count and how, and .kvtool-ignore.yaml which findings
// were accepted.

const ignoreFile = ".kvtool-ignore.yaml"

// first returns the first file that has something.
func (c configuration) first(has func(*config.File) bool) *configSource {
	for i := range c {
		if has(c[i].File) {
			return &c[i]
		}
	}
	return nil
}

// file returns the path that the configuration names for something, "" if it names none, and who names it.
func (c configuration) file(path string) (string, origin) {
	s := c.first(func(f *config.File) bool { return f.Settings.Text(path) != "" })
	if s == nil {
		return "", ""
	}
	return s.path(s.Settings.Text(path), ""), s.origin(s.Settings[path])
}

// configurePolicy adds to p what the configuration says of it.
func (e *Env) configurePolicy(p *report.Policy) error {
	if !e.configured {
		return nil
	}
	if s := e.conf.first(func(f *config.File) bool { return f.Statuses != nil }); s != nil {
		p.Statuses = []report.Status{}
		for _, status := range s.Statuses {
			p.Statuses = append(p.Statuses, report.Status(status))
		}
	}
	var err error
	p.Suppressions, err = e.suppressions(p)
	return err
}

// suppressions reads the file that the configuration names, or that of the project if it has one.
func (e *Env) suppressions(p *report.Policy) ([]report.Suppression, error) {
	path, from := e.conf.file("keydesign.suppressions")
	named := path != ""
	if !named {
		path = findUp(ignoreFile)
	}
	data, err := readBounded(path, suppress.MaxSize)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !named:
		return nil, nil
	case err != nil && named:
		return nil, fmt.Errorf("%s: %w", from, err)
	case err != nil:
		return nil, err
	}
	days := suppress.MaxDays
	if text, _ := e.conf.lookup("gate.max_suppression_days"); text != "" {
		if days, err = strconv.Atoi(text); err != nil {
			return nil, err
		}
	}
	all, err := suppress.Parse(shortPath(path), data, p.Now, days)
	if err != nil {
		return nil, hintOf(err)
	}
	for i := range all {
		if err := knownRule(all[i].Rule, origin(fmt.Sprintf("%s:%d", all[i].Pos.File, all[i].Pos.Line))); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// knownRule returns the error that there is no rule of that id.
func knownRule(id string, from origin) error {
	if _, err := findRule(id); err != nil {
		return kv.WithHint(fmt.Errorf("%s: %w", from, err), kv.Hint(err))
	}
	return nil
}

// severities returns what the configuration wants the findings of rules to be.
func (e *Env) severities() (map[string]report.Severity, error) {
	s := e.conf.first(func(f *config.File) bool { return f.Rules != nil })
	if s == nil {
		return nil, nil
	}
	m := map[string]report.Severity{}
	for _, r := range s.Rules {
		if err := knownRule(r.ID, s.at(r.Line)); err != nil {
			return nil, err
		}
		m[r.ID] = ""
		if r.Severity != "off" {
			m[r.ID] = report.Severity(r.Severity)
		}
	}
	return m, nil
}

// weighed returns r with the severities that the configuration wants, and without the findings that do not count.
func (g *gate) weighed(r *report.Report) *report.Report {
	if len(g.severities) == 0 {
		return r
	}
	c := *r
	c.Findings = slices.Clone(r.Findings)
	c.Findings = slices.DeleteFunc(c.Findings, func(f report.Finding) bool {
		severity, set := g.severities[f.Rule]
		return set && severity == ""
	})
	for i := range c.Findings {
		if severity, set := g.severities[c.Findings[i].Rule]; set {
			c.Findings[i].Severity = severity
		}
	}
	return &c
}

// baselinePath returns the path of the baseline, "" if there is none: that of the flag or, for a command that gates by itself,
// that of the configuration. One that is to be written for the first time need not be there.
func (e *Env) baselinePath(g *gateFlags) (string, error) {
	path := g.baseline
	if path == "" && g.always {
		path, _ = e.conf.file("keydesign.baseline")
	}
	if path == "" || !samePlace(path, g.newBaseline) {
		return path, nil
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return path, nil
}
