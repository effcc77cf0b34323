package cmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
)

// A value comes from the first of these that has it:
//
//	flag > KVTOOL_* > the project's .kvtool.yaml > the user's kvtool/config.yaml > default
//
// A target of the project hides the user's of that name as a whole. Were they merged key by key, the file of a cloned
// repository could send the user's password for a store to an address of its own.

const projectFile = ".kvtool.yaml"

// configFlags are the flags of every command that say what is read.
type configFlags struct {
	file  string
	trust bool
}

func (o *configFlags) bind(c *cobra.Command) {
	f := c.PersistentFlags()
	f.StringVar(&o.file, "config", "", "read this `FILE`, not .kvtool.yaml nor the user's")
	f.BoolVar(&o.trust, "trust-project", false, "let the project's .kvtool.yaml run programs, and read any file and variable")
}

// A configuration is the files that hold for a run, the first before the second.
type configuration []configSource

// A configSource is one file. What comes with a repository is not trusted to run programs.
type configSource struct {
	*config.File
	dir     string
	trusted bool
}

// An origin says where a value is from, as FILE:LINE or the name of a variable.
type origin string

func (s *configSource) origin(v config.Setting) origin { return s.at(v.Line) }

// at is a line of the file.
func (s *configSource) at(line int) origin { return origin(fmt.Sprintf("%s:%d", s.Name, line)) }

// lookup returns the value at path of the first file that has it.
func (c configuration) lookup(path string) (string, origin) {
	for i := range c {
		if v, ok := c[i].Settings[path]; ok {
			return v.Text, c[i].origin(v)
		}
	}
	return "", ""
}

// A profile is a target with a name, and the file that it is from.
type profile struct {
	config.Profile
	from *configSource
}

// profile returns the first file's profile of a name. That of LIST/NAME, a target of a list, is the list's.
func (c configuration) profile(name string) *profile {
	list, _, of := strings.Cut(name, "/")
	for i := range c {
		if p, ok := c[i].Profiles[list]; ok {
			if of && !p.Lists() {
				return nil
			}
			return &profile{p, &c[i]}
		}
	}
	return nil
}

// names returns the names of all profiles, in order.
func (c configuration) names() []string {
	var names []string
	for _, s := range c {
		names = append(names, s.Names()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// readConfig finds and reads the files.
func (e *Env) readConfig(o configFlags) (configuration, error) {
	if o.file == "" {
		o.file = e.Getenv("KVTOOL_CONFIG")
	}
	if o.file != "" {
		s, err := readSource(o.file, o.file)
		if err != nil {
			return nil, meantFile(err, o.file, kv.Hint(err))
		}
		s.trusted = true // named by who runs it
		return configuration{*s}, nil
	}
	var c configuration
	for _, f := range []struct {
		path    string
		trusted bool
	}{{findUp(projectFile), o.trust}, {e.userFile(), true}} {
		s, err := readSource(f.path, shortPath(f.path))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		s.trusted = f.trusted
		c = append(c, *s)
	}
	return c, nil
}

// findUp returns the path of a file of the project: in the working folder or, within a repository, in the nearest folder
// above up to the repository's. Outside of one nothing above is looked at: anybody can put a file into /tmp.
func findUp(name string) string {
	dir, err := os.Getwd()
	if err != nil {
		return name
	}
	found := ""
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, name)); err == nil && found == "" {
			found = filepath.Join(at, name)
		}
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil && found != "" {
			return found
		} else if err == nil || at == filepath.Dir(at) {
			return filepath.Join(dir, name)
		}
	}
}

// userFile returns the path of the user's file, "" if nobody says where that would be.
func (e *Env) userFile() string {
	if dir := e.Getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "kvtool", "config.yaml")
	}
	if home := e.Getenv("HOME"); home != "" {
		return filepath.Join(home, ".config", "kvtool", "config.yaml")
	}
	return ""
}

// shortPath is a path as it is printed: relative if it is in or above the working folder.
func shortPath(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}

func readSource(path, name string) (*configSource, error) {
	if path == "" {
		return nil, fs.ErrNotExist
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, kv.Usagef("%s: %w", name, reason(err))
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, config.MaxSize+1))
	if err != nil {
		return nil, kv.Usagef("%s: %w", name, reason(err))
	}
	c, err := config.Parse(name, data)
	if err != nil {
		return nil, hintOf(err)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	return &configSource{File: c, dir: dir}, err
}

// hintOf adds what an unknown word of a file was probably meant to be, to each of them.
func hintOf(err error) error {
	var all *yamlfile.Mistakes
	if errors.As(err, &all) {
		for i, one := range all.First {
			all.First[i] = hintOf(one)
		}
		return err
	}
	var e *config.Error
	if !errors.As(err, &e) || e.Typed == "" {
		return err
	}
	meant := alike(e.Typed, e.Known)
	if meant == nil {
		return kv.WithHint(err, "known are "+strings.Join(e.Known, ", "))
	}
	return kv.WithHint(err, "did you mean "+strings.Join(meant, " or ")+"?")
}

// alike returns the names that typed may stand for: the nearest or, failing that, all that begin with the word it is near.
func alike(typed string, names []string) []string {
	typed = strings.ReplaceAll(typed, "-", "_")
	if n := nearest(typed, names); n != "" {
		return []string{n}
	}
	var firsts []string
	for _, n := range names {
		first, _, _ := strings.Cut(n, "_")
		firsts = append(firsts, first)
	}
	first := nearest(typed, firsts)
	var all []string
	for i, n := range names {
		if first != "" && firsts[i] == first {
			all = append(all, n)
		}
	}
	return all
}

// A setting is a flag that may be set elsewhere than on the command line.
type setting struct {
	flag, env string
	path      string // in the file, or in a profile
	profile   bool
}

func settings() []setting {
	return []setting{
		{flag: "rate", env: "KVTOOL_RATE", path: "scan.rate", profile: true},
		{flag: "max-impact", env: "KVTOOL_MAX_IMPACT", path: "scan.max_impact", profile: true},
		{flag: "fail-on", env: "KVTOOL_FAIL_ON", path: "gate.fail_on.severity"},
		{flag: "tolerance", env: "KVTOOL_TOLERANCE", path: "gate.tolerance"},
		{flag: "keys", env: "KVTOOL_KEYS", path: "output.keys"},
		{flag: "color", env: "KVTOOL_COLOR", path: "output.color"},
		{flag: "no-demo", env: "KVTOOL_NO_DEMO", path: "demo"},
		{flag: "practical", env: "KVTOOL_PRACTICAL", path: "load.compare.practical"},
	}
}

// value returns what the environment or the files say of s, and who says it.
func (e *Env) value(s setting, p *profile) (string, origin) {
	if v := e.Getenv(s.env); v != "" {
		return v, origin(s.env)
	}
	if s.profile {
		if p == nil {
			return "", ""
		}
		v := p.Settings[s.path]
		return v.Text, p.from.origin(v)
	}
	v, from := e.conf.lookup(s.path)
	if s.path == "demo" && v != "" { // the flag says the opposite
		v = map[string]string{"true": "false", "false": "true"}[v]
	}
	return v, from
}

// readsConfig marks a command that is configured although its arguments are not called TARGET.
const readsConfig = "reads-config"

// ofLoad marks a flag that says how a load is, and not how a store is read, although it is called as one that does.
const ofLoad = "of-load"

// configure reads the configuration of a command that takes a TARGET, or is marked, and sets the flags that the command line
// does not.
func (e *Env) configure(c *cobra.Command, args []string, o configFlags) error {
	if !strings.Contains(c.Use, "TARGET") && c.Annotations[readsConfig] == "" {
		return nil
	}
	conf, err := e.readConfig(o)
	if err != nil {
		return err
	}
	e.conf, e.configured = conf, true
	ps := []*profile{nil} // of a fleet: each of its targets has settings of its own
	if c.Flags().Lookup("jobs") == nil || !e.isFleet(args) {
		ps = e.profiles(args)
	}
	if err := e.setFlags(c.Flags(), ps[0]); err != nil {
		return err
	}
	if f := c.Flags().Lookup("max-impact"); f != nil {
		e.impact = kv.Impact(*f.Value.(*impact))
	}
	for _, p := range ps {
		if e.spare(c.Flags(), p) {
			fmt.Fprintf(e.Stderr, "kvtool: @%s is env: prod: at most %s (--rate changes that)\n", p.Name, prodWords())
		}
	}
	return nil
}

// profiles returns those of the arguments, or of what stands for none: nil for one that has none.
func (e *Env) profiles(args []string) []*profile {
	if len(args) == 0 {
		args = []string{e.targetOf(args)}
	}
	ps := make([]*profile, len(args))
	for i, a := range args {
		ps[i] = e.conf.profile(strings.TrimPrefix(a, "@"))
	}
	return ps
}

// setFlags sets the flags that nobody has set to what the environment and the files say of them; p may be nil.
func (e *Env) setFlags(flags *pflag.FlagSet, p *profile) error {
	for _, s := range settings() {
		f := flags.Lookup(s.flag)
		if f == nil || f.Changed || s.profile && f.Annotations[ofLoad] != nil {
			continue
		}
		v, from := e.value(s, p)
		if v == "" {
			continue
		}
		if err := f.Value.Set(v); err != nil {
			return kv.WithHint(kv.Usagef("%s: %w", from, err), usageHint(f))
		}
	}
	return nil
}

// prodRate is how fast a store is read that is in production, unless somebody says otherwise: few enough keys a second that
// nobody waits for them.
const prodRate = "20k/s"

func prodWords() string { return strings.Replace(prodRate, "k/s", ",000 keys a second", 1) }

// spare holds the scan of a server in production to prodRate, and reports whether it did.
func (e *Env) spare(flags *pflag.FlagSet, p *profile) bool {
	f := flags.Lookup("rate")
	if p == nil || p.Settings.Text("env") != "prod" || f == nil || f.Value.String() != "" || f.Annotations[ofLoad] != nil {
		return false
	}
	if t, err := kv.ParseTarget(p.Settings.Text("url")); !p.Lists() && (err != nil || t.URL == nil) {
		return false
	}
	return f.Value.Set(prodRate) == nil
}

// targetOf returns the TARGET of a command line, or the one that stands for none; "" if there is none at all.
func (e *Env) targetOf(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	target, _ := e.defaultTarget()
	return target
}

// defaultTarget returns what a command without a TARGET reads, if anybody says so.
func (e *Env) defaultTarget() (string, origin) {
	if t := e.Getenv("KVTOOL_TARGET"); t != "" {
		return t, "KVTOOL_TARGET"
	}
	return e.conf.lookup("target")
}
