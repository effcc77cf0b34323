// Package config reads .kvtool.yaml: the stores that a team calls by name, and what they want of every run. It owns which keys
// there are, what they may hold, and where in the file each value stands; it finds no file, fetches no secret and knows no
// flag, which is the work of cmd.
//
// The one idea is that a key is data (keys.go). The reader, the errors with their suggestions and the JSON Schema for editors
// all follow from one list, so that none of them can know a key that the others do not:
//
//	keys ─┬─▶ Parse    values with their lines, or the mistakes with theirs
//	      └─▶ Schema   docs/schema/config-v1.json
//
// A configuration may come with a cloned repository, so it is input like any other: its size is bounded, it may not refer
// back to itself (no aliases), and whatever is not known is an error.
package config

import (
	"slices"
	"strings"

	"github.com/kvtool/kvtool/internal/yamlfile"
	"github.com/kvtool/kvtool/kv"
)

// MaxSize is how long a file may be, in bytes.
const MaxSize = 256 << 10

// A File is a configuration that was read and has no mistake.
type File struct {
	Name     string             // as it was given to Parse
	Settings Settings           // what holds for every target
	Profiles map[string]Profile // by name, without the @
	Statuses []string           // gate.fail_on.status; nil is not said
	Rules    []Rule
	Budgets  []Budget
	Limits   []Limit // load.thresholds
}

// A Profile is a store with a name.
type Profile struct {
	Name     string
	Line     int
	Settings Settings
}

// Settings are values by the path of their key, such as gate.fail_on.severity; of a profile below its name: scan.rate.
type Settings map[string]Setting

// A Setting is a value and where it stands.
type Setting struct {
	Text string   // of a list: empty
	List []string // of a command with its arguments; nil otherwise
	Line int
}

// Text returns the value at path, "" if there is none.
func (s Settings) Text(path string) string { return s[path].Text }

// An Error is a mistake in a file. It is a usage error.
type Error = yamlfile.Error

// passwords are the keys of a profile that say where its password is; at most one may.
func passwords() []string { return []string{"password_command", "password_file", "password_env"} }

// checkTarget holds the default target to what means the same in every folder.
func (r *reader) checkTarget() error {
	s, ok := r.file.Settings["target"]
	if !ok {
		return nil
	}
	if name, is := strings.CutPrefix(s.Text, "@"); is && r.forms[profiles].MatchString(name) {
		return nil
	}
	t, err := kv.ParseTarget(s.Text)
	switch {
	case err != nil, t.URL == nil && t.Path != "":
		return r.errorf(s.Line, "target: want @NAME, with the url under targets, or a URL")
	case t.HasSecret():
		return r.errorf(s.Line, "target: a password in a file that others read: name the target under targets")
	}
	return nil
}

// checkProfile holds what a profile says in several places against each other.
func (r *reader) checkProfile(p Profile) error {
	if err := r.checkURL(p); err != nil {
		return err
	}
	var named []string
	for _, k := range passwords() {
		if _, ok := p.Settings[k]; ok {
			named = append(named, k)
		}
	}
	if len(named) > 1 {
		line := 0
		for _, k := range named {
			line = max(line, p.Settings[k].Line)
		}
		return r.errorf(line, "target %s has both %s and %s", p.Name, named[0], named[1])
	}
	cert, key := p.Settings["tls.cert"], p.Settings["tls.key"]
	if (cert.Line == 0) != (key.Line == 0) {
		return r.errorf(max(cert.Line, key.Line), "tls: cert and key go together")
	}
	return nil
}

// checkURL holds the url of a profile against what else is said of it; a list of targets takes the place of one.
func (r *reader) checkURL(p Profile) error {
	url, has := p.Settings["url"]
	list, lists := p.Settings["targets_command"]
	switch {
	case has && lists:
		return r.errorf(max(url.Line, list.Line), "target %s has both url and targets_command", p.Name)
	case lists:
		return nil
	case !has:
		return r.errorf(p.Line, "target %s has no url", p.Name)
	}
	t, err := kv.ParseTarget(url.Text)
	if err != nil {
		return r.errorf(url.Line, "url: %v", err)
	}
	if t.HasSecret() {
		return r.errorf(url.Line, "url: a password in a file that others read: use password_file, password_env or password_command")
	}
	if name := p.Settings["username"]; name.Text != "" && t.Username != "" {
		return r.errorf(name.Line, "username: the url names a user already")
	}
	if t.URL != nil {
		return nil
	}
	for _, path := range append(passwords(), "username", "tls.ca", "tls.cert", "tls.key", "tls.server_name", "tls.skip_verify") {
		if s, ok := p.Settings[path]; ok {
			return r.errorf(s.Line, "%s: %s targets are no servers", path, t.Scheme)
		}
	}
	return nil
}

// Lists reports whether the profile stands for a list of targets.
func (p *Profile) Lists() bool {
	_, lists := p.Settings["targets_command"]
	return lists
}

// Names returns the names of the profiles, in order.
func (f *File) Names() []string {
	var names []string
	for n := range f.Profiles {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
