package cmd

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/kvtool/kvtool/internal/config"
	"github.com/kvtool/kvtool/kv"
)

// errListTooLong is why the output of a targets_command is no list.
var errListTooLong = kv.Usagef("more than %d MiB: no list of targets is", config.MaxList>>20)

// list runs the targets_command of a profile. What of the list is no target is said, and spoils no other.
func (e *Env) list(ctx context.Context, p *profile) (*config.List, error) {
	at := fmt.Sprintf("%s: targets_command of @%s", p.from.origin(p.Settings["targets_command"]), p.Name)
	text, err := e.output(ctx, p, "targets_command", &head{most: config.MaxList, full: errListTooLong})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", at, err)
	}
	l := config.ParseList("the list @"+p.Name, text)
	switch {
	case len(l.Targets) == 0 && len(l.Bad) > 0:
		return nil, kv.WithHint(fmt.Errorf("%s: %w", at, l.Bad[0]), listHint)
	case len(l.Targets) == 0:
		return nil, kv.WithHint(kv.Usagef("%s: it prints no target", at), listHint)
	}
	const shown = 3
	for _, bad := range l.Bad[:min(shown, len(l.Bad))] {
		e.say("warning", bad.Error())
	}
	if n := l.Wrong - shown; n > 0 {
		e.say("warning", fmt.Sprintf("and %d more lines that name no target", n))
	}
	if l.Duplicates > 0 {
		e.say("warning", fmt.Sprintf("@%s: %d lines of the list name a target again", p.Name, l.Duplicates))
	}
	return l, nil
}

const listHint = "a line is NAME URL, such as: cart-1 redis://cart-1:6379"

// members returns the names of the targets that a list has, as LIST/NAME or as they are known to the configuration, and keeps their
// URLs for ofList. Bad is how many lines name none.
func (e *Env) members(ctx context.Context, p *profile) (names []string, bad int, err error) {
	l, err := e.list(ctx, p)
	if err != nil {
		return nil, 0, err
	}
	if e.listed == nil {
		e.listed = map[string]string{}
	}
	for _, t := range l.Targets {
		name := t.Known
		if name == "" {
			name = p.Name + "/" + t.Name
			e.listed[name] = t.URL
		}
		names = append(names, name)
	}
	return names, l.Wrong, nil
}

// ofList returns the profile of LIST/NAME: that of the list, with the URL that the list has for it. Any other is returned as it is.
func (e *Env) ofList(ctx context.Context, p *profile, name string) (*profile, error) {
	if !p.Lists() {
		return p, nil
	}
	_, member, of := strings.Cut(name, "/")
	if !of {
		return nil, kv.WithHint(kv.Usagef("@%s is a list of targets, and one target is wanted", name), "one of them is @"+name+"/NAME; "+fleetHint)
	}
	if _, known := e.listed[name]; !known {
		names, _, err := e.members(ctx, p)
		if err != nil {
			return nil, err
		}
		if _, known = e.listed[name]; !known {
			err := kv.Usagef("the list @%s has no target %q", p.Name, member)
			if n := nearest(name, names); n != "" {
				err = kv.WithHint(err, "did you mean @"+n+"?")
			}
			return nil, err
		}
	}
	one := *p
	one.Settings = maps.Clone(p.Settings)
	one.Settings["url"] = config.Setting{Text: e.listed[name], Line: p.Settings["targets_command"].Line}
	delete(one.Settings, "targets_command")
	if t, err := kv.ParseTarget(e.listed[name]); err == nil && t.URL == nil {
		for _, key := range []string{"password_command", "password_file", "password_env", "username"} {
			delete(one.Settings, key) // of servers
		}
	}
	return &one, nil
}

// isPattern reports whether the name of a target stands for those that match it.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// matching returns the names of the targets that match a pattern, in order: profiles, and what the lists among them have. Bad counts
// lines of lists that name none.
func (e *Env) matching(ctx context.Context, pattern string) (names []string, bad int, err error) {
	group, _, ofList := strings.Cut(pattern, "/")
	for _, name := range e.conf.names() {
		p := e.conf.profile(name)
		switch {
		case !p.Lists() && !ofList && kv.MatchGlob(pattern, name):
			names = append(names, name)
		case p.Lists() && kv.MatchGlob(group, name):
			members, n, err := e.members(ctx, p)
			if err != nil {
				return nil, 0, err
			}
			bad += n
			for _, m := range members {
				if !ofList || kv.MatchGlob(pattern, m) {
					names = append(names, m)
				}
			}
		}
	}
	if names == nil {
		return nil, 0, e.noMatch(pattern)
	}
	return names, bad, nil
}

// noMatch is the error that nothing matches a pattern, with the names that may have been meant.
func (e *Env) noMatch(pattern string) error {
	err := kv.Usagef("no target matches @%s", pattern)
	all := e.conf.names()
	if len(all) == 0 {
		return kv.WithHint(err, kv.Hint(e.noProfile("")))
	}
	var near []string
	typed := strings.TrimRight(plainPart(pattern), "-._/")
	for _, name := range all {
		n := len(typed) // the beginning may lack a letter, or have one too many
		if nearest(typed, []string{name, name[:min(len(name), n)], name[:min(len(name), n+1)]}) != "" {
			near = append(near, "@"+name)
		}
	}
	const most = 8
	if near == nil {
		for _, name := range all {
			near = append(near, "@"+name)
		}
		return kv.WithHint(err, "targets: "+strings.Join(near[:min(most, len(near))], ", "))
	}
	return kv.WithHint(err, "near it: "+strings.Join(near[:min(most, len(near))], ", "))
}

// plainPart is a pattern up to its first wildcard.
func plainPart(pattern string) string {
	if i := strings.IndexAny(pattern, "*?["); i >= 0 {
		return pattern[:i]
	}
	return pattern
}
