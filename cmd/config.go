package cmd

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/internal/humanize"
	"github.com/kvtool/kvtool/kv"
	"github.com/kvtool/kvtool/report/render"
)

func newConfigCmd(env *Env, files *configFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "config",
		Short: "What .kvtool.yaml says, and whether it is right",
		Args:  noSuchCommand,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(newConfigShowCmd(env, files), newConfigCheckCmd(env, files), newConfigSchemaCmd(env))
	return c
}

func newConfigShowCmd(env *Env, files *configFlags) *cobra.Command {
	var withOrigin bool
	c := &cobra.Command{
		Use:     "show",
		Short:   "List what is configured, by the files and by KVTOOL_* variables",
		Example: "  kvtool config show --origin",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			conf, err := env.readConfig(*files)
			if err != nil {
				return err
			}
			env.conf = conf
			env.showConfig(withOrigin)
			return nil
		},
	}
	c.Flags().BoolVar(&withOrigin, "origin", false, "say where each value is from: FILE:LINE or a variable")
	return c
}

// showConfig prints a value a line. A command that prints a password is named without its arguments, which may hold another.
func (e *Env) showConfig(withOrigin bool) {
	print := func(path, value string, from origin) {
		line := path + ": " + value
		if withOrigin {
			line = fmt.Sprintf("%-50s  # %s", line, from)
		}
		fmt.Fprintln(e.Stdout, render.Clean(line, false))
	}
	if t, from := e.defaultTarget(); t != "" {
		print("target", printable(t), from)
	}
	for _, s := range settings() {
		if s.profile && e.Getenv(s.env) == "" {
			continue
		}
		if v, from := e.value(s, nil); v != "" {
			print("--"+s.flag, v, from)
		}
	}
	e.conf.showGate(print)
	for _, name := range e.conf.names() {
		p := e.conf.profile(name)
		for _, path := range slices.Sorted(maps.Keys(p.Settings)) {
			v := p.Settings[path]
			print("@"+name+" "+path, shownSetting(path, v), p.from.origin(v))
		}
	}
}

// showGate prints what no flag says: where things are, and what fails.
func (c configuration) showGate(print func(path, value string, from origin)) {
	for _, path := range []string{"gate.max_suppression_days", "keydesign.schema", "keydesign.baseline", "keydesign.suppressions"} {
		if v, from := c.lookup(path); v != "" {
			print(path, v, from)
		}
	}
	if s := c.first(func(f *config.File) bool { return f.Limits != nil }); s != nil {
		for _, l := range s.Limits {
			print("load.thresholds", l.Text, s.at(l.Line))
		}
	}
	if s := c.first(func(f *config.File) bool { return f.Statuses != nil }); s != nil {
		print("gate.fail_on.status", strings.Join(s.Statuses, ", "), origin(s.Name))
	}
	if s := c.first(func(f *config.File) bool { return f.Rules != nil }); s != nil {
		for _, r := range s.Rules {
			print("rules."+r.ID, r.Severity, s.at(r.Line))
		}
	}
	if s := c.first(func(f *config.File) bool { return f.Budgets != nil }); s != nil {
		for _, b := range s.Budgets {
			print("budgets", strings.TrimSpace(b.Metric+" "+b.Entity)+", "+b.Level, s.at(b.Line))
		}
	}
}

func shownSetting(path string, v config.Setting) string {
	switch {
	case !strings.HasSuffix(path, "_command"):
		return v.Text
	case v.List == nil:
		return "sh -c …"
	}
	return v.List[0] + " …"
}

// printable is a target without its password.
func printable(target string) string {
	if strings.HasPrefix(target, "@") {
		return target
	}
	t, err := kv.ParseTarget(target)
	if err != nil {
		return "<unparsable target>"
	}
	return t.String()
}

func newConfigCheckCmd(env *Env, files *configFlags) *cobra.Command {
	return &cobra.Command{
		Use:     "check",
		Short:   "Read the files and say what is wrong with them",
		Example: "  kvtool config check --config .kvtool.yaml",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			conf, err := env.readConfig(*files)
			if err != nil {
				return err
			}
			if len(conf) == 0 {
				fmt.Fprintln(env.Stdout, "no configuration: there is neither .kvtool.yaml here or above nor kvtool/config.yaml of the user")
			}
			for i := range conf {
				fmt.Fprintf(env.Stdout, "%s: ok, %s\n", render.Clean(conf[i].Name, false), humanize.Counted(int64(len(conf[i].Profiles)), "target"))
			}
			env.conf = conf
			return env.checkTargets()
		},
	}
}

// checkTargets looks for what a file alone does not show: a default target that no file names, a kind that nothing opens.
func (e *Env) checkTargets() error {
	for _, name := range e.conf.names() {
		p := e.conf.profile(name)
		if p.Lists() {
			continue // what it lists is for a run to find out
		}
		if t, err := kv.ParseTarget(p.Settings.Text("url")); err == nil && !e.opens(t.Scheme) {
			return fmt.Errorf("%s: %w", p.from.origin(p.Settings["url"]), e.unknownScheme(t.Scheme))
		}
	}
	target, from := e.defaultTarget()
	name, is := strings.CutPrefix(target, "@")
	if is && e.conf.profile(name) == nil {
		return fmt.Errorf("%s: %w", from, e.noProfile(name))
	}
	return nil
}

func newConfigSchemaCmd(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:     "schema",
		Short:   "Print the JSON Schema of .kvtool.yaml, for editors",
		Example: "  kvtool config schema > kvtool-config.json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			out := json.NewEncoder(env.Stdout)
			out.SetEscapeHTML(false)
			out.SetIndent("", "  ")
			return out.Encode(config.Schema())
		},
	}
}
